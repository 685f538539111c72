//! Where an image's bytes come from: a plain file, a compressed file, and replacement bytes for parts of either.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use crate::tree::Digest;

/// An image's bytes, by offset.
pub trait Source: Sync {
    /// Fills `buffer` with the bytes from offset `at` on.
    ///
    /// # Errors
    /// Reading failed, or the image ends before the buffer is full.
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()>;

    /// The BLAKE3 hash of the bytes that were already verified to have this SHA-256, if any were.
    fn verified_blake3(&self, _sha256: &Digest) -> Option<blake3::Hash> {
        None
    }
}

/// An uncompressed image file.
#[derive(Debug)]
pub struct Raw(pub File);

impl Source for Raw {
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, at)
    }
}

/// Opens a stream at its beginning.
pub type Opener = Box<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// An image that can only be read from its beginning, such as a compressed one. Reading forward is cheap; reading backward
/// starts again. A flash reads backward only to rewrite ranges that did not verify.
pub struct Stream {
    open: Opener,
    now: Mutex<Option<(Box<dyn Read + Send>, u64)>>,
}

impl Stream {
    /// An image whose stream `open` opens.
    #[must_use]
    pub fn new(open: Opener) -> Self {
        Self { open, now: Mutex::new(None) }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl Source for Stream {
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        // It is put back only after a successful read: after an error its position is unknown.
        let (mut stream, position) = match now.take() {
            Some((stream, position)) if position <= at => (stream, position),
            _ => ((self.open)()?, 0),
        };
        let skipped = io::copy(&mut (&mut stream).take(at - position), &mut io::sink())?;
        if skipped < at - position {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.read_exact(buffer)?;
        *now = Some((stream, at + buffer.len() as u64));
        Ok(())
    }
}

/// A source whose bytes were all verified once. They are verified again when they are read again, since the file may have
/// changed; for that BLAKE3 is as secure as SHA-256, and several times as fast.
pub struct VerifiedSource {
    below: Box<dyn Source>,
    hashes: BTreeMap<Digest, blake3::Hash>,
}

impl VerifiedSource {
    pub(super) fn new(below: Box<dyn Source>, hashes: BTreeMap<Digest, blake3::Hash>) -> Self {
        Self { below, hashes }
    }
}

impl fmt::Debug for VerifiedSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("VerifiedSource").field("ranges", &self.hashes.len()).finish_non_exhaustive()
    }
}

impl Source for VerifiedSource {
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.below.read(buffer, at)
    }

    fn verified_blake3(&self, sha256: &Digest) -> Option<blake3::Hash> {
        self.hashes.get(sha256).copied()
    }
}

/// A source in which some bytes are replaced.
pub struct Patched<'a> {
    below: &'a dyn Source,
    patches: Vec<(u64, Vec<u8>)>,
}

impl<'a> Patched<'a> {
    /// `below`, with the bytes of `patches` in place of its own: each has an offset and bytes, and none overlap.
    #[must_use]
    pub fn new(below: &'a dyn Source, patches: Vec<(u64, Vec<u8>)>) -> Self {
        Self { below, patches }
    }
}

impl fmt::Debug for Patched<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be a seed's, which is secret, so they are not shown.
        out.debug_struct("Patched").field("patches", &self.patches.len()).finish_non_exhaustive()
    }
}

impl Source for Patched<'_> {
    /// Bytes that a single patch covers are not read from `below`, which may be shorter than that.
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let end = at + buffer.len() as u64;
        let covers = |(start, bytes): &&(u64, Vec<u8>)| *start <= at && end <= *start + bytes.len() as u64;
        if !self.patches.iter().any(|patch| covers(&patch)) {
            self.below.read(buffer, at)?;
        }
        for (start, bytes) in &self.patches {
            let (from, to) = (at.max(*start), end.min(*start + bytes.len() as u64));
            if from < to {
                buffer[index(from - at)?..index(to - at)?]
                    .copy_from_slice(&bytes[index(from - start)?..index(to - start)?]);
            }
        }
        Ok(())
    }

    fn verified_blake3(&self, sha256: &Digest) -> Option<blake3::Hash> {
        self.below.verified_blake3(sha256)
    }
}

fn index(number: u64) -> io::Result<usize> {
    usize::try_from(number).map_err(io::Error::other)
}
