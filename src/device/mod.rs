//! The disks of this machine: what they are, who uses them, and which of them may be written to.
//!
//! ```text
//! sysfs, mountinfo, swaps, /dev/disk/by-id ─▶ sysfs ─▶ blocks + tables ─▶ uses ─▶ Disk ─▶ rules ─▶ Refusal
//!      (text, below a root directory)                                              ▲
//! diskutil's property lists ───────────────▶ diskutil ─────────────────────────────┘
//! ```
//!
//! Nothing here opens a disk, and nothing needs privilege: the kernel tells everybody what is attached. What it tells
//! can be old by the time it is used, so whoever writes opens the disk exclusively and asks again.

pub mod diskutil;
mod elsewhere;
mod error;
mod find;
mod rules;
mod sysfs;
mod text;
mod uses;

use std::path::PathBuf;

use serde::Serialize;

pub use elsewhere::mounted_elsewhere;
pub use error::DeviceError;
pub use find::{find, none_fits};
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
    /// Maker as the disk says, cleaned for showing; may be empty.
    pub vendor: String,
    /// Model as the disk says, cleaned for showing; may be empty.
    pub model: String,
    /// Serial number as the disk says, cleaned for showing.
    pub serial: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Bytes of a logical sector.
    pub sector: u32,
    /// How it is attached.
    pub transport: Transport,
    /// Whether the kernel calls its medium removable. No rule asks: USB disks say either.
    pub removable: bool,
    /// Whether it refuses writes.
    pub read_only: bool,
    /// The kernel's running number of this disk: never given twice while the machine is up.
    pub diskseq: Option<u64>,
    /// Who uses it, or a part of it, or what is stacked on it.
    pub uses: Vec<Use>,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
    /// What is on it as a whole: a file system needs no partition table around it.
    pub content: Content,
    /// The file that a loop device shows as a disk.
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
    /// Anything else, by the kernel's word for it.
    #[serde(untagged)]
    Other(String),
}

/// Somebody who uses a disk.
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
    /// A file system or the like, with the label that it has, cleaned for showing.
    FileSystem { label: Option<String> },
    /// Nothing that udev knows of.
    Nothing,
    /// Nobody has looked: there is no udev.
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
    /// The partition's name in the table, else the label of its file system; cleaned for showing.
    pub label: Option<String>,
}

impl Transport {
    /// The word for it.
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
    /// What the disk calls itself: maker and model, or the file of a loop device.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.backing {
            Some(file) => text::shown(file),
            None if self.vendor.is_empty() || self.model.starts_with(&self.vendor) => self.model.clone(),
            None => format!("{} {}", self.vendor, self.model).trim().to_owned(),
        }
    }

    /// What is on the whole disk, in words that its partitions may follow; nothing if those say all.
    #[must_use]
    pub fn whole(&self) -> Option<String> {
        let none = self.partitions.is_empty();
        let tail = if none { ", no partitions" } else { "" };
        match &self.content {
            Content::FileSystem { label: Some(label) } => Some(format!("a file system \"{label}\"{tail}")),
            Content::FileSystem { label: None } => Some(format!("a file system without a label{tail}")),
            Content::Nothing => none.then(|| "no partitions, no file system that is known".to_owned()),
            Content::Unknown => none.then(|| "no partitions; without udev, a file system is not seen".to_owned()),
        }
    }

    /// Its partition of this name (`sdb1`).
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.name == name)
    }
}
