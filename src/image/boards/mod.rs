//! What partition 1 holds, by board family: a list of files made from the tree, the initrd and the command line.
//!
//! Templates and the list of what comes from which package lie in the top-level folder `firmware/`, one folder a family.

mod rpi;
mod uefi;

use std::borrow::Cow;

use rayon::prelude::*;
use serde::Deserialize;

use super::derive::InputDigest;
use super::{ImageError, Kernel, layout};
use crate::format::Sparse;
use crate::format::authenticode::AuthenticodeError;
use crate::format::fat::{self, FatError, FatFile};
use crate::format::signing::SigningKey;
use crate::format::uki::UkiError;
use crate::profile::{Arch, Board, Profile};
use crate::tree::{Content, Digest, Tree};

/// What a board's boot files are made of.
#[derive(Debug, Clone, Copy)]
pub struct BootParts<'a> {
    pub profile: &'a Profile,
    /// What all packages and effects made, kernel and boot loaders included.
    pub tree: &'a Tree,
    pub kernel: &'a Kernel,
    /// The compressed initrd.
    pub initrd: &'a [u8],
    pub cmdline: &'a str,
    /// Part of a file's name where the boot files of two images may lie in one directory.
    pub image_id: &'a str,
    /// Signs what UEFI firmware starts.
    pub secure_boot: Option<&'a SigningKey>,
}

/// A file of the boot partition.
#[derive(Debug, Clone)]
struct BootFile {
    path: String,
    content: Content,
}

/// Why a boot partition could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// No kernel in the tree.
    #[error("no kernel: nothing matches `/boot/vmlinuz-*`")]
    NoKernel,
    /// More than one.
    #[error("several kernels ({}), an image boots exactly one", releases.join(", "))]
    SeveralKernels { releases: Vec<String> },
    /// A file that the board needs is not in the tree.
    #[error("`/{path}`, which the boot partition needs, is missing")]
    Missing { path: String, package: String },
    /// A line of config.txt asks for a device tree overlay that the image does not have.
    #[error("`{line}` asks for an overlay that the image does not have: `/{path}`")]
    NoOverlay { line: String, path: String },
    /// A file's content could not be read.
    #[error("cannot read `/{path}`")]
    Read { path: String, source: std::io::Error },
    /// The unified kernel image could not be made.
    #[error("cannot make the unified kernel image")]
    Uki(#[from] UkiError),
    /// A boot file could not be signed.
    #[error("cannot sign `/{path}` for Secure Boot")]
    Sign { path: String, source: AuthenticodeError },
}

impl BootError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoKernel => Some("add a kernel package such as `linux-image-arm64` to the profile's packages".into()),
            Self::SeveralKernels { .. } => Some("keep one kernel package in the profile's packages".into()),
            Self::Missing { package, .. } => Some(format!("it comes from package `{package}`: add it to the profile")),
            Self::NoOverlay { .. } => Some(
                "Debian's `raspi-firmware` has a few; bring others with [[file]], from `boot/overlays` of Raspberry Pi's \
                 firmware: docs/pi.md"
                    .into(),
            ),
            Self::Read { .. } | Self::Uki(_) | Self::Sign { .. } => None,
        }
    }
}

/// The boot partition's file system, as large as the profile makes the partition.
///
/// # Errors
/// Those of making its files; files that do not fit.
pub(super) fn boot_partition(parts: &BootParts<'_>, inputs: &InputDigest) -> Result<Sparse, ImageError> {
    let label = layout::boot_label(parts.profile.board);
    let size = layout::aligned(parts.profile.image.boot_size);
    let files = files(parts)?;
    let contents: Vec<Cow<'_, [u8]>> = files
        .par_iter()
        .map(|file| file.content.read().map_err(|source| BootError::Read { path: file.path.clone(), source }))
        .collect::<Result<_, _>>()?;
    let files: Vec<FatFile<'_>> =
        files.iter().zip(&contents).map(|(file, content)| FatFile { path: &file.path, content }).collect();
    let [a, b, c, d, ..] = inputs.bytes("boot volume");
    let options =
        fat::Options { size, volume_id: u32::from_le_bytes([a, b, c, d]), label: &label.to_ascii_uppercase() };
    fat::write(&files, &options).map_err(|error| {
        let too_small = |needed| ImageError::TooSmall { label, key: "image.boot", needed, size };
        match error {
            // The file system's own tables take the rest.
            FatError::Full { needed, room } => too_small(size - room + needed),
            FatError::BadSize { least, .. } if least > size => too_small(least),
            source => ImageError::Fat { label, source },
        }
    })
}

/// A digest of the names and contents of all files of partition 1: an image's identifiers are derived from it.
///
/// # Errors
/// Those of making the files.
pub(super) fn digest(parts: &BootParts<'_>) -> Result<Digest, BootError> {
    let lines = |file: &BootFile| format!("{}  {}\n", file.content.digest(), file.path);
    let lines: Vec<String> = files(parts)?.par_iter().map(lines).collect();
    Ok(Digest::of(lines.concat().as_bytes()))
}

/// The files of partition 1.
fn files(parts: &BootParts<'_>) -> Result<Vec<BootFile>, BootError> {
    match parts.profile.board {
        Board::Rpi4 => rpi::files(parts),
        Board::UefiArm64 | Board::UefiAmd64 => uefi::files(parts),
    }
}

/// A `blobs.toml`: files taken from packages as they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blobs {
    blob: Vec<Blob>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blob {
    /// The package that has the file, for the hint when it is missing.
    package: String,
    from: String,
    to: String,
}

/// The files that `list`, an embedded `blobs.toml`, names.
fn blobs(list: &str, parts: &BootParts<'_>) -> Result<Vec<BootFile>, BootError> {
    let list: Blobs = toml::from_str(list).expect("a test reads every embedded list");
    let efi = efi_name(parts.profile.board.arch());
    let fill = |text: &str| {
        text.replace("{kernel}", &parts.kernel.release).replace("{efi}", efi).replace("{EFI}", &efi.to_uppercase())
    };
    let taken = |blob: &Blob| {
        let content = content(parts.tree, &fill(&blob.from), &fill(&blob.package))?.clone();
        Ok(BootFile { path: fill(&blob.to), content })
    };
    list.blob.iter().map(taken).collect()
}

/// The file at `path`, which `package` ships.
fn content<'a>(tree: &'a Tree, path: &str, package: &str) -> Result<&'a Content, BootError> {
    tree.file(path).ok_or_else(|| BootError::Missing { path: path.to_owned(), package: package.to_owned() })
}

/// UEFI's name of an architecture (UEFI specification, 3.5.1.1).
fn efi_name(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "x64",
        Arch::Arm64 => "aa64",
    }
}

#[cfg(test)]
mod tests;
