//! Contents that lie in a file of the cache, and the check that they are still what they were.

use std::error::Error;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::digest::{CHUNK, Digest, checksum};
use crate::files;

/// An open cache file that contents are slices of (the decompressed data of one package).
#[derive(Debug)]
pub struct Pack {
    path: PathBuf,
    file: File,
}

/// A cache file changed since it was written. What it holds must not become an image that somebody signs for.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is damaged", path.display())]
pub struct Damaged {
    pub path: PathBuf,
}

/// Whether the damage of a cache file is at the bottom of `error`, whichever stage met with it.
#[must_use]
pub fn is_damage(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error: &&(dyn Error + 'static)| error.source()).any(|error| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        matches!(inner, Some(inner) if inner.is::<Damaged>())
    })
}

/// `len` bytes at `offset` of a pack, with their known digest and checksums.
#[derive(Debug)]
pub struct Slice {
    pub pack: Arc<Pack>,
    pub offset: u64,
    pub len: u64,
    pub digest: Digest,
    /// The [`checksum`] of each [`CHUNK`].
    pub chunks: Vec<u64>,
}

impl Pack {
    /// Opens the file at `path` for reading.
    ///
    /// # Errors
    /// That of opening it.
    pub fn open(path: &Path) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { path: path.to_owned(), file: files::open(path)? }))
    }

    /// The `len` bytes at `offset`, unchecked.
    ///
    /// # Errors
    /// Of reading; a short file is `UnexpectedEof`.
    pub fn read(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

impl Slice {
    /// The `len` bytes at `start`, which the caller knows to lie inside. Whole chunks are read and checked.
    pub(super) fn read(&self, start: u64, len: u64) -> io::Result<Vec<u8>> {
        const SIZE: u64 = CHUNK as u64;
        let index = |chunk: u64| usize::try_from(chunk).map_err(io::Error::other);
        let (first, last) = (start / SIZE, (start + len).div_ceil(SIZE));
        let (from, to) = (first * SIZE, (last * SIZE).min(self.len));
        let mut bytes = self.pack.read(self.offset + from, to - from)?;
        let known = self.chunks.get(index(first)?..index(last)?).unwrap_or_default();
        let chunks = bytes.chunks(CHUNK);
        if chunks.len() != known.len() || !chunks.zip(known).all(|(chunk, known)| checksum(chunk) == *known) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, Damaged { path: self.pack.path.clone() }));
        }
        bytes.truncate(index(start + len - from)?);
        bytes.drain(..index(start - from)?);
        Ok(bytes)
    }
}
