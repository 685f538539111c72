//! Removes the old content of a device: its partition tables by overwriting, all else by discarding, where that is fast.

use std::time::{Duration, Instant};

use super::error::{Action, WriteError, is_gone};
use super::plan::Plan;
use super::target::{ALIGN, Buffer, Failed, Target, io_error, read_anywhere, read_exact, size, sync, write_all};
use crate::format::gpt;

const PART: &str = "partition table";

/// Bytes of the first and of the largest discard command. The size doubles each time, so that a slow device is noticed before
/// much time is lost.
const DISCARD: (u64, u64) = (64 << 10, 256 << 20);
/// Bytes per second below which discarding is given up: a device that erases as slowly as it writes gains nothing.
const DISCARD_SPEED: u64 = 1 << 30;
/// Additional time allowed for the first commands.
const DISCARD_START: Duration = Duration::from_millis(5);
/// Most time that discarding may take.
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Bytes read at a time.
const STEP: u64 = 1 << 20;
/// Bytes after which the writer checks again whether it was stopped.
const CHECK_INTERVAL: u64 = 64 << 20;
const BLOCK: u64 = ALIGN as u64;

/// Wipes the places that the plan lists, and the backup table that an old primary header points to, and verifies that they are
/// zero. Blocks that are zero already are not written: reading is faster, and does not wear the stick. `is_wanted` is called
/// from time to time; its error stops the work.
pub(super) fn clear(
    target: &dyn Target,
    plan: &Plan,
    is_wanted: &mut dyn FnMut() -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut since = 0;
    let mut passed = |len: u64| {
        since += len;
        if since < CHECK_INTERVAL {
            return Ok(());
        }
        since = 0;
        is_wanted()
    };
    let mut places = plan.clear.clone();
    let mut first = Buffer::new(ALIGN);
    // If the first block cannot be read, no old backup table is known.
    if read_exact(target, &mut first, 0).is_ok()
        && let Some(at) = gpt::backup_of(&first).map(|at| at / BLOCK * BLOCK)
        && at.checked_add(BLOCK).is_some_and(|end| end <= target.size())
    {
        places.push((at, BLOCK));
    }
    let mut wiped = Vec::new();
    for (offset, len) in places.into_iter().flat_map(steps) {
        let mut buffer = Buffer::new(size(len));
        match read_exact(target, &mut buffer, offset) {
            Ok(()) => wiped.extend(used(&buffer).map(|(at, len)| (offset + at, len))),
            Err((at, error)) if is_gone(&error) => return Err(io_error(Action::Read, PART, (at, error))),
            // A sector that cannot be read can often still be written.
            Err(_) => wiped.push((offset, len)),
        }
        passed(len)?;
    }
    for &place in &wiped {
        zero(target, place)?;
        passed(place.1)?;
    }
    sync(target)?;
    for &place in &wiped {
        if let Some(at) = first_used(target, &[place])? {
            return Err(WriteError::WriteIgnored { at });
        }
        passed(place.1)?;
    }
    Ok(())
}

/// The address of the first byte in `places`, in their order, that is not zero.
pub(super) fn first_used(target: &dyn Target, places: &[(u64, u64)]) -> Result<Option<u64>, WriteError> {
    for place in places {
        if let Some(at) = first_used_of(target, *place).map_err(|failed| io_error(Action::Read, PART, failed))? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// The same as [`first_used`] for one place, which need not begin or end at a sector.
pub(super) fn first_used_of(target: &dyn Target, place: (u64, u64)) -> Result<Option<u64>, Failed> {
    for (offset, len) in steps(place) {
        let mut buffer = vec![0; size(len)];
        read_anywhere(target, &mut buffer, offset).map_err(|error| (offset, error))?;
        if let Some(at) = buffer.iter().position(|byte| *byte != 0) {
            return Ok(Some(offset + at as u64));
        }
    }
    Ok(None)
}

fn steps((offset, len): (u64, u64)) -> impl Iterator<Item = (u64, u64)> {
    (0..len).step_by(size(STEP)).map(move |at| (offset + at, STEP.min(len - at)))
}

/// Offset and length of each run of blocks that are not all zero.
fn used(bytes: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    let blocks = (0..).zip(bytes.chunks(ALIGN)).filter(|(_, block)| block.iter().any(|byte| *byte != 0));
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for (number, block) in blocks {
        let (at, len) = (number * BLOCK, block.len() as u64);
        match runs.last_mut() {
            Some(run) if run.0 + run.1 == at => run.1 += len,
            _ => runs.push((at, len)),
        }
    }
    runs.into_iter()
}

pub(super) fn wipe(target: &dyn Target, places: &[(u64, u64)]) -> Result<(), WriteError> {
    for &place in places {
        zero(target, place)?;
    }
    sync(target)
}

fn zero(target: &dyn Target, place: (u64, u64)) -> Result<(), WriteError> {
    for (offset, len) in steps(place) {
        write_all(target, &Buffer::new(size(len)), offset).map_err(|failed| io_error(Action::Write, PART, failed))?;
    }
    Ok(())
}

/// Discards the whole device, as far as it supports that and is fast enough.
pub(super) fn discard(target: &dyn Target) {
    let started = Instant::now();
    let (mut at, mut step) = (0, DISCARD.0);
    loop {
        let due = DISCARD_TIME.min(DISCARD_START + Duration::from_millis(at * 1000 / DISCARD_SPEED));
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
