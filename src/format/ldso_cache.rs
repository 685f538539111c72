//! `/etc/ld.so.cache`, by which the dynamic loader finds libraries: a header, sorted entries, a string table, and an
//! extension that names the generator and the `glibc-hwcaps` subdirectories in use.
//!
//! The format is glibc's (`sysdeps/generic/dl-cache.h`, version 1.1), the bytes are those that `ldconfig` of
//! glibc 2.33 and later writes for the same entries.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

const MAGIC: &[u8; 20] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// In the header's flags: all numbers are little-endian.
const LITTLE_ENDIAN: u32 = 2;
/// In an entry's hwcap field: the rest of it is an index into the extension's list of subdirectories.
const HWCAP_EXTENSION: u64 = 1 << 62;
const EXTENSION_MAGIC: u32 = 0xEAA4_2174;
const TAG_GENERATOR: u32 = 0;
const TAG_HWCAPS: u32 = 1;

/// The flags of a library for x86-64 (`FLAG_X8664_LIB64 | FLAG_ELF_LIBC6`).
pub const FLAGS_X86_64: u32 = 0x0303;
/// The flags of a library for 64-bit ARM (`FLAG_AARCH64_LIB64 | FLAG_ELF_LIBC6`).
pub const FLAGS_AARCH64: u32 = 0x0a03;

/// A library in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// The name that programs ask for.
    pub soname: String,
    /// Absolute path of the file.
    pub path: String,
    pub flags: u32,
    /// The `glibc-hwcaps` subdirectory that it lies in (`x86-64-v3`), if any.
    pub hwcaps: Option<String>,
}

/// The cache's bytes. Of libraries that are equal but for their paths, the loader takes the one that comes first.
///
/// # Errors
/// None can happen below 4 GiB of names; beyond, offsets would not fit, and [`TooLarge`] is returned.
pub fn encode(libraries: &[Library], generator: &str) -> Result<Vec<u8>, TooLarge> {
    let mut sorted: Vec<&Library> = libraries.iter().collect();
    sorted.sort_by(|a, b| order(a, b));
    let hwcaps: BTreeSet<&str> = libraries.iter().filter_map(|library| library.hwcaps.as_deref()).collect();
    let names = sorted.iter().flat_map(|library| [library.soname.as_str(), &library.path]);
    let strings_start = HEADER + ENTRY * sorted.len();
    let strings = Strings::new(names.chain(hwcaps.iter().copied()), strings_start);
    let extension_start = (strings_start + strings.bytes.len()).next_multiple_of(4);

    let mut out = Vec::with_capacity(extension_start + 128);
    out.extend_from_slice(MAGIC);
    for field in [sorted.len(), strings.bytes.len()] {
        out.extend_from_slice(&word(field)?);
    }
    out.extend_from_slice(&LITTLE_ENDIAN.to_le_bytes());
    out.extend_from_slice(&word(extension_start)?);
    out.resize(HEADER, 0);
    for library in sorted {
        let index = library.hwcaps.as_deref().and_then(|name| hwcaps.iter().position(|known| *known == name));
        let hwcap = index.map_or(0, |index| HWCAP_EXTENSION | index as u64);
        let os_version = [0; 4];
        out.extend_from_slice(&library.flags.to_le_bytes());
        out.extend_from_slice(&strings.offset(&library.soname)?);
        out.extend_from_slice(&strings.offset(&library.path)?);
        out.extend_from_slice(&os_version);
        out.extend_from_slice(&hwcap.to_le_bytes());
    }
    out.extend_from_slice(&strings.bytes);
    out.resize(extension_start, 0);
    append_extension(&mut out, generator, &hwcaps, &strings)?;
    Ok(out)
}

/// The names do not fit the cache's 32-bit offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the names of all libraries together do not fit into ld.so.cache")]
pub struct TooLarge;

/// Appends the extension's directory and the sections that it lists.
fn append_extension(
    out: &mut Vec<u8>,
    generator: &str,
    hwcaps: &BTreeSet<&str>,
    strings: &Strings<'_>,
) -> Result<(), TooLarge> {
    let sections = if hwcaps.is_empty() { 1 } else { 2 };
    let hwcaps_start = out.len() + 8 + 16 * sections;
    let hwcaps_len = 4 * hwcaps.len();
    let section = |tag: u32, start: usize, len: usize| {
        let flags = [0; 4];
        Ok([tag.to_le_bytes(), flags, word(start)?, word(len)?].concat())
    };
    let mut extension = EXTENSION_MAGIC.to_le_bytes().to_vec();
    extension.extend(word(sections)?);
    extension.extend(section(TAG_GENERATOR, hwcaps_start + hwcaps_len, generator.len())?);
    if !hwcaps.is_empty() {
        extension.extend(section(TAG_HWCAPS, hwcaps_start, hwcaps_len)?);
    }
    for name in hwcaps {
        extension.extend(strings.offset(name)?);
    }
    extension.extend_from_slice(generator.as_bytes());
    out.extend(extension);
    Ok(())
}

/// The order that the loader's binary search relies on: names descending; of one name, those for special hardware
/// first, by the name of their subdirectory.
fn order(a: &Library, b: &Library) -> Ordering {
    let special = |library: &Library| (library.hwcaps.is_none(), library.hwcaps.clone());
    compare_names(&b.soname, &a.soname).then_with(|| b.flags.cmp(&a.flags)).then_with(|| special(a).cmp(&special(b)))
}

/// Compares names of libraries as the loader does (`_dl_cache_libcmp`): runs of digits by their value, and
/// a digit after every other character.
#[must_use]
pub fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (digits_a, digits_b) = (digits(a), digits(b));
        match (digits_a.is_empty(), digits_b.is_empty()) {
            (false, false) => {
                let (value_a, value_b) = (significant(digits_a), significant(digits_b));
                let order = value_a.len().cmp(&value_b.len()).then_with(|| value_a.cmp(value_b));
                if order.is_ne() {
                    return order;
                }
                (a, b) = (&a[digits_a.len()..], &b[digits_b.len()..]);
            }
            (false, true) => return Ordering::Greater,
            (true, false) => return Ordering::Less,
            (true, true) => match (a.split_first(), b.split_first()) {
                (Some((first_a, rest_a)), Some((first_b, rest_b))) if first_a == first_b => (a, b) = (rest_a, rest_b),
                (first_a, first_b) => return first_a.map(|(byte, _)| byte).cmp(&first_b.map(|(byte, _)| byte)),
            },
        }
    }
}

/// The digits that `text` starts with.
fn digits(text: &[u8]) -> &[u8] {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &text[..len]
}

/// A number without leading zeros.
fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

/// A table of NUL-terminated strings in which one that ends another shares its bytes.
struct Strings<'a> {
    bytes: Vec<u8>,
    offsets: BTreeMap<&'a str, usize>,
}

impl<'a> Strings<'a> {
    /// A table of `names` that starts at `start` in the file.
    fn new(names: impl Iterator<Item = &'a str>, start: usize) -> Self {
        // Sorted by their ends and descending, a string directly follows one that it is the end of.
        let by_end = names.map(|name| (Reverse(name.bytes().rev().collect::<Vec<u8>>()), name));
        let sorted: BTreeMap<Reverse<Vec<u8>>, &str> = by_end.collect();
        let mut bytes = Vec::new();
        let mut offsets = BTreeMap::new();
        let mut previous = "";
        for name in sorted.into_values() {
            if previous.is_empty() || !previous.ends_with(name) {
                bytes.extend_from_slice(name.as_bytes());
                bytes.push(0);
            }
            offsets.insert(name, start + bytes.len() - 1 - name.len());
            previous = name;
        }
        Self { bytes, offsets }
    }

    fn offset(&self, name: &str) -> Result<[u8; 4], TooLarge> {
        self.offsets.get(name).ok_or(TooLarge).and_then(|offset| word(*offset))
    }
}

fn word(value: usize) -> Result<[u8; 4], TooLarge> {
    u32::try_from(value).map(u32::to_le_bytes).map_err(|_| TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_names_are_numbers_and_digits_come_last() {
        let mut names = ["libz.so.10", "libz.so.9", "libz.so", "libz2.so", "libza.so", "libz.so.09a"];
        names.sort_by(|a, b| compare_names(a, b));
        assert_eq!(names, ["libz.so", "libz.so.9", "libz.so.09a", "libz.so.10", "libza.so", "libz2.so"]);
    }
}
