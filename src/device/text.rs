//! Parsers for the kernel's mount and swap tables, and for names that devices report. Pure functions.

use std::path::{Path, PathBuf};

use crate::output::is_unsafe_for_terminal;

/// A mounted file system, as `/proc/self/mountinfo` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Major and minor number of its device; the major number of file systems that span several disks is 0.
    pub(super) number: (u32, u32),
    /// The mounted device (`/dev/sdb1`).
    pub(super) source: String,
    /// The mount point.
    pub(super) path: PathBuf,
}

/// All mounts of a mount table in the format of `/proc/self/mountinfo`. Lines in another format are skipped.
pub(super) fn mounts(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).collect()
}

/// `36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sdb1 rw`, with any number of optional fields before
/// the dash.
fn mount(line: &str) -> Option<Mount> {
    let (front, back) = line.split_once(" - ")?;
    // Skip the ids of the mount and of its parent.
    let mut front = front.split(' ').skip(2);
    let number = number(front.next()?)?;
    let path = unescape(front.nth(1)?);
    let source = unescape(back.split(' ').nth(1)?);
    Some(Mount { number, source, path: path.into() })
}

/// Device files of all swap areas, from a table in the format of `/proc/swaps`; swap files among them.
pub(super) fn swaps(text: &str) -> Vec<String> {
    // The first line is the header.
    text.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().next()).map(unescape).collect()
}

/// `8:16` as major and minor number.
pub(super) fn number(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The value of `key` in the lines of a uevent file (`PARTNAME=root-a`).
pub(super) fn uevent<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

/// The kernel writes blanks, line breaks and backslashes of paths as `\` and three octal digits.
fn unescape(text: &str) -> String {
    decode(text, |rest| {
        let digits = rest.get(..3)?;
        Some((u8::from_str_radix(digits, 8).ok()?, 3))
    })
}

/// udev writes what is unusual in the name of a link as `\x` and two hexadecimal digits.
pub(super) fn unhex(text: &str) -> String {
    decode(text, |rest| {
        let digits = rest.strip_prefix('x')?.get(..2)?;
        Some((u8::from_str_radix(digits, 16).ok()?, 3))
    })
}

/// Replaces each escape sequence by its byte. `escape` gets the text after a backslash and returns the byte and the length of the
/// sequence.
fn decode(text: &str, escape: impl Fn(&str) -> Option<(u8, usize)>) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let behind = &rest[at + 1..];
        match escape(behind) {
            Some((byte, length)) => {
                bytes.push(byte);
                rest = &behind[length..];
            }
            None => {
                bytes.push(b'\\');
                rest = behind;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The serial number in SCSI's vital product data page 0x80: it follows a header with its length.
pub(super) fn vital_serial(page: &[u8]) -> Option<String> {
    let (header, rest) = page.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let serial = clean(&String::from_utf8_lossy(rest.get(..length).unwrap_or(rest)));
    (header[1] == 0x80 && !serial.is_empty()).then_some(serial)
}

/// A device's text, made safe for a terminal, since the maker of the device can put anything into it. Control characters and
/// characters that reorder or hide others are removed, and runs of white space become one blank.
pub(super) fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|char| char.is_whitespace() || !is_unsafe_for_terminal(*char)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A path, safe to show on a terminal.
pub(super) fn shown(path: &Path) -> String {
    crate::output::shown(&path.to_string_lossy())
}
