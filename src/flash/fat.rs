//! FAT partitions: which of their bytes a reader uses, and traces of other systems that have written to them.

use std::io::{self, Read, Seek, SeekFrom};

use super::error::SendError;
use super::plan::Range;
use crate::format::fat;
use crate::format::spans::{Span, minus, union};
use crate::image::layout::{BASIC_DATA, ESP};
use crate::image::{Manifest, ManifestPartition};
use crate::output::count;

/// Bytes of the largest FAT partition that is examined. This program makes none that is larger, and examining one would
/// take much memory.
const LARGEST: u64 = 16 << 30;

/// The partitions that may hold FAT.
pub(super) fn partitions(manifest: &Manifest) -> impl Iterator<Item = &ManifestPartition> {
    let is_fat = |part: &&ManifestPartition| [ESP, BASIC_DATA].contains(&part.type_guid) && part.size <= LARGEST;
    manifest.partitions.iter().filter(is_fat)
}

/// The spans of FAT partitions that a reader of the file system uses, but that no range covers: the image has zeros
/// there. Manifests of earlier versions of this program have such gaps. `read` fills a buffer with the bytes at an offset
/// of the disk, and is called for places inside `ranges` only.
///
/// # Errors
/// The error of `read`.
pub(super) fn unmapped(
    manifest: &Manifest,
    ranges: &[Range],
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<()>,
) -> Result<Vec<Span>, SendError> {
    let mapped: Vec<Span> = union(ranges.iter().map(|range| (range.offset, range.offset + range.len)));
    let mut all = Vec::new();
    for part in partitions(manifest) {
        let mut view = PartitionReader { read: &mut read, of: (part.offset, part.size), only: Some(&mapped), at: 0 };
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

/// A sign that another system has written to a stick's FAT partition, or that it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "sign", rename_all = "kebab-case")]
pub enum FatAnomaly {
    /// A file or directory that an operating system adds to every stick that is plugged in.
    Added { part: String, name: String, by: &'static str },
    /// It was unplugged, or its machine was switched off, while it was mounted for writing.
    NotClosed { part: String },
    /// Its two file allocation tables, which should be equal, differ in this many sectors. With `skipped`, old content of
    /// the stick lies in one of them, because the manifest has no range where the image has zeros.
    TablesDiffer { part: String, sectors: u64, skipped: bool },
}

impl std::fmt::Display for FatAnomaly {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added { part, name, by } => {
                write!(out, "`{part}` has `{name}`, which {by} adds to every stick that is plugged in")
            }
            Self::NotClosed { part } => {
                write!(out, "`{part}` was mounted for writing, and unplugged before it was unmounted")
            }
            Self::TablesDiffer { part, sectors, skipped } => {
                let sectors = count(usize::try_from(*sectors).unwrap_or(usize::MAX), "sector");
                write!(out, "the two tables (FAT) of `{part}` differ in {sectors}")?;
                let cause =
                    ": old content of the stick lies in them, since the zeros of the image were not written there";
                out.write_str(if *skipped { cause } else { "" })
            }
        }
    }
}

/// Names, and the system that adds them. A name that ends in `*` stands for all names with that beginning.
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

/// The system that adds a file of this name.
fn added_by(name: &str) -> Option<&'static str> {
    let is = |pattern: &str| match pattern.strip_suffix('*') {
        Some(begin) => name.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)),
        None => name.eq_ignore_ascii_case(pattern),
    };
    ADDED.into_iter().find(|(pattern, _)| is(pattern)).map(|(_, by)| by)
}

/// The anomalies of a partition, as far as it can be read. `read` is as in [`unmapped`]; `skipped` says whether that function
/// found old content in this partition.
pub(super) fn anomalies(
    part: &ManifestPartition,
    skipped: bool,
    read: impl FnMut(&mut [u8], u64) -> io::Result<()>,
) -> Vec<FatAnomaly> {
    let mut view = PartitionReader { read, of: (part.offset, part.size), only: None, at: 0 };
    let Ok(found) = fat::inspect(&mut view) else { return Vec::new() };
    let label = || part.label.clone();
    let added = found.names.into_iter().filter_map(|name| {
        let by = added_by(&name)?;
        // The name may hold any characters, and is printed on a terminal.
        Some(FatAnomaly::Added { part: label(), name: name.escape_debug().to_string(), by })
    });
    let mut anomalies: Vec<FatAnomaly> = added.collect();
    if !found.is_closed {
        anomalies.push(FatAnomaly::NotClosed { part: label() });
    }
    if found.differing > 0 {
        anomalies.push(FatAnomaly::TablesDiffer { part: label(), sectors: found.differing, skipped });
    }
    anomalies
}

/// A partition's bytes, read by offsets of the disk through `read`.
pub(super) struct PartitionReader<'a, R> {
    pub(super) read: R,
    /// The partition's offset and size.
    pub(super) of: (u64, u64),
    /// The spans of the disk that are read; everything outside them reads as zero.
    pub(super) only: Option<&'a [Span]>,
    pub(super) at: u64,
}

impl<R: FnMut(&mut [u8], u64) -> io::Result<()>> Read for PartitionReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (start, size) = self.of;
        let at = start.saturating_add(self.at);
        let left = size.saturating_sub(self.at);
        // How far the current span reaches, and whether it is one that is read.
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

impl<R> Seek for PartitionReader<'_, R> {
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
