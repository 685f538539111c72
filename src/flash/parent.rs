//! The half that has the image: sends what the child asks for, each range only after its SHA-256 was found right.

use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::protocol::{Event, Job, Phase, VERSION, Waits};
use super::prove::prove;
use super::{Plan, SendError, Source, WriteError};

/// Why it came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// The image.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The device.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The child could not be started.
    #[error("cannot start the writer: {source}")]
    Start { source: io::Error },
    /// The child ended before it opened the device: who was to start it with more rights has not.
    #[error("{by} did not start the writer: nothing was written")]
    NotStarted { by: String },
    /// The child ended without a word.
    #[error("the writer has stopped before it was done")]
    Vanished,
    /// The user wanted it.
    #[error("interrupted")]
    Interrupted,
}

/// Does `plan` through a child whose ends of the pipes are `input` and `output`. `tell` hears its events; as soon as
/// `stopped` says so, the child is left without bytes and ends. Only the last step, the tables, is not broken off: it takes
/// less time than finding out what became of it.
///
/// # Errors
/// Those of image and device.
pub fn serve(
    plan: &Plan,
    source: &dyn Source,
    mut input: impl Write,
    output: impl BufRead + Send,
    mut tell: impl FnMut(&Event) + Send,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Waits, FlashError> {
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
                // No longer listening is what the child notices first.
                if stopped() {
                    return Some(Err(WriteError::Feed));
                }
                match event {
                    // Nobody takes it when sending has failed.
                    Event::Want { ranges } => wants.send(ranges).map_or(None, |()| None),
                    Event::Done(waits) => Some(Ok(waits)),
                    Event::Failed { error } => Some(Err(error)),
                    _ => None,
                }
            })
        });
        let sent = input
            .write_all(&line)
            .map_err(|_| Unsent::Pipe)
            .and_then(|()| send_all(plan, source, &mut input, &wanted, stopped));
        // The child ends when its bytes do.
        drop(input);
        let heard = events.join().unwrap_or(None);
        match (sent, heard) {
            (Err(Unsent::Send(error)), _) => Err(error.into()),
            (_, Some(Ok(waits))) => Ok(waits),
            (Err(Unsent::Stopped), _) => Err(FlashError::Interrupted),
            (_, Some(Err(error))) if !stopped() => Err(error.into()),
            _ if stopped() => Err(FlashError::Interrupted),
            _ => Err(FlashError::Vanished),
        }
    })
}

/// Hears events until one says how it ended.
fn listen<T>(output: impl BufRead, hear: &mut dyn FnMut(Event) -> Option<T>) -> Option<T> {
    for line in output.lines() {
        // Before the writer, sudo may speak.
        if let Ok(event) = serde_json::from_str(&line.ok()?)
            && let Some(end) = hear(event)
        {
            return Some(end);
        }
    }
    None
}

/// Why sending ended early.
enum Unsent {
    Send(SendError),
    /// The child does not listen any more, and has said or will say why.
    Pipe,
    Stopped,
}

/// Sends what is wanted until nothing is wanted any more. While a range is on its way, the next are read and proved.
fn send_all(
    plan: &Plan,
    source: &dyn Source,
    out: &mut impl Write,
    wanted: &Receiver<Vec<usize>>,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<(), Unsent> {
    for numbers in wanted {
        // A child that asks for what is not in the plan gets no answer.
        let ranges = numbers.into_iter().map_while(|number| plan.range(number));
        prove(source, ranges, |_, bytes| {
            for part in bytes.chunks(1 << 20) {
                if stopped() {
                    return Err(Unsent::Stopped);
                }
                out.write_all(part).map_err(|_: io::Error| Unsent::Pipe)?;
            }
            Ok(())
        })?;
        out.flush().map_err(|_| Unsent::Pipe)?;
    }
    Ok(())
}

impl From<SendError> for Unsent {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
