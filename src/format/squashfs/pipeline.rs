//! Work in parallel whose results come back in order.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// How many results per thread may be under way: enough that a slow job does not idle the others, few
/// enough that memory stays bounded.
const AHEAD: usize = 4;

/// Runs `work` over `jobs` on one thread per element of `states`, which that thread owns, and hands each result to
/// `sink` on the calling thread, in the order of the jobs.
///
/// # Errors
/// The first error, in the order of the jobs, of `work` or `sink`.
pub(super) fn ordered<S: Send, J: Send, R: Send, E: Send>(
    states: Vec<S>,
    jobs: impl Iterator<Item = J>,
    work: impl Fn(&mut S, J) -> Result<R, E> + Sync,
    mut sink: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let ahead = AHEAD * states.len();
    let (tasks, queue) = mpsc::channel::<(J, mpsc::Sender<Result<R, E>>)>();
    let queue = Mutex::new(queue);
    let (queue, work) = (&queue, &work);
    thread::scope(|scope| {
        // Moved in here, so that an early return ends the workers.
        let tasks = tasks;
        for mut state in states {
            scope.spawn(move || {
                loop {
                    let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((job, reply)) = task else { break };
                    // Nobody listens any more after an error; then the queue ends soon.
                    let _ = reply.send(work(&mut state, job));
                }
            });
        }
        let mut waiting = VecDeque::new();
        // A worker that panicked does not answer; the scope passes its panic on.
        let mut next = |waiting: &mut VecDeque<mpsc::Receiver<Result<R, E>>>| match waiting.pop_front() {
            Some(answer) => answer.recv().map_or(Ok(()), |result| sink(result?)),
            None => Ok(()),
        };
        for job in jobs {
            if waiting.len() == ahead {
                next(&mut waiting)?;
            }
            let (reply, answer) = mpsc::channel();
            waiting.push_back(answer);
            if tasks.send((job, reply)).is_err() {
                break;
            }
        }
        while !waiting.is_empty() {
            next(&mut waiting)?;
        }
        Ok(())
    })
}
