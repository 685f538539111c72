//! The superblock, which is written last, and the compressor's options behind it.

use super::tables::{ABSENT, Tables};

/// Bytes of the superblock.
pub(super) const LEN: usize = 96;

/// `hsqs`.
const MAGIC: u32 = 0x7371_7368;
/// The number of zstd among the compressors (`ZSTD_COMPRESSION`).
const ZSTD: u16 = 6;
const DUPLICATES_REMOVED: u16 = 0x40;
const EXPORTABLE: u16 = 0x80;
const NO_XATTRS: u16 = 0x200;
const COMPRESSOR_OPTIONS: u16 = 0x400;

/// What the superblock says.
#[derive(Debug)]
pub(super) struct Superblock {
    pub inodes: u32,
    pub mtime: u32,
    pub block_size: u32,
    pub fragments: u32,
    pub bytes_used: u64,
    pub tables: Tables,
}

impl Superblock {
    pub(super) fn encode(&self) -> Vec<u8> {
        let tables = &self.tables;
        let no_xattrs = if tables.xattr_table == ABSENT { NO_XATTRS } else { 0 };
        let flags = DUPLICATES_REMOVED | EXPORTABLE | COMPRESSOR_OPTIONS | no_xattrs;
        let block_log = u16::try_from(self.block_size.ilog2()).unwrap_or_default();
        let (major, minor) = (4, 0);
        let mut out = Vec::with_capacity(LEN);
        for field in [MAGIC, self.inodes, self.mtime, self.block_size, self.fragments] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [ZSTD, block_log, flags, tables.ids, major, minor] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [
            tables.root.reference(),
            self.bytes_used,
            tables.id_table,
            tables.xattr_table,
            tables.inode_table,
            tables.directory_table,
            tables.fragment_table,
            tables.export_table,
        ] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out
    }
}

/// An uncompressed metadata block with zstd's only option, its level, for whoever unpacks and packs again.
pub(super) fn compressor_options(level: i32) -> Vec<u8> {
    let len_stored_raw: u16 = 4 | 1 << 15;
    [&len_stored_raw.to_le_bytes()[..], &level.to_le_bytes()].concat()
}
