//! Takes away what a device held: partition tables for sure, all else as far as it can do that quickly.

use std::time::{Duration, Instant};

use super::error::{Action, WriteError, is_gone};
use super::plan::Plan;
use super::target::{ALIGN, Buffer, Failed, Target, io_error, read_anywhere, read_exact, size, sync, write_all};
use crate::format::gpt;

const PART: &str = "partition table";

/// Bytes that are discarded at first, and at most, at a time. Each time it is twice as much: what is slow is found out
/// before it has cost anything.
const DISCARD: (u64, u64) = (64 << 10, 256 << 20);
/// Bytes a second at which discarding is worth it: a device that erases as slowly as it writes gains nothing.
const DISCARD_SPEED: u64 = 1 << 30;
/// What the first commands may take besides.
const DISCARD_START: Duration = Duration::from_millis(5);
/// How long a device may take over all of it.
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Bytes looked at at a time.
const STEP: u64 = 1 << 20;
/// Bytes after which it is asked again whether anybody still wants the device cleared.
const OFTEN: u64 = 64 << 20;
const BLOCK: u64 = ALIGN as u64;

/// Wipes the places of partition tables, those of an older table included that the old primary header tells of, and what else
/// the plan wants gone; sees that it is. What is zero already is left so: reading is faster than writing, and wears nothing.
/// Stops with what `is_wanted` says, which is asked from time to time.
pub(super) fn clear(
    target: &dyn Target,
    plan: &Plan,
    is_wanted: &mut dyn FnMut() -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut since = 0;
    let mut passed = |len: u64| {
        since += len;
        if since < OFTEN {
            return Ok(());
        }
        since = 0;
        is_wanted()
    };
    let mut places = plan.clear.clone();
    let mut first = Buffer::new(ALIGN);
    // If it cannot be read, it tells of nothing.
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
            // A sector that cannot be read may be one that can be written.
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
            return Err(WriteError::Kept { at });
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

/// As [`first_used`], of one place, however it lies to the borders of sectors.
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

/// Lets the device forget all, as far as it can, quickly.
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
