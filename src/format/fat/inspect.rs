//! What a FAT32 file system tells of those who have written to it since: what lies in its root directory, and whether it is in
//! order.

use std::io::{self, Read, Seek};

use super::Volume;

/// Bytes of the tables that are compared at a time.
const STEP: u64 = 64 << 10;
const SECTOR: usize = 512;
/// Set in the table's second entry while the volume is not in use.
const CLOSED: u32 = 0x0800_0000;
/// In the boot sector, set by Windows and Linux while it is in use (`FAT_STATE_DIRTY` in the kernel's `fs/fat`).
const STATE: u64 = 65;

/// What it holds, and whether it is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
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
pub fn inspect(device: &mut (impl Read + Seek)) -> io::Result<Condition> {
    let mut volume = Volume::open(device)?;
    let state = volume.bytes(STATE, 1)?[0];
    let is_closed = state & 1 == 0 && volume.entry(1)? & CLOSED != 0;
    let names = volume.directory("")?.into_iter().map(|entry| entry.name).collect();
    Ok(Condition { names, is_closed, differing: differing(&mut volume)? })
}

/// Sectors in which another table is not as the first.
fn differing(volume: &mut Volume<impl Read + Seek>) -> io::Result<u64> {
    let geometry = volume.geometry;
    let mut differing = 0;
    for table in 1..geometry.tables {
        let mut at = 0;
        while at < geometry.table_len {
            let len = (geometry.table_len - at).min(STEP);
            let one = volume.bytes(geometry.table + at, len)?;
            let other = volume.bytes(geometry.table + table * geometry.table_len + at, len)?;
            let pairs = one.chunks(SECTOR).zip(other.chunks(SECTOR));
            differing += pairs.filter(|(one, other)| one != other).count() as u64;
            at += len;
        }
    }
    Ok(differing)
}
