//! Debian archives and packages: signatures, indexes, version order, dependency resolution, `.deb` files.
//!
//! Way of the data: `InRelease` text → verified → index digests → `Packages` stanzas → resolved set; and
//! `.deb` bytes → [`Package`] (control data, scripts, members). Nothing here knows what a node is.

mod package;

pub use package::{Member, Package};
