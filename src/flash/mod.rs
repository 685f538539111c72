//! From an image to a stick that was read back and verified: the plan, the writer, and the protocol between the two
//! processes.
//!
//! ```text
//! manifest + image (+ seed) ─▶ plan ─┐                  ┌─▶ clear ─▶ probe ─▶ discard ─▶ ranges ─▶ read back ─▶ tables
//!                                    ├─▶ parent ⇄ child ┤
//!                   verified bytes ─┘      (pipes)     └─▶ events: ranges to send, progress, failures
//! ```
//!
//! The parent has the user's permissions: it reads the image and compares each range with the manifest before it sends it.
//! The child may run as root, and does nothing but write to one device ([`writer`]). It wipes the old partition tables
//! first and writes the new ones last, so that a stick is either complete or does not boot.
//!
//! Only [`block`] knows of real disks: all else works with [`Target`], which is a disk in memory in tests.

#[cfg(target_os = "linux")]
pub(crate) mod block;
pub mod child;
mod error;
mod fat;
pub mod parent;
mod plan;
mod prepare;
mod probe;
pub mod protocol;
mod read_verified;
mod source;
mod target;
#[cfg(target_os = "linux")]
mod udisks;
pub mod verify;
mod wipe;
pub mod writer;

pub use error::{Cause, PlanError, SendError, UdisksError, WindowTooLarge, WriteError};
pub use plan::{Plan, Range};
pub use prepare::{Prepared, check};
pub use source::{Opener, Patched, Raw, Source, Stream, VerifiedSource};
pub use target::{Buffer, Target};
