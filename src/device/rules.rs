//! Which disks may be written to. Every reason against it is a separate value, for tests, messages and JSON alike.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::text::shown;
use super::{Disk, Transport, Use};
use crate::output::bytes;

/// Bytes. Disks above this size are probably not sticks but hold data. What is sold as 256 GB is below it, the next common
/// size above.
pub const LARGE: u64 = 256 << 30;

/// Bytes of a sector, as counted by the partition tables of images.
const SECTOR: u32 = 512;

/// Desktops mount removable media below these directories. A mount elsewhere was made on purpose.
const REMOVABLE: [&str; 3] = ["/media", "/run/media", "/Volumes"];

/// What a disk must fulfil, and which rules are lifted.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Disks above [`LARGE`] may be written to.
    pub allow_large: bool,
    /// Loop devices may be written to.
    pub allow_loop: bool,
    /// Bytes that it must have, for the image and the partition that a node adds behind it.
    pub needed: Option<u64>,
    /// Files and directories whose disk must not be written to: workspace, image, cache.
    pub protected_paths: Vec<PathBuf>,
}

/// Why a disk is not written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum Refusal {
    #[error("{device} is mounted at {}", shown(path))]
    Mounted { device: String, path: PathBuf, removable: bool },
    #[error("{device} is used as swap")]
    Swap { device: String },
    #[error("{device} is part of {holder}")]
    Held { device: String, holder: String },
    #[error("{} is on it", shown(path))]
    #[serde(rename = "keeps")]
    Protected { path: PathBuf },
    #[error("it is neither a USB disk nor a memory card ({transport})")]
    Transport { transport: Transport },
    #[error("it is a loop device")]
    Loop,
    #[error("there is no medium in it")]
    NoMedium,
    #[error("it is read-only")]
    ReadOnly,
    #[error("its sectors have {sector} bytes")]
    Sector { sector: u32 },
    #[error("it has {}, more than a stick usually has", bytes(*size))]
    Large { size: u64 },
    #[error("it has {}, and {} are needed, for the image and the node's own data", amount(*size, *needed), amount(*needed, *size))]
    Small { size: u64, needed: u64 },
}

/// An amount of bytes for a message that also shows `other`: exact if both would read the same.
fn amount(size: u64, other: u64) -> String {
    if bytes(size) == bytes(other) { format!("{size} bytes") } else { bytes(size) }
}

impl Refusal {
    /// What to do about it, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Mounted { device, removable: true, .. } => {
                format!("unmount it: `udisksctl unmount -b /dev/{device}`, or as root `umount /dev/{device}`")
            }
            Self::Protected { .. } => {
                "write to another disk, or move that directory or file to another one first".to_owned()
            }
            Self::Loop => "`--allow-loop` allows it, for trying things out".to_owned(),
            Self::NoMedium => "insert the card".to_owned(),
            Self::ReadOnly => {
                "check the card's write-protect switch; a stick that became read-only by itself is worn out".to_owned()
            }
            Self::Sector { .. } => format!("images are made for disks with sectors of {SECTOR} bytes"),
            Self::Large { .. } => "if it is the right one and nothing on it matters, add `--allow-large`".to_owned(),
            Self::Small { needed, size } => {
                format!("take one of {} at least; a node that runs K3s needs several GiB more", amount(*needed, *size))
            }
            Self::Mounted { .. } | Self::Swap { .. } | Self::Held { .. } | Self::Transport { .. } => return None,
        })
    }
}

impl Disk {
    /// All reasons against writing to this disk, the worst first; none if it may be written to.
    #[must_use]
    pub fn refusals(&self, limits: &Limits) -> Vec<Refusal> {
        let mut found: Vec<Refusal> = self.uses.iter().map(in_use).collect();
        found.extend(
            limits
                .protected_paths
                .iter()
                .filter(|path| self.has(path))
                .map(|path| Refusal::Protected { path: path.clone() }),
        );
        match &self.transport {
            Transport::Loop if limits.allow_loop => {}
            Transport::Loop => found.push(Refusal::Loop),
            portable if portable.is_portable() => {}
            other => found.push(Refusal::Transport { transport: other.clone() }),
        }
        if self.size == 0 {
            // The drive reports nothing else of its medium correctly.
            found.push(Refusal::NoMedium);
            return found;
        }
        if self.read_only {
            found.push(Refusal::ReadOnly);
        }
        if self.sector != SECTOR {
            found.push(Refusal::Sector { sector: self.sector });
        }
        if self.size > LARGE && !limits.allow_large {
            found.push(Refusal::Large { size: self.size });
        }
        match limits.needed {
            Some(needed) if needed > self.size => found.push(Refusal::Small { size: self.size, needed }),
            _ => {}
        }
        found
    }

    /// Whether the file or directory is on this disk, or is the file behind this loop device. For a path that does not exist yet
    /// the nearest existing parent counts.
    fn has(&self, path: &Path) -> bool {
        let Some(real) = path.ancestors().find_map(|path| path.canonicalize().ok()) else { return false };
        if self.backing.as_ref().is_some_and(|backing| *backing == real) {
            return true;
        }
        let Some(device) = device_of(&real) else { return false };
        let is_mount_of = |used: &Use| matches!(used, Use::Mount { path, .. } if device_of(path) == Some(device));
        let number = (rustix::fs::major(device), rustix::fs::minor(device));
        // A file system that spans several disks has a device number of its own, so its mounts are compared too.
        self.numbers.contains(&number) || self.uses.iter().any(is_mount_of)
    }
}

fn device_of(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().ok().map(|metadata| metadata.dev())
}

fn in_use(used: &Use) -> Refusal {
    match used.clone() {
        Use::Mount { device, path } => {
            let removable = REMOVABLE.iter().any(|dir| path.starts_with(dir));
            Refusal::Mounted { device, path, removable }
        }
        Use::Swap { device } => Refusal::Swap { device },
        Use::Holder { device, name } => Refusal::Held { device, holder: name },
    }
}
