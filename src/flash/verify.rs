//! Compares a stick or an image with a manifest.

use std::io::{Seek as _, SeekFrom, Write as _};

use uuid::Uuid;

use super::error::{Action, PlanError, SendError, WriteError, is_gone};
use super::fat;
pub use super::fat::FatAnomaly;
use super::plan::{Range, TABLES};
use super::prepare::{self, TABLE};
use super::target::{ALIGN, Buffer, Failed, Target, io_error, read_anywhere, read_exact};
use super::wipe::first_used_of;
use super::writer::digest;
use crate::format::Sparse;
use crate::format::gpt::{self, Entry, Table};
use crate::format::spans::{minus, union};
use crate::image::{Manifest, ManifestPartition, kind_of_mbr};

/// Bytes read at a time.
const STEP: usize = 2 << 20;

/// Why the comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] PlanError),
    /// The device has vanished.
    #[error(transparent)]
    Device(#[from] WriteError),
}

/// A part whose bytes differ from the manifest, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// A partition's label, or `partition table`.
    pub part: String,
    /// Bytes from the start of the disk.
    pub offset: u64,
    pub length: u64,
    pub problem: String,
}

/// Where the backup partition table was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackupTable {
    /// At the end of the disk, where `flash` writes it.
    #[serde(rename = "disk")]
    AtDiskEnd,
    /// Where the image ends, on a larger disk: tools that copy an image leave it there. Firmware and Linux use the primary
    /// table, and a node moves the backup when it adds its own partition.
    #[serde(rename = "image")]
    AtImageEnd,
}

/// The result of comparing a target with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In order of their offsets.
    pub differences: Vec<Difference>,
    /// None if the partition table differs.
    pub backup: Option<BackupTable>,
    /// Anomalies of the FAT partitions that differ.
    pub anomalies: Vec<FatAnomaly>,
    /// Whether the partition table is another image's. Then nothing else was compared, since everything would differ.
    pub is_other_image: bool,
}

/// Whether the seed partition of `target` begins with these bytes.
///
/// # Errors
/// The same as of [`differences`].
pub fn has_seed(target: &dyn Target, manifest: &Manifest, seed: &[u8]) -> Result<bool, VerifyError> {
    let mut ranges = Vec::new();
    prepare::replace_seed(manifest, &mut ranges, seed)?;
    let mut buffer = Buffer::new(STEP);
    Ok(ranges.iter().all(|range| digest(target, range, &mut buffer).is_ok_and(|found| found == range.sha256)))
}

/// All differences between `target` and `manifest`. `seed`, if given, is compared in place of the manifest's own seed.
/// `advance` gets the number of bytes read.
///
/// # Errors
/// The manifest cannot be used, or the device has vanished.
pub fn differences(
    target: &dyn Target,
    manifest: &Manifest,
    seed: Option<&[u8]>,
    advance: &mut dyn FnMut(u64),
) -> Result<Report, VerifyError> {
    let mut ranges = prepare::data(manifest);
    if let Some(seed) = seed {
        prepare::replace_seed(manifest, &mut ranges, seed)?;
    }
    let mut differences = Vec::new();
    let of_table = |problem| Difference { part: TABLE.to_owned(), offset: 0, length: TABLES, problem };
    let backup = match compare_table(target, manifest)? {
        Ok(end) => Some(end),
        Err(TableMismatch::OtherDisk(guid)) => {
            let differences = vec![of_table(format!("is another disk's: {guid}"))];
            return Ok(Report { differences, backup: None, anomalies: Vec::new(), is_other_image: true });
        }
        Err(TableMismatch::Damaged(problem)) => {
            differences.push(of_table(problem));
            None
        }
    };
    // The image's own partition tables are right only on a disk of exactly the image's size.
    let is_image = target.size() == manifest.image_size;
    let tables: Vec<Range> = prepare::tables(manifest).collect();
    let mut buffer = Buffer::new(STEP);
    for range in ranges.iter().chain(tables.iter().filter(|_| is_image)) {
        let Range { part, offset, len, sha256 } = range;
        let problem = match digest(target, range, &mut buffer) {
            Ok(found) if found == *sha256 => None,
            Ok(_) => Some("has another SHA-256".to_owned()),
            Err((at, error)) if is_gone(&error) => return Err(io_error(Action::Read, part, (at, error)).into()),
            Err((at, error)) => Some(format!("cannot be read at byte {at}: {error}")),
        };
        let difference = |problem| Difference { part: part.clone(), offset: *offset, length: *len, problem };
        differences.extend(problem.map(difference));
        advance(*len);
    }
    let mapped = [ranges, tables].concat();
    let skipped = unmapped(target, manifest, &mapped)?;
    let has_skipped = |label: &str| skipped.iter().any(|difference| difference.part == label);
    let differs = |label: &str| differences.iter().any(|difference| difference.part == label) || has_skipped(label);
    let anomalies = fat::partitions(manifest)
        .filter(|part| differs(&part.label))
        .flat_map(|part| fat::anomalies(part, has_skipped(&part.label), |bytes, at| read_anywhere(target, bytes, at)))
        .collect();
    differences.extend(skipped);
    differences.sort_by_key(|difference| difference.offset);
    Ok(Report { differences, backup, anomalies, is_other_image: false })
}

/// Places outside the manifest's ranges, where the image has zeros, but where the stick holds data that programs look at: in
/// FAT partitions, and where programs look for signatures of the disk and its partitions. What follows the last partition is
/// ignored: a node adds its own partition there.
fn unmapped(target: &dyn Target, manifest: &Manifest, ranges: &[Range]) -> Result<Vec<Difference>, VerifyError> {
    let gone = |part: &str, failed: Failed| VerifyError::from(io_error(Action::Read, part, failed));
    let spans = match fat::unmapped(manifest, ranges, |bytes, at| read_anywhere(target, bytes, at)) {
        Ok(spans) => spans,
        Err(SendError::Read { part, offset, source }) if is_gone(&source) => return Err(gone(&part, (offset, source))),
        // It failed inside a range, and is already one of the differences.
        Err(_) => Vec::new(),
    };
    let end_of = |part: &ManifestPartition| part.offset.saturating_add(part.size);
    let end = manifest.partitions.iter().map(end_of).max().unwrap_or_default();
    let mapped = ranges.iter().map(|range| (range.offset, range.offset.saturating_add(range.len)));
    let probed = minus(manifest.signature_places(), mapped.chain([(end, u64::MAX)]));
    let mut differences = Vec::new();
    for (offset, end) in union(spans.into_iter().chain(probed)) {
        let found = first_used_of(target, (offset, end - offset));
        let at = found.as_ref().map_or(offset, |at| at.unwrap_or(offset));
        let part = manifest.partitions.iter().find(|part| (part.offset..end_of(part)).contains(&at));
        let part = part.map_or_else(|| TABLE.to_owned(), |part| part.label.clone());
        let problem = match found {
            Ok(None) => continue,
            Ok(Some(at)) => format!("holds something from byte {at} on, where the image has nothing"),
            Err((at, error)) if is_gone(&error) => return Err(gone(&part, (at, error))),
            Err((at, error)) => format!("cannot be read at byte {at}: {error}"),
        };
        differences.push(Difference { part, offset, length: end - offset, problem });
    }
    Ok(differences)
}

/// Where the backup partition table lies, if the table is the image's. Partitions that a node added are ignored.
fn compare_table(target: &dyn Target, manifest: &Manifest) -> Result<Result<BackupTable, TableMismatch>, VerifyError> {
    let (size, image) = (target.size(), manifest.image_size);
    if size < image {
        return Ok(Err(TableMismatch::Damaged(format!("has {size} bytes, the image {image}"))));
    }
    let mut end = BackupTable::AtDiskEnd;
    let mut table = read_table(target, size)?;
    if size > image && table.as_ref().is_ok_and(|table| !table.is_whole) {
        // Read the disk as if it ended where the image ends.
        let of_image = read_table(target, image)?;
        if of_image.as_ref().is_ok_and(|table| table.is_whole) {
            (end, table) = (BackupTable::AtImageEnd, of_image);
        }
    }
    Ok(match table {
        Ok(table) if table.is_whole && table.disk_guid != manifest.disk_guid => {
            Err(TableMismatch::OtherDisk(table.disk_guid))
        }
        table => table.and_then(|table| compare(&table, manifest)).map(|()| end).map_err(TableMismatch::Damaged),
    })
}

/// Why a partition table is not the image's.
enum TableMismatch {
    /// It is undamaged, and belongs to a disk with this GUID.
    OtherDisk(Uuid),
    /// What is wrong with it.
    Damaged(String),
}

/// The partition table of `target`, read as if the disk had `size` bytes; or what is wrong with it.
fn read_table(target: &dyn Target, size: u64) -> Result<Result<Table, String>, VerifyError> {
    let mut disk = Sparse::new(size);
    let last = (size - TABLES) / ALIGN as u64 * ALIGN as u64;
    for (offset, len) in [(0, TABLES), (last, size - last)] {
        let mut buffer = Buffer::new(usize::try_from(len).unwrap_or_default());
        if let Err((at, error)) = read_exact(target, &mut buffer, offset) {
            if is_gone(&error) {
                return Err(io_error(Action::Read, TABLE, (at, error)).into());
            }
            return Ok(Err(format!("cannot be read at byte {at}: {error}")));
        }
        if let Err(error) = disk.seek(SeekFrom::Start(offset)).and_then(|_| disk.write_all(&buffer)) {
            return Ok(Err(error.to_string()));
        }
    }
    Ok(gpt::read(disk).map_err(|error| error.to_string()))
}

/// Compares a partition table with the manifest. The error says what differs.
fn compare(table: &Table, manifest: &Manifest) -> Result<(), String> {
    if !table.is_whole {
        return Err("one of its two copies is damaged, or not where it belongs".to_owned());
    }
    if table.in_mbr != manifest.hybrid_mbr {
        let [is, should] = [&table.in_mbr, &manifest.hybrid_mbr].map(|numbers| kind_of_mbr(numbers));
        return Err(format!("has a {is}, where the image has a {should}"));
    }
    let is = |partition: &ManifestPartition, entry: &Entry| {
        let Entry { name, guid, type_guid, offset, size, .. } = entry;
        (name, *guid, *type_guid, *offset, *size)
            == (&partition.label, partition.guid, partition.type_guid, partition.offset, partition.size)
    };
    let missing = manifest.partitions.iter().find(|partition| {
        !table.entries.iter().any(|(number, entry)| *number == partition.number && is(partition, entry))
    });
    match missing {
        Some(partition) => Err(format!("partition {} is not `{}` as it was", partition.number, partition.label)),
        None => Ok(()),
    }
}
