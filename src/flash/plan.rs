//! Which bytes go where on a device, and in which order: all that its writer has to know.

use serde::{Deserialize, Serialize};

use super::target::ALIGN;
use crate::tree::Digest;

/// The first and the last bytes of a disk, which belong to its partition tables.
pub(super) const TABLES: u64 = 1 << 20;
/// What is written begins at a multiple of this.
pub(super) const BLOCK: u64 = ALIGN as u64;
/// Longest range that a manifest may have: some are held in memory at a time.
const LONGEST: u64 = 16 << 20;
/// Parts that tables are written in: the backup, the primary table's entries, and its first block.
const TABLE_PARTS: usize = 3;

/// Bytes that are written and read back together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// What it is a part of, for messages: a partition's label.
    pub part: String,
    /// A multiple of 4096.
    pub offset: u64,
    /// Up to the next multiple of the sector's size, zeros are written.
    pub len: u64,
    pub sha256: Digest,
}

/// All that the writer has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Bytes that the image needs.
    pub size_needed: u64,
    /// Bytes of the device that the tables are made for.
    pub device_size: u64,
    /// Offset and length of what is wiped first, ascending: where partition tables lie or may lie, the seed's whole partition,
    /// and where the image has nothing, but readers look for something.
    pub clear: Vec<(u64, u64)>,
    /// The partitions' data, ascending.
    pub ranges: Vec<Range>,
    /// The partition tables, written after all else in this order. The last is one block, and makes the stick one that
    /// boots.
    pub tables: Vec<Range>,
}

impl Plan {
    /// Ranges and tables by number.
    #[must_use]
    pub fn range(&self, number: usize) -> Option<&Range> {
        self.ranges.iter().chain(&self.tables).nth(number)
    }

    /// Holds a plan that came over a pipe against what [`Prepared::new`](super::Prepared::new) makes: whoever sent it, no address overflows, no buffer
    /// is longer than a range may be, and there is no more work than the device is long.
    ///
    /// # Errors
    /// What no plan has, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let end = |offset: u64, len: u64| {
            let end = offset.checked_add(len).filter(|end| len > 0 && *end <= self.device_size);
            end.ok_or_else(|| format!("{len} bytes at {offset} are not on a device of {} bytes", self.device_size))
        };
        let disjoint = |spans: &mut dyn Iterator<Item = (u64, u64)>| {
            let mut free = 0;
            for (offset, len) in spans {
                let overlaps = offset < free;
                free = end(offset, len)?;
                if overlaps {
                    return Err(format!("{len} bytes at {offset} come after others that they overlap"));
                }
            }
            Ok(())
        };
        disjoint(&mut self.clear.iter().copied())?;
        disjoint(&mut self.ranges.iter().map(|range| (range.offset, range.len)))?;
        for Range { offset, len, .. } in self.ranges.iter().chain(&self.tables) {
            end(*offset, *len)?;
            if *len > LONGEST {
                return Err(format!("a range of {len} bytes"));
            }
        }
        if self.tables.len() > TABLE_PARTS {
            return Err(format!("{} parts of partition tables", self.tables.len()));
        }
        Ok(())
    }

    /// Bytes that are written.
    #[must_use]
    pub fn mapped(&self) -> u64 {
        self.ranges.iter().chain(&self.tables).map(|range| range.len).sum()
    }
}
