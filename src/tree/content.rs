//! The bytes of a regular file: held in memory, or a slice of a file in the cache.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Digest, Slice};

/// The bytes of a regular file. Cloning is cheap.
#[derive(Clone)]
pub enum Content {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// In memory that is overwritten when nobody holds it any more: what a seed is made of.
    Private(Arc<Zeroizing<Vec<u8>>>),
    /// In a file of the cache.
    Slice(Arc<Slice>),
}

impl Content {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Private(bytes) => bytes.len() as u64,
            Self::Slice(slice) => slice.len,
        }
    }

    /// Whether it holds no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes.
    ///
    /// # Errors
    /// Of reading the cache file; [`Damaged`](super::Damaged) within `InvalidData` if it does not hold what it did.
    pub fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        self.read_range(0, self.len())
    }

    /// The `len` bytes at `start`.
    ///
    /// # Errors
    /// As [`read`](Self::read) has them; a range outside the content is `UnexpectedEof`.
    pub fn read_range(&self, start: u64, len: u64) -> io::Result<Cow<'_, [u8]>> {
        if start.checked_add(len).is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let part = |bytes| -> io::Result<Cow<'_, [u8]>> {
            let bytes: &[u8] = bytes;
            let start = usize::try_from(start).map_err(io::Error::other)?;
            let len = usize::try_from(len).map_err(io::Error::other)?;
            Ok(Cow::Borrowed(&bytes[start..start + len]))
        };
        match self {
            Self::Bytes(bytes) => part(bytes),
            Self::Private(bytes) => part(bytes),
            Self::Slice(slice) => slice.read(start, len).map(Cow::Owned),
        }
    }

    /// All bytes as text.
    ///
    /// # Errors
    /// Of reading; bytes that are not UTF-8 are `InvalidData`.
    pub fn text(&self) -> io::Result<String> {
        String::from_utf8(self.read()?.into_owned()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// SHA-256 of the bytes; known without reading for a slice.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes),
            Self::Private(bytes) => Digest::of(bytes),
            Self::Slice(slice) => slice.digest,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Content({} bytes)", self.len())
    }
}

impl From<Slice> for Content {
    fn from(slice: Slice) -> Self {
        Self::Slice(Arc::new(slice))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<Zeroizing<Vec<u8>>> for Content {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self::Private(Arc::new(bytes))
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}
