//! A disk image: partition table, slots and seed, each at its place.
//!
//! ```text
//! slot ───▶ layout ─▶ partition table ┐
//!   └─────────────────────────────────┼─▶ range map
//! seed ───────────────────────────────┘
//! ```
//! The layout has room for two slots. The first is filled; the second stays empty until an upgrade fills it.

use std::ops::Range;

use super::layout::{self, Layout, Partition};
use super::map::{Bytes, Extent, Map};
use super::{ImageError, Slot};
use crate::format::spans::Span;
use crate::format::{Sparse, gpt};
use crate::profile::{Board, ImageSettings};

/// A disk whose first slot holds [`Slot`].
#[derive(Debug)]
pub struct Disk<'a> {
    pub slot: &'a Slot<'a>,
    pub layout: Layout,
    board: Board,
    table: Sparse,
    /// The seed partition's file system.
    seed: &'a [u8],
}

impl<'a> Disk<'a> {
    /// The disk for `board` with partitions of the sizes in `settings`.
    ///
    /// # Errors
    /// A partition that is too small for its content, or a table that cannot be made.
    pub fn new(slot: &'a Slot<'a>, board: Board, settings: &ImageSettings, seed: &'a [u8]) -> Result<Self, ImageError> {
        let boot = layout::boot_label(board);
        // The hash tree's partition follows from that of the root.
        for (label, key, needed, size) in [
            ("root-a", "image.root", slot.root_size, settings.root_size),
            ("seed", "image.seed", seed.len() as u64, settings.seed_size),
            (boot, "image.boot", slot.boot.size(), layout::aligned(settings.boot_size)),
        ] {
            if needed > size {
                return Err(ImageError::TooSmall { label, key, needed, size });
            }
        }
        let layout = layout::layout(board, settings, &slot.inputs, slot.root_hash.0);
        let table = gpt::write(layout.disk_guid, layout.size, &layout.entries(), layout.mbr_partitions)?;
        Ok(Self { slot, layout, board, table, seed })
    }

    /// What of the disk holds data.
    pub(super) fn map(&self) -> Map<'_> {
        let Self { slot, layout, board, table, seed } = self;
        let start = |label| layout.partition(label).offset;
        let boot = start(layout::boot_label(*board));
        let root = Bytes::File { file: slot.root, len: slot.root_size };
        let mut extents = vec![
            Extent { offset: start("root-a"), bytes: root },
            Extent { offset: start("root-a-verity"), bytes: Bytes::Memory(&slot.hash_tree) },
            Extent { offset: start("seed"), bytes: Bytes::Memory(seed) },
        ];
        extents.extend(device(0, table));
        extents.extend(device(boot, &slot.boot));
        // Readers look at the zeros in tables and files of a file system too.
        let always: Vec<Span> = slot.boot_used.iter().map(|(from, to)| (boot + from, boot + to)).collect();
        let borders =
            layout.partitions.iter().flat_map(|partition| [partition.offset, partition.offset + partition.size]);
        Map::new(layout.size, extents, &always, borders.collect())
    }

    /// The bytes of the disk that belong to the seed's partition.
    pub(super) fn seed_bytes(&self) -> Range<u64> {
        let Partition { offset, size, .. } = self.layout.partition("seed");
        *offset..offset + size
    }
}

/// The extents of a device that starts at `offset` of the disk.
fn device(offset: u64, device: &Sparse) -> impl Iterator<Item = Extent<'_>> {
    device.extents().map(move |(at, bytes)| Extent { offset: offset + at, bytes: Bytes::Memory(bytes) })
}
