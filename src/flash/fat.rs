//! FAT partitions: which of their bytes readers look at, and what a stick's tell of who has written to them.

use std::io::{self, Read, Seek, SeekFrom};

use super::error::SendError;
use super::plan::Range;
use crate::format::fat;
use crate::format::spans::{Span, minus, union};
use crate::image::layout::{BASIC_DATA, ESP};
use crate::image::{Manifest, ManifestPartition};
use crate::output::count;

/// A file system beyond this is none of ours, and would take much memory to look at.
const LARGEST: u64 = 16 << 30;

/// The partitions that may hold FAT.
pub(super) fn partitions(manifest: &Manifest) -> impl Iterator<Item = &ManifestPartition> {
    let is_fat = |part: &&ManifestPartition| [ESP, BASIC_DATA].contains(&part.type_guid) && part.size <= LARGEST;
    manifest.partitions.iter().filter(is_fat)
}

/// What readers of FAT partitions look at, but is in none of `ranges`: the image has zeros there. Earlier versions
/// of this program made such manifests. `read` fills a buffer with the bytes at a place of the disk; ranges alone are read.
///
/// # Errors
/// Of reading.
pub(super) fn unmapped(
    manifest: &Manifest,
    ranges: &[Range],
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<()>,
) -> Result<Vec<Span>, SendError> {
    let mapped: Vec<Span> = union(ranges.iter().map(|range| (range.offset, range.offset + range.len)));
    let mut all = Vec::new();
    for part in partitions(manifest) {
        let mut view = View { read: &mut read, of: (part.offset, part.size), only: Some(&mapped), at: 0 };
        match fat::used(&mut view) {
            Ok(used) => {
                let end = part.offset.saturating_add(part.size);
                let place = |at| part.offset.saturating_add(at).min(end);
                all.extend(used.into_iter().map(|(from, to)| (place(from), place(to))));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
            Err(source) => {
                return Err(SendError::Read { part: part.label.clone(), offset: part.offset + view.at, source });
            }
        }
    }
    Ok(minus(all, mapped))
}

/// What a stick's FAT partition tells of what has happened to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "sign", rename_all = "kebab-case")]
pub enum Sign {
    /// A file or directory that an operating system adds to each stick that it sees.
    Added { part: String, name: String, by: &'static str },
    /// It was taken out, or its machine switched off, while it was mounted for writing.
    NotClosed { part: String },
    /// Its tables, which must be the same, differ in so many sectors. Old content of the stick may lie in one of them
    /// (`skipped`) where the image has zeros that its writer was not told to write.
    TablesDiffer { part: String, sectors: u64, skipped: bool },
}

impl std::fmt::Display for Sign {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added { part, name, by } => {
                write!(out, "`{part}` has `{name}`, which {by} adds to the sticks that it sees")
            }
            Self::NotClosed { part } => write!(out, "`{part}` was written to, and taken out before that was finished"),
            Self::TablesDiffer { part, sectors, skipped } => {
                let sectors = count(usize::try_from(*sectors).unwrap_or(usize::MAX), "sector");
                write!(out, "the two tables (FAT) of `{part}` differ in {sectors}")?;
                let cause = ": what was on the stick before lies in them, since its writer left out zeros";
                out.write_str(if *skipped { cause } else { "" })
            }
        }
    }
}

/// Names by those who add them. A name that ends in `*` stands for all that begin so.
const ADDED: [(&str, &str); 15] = [
    ("System Volume Information", "Windows"),
    ("$RECYCLE.BIN", "Windows"),
    ("FOUND.*", "Windows"),
    ("desktop.ini", "Windows"),
    ("Thumbs.db", "Windows"),
    (".Spotlight-V100", "macOS"),
    (".fseventsd", "macOS"),
    (".Trashes", "macOS"),
    (".TemporaryItems", "macOS"),
    (".DS_Store", "macOS"),
    ("._*", "macOS"),
    (".Trash-*", "a Linux desktop"),
    ("FSCK*", "fsck"),
    ("LOST.DIR", "Android"),
    ("Android", "Android"),
];

/// Who adds a file of this name.
fn added_by(name: &str) -> Option<&'static str> {
    let is = |pattern: &str| match pattern.strip_suffix('*') {
        Some(begin) => name.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)),
        None => name.eq_ignore_ascii_case(pattern),
    };
    ADDED.into_iter().find(|(pattern, _)| is(pattern)).map(|(_, by)| by)
}

/// What the partition tells, as far as it can be read; `read` as in [`unmapped`], which found something (`skipped`) in this
/// partition.
pub(super) fn signs(
    part: &ManifestPartition,
    skipped: bool,
    read: impl FnMut(&mut [u8], u64) -> io::Result<()>,
) -> Vec<Sign> {
    let mut view = View { read, of: (part.offset, part.size), only: None, at: 0 };
    let Ok(found) = fat::inspect(&mut view) else { return Vec::new() };
    let label = || part.label.clone();
    let added = found.names.into_iter().filter_map(|name| {
        let by = added_by(&name)?;
        // It is shown, and may hold anything.
        Some(Sign::Added { part: label(), name: name.escape_debug().to_string(), by })
    });
    let mut signs: Vec<Sign> = added.collect();
    if !found.is_closed {
        signs.push(Sign::NotClosed { part: label() });
    }
    if found.differing > 0 {
        signs.push(Sign::TablesDiffer { part: label(), sectors: found.differing, skipped });
    }
    signs
}

/// A partition's bytes, as `read` gives them for places of the disk.
pub(super) struct View<'a, R> {
    pub(super) read: R,
    /// Offset and size.
    pub(super) of: (u64, u64),
    /// Where something is read; all else is zero.
    pub(super) only: Option<&'a [Span]>,
    pub(super) at: u64,
}

impl<R: FnMut(&mut [u8], u64) -> io::Result<()>> Read for View<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (start, size) = self.of;
        let at = start.saturating_add(self.at);
        let left = size.saturating_sub(self.at);
        // To the next border of what is read, and whether that is.
        let (most, is_read) = match self.only {
            None => (left, true),
            Some(only) => match only.get(only.partition_point(|span| span.1 <= at)) {
                Some(span) if span.0 <= at => (left.min(span.1 - at), true),
                Some(span) => (left.min(span.0 - at), false),
                None => (left, false),
            },
        };
        let len = usize::try_from(most).map_or(buffer.len(), |most| most.min(buffer.len()));
        if is_read && len > 0 {
            (self.read)(&mut buffer[..len], at)?;
        } else {
            buffer[..len].fill(0);
        }
        self.at += len as u64;
        Ok(len)
    }
}

impl<R> Seek for View<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.of.1.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
