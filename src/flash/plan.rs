//! Which bytes go where on a device, and in which order.

use serde::{Deserialize, Serialize};

use super::target::ALIGN;
use crate::tree::Digest;

/// Bytes at the start and at the end of a disk that are reserved for its partition tables.
pub(super) const TABLES: u64 = 1 << 20;
/// Every write begins at a multiple of this.
pub(super) const BLOCK: u64 = ALIGN as u64;
/// Bytes of the longest range that a manifest may have: several are held in memory at a time.
const LONGEST: u64 = 16 << 20;
/// Writes of the partition tables: the backup table, the primary table's entries, and its first block.
const TABLE_PARTS: usize = 3;

/// Consecutive bytes that are written and verified together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The label of the partition that it belongs to, for messages.
    pub part: String,
    /// A multiple of 4096.
    pub offset: u64,
    /// In bytes. The rest of the last sector is filled with zeros.
    pub len: u64,
    pub sha256: Digest,
}

/// All that the writer needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Bytes that the image needs.
    pub size_needed: u64,
    /// Bytes of the device that the tables are made for.
    pub device_size: u64,
    /// Offset and length of each place that is wiped first, ascending: where partition tables are or may be, the whole seed
    /// partition, and places without image data where programs look for signatures of file systems.
    pub clear: Vec<(u64, u64)>,
    /// The partitions' data, ascending.
    pub ranges: Vec<Range>,
    /// The partition tables, written last and in this order. The last one is a single block; with it the stick becomes
    /// bootable.
    pub tables: Vec<Range>,
}

impl Plan {
    /// The range with this number: tables are numbered after the data ranges.
    #[must_use]
    pub fn range(&self, number: usize) -> Option<&Range> {
        self.ranges.iter().chain(&self.tables).nth(number)
    }

    /// Checks a plan that came over a pipe, whose sender is not trusted, for what holds for every plan that
    /// [`Prepared::new`](super::Prepared::new) makes: no address overflows, no range is too long for memory, and no byte is
    /// written twice.
    ///
    /// # Errors
    /// A description of what is wrong with the plan.
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

    /// Number of bytes that are written.
    #[must_use]
    pub fn mapped(&self) -> u64 {
        self.ranges.iter().chain(&self.tables).map(|range| range.len).sum()
    }
}
