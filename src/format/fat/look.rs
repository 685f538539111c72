//! A look at a FAT32 file system that somebody else may have written to: what lies in its root directory, and whether it is
//! in order.
//!
//! By Microsoft's "FAT32 File System Specification" 1.03, "FAT Directory Structure" and "Long File Name Implementation".
//! Nothing in it is believed: chains may lead anywhere, and end after so many clusters.

use std::io::{self, Read, Seek, SeekFrom};

use super::Geometry;

/// Bytes of a directory entry.
const ENTRY: usize = 32;
/// Clusters of the root directory that are looked at: some thousand files.
const MOST: u32 = 1024;
/// Bytes of the tables that are compared at a time.
const STEP: u64 = 64 << 10;
const SECTOR: usize = 512;
/// Set in the table's second entry while the volume is not in use.
const CLOSED: u32 = 0x0800_0000;
/// In the boot sector, set by Windows and Linux while it is in use (`FAT_STATE_DIRTY` in the kernel's `fs/fat`).
const STATE: u64 = 65;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Names in the root directory, in its order.
    pub names: Vec<String>,
    /// Whether it was unmounted when it was last written to.
    pub is_closed: bool,
    /// Sectors of 512 bytes in which another table is not as the first.
    pub differing: u64,
}

/// Looks at the file system on `device`.
///
/// # Errors
/// Of reading, and where there is no FAT32.
pub fn look(device: &mut (impl Read + Seek)) -> io::Result<Look> {
    let geometry = Geometry::read(device)?;
    let state = bytes(device, STATE, 1)?[0];
    let is_closed = state & 1 == 0 && entry(device, &geometry, 1)? & CLOSED != 0;
    Ok(Look { names: names(device, &geometry)?, is_closed, differing: differing(device, &geometry)? })
}

fn names(device: &mut (impl Read + Seek), geometry: &Geometry) -> io::Result<Vec<String>> {
    let len = usize::try_from(geometry.cluster).map_err(io::Error::other)?;
    let (mut names, mut long) = (Vec::new(), Vec::new());
    let mut cluster = geometry.root;
    for _ in 0..MOST {
        if cluster < 2 || u64::from(cluster) >= geometry.clusters + 2 {
            break;
        }
        for entry in bytes(device, geometry.offset(cluster), len)?.chunks_exact(ENTRY) {
            match (entry[0], entry[11]) {
                (0, _) => return Ok(names),
                (0xe5, _) => long.clear(),
                // The parts of a long name come last first, each with thirteen characters.
                (_, 0x0f) => {
                    let units = [&entry[1..11], &entry[14..26], &entry[28..32]].concat();
                    let units = units.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
                    long.splice(0..0, units);
                }
                // The volume's label.
                (_, attributes) if attributes & 0x08 != 0 => long.clear(),
                _ => {
                    names.push(if long.is_empty() { short(entry) } else { text(&long) });
                    long.clear();
                }
            }
        }
        cluster = self::entry(device, geometry, cluster)? & 0x0fff_ffff;
    }
    Ok(names)
}

fn text(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}

fn short(entry: &[u8]) -> String {
    let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (name, extension) = (part(&entry[..8]), part(&entry[8..11]));
    if extension.is_empty() { name } else { format!("{name}.{extension}") }
}

fn differing(device: &mut (impl Read + Seek), geometry: &Geometry) -> io::Result<u64> {
    let mut differing = 0;
    for table in 1..geometry.tables {
        let mut at = 0;
        while at < geometry.table_len {
            let len = usize::try_from((geometry.table_len - at).min(STEP)).map_err(io::Error::other)?;
            let one = bytes(device, geometry.table + at, len)?;
            let other = bytes(device, geometry.table + table * geometry.table_len + at, len)?;
            let pairs = one.chunks(SECTOR).zip(other.chunks(SECTOR));
            differing += pairs.filter(|(one, other)| one != other).count() as u64;
            at += len as u64;
        }
    }
    Ok(differing)
}

/// A cluster's entry in the first table.
fn entry(device: &mut (impl Read + Seek), geometry: &Geometry, cluster: u32) -> io::Result<u32> {
    let entry = bytes(device, geometry.table + u64::from(cluster) * 4, 4)?;
    Ok(u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]))
}

fn bytes(device: &mut (impl Read + Seek), at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    device.seek(SeekFrom::Start(at))?;
    device.read_exact(&mut bytes)?;
    Ok(bytes)
}
