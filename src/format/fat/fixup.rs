//! Rewrites what `fatfs` 0.3.6 gets wrong in directories, on a finished device.
//!
//! Each subdirectory's first cluster starts with four entries where two belong: a long name for `.`, `.`, a long name
//! for `..`, `..`. The two real ones move to the front, and the two left over are marked as deleted.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::Geometry;
use crate::format::Sparse;

/// Bytes of a directory entry.
const ENTRY: usize = 32;
/// Attribute bits of an entry (offset 11).
const DIRECTORY: u8 = 0x10;
const LONG_NAME: u8 = 0x0f;
/// First byte of a deleted entry.
const DELETED: u8 = 0xe5;

/// A finished device.
struct Volume<'a> {
    device: &'a mut Sparse,
    geometry: Geometry,
}

/// Corrects all directories of the FAT32 file system on `device`.
///
/// # Errors
/// Of a device that ends before its clusters do.
pub(super) fn directories(device: &mut Sparse) -> io::Result<()> {
    let geometry = Geometry::read(device)?;
    let root = geometry.root;
    let mut volume = Volume { device, geometry };

    let mut todo = vec![root];
    while let Some(first) = todo.pop() {
        let mut cluster = Some(first);
        while let Some(here) = cluster {
            let mut bytes = volume.read_cluster(here)?;
            if here == first && first != root {
                volume.fix_start(&mut bytes);
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
    /// Corrects the first cluster of a subdirectory.
    fn fix_start(&self, bytes: &mut [u8]) {
        bytes.copy_within(ENTRY..2 * ENTRY, 0);
        bytes.copy_within(3 * ENTRY..4 * ENTRY, ENTRY);
        bytes[2 * ENTRY..4 * ENTRY].fill(0);
        bytes[2 * ENTRY] = DELETED;
        bytes[3 * ENTRY] = DELETED;
        let parent = &mut bytes[ENTRY..2 * ENTRY];
        if first_cluster(parent) == self.geometry.root {
            parent[20..22].fill(0);
            parent[26..28].fill(0);
        }
    }

    fn read_cluster(&mut self, cluster: u32) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.geometry.cluster).map_err(io::Error::other)?;
        read(self.device, self.geometry.offset(cluster), len)
    }

    fn write_cluster(&mut self, cluster: u32, bytes: &[u8]) -> io::Result<()> {
        self.device.seek(SeekFrom::Start(self.geometry.offset(cluster)))?;
        self.device.write_all(bytes)
    }

    /// The cluster after `cluster` in its chain.
    fn next(&mut self, cluster: u32) -> io::Result<Option<u32>> {
        let entry = read(self.device, self.geometry.table + u64::from(cluster) * 4, 4)?;
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
