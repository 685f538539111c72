//! The bytes of a regular file: held in memory, or a slice of a file in the cache.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits, either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(out))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// An open cache file that contents are slices of (the decompressed data of one package).
#[derive(Debug)]
pub struct Pack {
    path: PathBuf,
    file: File,
}

impl Pack {
    /// Opens the file at `path` for reading.
    ///
    /// # Errors
    /// That of opening it.
    pub fn open(path: &Path) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { path: path.to_owned(), file: File::open(path)? }))
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The `len` bytes at `offset`.
    ///
    /// # Errors
    /// Of reading; a short file is `UnexpectedEof`.
    pub fn read(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

/// The bytes of a regular file. Cloning is cheap.
#[derive(Clone)]
pub enum Content {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// `len` bytes at `offset` of a cache file, with their known digest.
    Slice { pack: Arc<Pack>, offset: u64, len: u64, digest: Digest },
}

impl Content {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Slice { len, .. } => *len,
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
    /// Of reading the cache file; `InvalidData` if it does not hold what it did.
    pub fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Slice { pack, offset, len, digest } => {
                let bytes = pack.read(*offset, *len)?;
                // A cache file that changed under us must not become an image that is signed for.
                if Digest::of(&bytes) != *digest {
                    let message = format!("{} is damaged; delete it and build again", pack.path().display());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// The `len` bytes at `start`.
    ///
    /// # Errors
    /// Of reading; a range outside the content is `UnexpectedEof`.
    pub fn read_range(&self, start: u64, len: u64) -> io::Result<Cow<'_, [u8]>> {
        if start.checked_add(len).is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if start == 0 && len == self.len() {
            return self.read();
        }
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(start).map_err(io::Error::other)?;
                let len = usize::try_from(len).map_err(io::Error::other)?;
                Ok(Cow::Borrowed(&bytes[start..start + len]))
            }
            Self::Slice { pack, offset, .. } => pack.read(offset + start, len).map(Cow::Owned),
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
            Self::Slice { digest, .. } => *digest,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Content({} bytes)", self.len())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
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
