//! The half that has the image: sends what the child asks for, each range only after its SHA-256 was found right.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;

use super::plan;
use super::protocol::{Event, Job, VERSION, Waits};
use super::{Plan, SendError, Source, WriteError};

/// Ranges in memory: one on its way, one that waits for that, one that is read.
const BUFFERS: usize = 3;

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
/// `stopped` says so, the child is left without bytes and ends.
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
    let job = Job { version: VERSION, plan: plan.clone() };
    let mut line = serde_json::to_vec(&job).map_err(|_| FlashError::Vanished)?;
    line.push(b'\n');
    thread::scope(|scope| {
        let (wants, wanted) = channel();
        let events = scope.spawn(move || {
            listen(output, &mut |event| {
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

/// Sends what is wanted until nothing is wanted any more. While one range is on its way, the next is read and proved.
fn send_all(
    plan: &Plan,
    source: &dyn Source,
    out: &mut impl Write,
    wanted: &Receiver<Vec<usize>>,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<(), Unsent> {
    for numbers in wanted {
        thread::scope(|scope| {
            let (proved, ready) = sync_channel(1);
            let (idle, buffers) = channel();
            for _ in 0..BUFFERS {
                // The other end is here.
                let _ = idle.send(Vec::new());
            }
            scope.spawn(move || {
                for (number, mut bytes) in numbers.into_iter().zip(buffers) {
                    let Some(range) = plan.range(number) else { return };
                    let read = plan::read(source, range, &mut bytes).map(|()| bytes);
                    let failed = read.is_err();
                    if proved.send(read).is_err() || failed {
                        return;
                    }
                }
            });
            for bytes in ready {
                let bytes = bytes.map_err(Unsent::Send)?;
                for part in bytes.chunks(1 << 20) {
                    if stopped() {
                        return Err(Unsent::Stopped);
                    }
                    out.write_all(part).map_err(|_: io::Error| Unsent::Pipe)?;
                }
                // After the last range nobody takes it.
                let _ = idle.send(bytes);
            }
            out.flush().map_err(|_| Unsent::Pipe)
        })?;
    }
    Ok(())
}
