//! The disks of this machine: what they are, what uses them, and which of them may be written to.
//!
//! ```text
//! sysfs, mountinfo, swaps, /dev/disk/by-id ─▶ sysfs ─▶ blocks + tables ─▶ uses ─▶ Disk ─▶ rules ─▶ Refusal
//!      (text, below a root directory)                                              ▲
//! diskutil's property lists ───────────────▶ diskutil ─────────────────────────────┘
//! ```
//!
//! Nothing here opens a disk or needs root: every user may read what the kernel knows of its disks. A disk may change after
//! that, so the writer opens it exclusively and checks again.

pub mod diskutil;
mod error;
mod find;
mod mount_namespaces;
mod rules;
mod sysfs;
mod text;
mod uses;

use std::path::PathBuf;

use serde::Serialize;

pub use error::DeviceError;
pub use find::{find, none_fits};
pub use mount_namespaces::mounts_in_other_namespaces;
pub use rules::{LARGE, Limits, Refusal};
pub use sysfs::list;

/// A whole disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// The kernel's name (`sdb`).
    pub name: String,
    /// Its device file (`/dev/sdb`).
    pub path: PathBuf,
    /// Names that stay the same whichever port it is plugged into (`/dev/disk/by-id/…`).
    pub by_id: Vec<PathBuf>,
    /// Vendor as reported by the disk, without characters that are unsafe on a terminal; may be empty.
    pub vendor: String,
    /// Model as reported by the disk, without characters that are unsafe on a terminal; may be empty.
    pub model: String,
    /// Serial number as reported by the disk, without characters that are unsafe on a terminal.
    pub serial: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Bytes of a logical sector.
    pub sector: u32,
    /// How it is attached.
    pub transport: Transport,
    /// Whether the kernel calls its medium removable. No rule uses it, since USB disks report either.
    pub removable: bool,
    /// Whether it refuses writes.
    pub read_only: bool,
    /// The kernel's sequence number of this disk, which is not reused until the machine is restarted.
    pub diskseq: Option<u64>,
    /// What uses the disk, a partition of it, or a device that is stacked on them.
    pub uses: Vec<Use>,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
    /// What lies directly on the disk: a file system needs no partition table.
    pub content: Content,
    /// The file behind a loop device.
    pub backing: Option<PathBuf>,
    /// Major and minor numbers of the disk, its partitions and all that is stacked on them: a file whose `st_dev` is
    /// among them is on this disk.
    #[serde(skip)]
    pub numbers: Vec<(u32, u32)>,
}

/// How a disk is attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    Usb,
    /// A memory card in a reader that is not attached by USB mass storage.
    Mmc,
    Nvme,
    Sata,
    Virtio,
    Loop,
    DeviceMapper,
    Raid,
    /// Anything else, by the kernel's name for it.
    #[serde(untagged)]
    Other(String),
}

/// A use of a disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "use", rename_all = "kebab-case")]
pub enum Use {
    /// A file system on `device` is mounted at `path`.
    Mount { device: String, path: PathBuf },
    /// The kernel swaps to `device`.
    Swap { device: String },
    /// A logical volume, an array, an encrypted volume … is made of `device`; `name` says which.
    Holder { device: String, name: String },
}

/// What a disk holds besides partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Content {
    /// A file system or similar, with its label, without characters that are unsafe on a terminal.
    FileSystem { label: Option<String> },
    /// udev knows of nothing.
    Nothing,
    /// Unknown, because there is no udev.
    Unknown,
}

/// A partition of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// The kernel's name (`sdb1`).
    pub name: String,
    pub number: u32,
    /// Where it begins, in bytes.
    pub start: u64,
    /// Size in bytes.
    pub size: u64,
    /// The partition's name in the table, else the label of its file system, without characters that are unsafe on a terminal.
    pub label: Option<String>,
}

impl Transport {
    /// Its name for people.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Usb => "USB",
            Self::Mmc => "memory card",
            Self::Nvme => "NVMe",
            Self::Sata => "SATA",
            Self::Virtio => "virtio",
            Self::Loop => "loop",
            Self::DeviceMapper => "device mapper",
            Self::Raid => "RAID",
            Self::Other(name) => name,
        }
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Disk {
    /// A title for the disk: vendor and model, or the file of a loop device.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.backing {
            Some(file) => text::shown(file),
            None if self.vendor.is_empty() || self.model.starts_with(&self.vendor) => self.model.clone(),
            None => format!("{} {}", self.vendor, self.model).trim().to_owned(),
        }
    }

    /// Describes what lies directly on the disk; a list of partitions may follow it. None if there are only partitions.
    #[must_use]
    pub fn whole(&self) -> Option<String> {
        let none = self.partitions.is_empty();
        let tail = if none { ", no partitions" } else { "" };
        match &self.content {
            Content::FileSystem { label: Some(label) } => Some(format!("a file system \"{label}\"{tail}")),
            Content::FileSystem { label: None } => Some(format!("a file system without a label{tail}")),
            Content::Nothing => none.then(|| "no partitions, no known file system".to_owned()),
            Content::Unknown => none.then(|| "no partitions; whether it has a file system only udev knows".to_owned()),
        }
    }

    /// Its partition of this name (`sdb1`).
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.name == name)
    }
}
