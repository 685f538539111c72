//! Directory listings: runs of entries behind headers, and an index into long ones.

use super::SquashfsError;
use super::metadata::{MetadataWriter, Position};

/// Most entries that one header may be followed by (`SQUASHFS_DIR_COUNT`).
const RUN: usize = 256;
/// One index entry per so many bytes of listing, a metadata block's worth: a look-up then reads two of them at most.
const INDEX_STEP: u32 = 8192;

/// An entry to be listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub name: &'a str,
    pub inode: Position,
    pub number: u32,
    /// See [`super::inodes::short_type`].
    pub kind: u16,
}

/// Lets a look-up start in the middle of a long listing.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexEntry<'a> {
    /// Offset of a header in the listing.
    pub start: u32,
    /// Start of the metadata block that holds it.
    pub block: u32,
    /// The first name behind it.
    pub name: &'a str,
}

/// A written listing.
#[derive(Debug, Default)]
pub(super) struct Listing<'a> {
    pub position: Position,
    pub len: u32,
    pub index: Vec<IndexEntry<'a>>,
}

/// Appends the listing of `entries`, which are in order of names, to the directory table.
pub(super) fn write<'a>(entries: &[Listed<'a>], table: &mut MetadataWriter) -> Result<Listing<'a>, SquashfsError> {
    let mut listing = Listing { position: table.position()?, len: 0, index: Vec::new() };
    let mut indexed = 0;
    let mut rest = entries;
    while let Some(first) = rest.first() {
        if listing.len - indexed >= INDEX_STEP {
            indexed = listing.len;
            listing.index.push(IndexEntry { start: listing.len, block: table.position()?.block, name: first.name });
        }
        let (run, later) = rest.split_at(run_len(rest, first));
        let bytes = encode(run, first);
        table.write(&bytes)?;
        let len = u32::try_from(bytes.len()).ok().and_then(|len| listing.len.checked_add(len));
        // The inode adds the length of `.` and `..`.
        let limit = u32::MAX - 3;
        listing.len = len
            .filter(|len| *len <= limit)
            .ok_or(SquashfsError::TooMany { what: "bytes in one directory's listing", limit: u64::from(limit) })?;
        rest = later;
    }
    Ok(listing)
}

/// How many entries one header can serve: their inodes start in one metadata block, and their numbers differ
/// little from the first one's.
fn run_len(entries: &[Listed<'_>], first: &Listed<'_>) -> usize {
    let serves = |entry: &&Listed<'_>| entry.inode.block == first.inode.block && difference(entry, first).is_some();
    entries.iter().take(RUN).take_while(serves).count()
}

fn difference(entry: &Listed<'_>, first: &Listed<'_>) -> Option<i16> {
    i16::try_from(i64::from(entry.number) - i64::from(first.number)).ok()
}

/// A header and the entries that it serves.
fn encode(run: &[Listed<'_>], first: &Listed<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(12 + run.len() * 32);
    let last = u32::try_from(run.len() - 1).unwrap_or_default();
    for field in [last, first.inode.block, first.number] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    for entry in run {
        let last = u16::try_from(entry.name.len() - 1).unwrap_or_default();
        out.extend_from_slice(&entry.inode.offset.to_le_bytes());
        out.extend_from_slice(&difference(entry, first).unwrap_or_default().to_le_bytes());
        out.extend_from_slice(&entry.kind.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
        out.extend_from_slice(entry.name.as_bytes());
    }
    out
}
