//! From an image to a stick that is proved to hold it: the plan, the writer, and what the two halves say to each other.
//!
//! ```text
//! manifest + image (+ seed) ─▶ plan ─┐                  ┌─▶ clear ─▶ probe ─▶ discard ─▶ ranges ─▶ read back ─▶ tables
//!                                    ├─▶ parent ⇄ child ┤
//!                     bytes, proved ─┘      (pipes)     └─▶ events: what is wanted, how far it is, what failed
//! ```
//!
//! The parent has the user's rights: it reads the image and compares each range with the manifest before it sends it. The
//! child may have more rights, and does nothing but write to one device ([`writer`]). The partition tables go first of
//! all and come back last of all, so that a stick is either whole or no disk that anything would boot from.
//!
//! Nothing here knows of real disks but [`block`]: the rest works against [`Target`], an in-memory disk in tests.

#[cfg(target_os = "linux")]
pub mod block;
pub mod child;
mod error;
mod fat;
pub mod parent;
mod plan;
mod prepare;
mod probe;
pub mod protocol;
mod prove;
mod source;
mod target;
#[cfg(target_os = "linux")]
mod udisks;
pub mod verify;
mod wipe;
pub mod writer;

pub use error::{Cause, PlanError, SendError, TooWide, UdisksError, WriteError};
pub use plan::{Plan, Range};
pub use prepare::{Prepared, check};
pub use source::{Opener, Patched, Raw, Seen, Source, Stream};
pub use target::{Buffer, Target};
