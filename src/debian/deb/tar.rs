//! Reads a tar archive (ustar with GNU and pax extensions) once, copying it to a writer and hashing every file.
//!
//! The `tar` crate decodes headers only. The reader is our own because every byte must be copied into the pack, extension
//! headers must be bounded, and pax values may be binary (`security.capability` may contain newlines).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use tar::{EntryType, Header};

use super::error::{Flaw, Problem};
use crate::tree::{Digest, Hasher};

const BLOCK: u64 = 512;
/// The checksum field itself counts as eight blanks.
const BLANKS: u32 = 8 * b' ' as u32;
/// Most bytes of one GNU long name or pax header; both have only paths and small attributes.
const MAX_EXTENSION: u64 = 1 << 20;
const MAX_ENTRIES: usize = 250_000;
/// Most bytes of all extension headers together.
const MAX_EXTENSIONS: u64 = 32 << 20;

/// One member as its headers describe it.
#[derive(Debug)]
pub(super) struct TarEntry {
    pub name: String,
    /// Target of a symbolic or hard link, else empty.
    pub link: String,
    pub kind: EntryType,
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Major and minor number.
    pub device: (u32, u32),
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Offset of its bytes in the copy.
    pub offset: u64,
    pub len: u64,
    pub digest: Digest,
    /// Checksums of its parts (see [`Hasher`]).
    pub chunks: Vec<u64>,
}

/// The values from the extension headers before a member's own header.
#[derive(Debug, Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    uid: Option<u32>,
    gid: Option<u32>,
    xattrs: BTreeMap<String, Vec<u8>>,
}

struct TarReader<'w, R, W> {
    input: &'w mut R,
    output: &'w mut W,
    archive: &'w str,
    offset: u64,
    limit: u64,
    /// Bytes left for further extension headers.
    extensions: u64,
}

/// Reads `input` to its end and copies it to `output`. `archive` is its name in errors; `limit` is its maximum number of bytes.
///
/// # Errors
/// See [`Flaw`]; errors of `input` count as failed decompression.
pub(super) fn read_tar<R: BufRead, W: Write>(
    input: &mut R,
    output: &mut W,
    archive: &str,
    limit: u64,
) -> Result<(Vec<TarEntry>, u64), Problem> {
    let mut reader = TarReader { input, output, archive, offset: 0, limit, extensions: MAX_EXTENSIONS };
    let mut entries = Vec::new();
    while let Some(entry) = reader.entry()? {
        if entries.len() == MAX_ENTRIES {
            return Err(reader.too_many().into());
        }
        entries.push(entry);
    }
    reader.drain()?;
    Ok((entries, reader.offset))
}

impl<R: BufRead, W: Write> TarReader<'_, R, W> {
    /// The next member, its body copied; `None` at the end marker.
    fn entry(&mut self) -> Result<Option<TarEntry>, Problem> {
        let mut extensions = Extensions::default();
        loop {
            let start = self.offset;
            let Some(header) = self.header()? else { return Ok(None) };
            let bad = |reason| Flaw::BadHeader { archive: self.archive.to_owned(), offset: start, reason };
            let size = header.entry_size().map_err(|_| bad("size"))?;
            match header.entry_type() {
                EntryType::GNULongName => extensions.name = Some(self.long_name(size, start)?),
                EntryType::GNULongLink => extensions.link = Some(self.long_name(size, start)?),
                EntryType::XHeader => {
                    let data = self.extension(size, start)?;
                    read_pax(&data, &mut extensions).ok_or_else(|| self.bad(start, "pax extension"))?;
                }
                kind => {
                    // Only the size of these has a meaning.
                    let has_bytes =
                        matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::XGlobalHeader);
                    let len = if has_bytes { size } else { 0 };
                    return self.member(&header, extensions, len, start).map(Some);
                }
            }
        }
    }

    fn member(&mut self, header: &Header, extensions: Extensions, len: u64, start: u64) -> Result<TarEntry, Problem> {
        let name = extensions.name.map_or_else(|| header.path_bytes(), Cow::Owned);
        let link = extensions.link.map(Cow::Owned).or_else(|| header.link_name_bytes()).unwrap_or_default();
        let text = |bytes: &[u8]| {
            str::from_utf8(bytes).map(str::to_owned).map_err(|_| Flaw::NotUtf8(name.escape_ascii().to_string()))
        };
        let (name, link) = (text(&name)?, text(&link)?);
        let bad = |reason| self.bad(start, reason);
        let mode = header.mode().map_err(|_| bad("mode"))?;
        let id = |id: std::io::Result<u64>| id.ok().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| bad("owner"));
        let uid = extensions.uid.map_or_else(|| id(header.uid()), Ok)?;
        let gid = extensions.gid.map_or_else(|| id(header.gid()), Ok)?;
        let device = match header.entry_type() {
            EntryType::Char | EntryType::Block => {
                let number =
                    |number: std::io::Result<Option<u32>>| number.ok().flatten().ok_or_else(|| bad("device number"));
                (number(header.device_major())?, number(header.device_minor())?)
            }
            _ => (0, 0),
        };
        let offset = self.offset;
        let mut hash = Hasher::default();
        self.pass(len, |bytes| hash.update(bytes))?;
        self.pass(padding(len), |_| {})?;
        let (digest, chunks) = hash.finish();
        let mode = (mode & 0o7777) as u16;
        Ok(TarEntry {
            name,
            link,
            kind: header.entry_type(),
            mode,
            uid,
            gid,
            device,
            xattrs: extensions.xattrs,
            offset,
            len,
            digest,
            chunks,
        })
    }

    /// A header with a good checksum; `None` for a block of zeros, which ends the archive.
    fn header(&mut self) -> Result<Option<Header>, Problem> {
        let start = self.offset;
        let mut header = Header::new_old();
        let mut block = Vec::new();
        self.pass(BLOCK, |bytes| block.extend_from_slice(bytes))?;
        header.as_mut_bytes().copy_from_slice(&block);
        if header.as_bytes().iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        // The checksum is computed with blanks in its own field.
        let sum: u32 = header.as_bytes().iter().map(|&byte| u32::from(byte)).sum();
        let own: u32 = header.as_old().cksum.iter().map(|&byte| u32::from(byte)).sum();
        match header.cksum() {
            Ok(expected) if expected == sum.saturating_sub(own).saturating_add(BLANKS) => Ok(Some(header)),
            _ => Err(self.bad(start, "checksum").into()),
        }
    }

    fn long_name(&mut self, size: u64, start: u64) -> Result<Vec<u8>, Problem> {
        let mut name = self.extension(size, start)?;
        // GNU tar includes the terminating NUL.
        if name.last() == Some(&0) {
            name.pop();
        }
        Ok(name)
    }

    fn extension(&mut self, size: u64, start: u64) -> Result<Vec<u8>, Problem> {
        if size > MAX_EXTENSION {
            return Err(self.bad(start, "extension too long").into());
        }
        // Checked before reading, since one member may have any number of extension headers.
        self.extensions = self.extensions.checked_sub(size).ok_or_else(|| self.too_many())?;
        let mut data = Vec::new();
        self.pass(size, |bytes| data.extend_from_slice(bytes))?;
        self.pass(padding(size), |_| {})?;
        Ok(data)
    }

    /// Copies the next `len` bytes, and calls `look` with each piece.
    fn pass(&mut self, len: u64, mut look: impl FnMut(&[u8])) -> Result<(), Problem> {
        if len > self.limit.saturating_sub(self.offset) {
            return Err(Flaw::TooLarge { archive: self.archive.to_owned(), limit: self.limit }.into());
        }
        let mut left = len;
        while left > 0 {
            let piece = self.input.fill_buf().map_err(|source| decompress(self.archive, source))?;
            if piece.is_empty() {
                return Err(Flaw::Truncated { archive: self.archive.to_owned() }.into());
            }
            let piece = &piece[..usize::try_from(left).unwrap_or(usize::MAX).min(piece.len())];
            look(piece);
            self.output.write_all(piece).map_err(Problem::Output)?;
            let passed = piece.len();
            self.input.consume(passed);
            left = left.saturating_sub(passed as u64);
        }
        self.offset = self.offset.saturating_add(len);
        Ok(())
    }

    /// Reads the zeros after the end marker to the end of the compressed stream, where its checksum is verified.
    fn drain(&mut self) -> Result<(), Problem> {
        loop {
            let piece = self.input.fill_buf().map_err(|source| decompress(self.archive, source))?;
            let len = piece.len();
            if len == 0 {
                return Ok(());
            }
            if piece.iter().any(|&byte| byte != 0) {
                return Err(Flaw::Trailing { archive: self.archive.to_owned() }.into());
            }
            self.pass(len as u64, |_| {})?;
        }
    }

    fn too_many(&self) -> Flaw {
        Flaw::TooMany { archive: self.archive.to_owned(), limit: MAX_ENTRIES }
    }

    fn bad(&self, offset: u64, reason: &'static str) -> Flaw {
        Flaw::BadHeader { archive: self.archive.to_owned(), offset, reason }
    }
}

fn padding(len: u64) -> u64 {
    len.checked_next_multiple_of(BLOCK).map_or(0, |end| end.saturating_sub(len))
}

fn decompress(archive: &str, source: std::io::Error) -> Flaw {
    Flaw::Decompress { archive: archive.to_owned(), source }
}

/// Reads `LENGTH KEY=VALUE\n` records (POSIX.1-2001, pax interchange format). Keys that are not needed (times, names of owners)
/// are ignored; a key that changes where data lies is an error.
fn read_pax(mut data: &[u8], extensions: &mut Extensions) -> Option<()> {
    while !data.is_empty() {
        let blank = data.iter().position(|&byte| byte == b' ')?;
        let len: usize = str::from_utf8(&data[..blank]).ok()?.parse().ok()?;
        let record = data.get(blank..len)?.strip_prefix(b" ")?.strip_suffix(b"\n")?;
        data = &data[len..];
        let mut parts = record.splitn(2, |&byte| byte == b'=');
        let (key, value) = (str::from_utf8(parts.next()?).ok()?, parts.next()?);
        let number = || str::from_utf8(value).ok()?.parse().ok();
        match key {
            "path" => extensions.name = Some(value.to_owned()),
            "linkpath" => extensions.link = Some(value.to_owned()),
            "uid" => extensions.uid = Some(number()?),
            "gid" => extensions.gid = Some(number()?),
            "size" => return None,
            _ if key.starts_with("GNU.sparse.") => return None,
            _ => {
                if let Some(name) = key.strip_prefix("SCHILY.xattr.") {
                    extensions.xattrs.insert(name.to_owned(), value.to_owned());
                }
            }
        }
    }
    Some(())
}
