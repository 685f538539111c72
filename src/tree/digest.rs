//! SHA-256 digests of bytes and of contents that come in pieces, and the checksums that detect damage in the cache.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::Xxh3Default;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of all that `reader` gives.
    ///
    /// # Errors
    /// Of reading.
    pub fn of_all(mut reader: impl Read) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(Self(hash.finalize().into())),
                read => hash.update(&buffer[..read]),
            }
        }
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

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("a SHA-256 digest has 64 hexadecimal digits, and this is none"))
    }
}

/// Bytes of a content that have a checksum of their own, so that a part of a large one can be checked without reading the
/// rest. Squashfs blocks down to this size are whole chunks.
pub const CHUNK: usize = 64 << 10;

/// XXH3-64 of `bytes`: detects damage by disks and power cuts at a tenth of a digest's cost. It does not detect forgery, and
/// need not: who can write to the cache can write matching digests there too.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// Takes the digest of a content that comes in pieces, and its chunks' checksums.
#[derive(Clone, Default)]
pub struct Hasher {
    whole: Sha256,
    chunk: Xxh3Default,
    /// Bytes in `chunk`.
    fill: usize,
    chunks: Vec<u64>,
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.whole.update(bytes);
        while !bytes.is_empty() {
            if self.fill == CHUNK {
                self.end_chunk();
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.fill));
            self.chunk.update(now);
            self.fill += now.len();
            bytes = later;
        }
    }

    /// The digest of all bytes, and the checksums of their chunks.
    #[must_use]
    pub fn finish(mut self) -> (Digest, Vec<u64>) {
        if self.fill > 0 {
            self.end_chunk();
        }
        (Digest(self.whole.finalize().into()), self.chunks)
    }

    fn end_chunk(&mut self) {
        self.chunks.push(self.chunk.digest());
        self.chunk.reset();
        self.fill = 0;
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hasher").field("fill", &self.fill).field("chunks", &self.chunks.len()).finish_non_exhaustive()
    }
}
