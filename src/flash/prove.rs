//! Reads an image's ranges and proves them, several at a time.
//!
//! ```text
//! one thread reads, forward ─▶ some hash ─▶ the caller gets what is proved, in order
//!          ▲                                     │
//!          └───────────── buffers ───────────────┘
//! ```
//!
//! Reading is one thread's, since a packed image can only be read forward.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::error::SendError;
use super::plan::Range;
use super::source::Source;
use crate::tree::Digest;

/// A stick needs a twentieth of what one core hashes; a fast disk needs two.
const PROVERS: usize = 2;
/// One that is read, as many as are hashed, and as many that wait for either side.
const BUFFERS: usize = 3 + PROVERS;

type Proof = Result<Vec<u8>, SendError>;

/// Gives `take` each of `ranges` with its bytes, in order, once they are found to be the right ones.
///
/// # Errors
/// The first range, in order, that cannot be read or is not right; what `take` says.
pub(super) fn prove<'r, E: From<SendError>>(
    source: &dyn Source,
    ranges: impl Iterator<Item = &'r Range> + Send,
    mut take: impl FnMut(&'r Range, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let (unproved, work) = channel();
    let work = Mutex::new(work);
    thread::scope(|scope| {
        let (idle, buffers) = channel();
        for _ in 0..BUFFERS {
            // The other end is here.
            let _ = idle.send(Vec::new());
        }
        let (order, proofs) = channel();
        scope.spawn(move || read_all(source, ranges, &buffers, &unproved, &order));
        for _ in 0..PROVERS {
            scope.spawn(|| hash_all(source, &work));
        }
        for (range, proof) in proofs {
            // A prover that is gone has panicked, which the scope passes on.
            let Ok(proof) = proof.recv() else { break };
            let bytes = proof?;
            take(range, &bytes)?;
            // After the last range nobody takes it.
            let _ = idle.send(bytes);
        }
        Ok(())
    })
}

/// A range, what was read of it, and who waits for the proof.
type Unproved<'r> = (&'r Range, Result<Vec<u8>, SendError>, SyncSender<Proof>);

/// Reads until there is nothing more, or nobody takes it.
fn read_all<'r>(
    source: &dyn Source,
    ranges: impl Iterator<Item = &'r Range>,
    buffers: &Receiver<Vec<u8>>,
    unproved: &Sender<Unproved<'r>>,
    order: &Sender<(&'r Range, Receiver<Proof>)>,
) {
    for (range, mut bytes) in ranges.zip(buffers) {
        let bytes = read(source, range, &mut bytes).map(|()| bytes);
        let failed = bytes.is_err();
        let (proof, proved) = sync_channel(1);
        if order.send((range, proved)).is_err() || unproved.send((range, bytes, proof)).is_err() || failed {
            return;
        }
    }
}

fn hash_all(source: &dyn Source, work: &Mutex<Receiver<Unproved<'_>>>) {
    let next = || work.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok((range, bytes, proof)) = next() {
        // After an error nobody takes it.
        let _ = proof.send(bytes.and_then(|bytes| check(source, range, &bytes).map(|()| bytes)));
    }
}

/// Makes `bytes` what `source` has of `range`, right or not.
fn read(source: &dyn Source, range: &Range, bytes: &mut Vec<u8>) -> Result<(), SendError> {
    let Range { part, offset, len, .. } = range;
    // In a buffer of the same length as before nothing is zeroed, and no page is new.
    bytes.resize(usize::try_from(*len).unwrap_or(usize::MAX), 0);
    source.read(bytes, *offset).map_err(|source| SendError::Read { part: part.clone(), offset: *offset, source })
}

fn check(source: &dyn Source, range: &Range, bytes: &[u8]) -> Result<(), SendError> {
    let Range { part, offset, len, sha256 } = range;
    let is_right = match source.seen(sha256) {
        Some(hash) => blake3::hash(bytes) == hash,
        None => Digest::of(bytes) == *sha256,
    };
    if !is_right {
        return Err(SendError::NotAuthentic { part: part.clone(), offset: *offset, len: *len });
    }
    Ok(())
}
