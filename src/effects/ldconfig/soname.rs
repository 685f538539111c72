//! The SONAME of an ELF file, read without loading the whole file.

use std::io::{self, Read, Seek, SeekFrom};

use object::elf::{DT_SONAME, ET_DYN, FileHeader64, Machine};
use object::read::elf::FileHeader as _;
use object::{Endianness, ReadCache};

use crate::tree::Content;

/// A shared library.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    pub soname: Option<String>,
}

/// What `content` is; `None` if it is no 64-bit shared library for `machine`.
pub(super) fn read(content: &Content, machine: Machine) -> io::Result<Option<Library>> {
    let cache = ReadCache::new(Reader { content, position: 0, failure: None });
    let library = parse(&cache, machine).unwrap_or_default();
    // The parser takes a file that cannot be read for one that is no library.
    match cache.into_inner().failure {
        Some(failure) => Err(failure),
        None => Ok(library),
    }
}

fn parse(data: &ReadCache<Reader<'_>>, machine: Machine) -> object::read::Result<Option<Library>> {
    let header = FileHeader64::<Endianness>::parse(data)?;
    let endian = header.endian()?;
    if header.e_machine(endian) != machine || header.e_type(endian) != ET_DYN {
        return Ok(None);
    }
    let dynamic = header.sections(endian, data)?.dynamic_table(endian, data)?;
    if dynamic.is_empty() {
        return Ok(None);
    }
    let soname = dynamic.iter().find(|entry| entry.tag == DT_SONAME).map(|entry| dynamic.string(entry)).transpose()?;
    let soname = soname.and_then(|name| std::str::from_utf8(name).ok()).map(str::to_owned);
    Ok(Some(Library { soname }))
}

/// Reads the parts of a content that the parser asks for.
struct Reader<'a> {
    content: &'a Content,
    position: u64,
    failure: Option<io::Error>,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = (buffer.len() as u64).min(self.content.len().saturating_sub(self.position));
        match self.content.read_range(self.position, len) {
            Ok(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                self.position += len;
                Ok(bytes.len())
            }
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                Err(kind.into())
            }
        }
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.content.len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
