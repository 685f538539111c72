//! Where an image's bytes come from: a file, a compressed file, and bytes laid over either.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use crate::tree::Digest;

/// An image's bytes, by their place in it.
pub trait Source: Sync {
    /// Fills `buffer` with the bytes at `at`.
    ///
    /// # Errors
    /// Of reading; an image that ends before.
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()>;

    /// The BLAKE3 of the bytes that were seen to have this SHA-256, if they were.
    fn seen(&self, _sha256: &Digest) -> Option<blake3::Hash> {
        None
    }
}

/// An image file as it is.
#[derive(Debug)]
pub struct Raw(pub File);

impl Source for Raw {
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, at)
    }
}

/// Starts a stream from its beginning.
pub type Opener = Box<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// An image that can only be read from its beginning, such as a compressed one. Reading forward is cheap, reading backward
/// starts again; a flash reads forward but for what a stick did not keep.
pub struct Stream {
    open: Opener,
    now: Mutex<Option<(Box<dyn Read + Send>, u64)>>,
}

impl Stream {
    /// An image that `open` starts to read.
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
        // After an error nobody knows where the stream is.
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

/// A source whose bytes were all proved once. When they are read again, they have to be proved again; that BLAKE3 does as
/// surely as SHA-256 and several times as fast.
pub struct Seen {
    below: Box<dyn Source>,
    hashes: BTreeMap<Digest, blake3::Hash>,
}

impl Seen {
    pub(super) fn new(below: Box<dyn Source>, hashes: BTreeMap<Digest, blake3::Hash>) -> Self {
        Self { below, hashes }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Seen").field("ranges", &self.hashes.len()).finish_non_exhaustive()
    }
}

impl Source for Seen {
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.below.read(buffer, at)
    }

    fn seen(&self, sha256: &Digest) -> Option<blake3::Hash> {
        self.hashes.get(sha256).copied()
    }
}

/// A source with other bytes in some places.
pub struct Patched<'a> {
    below: &'a dyn Source,
    patches: Vec<(u64, Vec<u8>)>,
}

impl<'a> Patched<'a> {
    /// `below`, with `patches` laid over it: each an offset and bytes, without overlap.
    #[must_use]
    pub fn new(below: &'a dyn Source, patches: Vec<(u64, Vec<u8>)>) -> Self {
        Self { below, patches }
    }
}

impl fmt::Debug for Patched<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be a seed's, which are nobody's business.
        out.debug_struct("Patched").field("patches", &self.patches.len()).finish_non_exhaustive()
    }
}

impl Source for Patched<'_> {
    /// Bytes that one patch covers wholly are not asked for below, where they may not even be.
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
    fn seen(&self, sha256: &Digest) -> Option<blake3::Hash> {
        self.below.seen(sha256)
    }
}

fn index(number: u64) -> io::Result<usize> {
    usize::try_from(number).map_err(io::Error::other)
}
