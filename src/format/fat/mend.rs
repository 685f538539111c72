//! Rewrites what `fatfs` 0.3.6 gets wrong in directories, on a finished device.
//!
//! Each subdirectory's first cluster starts with four entries where two belong: a long name for `.`, `.`, a long name
//! for `..`, `..`. The two real ones move to the front, and the two left over are marked as deleted.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::format::Sparse;

/// Bytes of a directory entry.
const ENTRY: usize = 32;
/// Attribute bits of an entry (offset 11).
const DIRECTORY: u8 = 0x10;
const LONG_NAME: u8 = 0x0f;
/// First byte of a deleted entry.
const DELETED: u8 = 0xe5;

/// Where clusters and tables lie, from the boot sector.
struct Volume<'a> {
    device: &'a mut Sparse,
    cluster_bytes: usize,
    table: u64,
    data: u64,
    root: u32,
}

/// Mends all directories of the FAT32 file system on `device`.
///
/// # Errors
/// Of a device that ends before its clusters do.
pub(super) fn directories(device: &mut Sparse) -> io::Result<()> {
    let boot = read(device, 0, 512)?;
    let u16_at = |at: usize| u64::from(u16::from_le_bytes([boot[at], boot[at + 1]]));
    let u32_at = |at: usize| u32::from_le_bytes([boot[at], boot[at + 1], boot[at + 2], boot[at + 3]]);
    let sector = u16_at(11);
    let table = u16_at(14) * sector;
    let data = table + u64::from(boot[16]) * u64::from(u32_at(36)) * sector;
    let cluster_bytes = usize::from(boot[13]) * usize::from(u16::from_le_bytes([boot[11], boot[12]]));
    let root = u32_at(44);
    let mut volume = Volume { device, cluster_bytes, table, data, root };

    let mut todo = vec![root];
    while let Some(first) = todo.pop() {
        let mut cluster = Some(first);
        while let Some(here) = cluster {
            let mut bytes = volume.read_cluster(here)?;
            if here == first && first != root {
                volume.mend_start(&mut bytes);
                volume.write_cluster(here, &bytes)?;
            }
            for entry in bytes.chunks_exact(ENTRY) {
                if entry[11] != LONG_NAME && entry[11] & DIRECTORY != 0 && !matches!(entry[0], b'.' | DELETED) {
                    todo.push(first_cluster(entry));
                }
            }
            cluster = volume.next(here)?;
        }
    }
    Ok(())
}

impl Volume<'_> {
    /// Mends the first cluster of a subdirectory.
    fn mend_start(&self, bytes: &mut [u8]) {
        bytes.copy_within(ENTRY..2 * ENTRY, 0);
        bytes.copy_within(3 * ENTRY..4 * ENTRY, ENTRY);
        bytes[2 * ENTRY..4 * ENTRY].fill(0);
        bytes[2 * ENTRY] = DELETED;
        bytes[3 * ENTRY] = DELETED;
        let parent = &mut bytes[ENTRY..2 * ENTRY];
        if first_cluster(parent) == self.root {
            parent[20..22].fill(0);
            parent[26..28].fill(0);
        }
    }

    fn offset(&self, cluster: u32) -> u64 {
        self.data + u64::from(cluster - 2) * self.cluster_bytes as u64
    }

    fn read_cluster(&mut self, cluster: u32) -> io::Result<Vec<u8>> {
        let offset = self.offset(cluster);
        read(self.device, offset, self.cluster_bytes)
    }

    fn write_cluster(&mut self, cluster: u32, bytes: &[u8]) -> io::Result<()> {
        let offset = self.offset(cluster);
        self.device.seek(SeekFrom::Start(offset))?;
        self.device.write_all(bytes)
    }

    /// The cluster after `cluster` in its chain.
    fn next(&mut self, cluster: u32) -> io::Result<Option<u32>> {
        let entry = read(self.device, self.table + u64::from(cluster) * 4, 4)?;
        let next = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]) & 0x0fff_ffff;
        Ok((next < 0x0fff_fff8).then_some(next))
    }
}

fn first_cluster(entry: &[u8]) -> u32 {
    u32::from_le_bytes([entry[26], entry[27], entry[20], entry[21]])
}

fn read(device: &mut Sparse, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    device.seek(SeekFrom::Start(offset))?;
    device.read_exact(&mut bytes)?;
    Ok(bytes)
}
