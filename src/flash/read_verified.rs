//! Reads an image's ranges and verifies their SHA-256, several at a time.
//!
//! ```text
//! one thread reads, forward ─▶ others hash ─▶ the caller gets the verified ranges, in order
//!          ▲                                     │
//!          └───────────── buffers ───────────────┘
//! ```
//!
//! Only one thread reads, because a compressed image can only be read forward.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::error::SendError;
use super::plan::Range;
use super::source::Source;
use crate::tree::Digest;

/// Threads that hash. One core hashes twenty times as fast as a stick writes, but a fast disk keeps two busy.
const HASHERS: usize = 2;
/// One buffer is being read, one per thread is being hashed, and the others wait on either side.
const BUFFERS: usize = 3 + HASHERS;

type Verified = Result<Vec<u8>, SendError>;

/// Calls `take` with each of `ranges` and its bytes, in order, after their digest was verified.
///
/// # Errors
/// The first range, in order, that cannot be read or has another digest; an error of `take`.
pub(super) fn read_verified<'r, E: From<SendError>>(
    source: &dyn Source,
    ranges: impl Iterator<Item = &'r Range> + Send,
    mut take: impl FnMut(&'r Range, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let (to_hash, work) = channel();
    let work = Mutex::new(work);
    thread::scope(|scope| {
        let (idle, buffers) = channel();
        for _ in 0..BUFFERS {
            // This cannot fail: the receiver lives in this scope.
            let _ = idle.send(Vec::new());
        }
        let (order, proofs) = channel();
        scope.spawn(move || read_all(source, ranges, &buffers, &to_hash, &order));
        for _ in 0..HASHERS {
            scope.spawn(|| hash_all(source, &work));
        }
        for (range, proof) in proofs {
            // A hashing thread that is gone has panicked; the scope passes the panic on.
            let Ok(proof) = proof.recv() else { break };
            let bytes = proof?;
            take(range, &bytes)?;
            // The reading thread has ended after the last range.
            let _ = idle.send(bytes);
        }
        Ok(())
    })
}

/// A range, the bytes that were read, and the channel for the verified ones.
type ReadRange<'r> = (&'r Range, Result<Vec<u8>, SendError>, SyncSender<Verified>);

/// Reads until the last range, or until the receivers are gone.
fn read_all<'r>(
    source: &dyn Source,
    ranges: impl Iterator<Item = &'r Range>,
    buffers: &Receiver<Vec<u8>>,
    to_hash: &Sender<ReadRange<'r>>,
    order: &Sender<(&'r Range, Receiver<Verified>)>,
) {
    for (range, mut bytes) in ranges.zip(buffers) {
        let bytes = read(source, range, &mut bytes).map(|()| bytes);
        let failed = bytes.is_err();
        let (proof, proved) = sync_channel(1);
        if order.send((range, proved)).is_err() || to_hash.send((range, bytes, proof)).is_err() || failed {
            return;
        }
    }
}

fn hash_all(source: &dyn Source, work: &Mutex<Receiver<ReadRange<'_>>>) {
    let next = || work.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok((range, bytes, proof)) = next() {
        // After an error the receiver is gone.
        let _ = proof.send(bytes.and_then(|bytes| check(source, range, &bytes).map(|()| bytes)));
    }
}

/// Replaces `bytes` with the bytes of `range` in `source`, not yet verified.
fn read(source: &dyn Source, range: &Range, bytes: &mut Vec<u8>) -> Result<(), SendError> {
    let Range { part, offset, len, .. } = range;
    // A reused buffer of the same length is neither zeroed nor allocated again.
    bytes.resize(usize::try_from(*len).unwrap_or(usize::MAX), 0);
    source.read(bytes, *offset).map_err(|source| SendError::Read { part: part.clone(), offset: *offset, source })
}

fn check(source: &dyn Source, range: &Range, bytes: &[u8]) -> Result<(), SendError> {
    let Range { part, offset, len, sha256 } = range;
    let is_right = match source.verified_blake3(sha256) {
        Some(hash) => blake3::hash(bytes) == hash,
        None => Digest::of(bytes) == *sha256,
    };
    if !is_right {
        return Err(SendError::NotAuthentic { part: part.clone(), offset: *offset, len: *len });
    }
    Ok(())
}
