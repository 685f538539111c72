//! Debian archives and packages: signatures, indexes, version order, dependency resolution, `.deb` files.
//!
//! Data flow: `InRelease` text → verified → index digests → `Packages` stanzas → resolved set; and
//! `.deb` bytes → [`Package`] (control data, scripts, members). Nothing here knows what a node is.

// Numbers here come from files of others, so every sum handles overflow.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod archive;
pub(crate) mod date;
pub mod deb;
pub mod deb822;
pub mod index;
pub mod mirror;
pub mod openpgp;
mod package;
pub mod relation;
pub mod release;
pub mod resolve;
pub mod version;

pub use package::{Member, Package};

/// Most bytes of memory for decoding an xz file; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;
