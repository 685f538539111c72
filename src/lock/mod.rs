//! The lock: exactly what an image is made of, in one text file a workspace that reads well in a diff.
//!
//! Locking: a profile and the verified indexes of its sources go through [`lock_profile`]; what comes out is put into
//! the [`Lock`] with [`Lock::put`] and saved. Building: the lock is loaded, [`Lock::expect`] makes sure that
//! it still fits the profile, and [`Lock::downloads`] says what to fetch. Nothing outside the lock is read then.

mod charts;
mod critical;
mod diff;
mod file;
mod images;
mod kernel;
mod kernel_modules;
mod model;
mod narrowed;
mod pins;
mod priority;
mod registered;
mod select;
mod sources;
mod store;
mod upstream;

#[cfg(test)]
mod tests;

pub use critical::{CriticalChange, CriticalChangeError};
pub use diff::{Change, diff};
pub use file::LockFileError;
pub use kernel::{kernel_of, wanted};
pub use kernel_modules::{Indexes, Toolchain, lock_kernel_modules};
pub use model::*;
pub use select::{LockError, Update, lock_profile};
pub use store::{Locked, OutdatedError};
pub use upstream::upstream;
