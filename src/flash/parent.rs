//! The process that has the image: it sends the ranges that the child requests, each after its SHA-256 was verified.

use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::protocol::{Event, Job, Phase, StallTimes, VERSION};
use super::read_verified::read_verified;
use super::{Plan, SendError, Source, WriteError};

/// Why a flash failed.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// The image could not be read or is damaged.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The device could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The child could not be started.
    #[error("cannot start the writer: {source}")]
    Start { source: io::Error },
    /// The child ended before it opened the device: the program `by` (sudo, …) did not start it.
    #[error("{by} did not start the writer: nothing was written")]
    NotStarted { by: String },
    /// The child ended without reporting success or failure.
    #[error("the writer has stopped before it was done")]
    Vanished,
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// Carries out `plan` through a child process, whose standard input is `input` and whose standard output is `output`.
/// `tell` gets its events. When `stopped` returns true, the child gets no more bytes and ends. Only the last phase, the
/// partition tables, is always finished: it is short, and breaking it off would leave the state of the device unknown.
///
/// # Errors
/// Failures of the image, the device or the child.
pub fn serve(
    plan: &Plan,
    source: &dyn Source,
    mut input: impl Write,
    output: impl BufRead + Send,
    mut tell: impl FnMut(&Event) + Send,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<StallTimes, FlashError> {
    let at_tables = AtomicBool::new(false);
    let stopped = &|| stopped() && !at_tables.load(Ordering::SeqCst);
    let job = Job { version: VERSION, plan: plan.clone() };
    let mut line = serde_json::to_vec(&job).map_err(|_| FlashError::Vanished)?;
    line.push(b'\n');
    thread::scope(|scope| {
        let (wants, wanted) = channel();
        let at_tables = &at_tables;
        let events = scope.spawn(move || {
            listen(output, &mut |event| {
                if let Event::Phase { phase: Phase::Tables } = event {
                    at_tables.store(true, Ordering::SeqCst);
                }
                tell(&event);
                // When this thread stops reading, the child's next write fails, which ends it.
                if stopped() {
                    return Some(Err(WriteError::Feed));
                }
                match event {
                    // The receiver is gone if sending has failed; that error is returned below.
                    Event::RequestRanges { ranges } => wants.send(ranges).map_or(None, |()| None),
                    Event::Done(waits) => Some(Ok(waits)),
                    Event::Failed { error } => Some(Err(error)),
                    _ => None,
                }
            })
        });
        let sent = input
            .write_all(&line)
            .map_err(|_| SendFailure::Pipe)
            .and_then(|()| send_all(plan, source, &mut input, &wanted, stopped));
        // The child ends when its standard input is closed.
        drop(input);
        let heard = events.join().unwrap_or(None);
        match (sent, heard) {
            (Err(SendFailure::Send(error)), _) => Err(error.into()),
            (_, Some(Ok(waits))) => Ok(waits),
            (Err(SendFailure::Stopped), _) => Err(FlashError::Interrupted),
            (_, Some(Err(error))) if !stopped() => Err(error.into()),
            _ if stopped() => Err(FlashError::Interrupted),
            _ => Err(FlashError::Vanished),
        }
    })
}

/// Reads events until `hear` returns the outcome.
fn listen<T>(output: impl BufRead, hear: &mut dyn FnMut(Event) -> Option<T>) -> Option<T> {
    for line in output.lines() {
        // sudo may print lines of its own before the writer starts, so lines that are not events are skipped.
        if let Ok(event) = serde_json::from_str(&line.ok()?)
            && let Some(end) = hear(event)
        {
            return Some(end);
        }
    }
    None
}

/// Why sending ended early.
enum SendFailure {
    Send(SendError),
    /// The child no longer reads; its events tell why.
    Pipe,
    /// The user stopped it.
    Stopped,
}

/// Sends the requested ranges until no more are requested. While one range is sent, the next ones are read and verified.
fn send_all(
    plan: &Plan,
    source: &dyn Source,
    out: &mut impl Write,
    wanted: &Receiver<Vec<usize>>,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<(), SendFailure> {
    for numbers in wanted {
        // A request for a range that the plan does not have is ignored.
        let ranges = numbers.into_iter().map_while(|number| plan.range(number));
        read_verified(source, ranges, |_, bytes| {
            for part in bytes.chunks(1 << 20) {
                if stopped() {
                    return Err(SendFailure::Stopped);
                }
                out.write_all(part).map_err(|_: io::Error| SendFailure::Pipe)?;
            }
            Ok(())
        })?;
        out.flush().map_err(|_| SendFailure::Pipe)?;
    }
    Ok(())
}

impl From<SendError> for SendFailure {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
