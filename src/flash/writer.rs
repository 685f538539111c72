//! The order of work on a device, against [`Target`].
//!
//! 1. Wipe the places of partition tables, and see that they are wiped: from here on, nothing boots from this device.
//! 2. Probe the capacity; let the device forget the rest, where it can.
//! 3. Write all partitions' ranges, a few buffers at a time; sync.
//! 4. Read every range back and compare its SHA-256; write again what differs, twice at most.
//! 5. See that their places are still empty. Write the tables, the block with the MBR and the primary header last.
//!
//! Whatever fails, the tables are wiped again if they were begun.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::error::{Action, WriteError, is_gone};
use super::plan::{Plan, Range};
use super::probe;
use super::protocol::{Event, Phase, Waits};
use super::target::{Buffer, Failed, Target, io_error, read_exact, size, sync, write_all};
use super::wipe::{clear, discard, first_used, wipe};
use crate::tree::Digest;

/// How often a range is written again.
const AGAIN: u32 = 2;

/// Memory and parallelism.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of a buffer, a multiple of 4096.
    pub buffer: usize,
    /// Buffers.
    pub buffers: usize,
    /// Writes under way: sticks do one thing at a time, and a second is there when it is done. Of reads there are as many as
    /// buffers, since each is hashed before the next.
    pub in_flight: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { buffer: 2 << 20, buffers: 4, in_flight: 2 }
    }
}

/// Where the bytes to write come from.
pub trait Feed {
    /// Reads the next bytes of the ranges that were asked for with [`Event::Want`].
    ///
    /// # Errors
    /// When there will be no more.
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<()>;
}

/// A device, what to do with it, and who is told.
pub struct Writer<'a> {
    pub target: &'a dyn Target,
    pub plan: &'a Plan,
    pub feed: &'a mut dyn Feed,
    /// Fails when nobody listens any more, which ends the work.
    pub tell: &'a mut dyn FnMut(Event) -> Result<(), WriteError>,
    pub settings: Settings,
    /// What tags of the capacity probe are made of: something new each time.
    pub nonce: [u8; 16],
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Writer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Writer<'_> {
    /// Does all of it.
    ///
    /// # Errors
    /// Those of device and feed; the device has no valid partition table then.
    pub fn run(&mut self) -> Result<(), WriteError> {
        let (target, plan) = (self.target, self.plan);
        if (target.size(), target.sector()) != (plan.device_size, 512) || plan.device_size < plan.size_needed {
            let problem = format!("it has {} bytes and sectors of {} bytes", target.size(), target.sector());
            return Err(WriteError::Changed { problem });
        }
        self.begin(Phase::Clear)?;
        clear(target, plan, &mut || (self.tell)(Event::Progress { phase: Phase::Clear, bytes: 0, waits: None }))?;
        self.begin(Phase::Probe)?;
        probe::probe(target, self.nonce, &plan.clear)?;
        self.begin(Phase::Discard)?;
        discard(target);
        let all: Vec<usize> = (0..plan.ranges.len()).collect();
        let waits = self.write(Phase::Write, &all)?;
        self.verify(Phase::Verify, all)?;
        // Data that lies there now was meant for another address.
        let places: Vec<(u64, u64)> = plan.tables.iter().map(|range| (range.offset, range.len)).collect();
        if let Some(at) = first_used(target, &places)? {
            return Err(WriteError::Overlaid { at });
        }
        let written = self.tables();
        if written.is_err() {
            // As far as it goes: the device may be gone.
            let _ = wipe(target, &plan.clear);
        }
        written?;
        (self.tell)(Event::Done(waits))
    }

    fn begin(&mut self, phase: Phase) -> Result<(), WriteError> {
        (self.tell)(Event::Phase { phase })
    }

    fn tables(&mut self) -> Result<(), WriteError> {
        self.begin(Phase::Tables)?;
        let first = self.plan.ranges.len();
        for number in first..first + self.plan.tables.len() {
            self.copy(Phase::Tables, &[number], &mut Vec::new())?;
            self.check(Phase::Tables, vec![number])?;
        }
        Ok(())
    }

    fn write(&mut self, phase: Phase, ranges: &[usize]) -> Result<Waits, WriteError> {
        self.begin(phase)?;
        self.copy(phase, ranges, &mut Vec::new())
    }

    fn verify(&mut self, phase: Phase, ranges: Vec<usize>) -> Result<(), WriteError> {
        self.begin(phase)?;
        self.check(phase, ranges)
    }

    /// Reads `ranges` back until all of them are right.
    fn check(&mut self, phase: Phase, mut ranges: Vec<usize>) -> Result<(), WriteError> {
        let mut differences = Vec::new();
        for round in 0..=AGAIN {
            let wrong = self.compare(phase, &ranges)?;
            let Some(first) = wrong.first() else { return Ok(()) };
            if round == AGAIN {
                return Err(self.mismatch(first, &differences));
            }
            ranges = wrong.into_iter().map(|wrong| wrong.range).collect();
            for &number in &ranges {
                if let Some(Range { part, offset, .. }) = self.plan.range(number) {
                    (self.tell)(Event::Again { part: part.clone(), offset: *offset })?;
                }
            }
            differences.clear();
            self.copy(phase, &ranges, &mut differences)?;
        }
        Ok(())
    }

    /// Why a range is given up, with the very address if it was seen.
    fn mismatch(&self, wrong: &Wrong, differences: &[u64]) -> WriteError {
        let Some(Range { part, offset, len, .. }) = self.plan.range(wrong.range) else { return WriteError::Feed };
        match &wrong.error {
            Some((at, error)) => WriteError::Io {
                action: Action::Read,
                part: part.clone(),
                at: *at,
                source: super::Cause { text: error.to_string(), gone: is_gone(error) },
            },
            None => {
                let at = differences.iter().copied().filter(|at| (*offset..offset + len).contains(at)).min();
                WriteError::Mismatch { part: part.clone(), offset: *offset, len: *len, at }
            }
        }
    }

    /// Asks for `ranges` and writes them, then syncs. But for the first time, each buffer is also read back at once, and
    /// the first address that differs goes to `differences`.
    fn copy(&mut self, phase: Phase, ranges: &[usize], differences: &mut Vec<u64>) -> Result<Waits, WriteError> {
        (self.tell)(Event::Want { ranges: ranges.to_vec() })?;
        let Settings { buffer, buffers, in_flight } = self.settings;
        let (target, plan) = (self.target, self.plan);
        let sector = u64::from(target.sector());
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let told = |(source, device)| Waits { source_ms: millis(source), device_ms: millis(device) };
        let closely = phase != Phase::Write;
        let mut waits = (Duration::ZERO, Duration::ZERO);
        thread::scope(|scope| {
            let (full, work) = channel::<Work>();
            let (done, free) = channel::<Finished>();
            let work = Arc::new(Mutex::new(work));
            for _ in 0..in_flight {
                let (work, done) = (Arc::clone(&work), done.clone());
                scope.spawn(move || serve(target, &work, &done, closely));
            }
            drop(done);
            let mut idle: Vec<Buffer> = (0..buffers).map(|_| Buffer::new(buffer)).collect();
            let mut take = |finished: Finished,
                            waits,
                            idle: &mut Vec<Buffer>,
                            tell: &mut dyn FnMut(Event) -> Result<(), WriteError>| {
                let Finished { work, result } = finished;
                let part = plan.range(work.range).map_or("", |range| &range.part);
                if let Some(at) = result.map_err(|failed| io_error(Action::Write, part, failed))? {
                    differences.push(at);
                }
                if phase != Phase::Verify {
                    tell(Event::Progress { phase, bytes: work.bytes, waits: Some(told(waits)) })?;
                }
                idle.push(work.buffer);
                Ok(())
            };
            for &number in ranges {
                let range = plan.range(number).ok_or(WriteError::Feed)?;
                let mut at = range.offset;
                let end = range.offset + range.len;
                while at < end {
                    let bytes = (end - at).min(buffer as u64);
                    let started = Instant::now();
                    while idle.is_empty() {
                        take(free.recv().map_err(|_| WriteError::Feed)?, waits, &mut idle, self.tell)?;
                    }
                    let waited = Instant::now();
                    let mut buffer = idle.pop().unwrap_or_else(|| Buffer::new(buffer));
                    let (len, padded) = (size(bytes), size(bytes.next_multiple_of(sector)));
                    self.feed.read(&mut buffer[..len]).map_err(|_| WriteError::Feed)?;
                    buffer[len..padded].fill(0);
                    waits.0 += waited.elapsed();
                    waits.1 += waited - started;
                    let work = Work { buffer, len: padded, bytes, at, range: number };
                    full.send(work).map_err(|_| WriteError::Feed)?;
                    at += bytes;
                    while let Ok(finished) = free.try_recv() {
                        take(finished, waits, &mut idle, self.tell)?;
                    }
                }
            }
            drop(full);
            let started = Instant::now();
            for finished in free {
                take(finished, waits, &mut idle, self.tell)?;
            }
            waits.1 += started.elapsed();
            Ok(())
        })?;
        let started = Instant::now();
        sync(target)?;
        waits.1 += started.elapsed();
        Ok(told(waits))
    }

    /// Those of `ranges` whose bytes are not the right ones, in their order.
    fn compare(&mut self, phase: Phase, ranges: &[usize]) -> Result<Vec<Wrong>, WriteError> {
        let (target, plan, settings) = (self.target, self.plan, self.settings);
        let next = AtomicUsize::new(0);
        let mut wrong = Vec::new();
        thread::scope(|scope| {
            let (told, results) = channel();
            for _ in 0..settings.buffers {
                let (told, next) = (told.clone(), &next);
                scope.spawn(move || {
                    let mut buffer = Buffer::new(settings.buffer);
                    while let Some(&number) = ranges.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let Some(range) = plan.range(number) else { return };
                        let found = digest(target, range, &mut buffer);
                        // Nobody listens any more after an error.
                        if told.send((number, range, found)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(told);
            for (number, range, found) in results {
                match found {
                    Ok(found) if found == range.sha256 => {}
                    Ok(_) => wrong.push(Wrong { range: number, error: None }),
                    Err((at, error)) if is_gone(&error) => {
                        next.store(ranges.len(), Ordering::Relaxed);
                        return Err(io_error(Action::Read, &range.part, (at, error)));
                    }
                    // A sector that cannot be read may be one that was not written well.
                    Err(failed) => wrong.push(Wrong { range: number, error: Some(failed) }),
                }
                if phase == Phase::Verify
                    && let Err(error) = (self.tell)(Event::Progress { phase, bytes: range.len, waits: None })
                {
                    next.store(ranges.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
            Ok(())
        })?;
        wrong.sort_by_key(|wrong| wrong.range);
        Ok(wrong)
    }
}

/// A range that is not what it must be, or cannot be read.
struct Wrong {
    range: usize,
    error: Option<Failed>,
}

/// A buffer on its way to the device.
struct Work {
    buffer: Buffer,
    len: usize,
    /// Of them, bytes of the range.
    bytes: u64,
    at: u64,
    range: usize,
}

/// A buffer that was written, and the first address that did not read back, if that was looked at.
struct Finished {
    work: Work,
    result: Result<Option<u64>, Failed>,
}

/// Writes what comes until no more comes.
fn serve(target: &dyn Target, work: &Mutex<Receiver<Work>>, done: &Sender<Finished>, closely: bool) {
    let mut copy = closely.then(|| Buffer::new(0));
    loop {
        let next = work.lock().ok().and_then(|work| work.recv().ok());
        let Some(work) = next else { return };
        let bytes = &work.buffer[..work.len];
        let result = write_all(target, bytes, work.at).map(|()| {
            let copy = copy.as_mut()?;
            if copy.len() < bytes.len() {
                *copy = Buffer::new(work.buffer.len());
            }
            // What cannot be read here is told by the comparison that follows.
            read_exact(target, &mut copy[..bytes.len()], work.at).ok()?;
            let first = bytes.iter().zip(copy.iter()).position(|(wrote, read)| wrote != read)?;
            Some(work.at + first as u64)
        });
        if done.send(Finished { work, result }).is_err() {
            return;
        }
    }
}

/// The SHA-256 of a range as the device has it.
pub(super) fn digest(target: &dyn Target, range: &Range, buffer: &mut Buffer) -> Result<Digest, Failed> {
    let sector = u64::from(target.sector());
    let mut hash = Sha256::new();
    let (mut at, end) = (range.offset, range.offset + range.len);
    while at < end {
        let bytes = (end - at).min(buffer.len() as u64);
        let padded = size(bytes.next_multiple_of(sector));
        read_exact(target, &mut buffer[..padded], at)?;
        hash.update(&buffer[..size(bytes)]);
        at += bytes;
    }
    Ok(Digest(hash.finalize().into()))
}
