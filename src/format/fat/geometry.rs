//! Where things lie in a FAT32 file system, and which of its bytes a reader looks at.
//!
//! From the boot sector, by Microsoft's "FAT32 File System Specification" 1.03, "Boot Sector and BPB Structure" and "FAT
//! Data Structure".

use std::io::{self, Read, Seek, SeekFrom};

use crate::format::spans::{Span, union};

/// [`Geometry::used`] gives whole blocks of so many bytes.
const BLOCK: u64 = 4096;
/// Bytes of the table that are read at a time.
const STEP: usize = 64 << 10;
/// Longest table that is read: clusters of 4 KiB on 64 GiB, which is more than any boot partition has.
const LONGEST: u64 = 64 << 20;
/// The bits of a table entry that are the number of a cluster; the upper four are reserved.
const ENTRY: u32 = 0x0fff_ffff;

/// Sizes and offsets of a FAT32 file system. Offsets are bytes from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a cluster.
    pub cluster: u64,
    /// Where the first of the tables begins; the sectors before it are reserved.
    pub table: u64,
    /// Bytes of a table.
    pub table_len: u64,
    /// How many tables there are, one after the other, all with the same content.
    pub tables: u64,
    /// Where cluster 2 begins, the first that there is.
    pub data: u64,
    /// Number of clusters.
    pub clusters: u64,
    /// First cluster of the root directory.
    pub root: u32,
}

impl Geometry {
    /// Reads the boot sector of the file system on `device`.
    ///
    /// # Errors
    /// Of reading; [`io::ErrorKind::InvalidData`] if there is no FAT32 with sectors of 512 bytes, or one that contradicts
    /// itself.
    pub fn read(device: &mut (impl Read + Seek)) -> io::Result<Self> {
        let mut boot = [0; 512];
        device.seek(SeekFrom::Start(0))?;
        device.read_exact(&mut boot)?;
        Self::parse(&boot).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no FAT32 file system"))
    }

    fn parse(boot: &[u8; 512]) -> Option<Self> {
        let u16_at = |at: usize| u64::from(u16::from_le_bytes([boot[at], boot[at + 1]]));
        let u32_at = |at: usize| u32::from_le_bytes([boot[at], boot[at + 1], boot[at + 2], boot[at + 3]]);
        let sector = u16_at(11);
        let (cluster, tables) = (sector * u64::from(boot[13]), u64::from(boot[16]));
        let (table, table_len) = (u16_at(14) * sector, u64::from(u32_at(36)) * sector);
        let data = table + tables * table_len;
        // FAT12 and FAT16 have a root directory of fixed size, and the size of a table elsewhere.
        let is_fat32 = boot[510..] == [0x55, 0xaa] && u16_at(17) == 0 && u16_at(22) == 0;
        if !is_fat32 || sector != 512 || !boot[13].is_power_of_two() || table == 0 || tables == 0 {
            return None;
        }
        let clusters = (u64::from(u32_at(32)) * sector).checked_sub(data)? / cluster;
        // The first two entries of the table belong to no cluster.
        ((clusters + 2) * 4 <= table_len).then_some(Self {
            cluster,
            table,
            table_len,
            tables,
            data,
            clusters,
            root: u32_at(44),
        })
    }

    /// Where a cluster begins. The first one has the number 2.
    #[must_use]
    pub fn offset(&self, cluster: u32) -> u64 {
        self.data + u64::from(cluster.saturating_sub(2)) * self.cluster
    }

    /// What a reader looks at, in whole blocks of 4096 bytes: the reserved sectors, all tables, and each cluster that the
    /// first table says is in use, to its end. What lies in free clusters nobody sees.
    ///
    /// # Errors
    /// Of reading; [`io::ErrorKind::InvalidData`] if there are more clusters than any boot partition has.
    pub fn used(&self, device: &mut (impl Read + Seek)) -> io::Result<Vec<Span>> {
        if self.table_len > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too large a FAT32 file system"));
        }
        let mut used = vec![(0, self.data)];
        device.seek(SeekFrom::Start(self.table))?;
        let (mut cluster, end) = (0, self.clusters + 2);
        let mut bytes = vec![0; STEP];
        while cluster < end {
            let entries = usize::try_from(end - cluster).map_or(STEP / 4, |left| left.min(STEP / 4));
            device.read_exact(&mut bytes[..entries * 4])?;
            for entry in bytes[..entries * 4].chunks_exact(4) {
                let next = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]) & ENTRY;
                if next != 0 && cluster >= 2 {
                    let start = self.data + (cluster - 2) * self.cluster;
                    match used.last_mut() {
                        Some(last) if start / BLOCK * BLOCK <= last.1 => last.1 = start + self.cluster,
                        _ => used.push((start, start + self.cluster)),
                    }
                }
                cluster += 1;
            }
        }
        Ok(union(used.into_iter().map(|(start, end)| (start / BLOCK * BLOCK, end.next_multiple_of(BLOCK)))))
    }
}
