//! Takes away what a device held: partition tables for sure, all else as far as it can do that quickly.

use std::time::{Duration, Instant};

use super::error::Action;
use super::target::{ALIGN, Buffer, Target, read_exact, write_all};
use super::writer::{io_error, size, sync};
use super::{Plan, WriteError};
use crate::format::gpt;

/// Bytes that are discarded at first, and at most, at a time.
const DISCARD: (u64, u64) = (1 << 20, 256 << 20);
/// Bytes a second at which discarding is worth it: a device that erases as slowly as it writes gains nothing.
const DISCARD_SPEED: u64 = 1 << 30;
/// How long a device may take over all of it.
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Wipes the places of partition tables, those of an older table included that the old primary header tells of.
pub(super) fn clear(target: &dyn Target, plan: &Plan) -> Result<(), WriteError> {
    const PART: &str = "partition table";
    let mut places = plan.clear.clone();
    let mut first = Buffer::new(ALIGN);
    read_exact(target, &mut first, 0).map_err(|failed| io_error(Action::Read, PART, failed))?;
    let block = ALIGN as u64;
    if let Some(at) = gpt::backup_of(&first).map(|at| at / block * block)
        && at + block <= target.size()
    {
        places.push((at, block));
    }
    wipe(target, &places)?;
    for &(offset, len) in &places {
        let mut buffer = Buffer::new(size(len));
        read_exact(target, &mut buffer, offset).map_err(|failed| io_error(Action::Read, PART, failed))?;
        if let Some(at) = buffer.iter().position(|byte| *byte != 0) {
            return Err(WriteError::Kept { at: offset + at as u64 });
        }
    }
    Ok(())
}

pub(super) fn wipe(target: &dyn Target, places: &[(u64, u64)]) -> Result<(), WriteError> {
    for &(offset, len) in places {
        write_all(target, &Buffer::new(size(len)), offset)
            .map_err(|failed| io_error(Action::Write, "partition table", failed))?;
    }
    sync(target)
}

/// Lets the device forget all, as far as it can, quickly.
pub(super) fn discard(target: &dyn Target) {
    let started = Instant::now();
    let (mut at, mut step) = (0, DISCARD.0);
    loop {
        let due = DISCARD_TIME.min(Duration::from_millis(30 + at * 1000 / DISCARD_SPEED));
        if at >= target.size() || started.elapsed() > due {
            return;
        }
        let end = (at + step).min(target.size());
        if target.discard(at..end).is_err() {
            return;
        }
        (at, step) = (end, (step * 2).min(DISCARD.1));
    }
}
