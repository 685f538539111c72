//! Debian archives and packages: signatures, indexes, version order, dependency resolution, `.deb` files.
//!
//! Way of the data: `InRelease` text → verified → index digests → `Packages` stanzas → resolved set; and
//! `.deb` bytes → [`Package`] (control data, scripts, members). Nothing here knows what a node is.

// Numbers here are of foreign files: each sum says what happens when it is too large.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod archive;
pub mod date;
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

/// Memory that decoding an xz file may take, in bytes; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;
