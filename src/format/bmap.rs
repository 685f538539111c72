//! Block maps (`.bmap`, version 2.0): which blocks of an image hold data, for `bmaptool` and other flashers.
//!
//! The form follows what `bmaptool create` writes: `BmapCreate.py` of bmap-tools.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Bytes of a block.
pub const BLOCK: u64 = 4096;

/// Blocks that hold data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub first: u64,
    /// The last block, itself included.
    pub last: u64,
    /// Of their bytes, hexadecimal.
    pub sha256: String,
}

/// The block map of an image of `size` bytes.
#[must_use]
pub fn write(size: u64, ranges: &[Range]) -> String {
    let blocks = size.div_ceil(BLOCK);
    let mapped: u64 = ranges.iter().map(|range| range.last + 1 - range.first).sum();
    let zeros = "0".repeat(64);
    let mut text = format!(
        "<?xml version=\"1.0\" ?>\n\
         <bmap version=\"2.0\">\n    \
         <ImageSize> {size} </ImageSize>\n    \
         <BlockSize> {BLOCK} </BlockSize>\n    \
         <BlocksCount> {blocks} </BlocksCount>\n    \
         <MappedBlocksCount> {mapped} </MappedBlocksCount>\n    \
         <ChecksumType> sha256 </ChecksumType>\n    \
         <BmapFileChecksum> {zeros} </BmapFileChecksum>\n    \
         <BlockMap>\n"
    );
    for Range { first, last, sha256 } in ranges {
        let blocks = if first == last { first.to_string() } else { format!("{first}-{last}") };
        let _ = writeln!(text, "        <Range chksum=\"{sha256}\"> {blocks} </Range>");
    }
    text.push_str("    </BlockMap>\n</bmap>\n");
    // Its own checksum is taken with zeros in that checksum's place.
    let mut own = String::new();
    for byte in Sha256::digest(&text) {
        let _ = write!(own, "{byte:02x}");
    }
    text.replacen(&zeros, &own, 1)
}
