//! Does a device have the room that it claims? Counterfeits report more than they have: addresses beyond wrap around
//! or keep nothing.
//!
//! Some blocks far from each other get a tag each, and all are read back. Among them are those that a device of a smaller
//! power of two, or of a sixteenth, would take for one another; other sizes go unnoticed here. What matters of the image is
//! read back after writing in any case.

use std::collections::BTreeSet;

use super::error::{Action, WriteError};
use super::plan::{BLOCK, TABLES};
use super::target::{ALIGN, Buffer, Target, io_error, read_exact, sync, write_all};
use super::wipe::wipe;

const PART: &str = "capacity probe";
/// Even steps over the device.
const STEPS: u64 = 16;

/// Writes the tags and reads them back. What was there is lost; where it was wiped (`clear`, offsets and lengths) it is so again.
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
                None => WriteError::Lost { at },
            });
        }
    }
    let is_clear = |at: &u64| clear.iter().any(|(offset, len)| *at < offset + len && *offset < at + BLOCK);
    let cleared: Vec<(u64, u64)> = places.into_iter().filter(is_clear).map(|at| (at, BLOCK)).collect();
    if cleared.is_empty() { Ok(()) } else { wipe(target, &cleared) }
}

/// Where tags go on a device of `size` bytes: behind the first table, its images under smaller powers of two, even steps,
/// and the last block before the backup table.
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
