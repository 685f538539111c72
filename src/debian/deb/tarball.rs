//! Archives that somebody else than Debian publishes: a tar archive, or a `.deb` of which only `data.tar` counts.

use std::io::{BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use ::tar::EntryType;

use super::ar;
use super::error::{Flaw, Problem};
use super::members;
use super::pack::{FORMAT, Index};
use super::tar::{self, TarEntry};
use super::unpack::{self, BUFFER, MAX_DATA, decoder};
use crate::format::Packing;
use crate::tree::Digest;

/// Where POSIX and GNU tar write `ustar` into the header of the first member.
const USTAR: Range<usize> = 257..262;
/// Bytes of a member's header.
const HEADER: u64 = 512;

/// Reads an archive, which errors call `name`, and writes its pack.
///
/// # Errors
/// What is wrong with the archive, or of reading and writing.
pub(super) fn unpack<R: Read + Seek, W: Write>(archive: &mut R, name: &str, pack: W) -> Result<Index, Problem> {
    let mut first = Vec::new();
    archive.by_ref().take(ar::MAGIC.len() as u64).read_to_end(&mut first).map_err(Problem::Input)?;
    if first == ar::MAGIC {
        return unpack::unpack(archive, pack);
    }
    let packing = Packing::of(&first);
    let len = archive.seek(SeekFrom::End(0)).map_err(Problem::Input)?;
    archive.rewind().map_err(Problem::Input)?;
    let failed = |source| Flaw::Decompress { archive: name.to_owned(), source };
    let mut input = decoder(archive, len, packing).map_err(failed)?;
    let mut header = Vec::new();
    input.by_ref().take(HEADER).read_to_end(&mut header).map_err(failed)?;
    if header.get(USTAR) != Some(b"ustar") {
        return Err(Flaw::NoArchive(looks(&first, packing)).into());
    }
    let mut pack = BufWriter::with_capacity(BUFFER, pack);
    let (entries, data_len) = tar::read_tar(&mut Cursor::new(header).chain(input), &mut pack, name, MAX_DATA)?;
    pack.flush().map_err(Problem::Output)?;
    // `git archive` notes a commit in a header for all members, which is of no use to any.
    let is_member = |entry: &TarEntry| entry.kind != EntryType::XGlobalHeader;
    let members = members::members(entries.into_iter().filter(is_member).collect())?;
    let control_sha256 = Digest::of(b"");
    Ok(Index { format: FORMAT, data_len, control_len: 0, control_sha256, control: Vec::new(), members })
}

/// What a file that is no archive seems to be, by its first bytes.
fn looks(first: &[u8], packing: Option<Packing>) -> &'static str {
    match (packing, first) {
        (Some(_), _) => "a single compressed file",
        (None, [b'P', b'K', 3, 4, ..]) => "a ZIP archive",
        (None, [b'B', b'Z', b'h', ..]) => "compressed with bzip2",
        (None, [0x7f, b'E', b'L', b'F', ..]) => "a program",
        (None, _) => "a plain file",
    }
}
