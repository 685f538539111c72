//! Who uses a disk: mounts, swap and volumes, also those that are stacked on others. Pure.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Use;
use super::text::Mount;

/// A block device: a disk or a partition.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// The kernel's name.
    pub(super) name: String,
    pub(super) number: Option<(u32, u32)>,
    /// Names of disks that are made of this device.
    pub(super) holders: Vec<String>,
    /// Its partitions.
    pub(super) parts: Vec<Block>,
    /// The device mapper's name for it.
    pub(super) mapped: Option<String>,
    /// What it is, as the holder of others.
    pub(super) title: String,
    /// The file or device that a loop device shows.
    pub(super) backing: Option<PathBuf>,
}

/// What else the kernel knows of block devices in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) mounts: Vec<Mount>,
    /// Device files of swap areas.
    pub(super) swaps: Vec<String>,
    /// Names of devices that a mounted btrfs is made of; its mounts name one of them only.
    pub(super) btrfs: Vec<String>,
}

/// Who uses the disk `name`, in a fixed order, and the numbers of all devices that are on it.
pub(super) fn uses(blocks: &[Block], tables: &Tables, name: &str) -> (Vec<Use>, Vec<(u32, u32)>) {
    let mut walk = Walk { blocks, tables, seen: BTreeSet::new(), uses: BTreeSet::new(), numbers: BTreeSet::new() };
    walk.disk(name);
    (walk.uses.into_iter().collect(), walk.numbers.into_iter().collect())
}

struct Walk<'w> {
    blocks: &'w [Block],
    tables: &'w Tables,
    seen: BTreeSet<String>,
    uses: BTreeSet<Use>,
    numbers: BTreeSet<(u32, u32)>,
}

impl<'w> Walk<'w> {
    fn disk(&mut self, name: &str) {
        if !self.seen.insert(name.to_owned()) {
            return;
        }
        let Some(disk) = self.blocks.iter().find(|block| block.name == name) else { return };
        for device in std::iter::once(disk).chain(&disk.parts) {
            self.device(device);
        }
    }

    fn device(&mut self, block: &'w Block) {
        let device = || block.name.clone();
        self.numbers.extend(block.number);
        let mounts = self.tables.mounts.iter().filter(|mount| {
            // A file system that spans disks has a number of its own; its source is one of the disks.
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
        // Loop devices of a device are no holders to the kernel.
        let shows = |other: &&Block| {
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
fn is_file_of(block: &Block, file: &str) -> bool {
    let Some(name) = file.strip_prefix("/dev/") else { return false };
    match name.strip_prefix("mapper/") {
        Some(mapped) => block.mapped.as_deref() == Some(mapped),
        // The kernel cannot have a slash in a name.
        None => block.name.replace('!', "/") == name,
    }
}
