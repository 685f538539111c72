//! Unified kernel images: sections appended to an EFI stub, a PE32+ file.
//!
//! The stub stays as it is but for the section table, the image's size and two fields that would tell build time and
//! content (time stamp, checksum). Each section starts at the next free aligned address and file offset. See UAPI.5 for
//! the sections and Microsoft's "PE Format" for the headers.

/// One section to append.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// With its dot, at most eight bytes (`.linux`).
    pub name: &'a str,
    pub data: &'a [u8],
}

/// Why no image was made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UkiError {
    /// The stub is no 64-bit PE file, or cut short.
    #[error("the EFI stub is not a PE32+ file: {0}")]
    NotPe(&'static str),
    /// The stub's section table cannot grow.
    #[error("the EFI stub has header room for {room} more sections, {wanted} are needed")]
    NoHeaderRoom { room: usize, wanted: usize },
    /// A section name that does not fit its field.
    #[error("section name `{0}` is empty or longer than eight bytes")]
    BadName(String),
    /// The image is beyond what 32-bit addresses reach.
    #[error("section `{0}` does not fit below 4 GiB")]
    TooLarge(String),
}

/// Bytes of an entry of the section table.
const ENTRY: usize = 40;
/// `IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_READ`.
const CODE: u32 = 0x4000_0020;
/// `IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ`.
const DATA: u32 = 0x4000_0040;

/// Where things are in the stub's headers: byte offsets, and what they say.
struct Headers {
    /// COFF file header, after the signature.
    coff: usize,
    /// Optional header.
    optional: usize,
    /// First byte after the section table.
    table_end: usize,
    sections: u16,
    section_alignment: u32,
    file_alignment: u32,
    /// Where the headers end.
    first_data: usize,
    /// First free address and file offset, not aligned.
    free_address: u32,
    free_offset: u32,
}

/// The stub with `sections` appended in the order given.
///
/// # Errors
/// A stub that is no PE32+ file or has no room left in its headers, a bad name, an image beyond 4 GiB.
pub fn append(stub: &[u8], sections: &[Section<'_>]) -> Result<Vec<u8>, UkiError> {
    let headers = read(stub)?;
    let room = headers.first_data.saturating_sub(headers.table_end) / ENTRY;
    if sections.len() > room {
        return Err(UkiError::NoHeaderRoom { room, wanted: sections.len() });
    }
    let total: usize = sections.iter().map(|section| section.data.len()).sum();
    let mut image = Vec::with_capacity(stub.len() + total + (sections.len() + 1) * headers.file_alignment as usize);
    image.extend_from_slice(stub);

    let (mut address, mut offset) = (headers.free_address, headers.free_offset);
    for (index, section) in sections.iter().enumerate() {
        if section.name.is_empty() || section.name.len() > 8 {
            return Err(UkiError::BadName(section.name.to_owned()));
        }
        let too_large = || UkiError::TooLarge(section.name.to_owned());
        let size = u32::try_from(section.data.len()).map_err(|_| too_large())?;
        address = address.checked_next_multiple_of(headers.section_alignment).ok_or_else(too_large)?;
        offset = offset.checked_next_multiple_of(headers.file_alignment).ok_or_else(too_large)?;
        let raw_size = size.checked_next_multiple_of(headers.file_alignment).ok_or_else(too_large)?;

        let entry = headers.table_end + index * ENTRY;
        let kind = if section.name == ".linux" { CODE } else { DATA };
        image[entry..entry + ENTRY].fill(0);
        image[entry..entry + section.name.len()].copy_from_slice(section.name.as_bytes());
        put_u32(&mut image, entry + 8, size);
        put_u32(&mut image, entry + 12, address);
        put_u32(&mut image, entry + 16, raw_size);
        put_u32(&mut image, entry + 20, offset);
        put_u32(&mut image, entry + 36, kind);

        image.resize(offset as usize, 0);
        image.extend_from_slice(section.data);
        address = address.checked_add(size).ok_or_else(too_large)?;
        offset = offset.checked_add(raw_size).ok_or_else(too_large)?;
        image.resize(offset as usize, 0);
    }

    let count = usize::from(headers.sections) + sections.len();
    let count = u16::try_from(count).map_err(|_| UkiError::NoHeaderRoom { room, wanted: sections.len() })?;
    image[headers.coff + 2..headers.coff + 4].copy_from_slice(&count.to_le_bytes());
    let end = address.checked_next_multiple_of(headers.section_alignment);
    put_u32(&mut image, headers.optional + 56, end.ok_or(UkiError::NotPe("its sections end beyond 4 GiB"))?);
    put_u32(&mut image, headers.coff + 4, 0); // TimeDateStamp.
    put_u32(&mut image, headers.optional + 64, 0); // CheckSum.
    Ok(image)
}

/// Reads the headers as far as they matter here.
fn read(stub: &[u8]) -> Result<Headers, UkiError> {
    if stub.get(..2) != Some(b"MZ") {
        return Err(UkiError::NotPe("it does not start with MZ"));
    }
    let signature = get_u32(stub, 0x3c)? as usize;
    let coff = signature.saturating_add(4);
    if stub.get(signature..coff) != Some(b"PE\0\0") {
        return Err(UkiError::NotPe("it has no PE signature"));
    }
    let sections = get_u16(stub, coff + 2)?;
    let optional = coff + 20;
    let table = optional + usize::from(get_u16(stub, coff + 16)?);
    if get_u16(stub, optional)? != 0x20b {
        return Err(UkiError::NotPe("its optional header is not that of PE32+"));
    }
    let section_alignment = get_u32(stub, optional + 32)?;
    let file_alignment = get_u32(stub, optional + 36)?;
    if !section_alignment.is_power_of_two() || !file_alignment.is_power_of_two() {
        return Err(UkiError::NotPe("its alignment is not a power of two"));
    }
    let first_data = get_u32(stub, optional + 60)? as usize;
    let table_end = table + usize::from(sections) * ENTRY;
    if first_data > stub.len() || table_end > first_data {
        return Err(UkiError::NotPe("its headers are cut short"));
    }

    let mut free_address = 0;
    let mut free_offset = u32::try_from(stub.len()).map_err(|_| UkiError::NotPe("it is larger than 4 GiB"))?;
    for entry in (table..table_end).step_by(ENTRY) {
        let end = |size: u32, start: u32| start.checked_add(size).ok_or(UkiError::NotPe("a section ends beyond 4 GiB"));
        free_address = free_address.max(end(get_u32(stub, entry + 8)?, get_u32(stub, entry + 12)?)?);
        free_offset = free_offset.max(end(get_u32(stub, entry + 16)?, get_u32(stub, entry + 20)?)?);
    }
    if free_offset as usize > stub.len() {
        return Err(UkiError::NotPe("a section is cut short"));
    }
    Ok(Headers {
        coff,
        optional,
        table_end,
        sections,
        section_alignment,
        file_alignment,
        first_data,
        free_address,
        free_offset,
    })
}

fn get_u16(bytes: &[u8], at: usize) -> Result<u16, UkiError> {
    let field = bytes.get(at..at.saturating_add(2)).and_then(|field| field.try_into().ok());
    field.map(u16::from_le_bytes).ok_or(UkiError::NotPe("its headers are cut short"))
}

fn get_u32(bytes: &[u8], at: usize) -> Result<u32, UkiError> {
    let field = bytes.get(at..at.saturating_add(4)).and_then(|field| field.try_into().ok());
    field.map(u32::from_le_bytes).ok_or(UkiError::NotPe("its headers are cut short"))
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}
