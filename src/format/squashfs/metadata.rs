//! Metadata blocks: 8 KiB of table content each, compressed, behind a 16-bit length.

use zstd::bulk::Compressor;

use super::SquashfsError;
use super::blocks::compress;

/// Uncompressed bytes in a metadata block (`SQUASHFS_METADATA_SIZE`).
const BLOCK: usize = 8192;
/// The zstd level for all images: metadata is compressed again in every build, and level 15 took 20 times as long for
/// 0.01 % of a node's image.
const LEVEL: i32 = 3;
/// In a block's length: it is stored as it is (`SQUASHFS_COMPRESSED_BIT`).
const STORED_RAW: u16 = 1 << 15;

/// A place in a table: where its block starts on disk, counted from the table's start, and the offset in the
/// uncompressed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub block: u32,
    pub offset: u16,
}

impl Position {
    /// As inodes and the superblock refer to it.
    pub(super) fn reference(self) -> u64 {
        u64::from(self.block) << 16 | u64::from(self.offset)
    }
}

/// Collects a table's content and cuts it into blocks.
pub(super) struct MetadataWriter {
    compressor: Compressor<'static>,
    /// Finished blocks.
    table: Vec<u8>,
    /// Where each of them starts.
    starts: Vec<u32>,
    /// The block under way; always less than [`BLOCK`] bytes.
    pending: Vec<u8>,
}

/// A finished table.
#[derive(Debug)]
pub(super) struct Table {
    pub bytes: Vec<u8>,
    /// Where each of its blocks starts, counted from the table's start.
    pub starts: Vec<u32>,
}

impl MetadataWriter {
    pub(super) fn new() -> Result<Self, SquashfsError> {
        let compressor = Compressor::new(LEVEL).map_err(SquashfsError::Compress)?;
        Ok(Self { compressor, table: Vec::new(), starts: Vec::new(), pending: Vec::with_capacity(BLOCK) })
    }

    /// Where the next byte will go.
    pub(super) fn position(&self) -> Result<Position, SquashfsError> {
        let offset = u16::try_from(self.pending.len()).unwrap_or_default();
        Ok(Position { block: self.block_start()?, offset })
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), SquashfsError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == BLOCK {
                self.flush()?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Table, SquashfsError> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        Ok(Table { bytes: self.table, starts: self.starts })
    }

    fn flush(&mut self) -> Result<(), SquashfsError> {
        self.starts.push(self.block_start()?);
        let packed = compress(&mut self.compressor, &self.pending).map_err(SquashfsError::Compress)?;
        let (flag, bytes) = packed.as_ref().map_or((STORED_RAW, &self.pending), |packed| (0, packed));
        let len = u16::try_from(bytes.len()).unwrap_or_default();
        self.table.extend_from_slice(&(len | flag).to_le_bytes());
        self.table.extend_from_slice(bytes);
        self.pending.clear();
        Ok(())
    }

    fn block_start(&self) -> Result<u32, SquashfsError> {
        let limit = u64::from(u32::MAX);
        u32::try_from(self.table.len()).map_err(|_| SquashfsError::TooMany { what: "bytes of metadata", limit })
    }
}
