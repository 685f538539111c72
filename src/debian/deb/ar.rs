//! The outer container of a `.deb`: a `!<arch>` archive of `debian-binary`, `control.tar*` and `data.tar*`
//! (deb(5)).

use std::io::{self, Read, Seek, SeekFrom};

use super::error::{Flaw, Problem};

pub(super) const MAGIC: &[u8] = b"!<arch>\n";
const HEADER_LEN: u64 = 60;
/// Most members up to `data.tar`: three, and a few that tools may put between them.
const MAX_MEMBERS: usize = 16;

/// The name and position of one of the two archives inside a `.deb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArMember {
    /// Name with suffix (`data.tar.xz`).
    pub name: String,
    pub offset: u64,
    pub len: u64,
}

/// Finds `control.tar*` and `data.tar*`. Members whose names start with `_` may precede `data.tar`, and any members may follow
/// it.
///
/// # Errors
/// The file is not in format version 2 of deb(5), or members are out of order or cut off.
pub(super) fn archives<R: Read + Seek>(deb: &mut R) -> Result<(ArMember, ArMember), Problem> {
    let len = deb.seek(SeekFrom::End(0)).map_err(Problem::Input)?;
    deb.rewind().map_err(Problem::Input)?;
    if read(deb, len, 0, MAGIC.len() as u64)? != MAGIC {
        return Err(Flaw::NotADeb.into());
    }
    let mut offset = MAGIC.len() as u64;
    let mut version_seen = false;
    let mut control = None;
    for _ in 0..MAX_MEMBERS {
        let part = header(&read(deb, len, offset, HEADER_LEN)?, offset)?;
        let has = len.saturating_sub(part.offset);
        if part.len > has {
            return Err(Flaw::ShortMember { member: part.name, has, len: part.len }.into());
        }
        // Members start at even offsets.
        offset = part.offset.saturating_add(part.len).saturating_add(part.len % 2);
        match (part.name.as_str(), control.take()) {
            ("debian-binary", None) if !version_seen => {
                let version = read(deb, len, part.offset, part.len.min(16))?;
                if !version.starts_with(b"2.") {
                    return Err(Flaw::Version(String::from_utf8_lossy(&version).trim_end().to_owned()).into());
                }
                version_seen = true;
            }
            (name, found) if version_seen && name.starts_with('_') => control = found,
            (name, None) if version_seen && name.starts_with("control.tar") => control = Some(part),
            (name, Some(control)) if name.starts_with("data.tar") => return Ok((control, part)),
            _ => return Err(Flaw::Order(part.name).into()),
        }
    }
    Err(Flaw::Order("too many members".to_owned()).into())
}

/// Reads exactly `want` bytes at `offset` of a file of `len` bytes.
fn read<R: Read + Seek>(deb: &mut R, len: u64, offset: u64, want: u64) -> Result<Vec<u8>, Problem> {
    if offset.saturating_add(want) > len {
        return Err(Flaw::Truncated { archive: "ar".to_owned() }.into());
    }
    deb.seek(SeekFrom::Start(offset)).map_err(Problem::Input)?;
    let mut bytes = Vec::new();
    deb.take(want).read_to_end(&mut bytes).map_err(Problem::Input)?;
    if bytes.len() as u64 == want { Ok(bytes) } else { Err(Problem::Input(io::ErrorKind::UnexpectedEof.into())) }
}

fn header(bytes: &[u8], offset: u64) -> Result<ArMember, Flaw> {
    let field = |from: usize, to: usize| str::from_utf8(&bytes[from..to]).ok().map(str::trim_ascii_end);
    let (Some(name), Some(size), b"`\n") = (field(0, 16), field(48, 58), &bytes[58..60]) else {
        return Err(Flaw::BadArHeader { offset });
    };
    if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Flaw::BadArHeader { offset });
    }
    // Ten digits always fit. System V archives end names with a slash.
    let len = size.parse().map_err(|_| Flaw::BadArHeader { offset })?;
    Ok(ArMember {
        name: name.trim_end_matches('/').escape_debug().to_string(),
        offset: offset.saturating_add(HEADER_LEN),
        len,
    })
}
