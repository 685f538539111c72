//! Checks that a device has the capacity that it reports. Counterfeits report more: addresses beyond their storage wrap
//! around, or what is written there is lost.
//!
//! A different tag is written to each of some blocks that lie far apart, and all are read back. The blocks are chosen so
//! that a device whose true size is a smaller power of two, or a multiple of a sixteenth of its reported size, stores two of
//! them at the same place. Other sizes are not noticed here, but all data of the image is verified after writing anyway.

use std::collections::BTreeSet;

use super::error::{Action, WriteError};
use super::plan::{BLOCK, TABLES};
use super::target::{ALIGN, Buffer, Target, io_error, read_exact, sync, write_all};
use super::wipe::wipe;

const PART: &str = "capacity probe";
/// Number of tags at equal distances over the device.
const STEPS: u64 = 16;

/// Writes the tags and reads them back. The old content of these blocks is lost. Blocks in wiped places (`clear`, offsets and
/// lengths) are wiped again.
pub(super) fn probe(target: &dyn Target, nonce: [u8; 16], clear: &[(u64, u64)]) -> Result<(), WriteError> {
    let places = places(target.size());
    let mut buffer = Buffer::new(ALIGN);
    for &at in &places {
        buffer.copy_from_slice(&tag(nonce, at));
        write_all(target, &buffer, at).map_err(|failed| io_error(Action::Write, PART, failed))?;
    }
    sync(target)?;
    for &at in &places {
        read_exact(target, &mut buffer, at).map_err(|failed| io_error(Action::Read, PART, failed))?;
        if *buffer != tag(nonce, at) {
            let other = places.iter().find(|&&other| *buffer == tag(nonce, other));
            return Err(match other {
                Some(&wrote) => WriteError::Aliased { wrote, found: at },
                None => WriteError::NoStorage { at },
            });
        }
    }
    let is_clear = |at: &u64| clear.iter().any(|(offset, len)| *at < offset + len && *offset < at + BLOCK);
    let cleared: Vec<(u64, u64)> = places.into_iter().filter(is_clear).map(|at| (at, BLOCK)).collect();
    if cleared.is_empty() { Ok(()) } else { wipe(target, &cleared) }
}

/// The offsets of the tags on a device of `size` bytes: after the first partition table, at that distance after each power of
/// two, at equal steps, and the last block before the backup table.
fn places(size: u64) -> BTreeSet<u64> {
    let fits = |at: &u64| *at >= TABLES && at + BLOCK <= size.saturating_sub(TABLES);
    let powers = (21..63).map(|power| (1 << power) + TABLES);
    let steps = (0..STEPS).map(|step| size / STEPS / BLOCK * BLOCK * step + TABLES);
    let last = size.saturating_sub(TABLES + BLOCK) / BLOCK * BLOCK;
    powers.take_while(|at| *at < size).chain(steps).chain([last]).filter(fits).collect()
}

fn tag(nonce: [u8; 16], at: u64) -> [u8; ALIGN] {
    let mut block = [0; ALIGN];
    for (number, chunk) in (0_u64..).zip(block.chunks_exact_mut(32)) {
        chunk[..16].copy_from_slice(&nonce);
        chunk[16..24].copy_from_slice(&at.to_le_bytes());
        chunk[24..].copy_from_slice(&number.to_le_bytes());
    }
    block
}
