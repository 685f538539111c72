//! From finished parts to files: boot partition, partition table, image, manifest, SBOM, listing.
//!
//! ```text
//! squashfs ─▶ verity ─▶ root hash ─▶ command line ─▶ boot files (board) ─▶ FAT32 ┐
//!      └────────────────────────────────────────────────────────────────────────┼─▶ map ─▶ P.img + manifest
//! profile ─▶ layout ─▶ GPT ──────────────────────────────── seed ────────────────┘
//! ```
//!
//! Everything but [`write`] is a pure function of its arguments. Nothing in an image is random: identifiers
//! and salts are derived from what goes in ([`Plan`]).

mod boards;
mod cmdline;
mod derive;
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
pub mod seed;
mod write;

pub use boards::{BootError, BootParts};
pub use cmdline::cmdline;
pub use derive::Plan;
pub use error::ImageError;
pub use kernel::Kernel;
pub use listing::listing;
#[cfg(test)]
pub(crate) use manifest::sample::sample as sample_manifest;
pub use manifest::{Encoders, Manifest, ManifestError, ManifestPackage, ManifestPartition, ManifestRange};
pub use manifest::{caveat, kind_of_mbr};
pub use map::RANGE;
pub use outputs::standing;
pub(crate) use outputs::{Outputs, Readers};
pub use root::{squashfs, without_boot_files};
pub use sbom::{Component, Released, sbom};
pub use write::{Parts, Search, file_names, write};
