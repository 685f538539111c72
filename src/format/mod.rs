//! Writers of file-system and boot formats: bytes in, bytes out, no knowledge of nodes or packages.
//!
//! Each writer has a foreign reader in the tests (kernel, unsquashfs, veritysetup, fsck.fat, sgdisk, depmod,
//! objdump), because a reader of our own might share a mistake with the writer.

pub mod authenticode;
pub(crate) mod bmap;
pub mod cpio;
pub mod efi_variable;
pub mod fat;
pub mod gpt;
pub mod kmod;
pub(crate) mod ldso_cache;
pub mod module_signature;
pub(crate) mod oci_layout;
mod packing;
pub(crate) mod seekable;
pub(crate) mod signatures;
pub mod signing;
pub mod spans;
mod sparse;
pub mod squashfs;
mod store;
pub(crate) mod sums;
pub mod uki;
pub mod verity;

pub use packing::Packing;
pub use sparse::Sparse;
pub use store::{NoStore, Store};
pub use sums::Sums;
