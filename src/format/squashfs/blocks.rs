//! One data or fragment block: its key in the store, its compression.

use std::borrow::Cow;
use std::io;

use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;

use super::SquashfsError;
use crate::format::Store;

/// Names what keys are made of; to be changed when a block of the same content gets other bytes, or when blocks that were
/// kept can no longer be believed.
const KEY_TAG: &[u8] = b"squashfs zstd block 2\0";
/// In a block's size word: the block is stored as it is (`SQUASHFS_COMPRESSED_BIT_BLOCK`).
const STORED_RAW: u32 = 1 << 24;

/// Part of a file, as a block's key sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// SHA-256 of the whole file.
    pub digest: [u8; 32],
    pub start: u64,
    pub len: u64,
}

/// A block as the image holds it.
#[derive(Debug)]
pub(super) struct Block {
    /// The size word and then the stored bytes, as a [`Store`] keeps it.
    stored: Vec<u8>,
}

impl Block {
    /// The size word: length on disk, and whether it is stored raw. Zero is a hole.
    pub(super) fn size_word(&self) -> u32 {
        self.stored.first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
    }

    /// What the image holds.
    pub(super) fn bytes(&self) -> &[u8] {
        self.stored.get(4..).unwrap_or_default()
    }

    fn new(size_word: u32, bytes: &[u8]) -> Self {
        let mut stored = Vec::with_capacity(4 + bytes.len());
        stored.extend_from_slice(&size_word.to_le_bytes());
        stored.extend_from_slice(bytes);
        Self { stored }
    }

    /// Takes a block from a store, unless its length tells that it was damaged there.
    fn from_store(stored: Vec<u8>) -> Option<Self> {
        let block = Self { stored };
        let len = usize::try_from(block.size_word() & (STORED_RAW - 1)).ok()?;
        (block.stored.len() >= 4 && block.bytes().len() == len).then_some(block)
    }
}

/// How blocks of one image are compressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec {
    pub block_size: u32,
    level: i32,
}

impl Codec {
    pub(super) fn new(block_size: u32, level: i32) -> Result<Self, SquashfsError> {
        if !block_size.is_power_of_two() || !(4096..=1 << 20).contains(&block_size) {
            return Err(SquashfsError::BlockSize(block_size));
        }
        if !(1..=22).contains(&level) {
            return Err(SquashfsError::Level(level));
        }
        Ok(Self { block_size, level })
    }

    /// A compression context, to be used for many blocks.
    pub(super) fn compressor(self) -> Result<Compressor<'static>, SquashfsError> {
        Compressor::new(self.level).map_err(SquashfsError::Compress)
    }

    /// The key of the block that holds `parts`.
    fn key(self, parts: &[Part]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(KEY_TAG);
        hash.update(zstd::zstd_safe::version_number().to_le_bytes());
        hash.update(self.block_size.to_le_bytes());
        hash.update(self.level.to_le_bytes());
        for part in parts {
            hash.update(part.digest);
            hash.update(part.start.to_le_bytes());
            hash.update(part.len.to_le_bytes());
        }
        hash.finalize().into()
    }

    /// The block that holds `parts`: from the store, else made of what `read` gives and put there.
    ///
    /// `holes` tells whether a block of zeros may become a hole (a fragment block may not).
    pub(super) fn block<'d>(
        self,
        parts: &[Part],
        holes: bool,
        store: &dyn Store,
        compressor: &mut Compressor<'_>,
        read: impl FnOnce() -> Result<Cow<'d, [u8]>, SquashfsError>,
    ) -> Result<Block, SquashfsError> {
        let key = self.key(parts);
        if let Some(block) = store.get(&key).and_then(Block::from_store) {
            return Ok(block);
        }
        let data = read()?;
        let block = if holes && data.iter().all(|byte| *byte == 0) {
            Block::new(0, &[])
        } else {
            match compress(compressor, &data).map_err(SquashfsError::Compress)? {
                Some(packed) => Block::new(word(&packed), &packed),
                None => Block::new(word(&data) | STORED_RAW, &data),
            }
        };
        store.put(&key, &block.stored);
        Ok(block)
    }
}

/// A block's length; blocks are at most 1 MiB.
fn word(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(STORED_RAW)
}

/// `data` compressed, or `None` if that does not make it smaller.
pub(super) fn compress(compressor: &mut Compressor<'_>, data: &[u8]) -> io::Result<Option<Vec<u8>>> {
    compressor.compress(data).map(|packed| (packed.len() < data.len()).then_some(packed))
}
