//! What uses a disk: mounts, swap and volumes, including those of devices that are stacked on it. Pure functions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Use;
use super::text::Mount;

/// A block device: a disk or a partition.
#[derive(Debug, Clone, Default)]
pub(super) struct BlockDevice {
    /// The kernel's name.
    pub(super) name: String,
    pub(super) number: Option<(u32, u32)>,
    /// Names of disks that are made of this device.
    pub(super) holders: Vec<String>,
    /// Its partitions.
    pub(super) parts: Vec<BlockDevice>,
    /// The device mapper's name for it.
    pub(super) mapped: Option<String>,
    /// Its description where it holds other devices (`LVM volume …`).
    pub(super) title: String,
    /// The file or device behind a loop device.
    pub(super) backing: Option<PathBuf>,
}

/// Tables of the kernel on block devices in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) mounts: Vec<Mount>,
    /// Device files of swap areas.
    pub(super) swaps: Vec<String>,
    /// Names of all devices of mounted btrfs file systems; the mount table names only one of them.
    pub(super) btrfs: Vec<String>,
}

/// The uses of the disk `name`, in a fixed order, and the numbers of all devices that are stacked on it.
pub(super) fn uses(blocks: &[BlockDevice], tables: &Tables, name: &str) -> (Vec<Use>, Vec<(u32, u32)>) {
    let mut collector =
        UseCollector { blocks, tables, seen: BTreeSet::new(), uses: BTreeSet::new(), numbers: BTreeSet::new() };
    collector.disk(name);
    (collector.uses.into_iter().collect(), collector.numbers.into_iter().collect())
}

struct UseCollector<'w> {
    blocks: &'w [BlockDevice],
    tables: &'w Tables,
    seen: BTreeSet<String>,
    uses: BTreeSet<Use>,
    numbers: BTreeSet<(u32, u32)>,
}

impl<'w> UseCollector<'w> {
    fn disk(&mut self, name: &str) {
        if !self.seen.insert(name.to_owned()) {
            return;
        }
        let Some(disk) = self.blocks.iter().find(|block| block.name == name) else { return };
        for device in std::iter::once(disk).chain(&disk.parts) {
            self.device(device);
        }
    }

    fn device(&mut self, block: &'w BlockDevice) {
        let device = || block.name.clone();
        self.numbers.extend(block.number);
        let mounts = self.tables.mounts.iter().filter(|mount| {
            // A file system that spans several disks has a number of its own; its source is one of the disks.
            block.number == Some(mount.number) || mount.number.0 == 0 && is_file_of(block, &mount.source)
        });
        let before = self.uses.len();
        self.uses.extend(mounts.map(|mount| Use::Mount { device: device(), path: mount.path.clone() }));
        if self.uses.len() == before && self.tables.btrfs.contains(&block.name) {
            self.uses.insert(Use::Holder { device: device(), name: "a mounted btrfs".to_owned() });
        }
        if self.tables.swaps.iter().any(|file| is_file_of(block, file)) {
            self.uses.insert(Use::Swap { device: device() });
        }
        // The kernel does not list a loop device as a holder of the device behind it.
        let shows = |other: &&BlockDevice| {
            other.backing.as_deref().and_then(Path::to_str).is_some_and(|backing| is_file_of(block, backing))
        };
        let loops = self.blocks.iter().filter(shows).map(|other| other.name.clone());
        for holder in block.holders.iter().cloned().chain(loops) {
            let title = self.blocks.iter().find(|other| other.name == holder).map(|other| &other.title);
            let name = title.filter(|title| !title.is_empty()).unwrap_or(&holder).clone();
            self.uses.insert(Use::Holder { device: device(), name });
            self.disk(&holder);
        }
    }
}

/// Whether `file` is a device file of `block`.
fn is_file_of(block: &BlockDevice, file: &str) -> bool {
    let Some(name) = file.strip_prefix("/dev/") else { return false };
    match name.strip_prefix("mapper/") {
        Some(mapped) => block.mapped.as_deref() == Some(mapped),
        // sysfs writes a slash in a device's name as `!`.
        None => block.name.replace('!', "/") == name,
    }
}
