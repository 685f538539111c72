//! A PE32+ file as far as signatures go: where checksum and certificate table are, and the digest of all else.

use rsa::sha2::{Digest as _, Sha256};

use super::AuthenticodeError;

/// Byte offsets of what a signature leaves out, since it changes when a program is signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// `CheckSum` of the optional header, four bytes.
    pub(super) checksum: usize,
    /// Entry of the certificate table in the data directory: offset in the file and size, four bytes each.
    pub(super) directory: usize,
}

/// A program, its headers checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program<'a> {
    bytes: &'a [u8],
    fields: Fields,
    /// Bytes of all headers.
    headers: usize,
    /// Offset of the section table and number of its entries.
    sections: (usize, usize),
    /// Where the certificate table starts; the file's end if there is none.
    table: usize,
}

/// Bytes of an entry of the section table.
const SECTION: usize = 40;
/// Offsets in the optional header of PE32+ ("PE Format", optional header).
const SIZE_OF_HEADERS: usize = 60;
const CHECKSUM: usize = 64;
const NUMBER_OF_DIRECTORIES: usize = 108;
/// The fifth entry of the data directory, which begins at 112.
const CERTIFICATE_TABLE: usize = 112 + 4 * 8;

impl<'a> Program<'a> {
    /// Reads the headers.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, AuthenticodeError> {
        let wrong = AuthenticodeError::NotPe;
        if bytes.get(..2) != Some(b"MZ") {
            return Err(wrong("it does not start with MZ"));
        }
        let coff = u32_at(bytes, 0x3c)?.saturating_add(4);
        if bytes.get(coff - 4..coff) != Some(b"PE\0\0") {
            return Err(wrong("it has no PE signature"));
        }
        let optional = coff.saturating_add(20);
        if u16_at(bytes, optional)? != 0x20b {
            return Err(wrong("its optional header is not that of PE32+"));
        }
        if u32_at(bytes, optional + NUMBER_OF_DIRECTORIES)? < 5 {
            return Err(wrong("its headers have no place for signatures"));
        }
        let fields = Fields { checksum: optional + CHECKSUM, directory: optional + CERTIFICATE_TABLE };
        let sections = (optional + u16_at(bytes, coff + 16)?, u16_at(bytes, coff + 2)?);
        let headers = u32_at(bytes, optional + SIZE_OF_HEADERS)?;
        let (start, size) = (u32_at(bytes, fields.directory)?, u32_at(bytes, fields.directory + 4)?);
        let table = if size == 0 { bytes.len() } else { start };
        // As firmware does, nothing is made of a table in the middle of a file.
        if size != 0 && start.checked_add(size) != Some(bytes.len()) {
            return Err(wrong("its signatures are not at its end"));
        }
        let least = (fields.directory + 8).max(sections.0 + sections.1 * SECTION);
        if headers < least || headers > table {
            return Err(wrong("its headers are cut short"));
        }
        Ok(Self { bytes, fields, headers, sections, table })
    }

    pub(super) fn fields(&self) -> Fields {
        self.fields
    }

    /// The certificate table; empty if it is not signed.
    pub(super) fn table(&self) -> &'a [u8] {
        &self.bytes[self.table..]
    }

    /// The program before it was signed, but for the checksum.
    pub(super) fn without_signatures(&self) -> Vec<u8> {
        let mut bytes = self.bytes[..self.table].to_vec();
        bytes[self.fields.directory..self.fields.directory + 8].fill(0);
        bytes
    }

    /// What is signed ("Calculating the PE Image Hash"): headers but for the two fields, sections in the order of their places in
    /// the file, and as many bytes more from there on as the file has before the certificate table.
    pub(super) fn digest(&self) -> [u8; 32] {
        let Self { bytes, fields: Fields { checksum, directory }, headers, table, .. } = *self;
        let mut hash = Sha256::new();
        hash.update(&bytes[..checksum]);
        hash.update(&bytes[checksum + 4..directory]);
        hash.update(&bytes[directory + 8..headers]);
        let mut hashed = headers;
        for (start, size) in self.raw_sections() {
            let end = start.saturating_add(size).min(table);
            hash.update(&bytes[start.min(end)..end]);
            hashed = hashed.saturating_add(size);
        }
        if hashed < table {
            hash.update(&bytes[hashed..table]);
        }
        hash.finalize().into()
    }

    /// Place and size in the file of each section that has any bytes there, by place.
    fn raw_sections(&self) -> Vec<(usize, usize)> {
        let (table, count) = self.sections;
        let entries = (0..count).map(|index| table + index * SECTION);
        let field = |at| u32_at(self.bytes, at).unwrap_or_default();
        let mut sections: Vec<(usize, usize)> = entries.map(|entry| (field(entry + 20), field(entry + 16))).collect();
        sections.retain(|(_, size)| *size != 0);
        sections.sort_unstable();
        sections
    }
}

/// The number at `at`, little-endian.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<usize, AuthenticodeError> {
    let field = bytes.get(at..at.saturating_add(4)).and_then(|field| field.try_into().ok()).map(u32::from_le_bytes);
    field.and_then(|number| usize::try_from(number).ok()).ok_or(AuthenticodeError::NotPe("its headers are cut short"))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<usize, AuthenticodeError> {
    let field = bytes.get(at..at.saturating_add(2)).and_then(|field| field.try_into().ok()).map(u16::from_le_bytes);
    field.map(usize::from).ok_or(AuthenticodeError::NotPe("its headers are cut short"))
}
