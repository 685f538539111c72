//! dm-verity hash partitions: a superblock and the Merkle tree over a device's blocks.
//!
//! Data is read once, in batches whose blocks are hashed in parallel; the digests of one level, packed into
//! blocks, are the data of the level above, until one block is left. Its digest is the root hash. On disk the
//! superblock comes first, then the levels from the root downwards, as `Documentation/admin-guide/device-mapper/verity.rst`
//! and cryptsetup's `lib/verity/verity.c` have it. Hash type 1, SHA-256, blocks of 4096 bytes, no
//! forward error correction.

use std::io::{self, Read, Write};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Bytes of a data block and of a hash block.
pub const BLOCK: usize = 4096;
/// Bytes of a digest.
const DIGEST: usize = 32;
/// Digests in a hash block.
const FAN_OUT: u64 = (BLOCK / DIGEST) as u64;
/// Data read at a time.
const BATCH: usize = 8 << 20;

/// What makes one hash partition differ from another over the same data.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Hashed before each block.
    pub salt: [u8; 32],
    /// Names the hash partition in its superblock.
    pub uuid: Uuid,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verity {
    /// Digest that vouches for every block.
    pub root_hash: [u8; 32],
    /// Blocks of data that it covers.
    pub data_blocks: u64,
    /// Bytes written: superblock and tree.
    pub size: u64,
}

/// Bytes of superblock and tree over `data` bytes.
#[must_use]
pub fn size(data: u64) -> u64 {
    let mut level = data.div_ceil(BLOCK as u64);
    let mut blocks = 1;
    while level > 1 {
        level = level.div_ceil(FAN_OUT);
        blocks += level;
    }
    blocks * BLOCK as u64
}

/// Writes the hash partition over all of `data` to `out`. A last short block counts as filled up with zeros, as
/// it is on a partition.
///
/// # Errors
/// Of reading `data` and writing `out`.
pub fn write(mut data: impl Read, options: &Options, mut out: impl Write) -> io::Result<Verity> {
    let salted = Sha256::new_with_prefix(options.salt);
    let mut bottom = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        batch.clear();
        (&mut data).take(BATCH as u64).read_to_end(&mut batch)?;
        if batch.is_empty() {
            break;
        }
        batch.resize(batch.len().next_multiple_of(BLOCK), 0);
        bottom.extend(digests(&salted, &batch));
    }
    let data_blocks = (bottom.len() / DIGEST) as u64;

    let mut levels = Vec::new();
    let mut level = bottom;
    while level.len() > DIGEST {
        level.resize(level.len().next_multiple_of(BLOCK), 0);
        let above = digests(&salted, &level);
        levels.push(level);
        level = above;
    }
    let root_hash = level.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "no data to cover"))?;

    out.write_all(&superblock(options, data_blocks))?;
    for level in levels.iter().rev() {
        out.write_all(level)?;
    }
    let tree: usize = levels.iter().map(Vec::len).sum();
    Ok(Verity { root_hash, data_blocks, size: (BLOCK + tree) as u64 })
}

/// The digests of all blocks of `data`, one after the other.
fn digests(salted: &Sha256, data: &[u8]) -> Vec<u8> {
    let digest = |block: &[u8]| -> [u8; DIGEST] { salted.clone().chain_update(block).finalize().into() };
    data.par_chunks(BLOCK).map(digest).collect::<Vec<_>>().into_flattened()
}

/// `struct verity_sb`, filled up to a block.
fn superblock(options: &Options, data_blocks: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"verity\0\0");
    put(8, &1_u32.to_le_bytes()); // Superblock version.
    put(12, &1_u32.to_le_bytes()); // Hash type: salt first.
    put(16, options.uuid.as_bytes());
    put(32, b"sha256");
    put(64, &4096_u32.to_le_bytes()); // Data block.
    put(68, &4096_u32.to_le_bytes()); // Hash block.
    put(72, &data_blocks.to_le_bytes());
    put(80, &32_u16.to_le_bytes()); // Salt bytes.
    put(88, &options.salt);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_known_beforehand() {
        let options = Options { salt: [7; 32], uuid: Uuid::nil() };
        for data in [1, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 129 * 128 * 4096] {
            let mut out = Vec::new();
            let verity = write(io::repeat(1).take(data), &options, &mut out).unwrap();
            assert_eq!(verity.size, size(data), "{data}");
            assert_eq!(out.len() as u64, size(data), "{data}");
        }
    }

    #[test]
    fn no_data_cannot_be_covered() {
        let options = Options { salt: [0; 32], uuid: Uuid::nil() };
        assert!(write(io::empty(), &options, io::sink()).is_err());
    }
}
