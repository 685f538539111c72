//! Writes an image to a device, in this order:
//!
//! 1. Wipe the places of partition tables, and verify that they are zero: from here on the device does not boot.
//! 2. Probe the capacity; discard the rest of the old content, where the device can.
//! 3. Write the ranges of all partitions, a few buffers at a time; sync.
//! 4. Read every range back and compare its SHA-256; write ranges that differ again, twice at most.
//! 5. Check that the places of the tables are still zero. Write the tables, the block with the MBR and primary header last.
//!
//! If writing the tables fails, they are wiped again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::error::{Action, WriteError, is_gone};
use super::plan::{Plan, Range};
use super::probe;
use super::protocol::{Event, Phase, StallTimes};
use super::target::{Buffer, Failed, Target, io_error, read_exact, size, sync, write_all};
use super::wipe::{clear, discard, first_used, wipe};
use crate::tree::Digest;

/// How often a range that does not verify is written again.
const REWRITES: u32 = 2;

/// Memory and parallelism.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of a buffer, a multiple of 4096.
    pub buffer: usize,
    /// Number of buffers.
    pub buffers: usize,
    /// Concurrent writes. A stick does one at a time; the second one is ready when the first is done. Reads are as many as
    /// there are buffers, since each thread hashes what it read before it reads on.
    pub in_flight: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { buffer: 2 << 20, buffers: 4, in_flight: 2 }
    }
}

/// Where the bytes to write come from.
pub trait Feed {
    /// Reads the next bytes of the ranges that were requested with [`Event::RequestRanges`].
    ///
    /// # Errors
    /// The sender has stopped.
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<()>;
}

/// A device, the plan for it, and the channels to the parent.
pub struct Writer<'a> {
    pub target: &'a dyn Target,
    pub plan: &'a Plan,
    pub feed: &'a mut dyn Feed,
    /// Reports an event. It fails when the parent is gone, which ends the work.
    pub tell: &'a mut dyn FnMut(Event) -> Result<(), WriteError>,
    pub settings: Settings,
    /// A random value for the tags of the capacity probe, different each time.
    pub nonce: [u8; 16],
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Writer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Writer<'_> {
    /// Carries out all phases.
    ///
    /// # Errors
    /// The device or the feed failed. The device then has no valid partition table.
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
        // These places were wiped. Data that is there now was written to another address.
        let places: Vec<(u64, u64)> = plan.tables.iter().map(|range| (range.offset, range.len)).collect();
        if let Some(at) = first_used(target, &places)? {
            return Err(WriteError::AliasedTable { at });
        }
        let written = self.tables();
        if written.is_err() {
            // This may fail too, since the device may be gone; the first error is the one to report.
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

    fn write(&mut self, phase: Phase, ranges: &[usize]) -> Result<StallTimes, WriteError> {
        self.begin(phase)?;
        self.copy(phase, ranges, &mut Vec::new())
    }

    fn verify(&mut self, phase: Phase, ranges: Vec<usize>) -> Result<(), WriteError> {
        self.begin(phase)?;
        self.check(phase, ranges)
    }

    /// Verifies `ranges`, and writes those that differ again, until all are right.
    fn check(&mut self, phase: Phase, mut ranges: Vec<usize>) -> Result<(), WriteError> {
        let mut differences = Vec::new();
        for round in 0..=REWRITES {
            let wrong = self.compare(phase, &ranges)?;
            let Some(first) = wrong.first() else { return Ok(()) };
            if round == REWRITES {
                return Err(self.mismatch(first, &differences));
            }
            ranges = wrong.into_iter().map(|wrong| wrong.range).collect();
            for &number in &ranges {
                if let Some(Range { part, offset, .. }) = self.plan.range(number) {
                    (self.tell)(Event::Rewrite { part: part.clone(), offset: *offset })?;
                }
            }
            differences.clear();
            self.copy(phase, &ranges, &mut differences)?;
        }
        Ok(())
    }

    /// The error for a range that stays wrong, with the exact address if it is known.
    fn mismatch(&self, wrong: &FailedRange, differences: &[u64]) -> WriteError {
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

    /// Requests `ranges` and writes them, then syncs. In all phases but the first writing, each buffer is also read back at
    /// once, and the first address that differs is added to `differences`.
    fn copy(&mut self, phase: Phase, ranges: &[usize], differences: &mut Vec<u64>) -> Result<StallTimes, WriteError> {
        (self.tell)(Event::RequestRanges { ranges: ranges.to_vec() })?;
        let Settings { buffer, buffers, in_flight } = self.settings;
        let (target, plan) = (self.target, self.plan);
        let sector = u64::from(target.sector());
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let told = |(source, device)| StallTimes { source_ms: millis(source), device_ms: millis(device) };
        let reads_back = phase != Phase::Write;
        let mut waits = (Duration::ZERO, Duration::ZERO);
        thread::scope(|scope| {
            let (full, work) = channel::<WriteJob>();
            let (done, free) = channel::<FinishedWrite>();
            let work = Arc::new(Mutex::new(work));
            for _ in 0..in_flight {
                let (work, done) = (Arc::clone(&work), done.clone());
                scope.spawn(move || write_jobs(target, &work, &done, reads_back));
            }
            drop(done);
            let mut idle: Vec<Buffer> = (0..buffers).map(|_| Buffer::new(buffer)).collect();
            let mut take = |finished: FinishedWrite,
                            waits,
                            idle: &mut Vec<Buffer>,
                            tell: &mut dyn FnMut(Event) -> Result<(), WriteError>| {
                let FinishedWrite { work, result } = finished;
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
                    let work = WriteJob { buffer, len: padded, bytes, at, range: number };
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

    /// Those of `ranges` that have another digest or cannot be read, in their order.
    fn compare(&mut self, phase: Phase, ranges: &[usize]) -> Result<Vec<FailedRange>, WriteError> {
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
                        // After an error the receiver is gone.
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
                    Ok(_) => wrong.push(FailedRange { range: number, error: None }),
                    Err((at, error)) if is_gone(&error) => {
                        next.store(ranges.len(), Ordering::Relaxed);
                        return Err(io_error(Action::Read, &range.part, (at, error)));
                    }
                    // A sector that cannot be read may have been written badly, so it is written again.
                    Err(failed) => wrong.push(FailedRange { range: number, error: Some(failed) }),
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

/// A range that has another digest, or cannot be read.
struct FailedRange {
    range: usize,
    error: Option<Failed>,
}

/// A buffer on its way to the device.
struct WriteJob {
    buffer: Buffer,
    len: usize,
    /// How many of them belong to the range; the rest is padding.
    bytes: u64,
    at: u64,
    range: usize,
}

/// A buffer that was written, and the first address that read back differently, if it was read back.
struct FinishedWrite {
    work: WriteJob,
    result: Result<Option<u64>, Failed>,
}

/// Writes buffers until the channel is closed.
fn write_jobs(target: &dyn Target, work: &Mutex<Receiver<WriteJob>>, done: &Sender<FinishedWrite>, reads_back: bool) {
    let mut copy = reads_back.then(|| Buffer::new(0));
    loop {
        let next = work.lock().ok().and_then(|work| work.recv().ok());
        let Some(work) = next else { return };
        let bytes = &work.buffer[..work.len];
        let result = write_all(target, bytes, work.at).map(|()| {
            let copy = copy.as_mut()?;
            if copy.len() < bytes.len() {
                *copy = Buffer::new(work.buffer.len());
            }
            // A read error is ignored here: the verification that follows reports it.
            read_exact(target, &mut copy[..bytes.len()], work.at).ok()?;
            let first = bytes.iter().zip(copy.iter()).position(|(wrote, read)| wrote != read)?;
            Some(work.at + first as u64)
        });
        if done.send(FinishedWrite { work, result }).is_err() {
            return;
        }
    }
}

/// The SHA-256 of a range as read from the device.
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
