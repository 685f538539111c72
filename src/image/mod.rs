//! From finished parts to files: boot partition, partition table, image, manifest, SBOM, listing.
//!
//! ```text
//! squashfs, kernel, initrd ─▶ Slot (root, verity tree, boot files) ─▶ Disk (GPT, slots, seed) ─▶ P.img + manifest
//! ```
//!
//! A [`Slot`] is everything that a node boots; a [`Disk`] is the places of slots and seed; [`write`] makes files of it.
//! Nothing in an image is random: identifiers and salts are derived from what goes in.

mod boards;
mod brought;
mod cmdline;
mod derive;
mod disk;
mod error;
pub mod initrd;
pub mod k3s;
mod kernel;
pub mod layout;
mod listing;
mod manifest;
mod map;
pub mod node;
mod outputs;
mod root;
mod sbom;
pub(crate) mod seed;
mod slot;
mod write;

pub use boards::{BootError, BootParts};
pub use brought::{Brought, brought};
pub use cmdline::cmdline;
pub use disk::Disk;
pub use error::ImageError;
pub use kernel::Kernel;
pub use listing::listing;
#[cfg(test)]
pub(crate) use manifest::sample::sample as sample_manifest;
pub use manifest::{Encoders, Manifest, ManifestError, ManifestPackage, ManifestPartition, ManifestRange};
pub use manifest::{boot_warning, kind_of_mbr};
pub use map::RANGE;
pub(crate) use outputs::{Outputs, Visibility};
pub use root::{squashfs, without_boot_files};
pub use sbom::{ArtifactComponent, Component, Made, sbom};
pub use slot::{Slot, SlotParts};
pub use write::{Image, SecretSearch, file_names, write};
