//! `manifest.json`: what an image is, for people, scripts, `inspect`, `diff` and the flash writer.
//!
//! A build makes a [`Manifest`] of what it wrote; everybody else gets one from [`Manifest::parse`]. It is the only way: the type
//! itself cannot be deserialized, only its private form in `wire`:
//!
//! ```text
//! bytes ─▶ safe to print? ─▶ known form? ─▶ fields, digests as digests ─▶ numbers (check) ─▶ Manifest
//! ```

mod check;
#[cfg(test)]
pub(super) mod sample;
mod wire;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Component;
use super::layout::{self, Partition};
use crate::format::signatures;
use crate::format::spans::{Span, union};
use crate::profile::{Board, Profile};
use crate::tree::Digest;

/// Version of the manifest's form. Form 1 knew no hybrid MBR: a program that reads it alone would write a stick that a Pi does
/// not start from.
pub(super) const FORMAT: u32 = 2;
/// The oldest form that is read.
const OLDEST: u32 = 1;

/// An image, described. Its keys are read by `wire`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Version of this form: 2, or 1 of an image that was built before there were hybrid MBRs.
    pub format: u32,
    pub profile: String,
    /// The node whose seed is in the image, and with it that node's secrets; none for an image that can be published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    pub board: String,
    /// Debian's name of the architecture.
    pub arch: String,
    /// Sixteen hexadecimal digits, derived from everything that went in; on the kernel command line too.
    pub image_id: String,
    /// File name of the image beside the manifest.
    pub image: String,
    pub image_sha256: Digest,
    /// Bytes.
    pub image_size: u64,
    /// dm-verity root hash of the root file system, a SHA-256 too.
    pub root_hash: Digest,
    /// Release of the kernel.
    pub kernel: String,
    /// Kernel command line.
    pub cmdline: String,
    /// Seconds since 1970: every time stamp in the image.
    pub epoch: u64,
    /// SHA-256 of the listing of the root tree.
    pub tree_sha256: Digest,
    pub disk_guid: Uuid,
    /// Numbers of the partitions that the MBR has too, in the order of its entries; none if it is a protective one.
    pub hybrid_mbr: Vec<u32>,
    pub partitions: Vec<ManifestPartition>,
    /// The parts of the image that hold data, ascending; all else is zero. None crosses a partition's border.
    pub ranges: Vec<ManifestRange>,
    /// Sorted by name.
    pub packages: Vec<ManifestPackage>,
    /// What else is in it: K3s, container images, files by URL, compiled kernel modules. Sorted by name.
    pub artifacts: Vec<ManifestPackage>,
    pub encoders: Encoders,
}

/// A partition of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPartition {
    pub number: u32,
    pub label: String,
    /// Type GUID.
    #[serde(rename = "type")]
    pub type_guid: Uuid,
    pub guid: Uuid,
    /// Bytes from the start of the image.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// Bytes of the ranges in it; 0 for a slot that holds nothing.
    pub used: u64,
}

/// A part of the image that holds data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRange {
    /// Bytes from the start of the image.
    pub offset: u64,
    /// Bytes, [`RANGE`](super::RANGE) at most.
    pub length: u64,
    pub sha256: Digest,
}

/// A package or artifact in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPackage {
    pub name: String,
    pub version: String,
    pub arch: String,
    /// Of the `.deb`, or of the artifact itself; of kernel modules, of the file that `imgbuild modules export` writes.
    pub sha256: Digest,
    /// Who asks for it, as `overlay:NAME`, `profile:NAME` or `board:NAME`; nobody for what only others need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted_by: Vec<String>,
}

/// What wrote the image: the same versions and settings give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoders {
    pub imgbuild: String,
    /// Version of libzstd.
    pub zstd: String,
    /// Bytes of a block of the root file system.
    pub squashfs_block_size: u32,
    /// zstd level of the root file system.
    pub squashfs_level: i32,
}

/// Why a text is no manifest that this program can go by.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is something else, or incomplete.
    #[error("it is not a manifest of imgbuild")]
    Json(#[from] serde_json::Error),
    /// It has more bytes than [`Manifest::LONGEST`].
    #[error("it is too long for a manifest")]
    TooLong,
    /// It is of another form, whose keys may mean something else.
    #[error("it is a manifest of form {format}, and this program reads forms {OLDEST} to {FORMAT}")]
    Format { format: u64 },
    /// A text in it has control characters, or others that a terminal does not print as they are. No build writes such.
    #[error("it has characters that a terminal obeys or hides, in {key}: no build writes such a manifest")]
    UnsafeText { key: String },
    /// A number or name in it is one that no build writes.
    #[error("{problem}: no build writes such a manifest")]
    Invalid { problem: String },
}

impl ManifestError {
    /// What to do about it, where the error itself tells.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Format { format } if *format > u64::from(FORMAT) => {
                Some("the image was made by a newer imgbuild: update this one".to_owned())
            }
            _ => None,
        }
    }
}

impl Manifest {
    /// Most bytes of a manifest: thousands of ranges and packages.
    pub const LONGEST: u64 = 32 << 20;

    /// Reads a manifest, which may come from anywhere: what it says is shown to people, and decides what is written where.
    ///
    /// # Errors
    /// A text that is no manifest, is of another form than this program knows, or says what no build writes.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        if text.len() as u64 > Self::LONGEST {
            return Err(ManifestError::TooLong);
        }
        let value: Value = serde_json::from_slice(text)?;
        // First of all: errors below may quote a text.
        if let Some(key) = unsafe_text(&value, "") {
            return Err(ManifestError::UnsafeText { key });
        }
        match value.get("format").and_then(Value::as_u64) {
            Some(format) if !(u64::from(OLDEST)..=u64::from(FORMAT)).contains(&format) => {
                Err(ManifestError::Format { format })
            }
            _ => {
                let manifest = wire::read(text)?;
                check::problem(&manifest).map_err(|problem| ManifestError::Invalid { problem })?;
                Ok(manifest)
            }
        }
    }

    /// Bytes of the image that hold data.
    #[must_use]
    pub fn mapped(&self) -> u64 {
        self.ranges.iter().map(|range| range.length).sum()
    }

    /// The partition that a range lies in; none for a range of the partition tables.
    #[must_use]
    pub fn partition_of(&self, range: &ManifestRange) -> Option<&ManifestPartition> {
        let starts_in = |partition: &&ManifestPartition| {
            range.offset.checked_sub(partition.offset).is_some_and(|from| from < partition.size)
        };
        self.partitions.iter().find(starts_in)
    }

    /// Where programs look for signatures of file systems and partition tables on the disk and on each of its partitions, empty
    /// slots included, ascending. A writer that skips what the image has no range for must write these all the same, or old
    /// signatures stay in them.
    #[must_use]
    pub fn signature_places(&self) -> Vec<Span> {
        let within = |start: u64, size: u64| {
            let places = signatures::places(size).into_iter();
            places.map(move |(from, to)| (start.saturating_add(from), start.saturating_add(to)))
        };
        let partitions = self.partitions.iter().flat_map(|part| within(part.offset, part.size));
        // All that lies before the first partition, where boot loaders look.
        let all = partitions.chain(within(0, self.image_size)).chain([(0, layout::ALIGN)]);
        union(all.map(|(start, end)| (start, end.min(self.image_size))))
    }

    /// Bytes that a disk must have for the image, and for the partition `state` that a node makes behind it.
    #[must_use]
    pub fn disk_size(&self) -> u64 {
        self.image_size.saturating_add(layout::STATE_LEAST)
    }
}

/// The key of a text in `value` with characters that a terminal does not print as they are; `key` leads to `value`.
fn unsafe_text(value: &Value, key: &str) -> Option<String> {
    let is_unsafe = |text: &str| text.chars().any(crate::output::is_unsafe_for_terminal);
    match value {
        Value::String(text) => is_unsafe(text).then(|| format!("`{key}`")),
        Value::Array(list) => list.iter().find_map(|value| unsafe_text(value, key)),
        Value::Object(map) => map.iter().find_map(|(name, value)| {
            if is_unsafe(name) { Some("the name of a key".to_owned()) } else { unsafe_text(value, name) }
        }),
        _ => None,
    }
}

impl Manifest {
    /// Why a board may not start from this image, though nothing of it is damaged.
    #[must_use]
    pub fn boot_warning(&self) -> Option<&'static str> {
        boot_warning(&self.board, &self.hybrid_mbr)
    }
}

/// As [`Manifest::boot_warning`], of an image for `board` whose MBR has these partitions.
#[must_use]
pub fn boot_warning(board: &str, in_mbr: &[u32]) -> Option<&'static str> {
    (board == Board::Rpi4.name() && in_mbr.is_empty()).then_some(
        "this image was built for a Raspberry Pi before images had a hybrid MBR: a Pi 4 with a boot EEPROM of February 2025 or \
         newer stops at the rainbow screen with seven flashes; build it again",
    )
}

/// What kind of MBR has these partitions, in words.
#[must_use]
pub fn kind_of_mbr(in_mbr: &[u32]) -> String {
    match in_mbr {
        [] => "protective MBR".to_owned(),
        numbers => {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            format!("hybrid MBR that shows partitions {}", numbers.join(", "))
        }
    }
}

impl ManifestPartition {
    /// Describes `partition` of an image with these ranges.
    pub(super) fn new(partition: &Partition, ranges: &[ManifestRange]) -> Self {
        let &Partition { number, label, type_guid, guid, offset, size, .. } = partition;
        let inside = ranges.iter().filter(|range| (offset..offset + size).contains(&range.offset));
        let used = inside.map(|range| range.length).sum();
        Self { number, label: label.to_owned(), type_guid, guid, offset, size, used }
    }
}

impl Encoders {
    /// What this program writes the image of `profile` with.
    pub(super) fn of(profile: &Profile) -> Self {
        Self {
            imgbuild: env!("CARGO_PKG_VERSION").to_owned(),
            zstd: zstd::zstd_safe::version_string().to_owned(),
            squashfs_block_size: profile.image.block_size,
            squashfs_level: profile.image.compression_level,
        }
    }
}

/// The manifest's list of packages, sorted.
pub(super) fn packages(components: &[Component]) -> Vec<ManifestPackage> {
    let package = |component: &Component| ManifestPackage {
        name: component.name.clone(),
        version: component.version.clone(),
        arch: component.arch.clone(),
        sha256: component.sha256,
        wanted_by: component.wanted_by.clone(),
    };
    let mut packages: Vec<ManifestPackage> = components.iter().map(package).collect();
    packages.sort_by(|a, b| (&a.name, &a.arch).cmp(&(&b.name, &b.arch)));
    packages
}
