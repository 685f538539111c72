//! Makes the plan for a device from an image's manifest, the image's bytes and the device's size.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use super::error::PlanError;
use super::fat;
use super::plan::{BLOCK, Plan, Range, TABLES};
use super::read_verified::read_verified;
use super::source::{Patched, Source, VerifiedSource};
use crate::format::Sparse;
use crate::format::gpt::{self, Entry, SECTOR};
use crate::format::spans::minus;
use crate::image::{Manifest, ManifestRange, RANGE};
use crate::tree::Digest;

/// Bytes at the end of a disk where programs look for signatures. Promise's RAID metadata lies farthest from the end, 3087
/// sectors (`libblkid/src/superblocks/promise_raid.c` of util-linux).
const LAST: u64 = 2 << 20;
/// Bytes of the block with the MBR, protective or hybrid, and the primary header. Without it no program regards a disk as
/// partitioned.
const FIRST: u64 = 4096;
/// Bytes of a primary table, in whole blocks: MBR, header, and 128 entries of 128 bytes (UEFI specification, 5.3).
const PRIMARY: u64 = (2 * SECTOR + ENTRIES).next_multiple_of(BLOCK);
/// Bytes of a backup table: entries, and the header in the last sector.
const BACKUP: u64 = ENTRIES + SECTOR;
const ENTRIES: u64 = 128 * 128;

/// A plan, and the source of the bytes that it writes.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub plan: Plan,
    pub source: Patched<'a>,
}

impl<'a> Prepared<'a> {
    /// Plans how to write the image that `manifest` describes, whose bytes are `image`, to a device of `size` bytes with sectors
    /// of `sector` bytes. `seed` replaces the image's own seed.
    ///
    /// # Errors
    /// The device is too small or has other sectors; image and manifest do not match.
    pub fn new(
        manifest: &Manifest,
        image: &'a dyn Source,
        (size, sector): (u64, u32),
        seed: Option<&[u8]>,
    ) -> Result<Self, PlanError> {
        if u64::from(sector) != SECTOR {
            return Err(PlanError::Sector { sector });
        }
        if size < manifest.image_size {
            return Err(PlanError::TooSmall { needed: manifest.image_size, size });
        }
        let table = image_table(manifest, image)?;
        let mut ranges = data(manifest);
        let mut patches = Vec::new();
        if let Some(seed) = seed {
            let at = replace_seed(manifest, &mut ranges, seed)?;
            patches.push((at, seed.to_vec()));
        }
        let end = manifest.image_size;
        // The last `len` bytes before `end` as offset and length. The end need not be a multiple of 4096, but the offset is.
        let before = |end: u64, len: u64| ((end - len) / BLOCK * BLOCK, len + (end - len) % BLOCK);
        let (last, backup) = (before(size, LAST), before(size, BACKUP));
        let entries: Vec<Entry> = table.entries.into_iter().map(|entry| entry.1).collect();
        let disk = gpt::write(table.disk_guid, size, &entries, &table.in_mbr)?;
        let mut tables = Vec::new();
        // From the end to the start: a disk with a backup table alone, or without the first block of its primary table, is
        // not bootable.
        for (part, offset, len) in
            [("backup partition table", backup.0, backup.1), (TABLE, FIRST, PRIMARY - FIRST), (TABLE, 0, FIRST)]
        {
            let bytes = part_of(&disk, offset, len)?;
            tables.push(Range { part: part.to_owned(), offset, len, sha256: Digest::of(&bytes) });
            patches.push((offset, bytes));
        }
        let span = |(offset, len): (u64, u64)| (offset, offset.saturating_add(len));
        let mut clear = vec![span((0, TABLES)), span(before(end, BACKUP)), span(last)];
        // The stick may hold a longer seed of another node.
        let seeds = manifest.partitions.iter().filter(|part| part.label == SEED);
        clear.extend(seeds.map(|part| span((part.offset, part.size))));
        clear.extend(manifest.signature_places());
        clear.extend(fat::unmapped(manifest, &ranges, |bytes, at| image.read(bytes, at))?);
        // Places that are overwritten anyway need no wiping, except for the rest of a partly written last block.
        let written = ranges.iter().map(|range| (range.offset, (range.offset + range.len) / BLOCK * BLOCK));
        let clear = minus(clear, written).into_iter().map(|(start, end)| (start, end - start)).collect();
        let plan = Plan { size_needed: manifest.image_size, device_size: size, clear, ranges, tables };
        Ok(Self { plan, source: Patched::new(image, patches) })
    }
}

const SEED: &str = "seed";
/// The name of a partition table in messages.
pub(super) const TABLE: &str = "partition table";

/// The ranges of the image's partitions, ascending.
pub(super) fn data(manifest: &Manifest) -> Vec<Range> {
    let in_partition = manifest.ranges.iter().filter(|range| manifest.partition_of(range).is_some());
    in_partition.map(|range| named(manifest, range)).collect()
}

/// The ranges of the image's own partition tables. They fit only a device of exactly the image's size.
pub(super) fn tables(manifest: &Manifest) -> impl Iterator<Item = Range> {
    let outside = manifest.ranges.iter().filter(|range| manifest.partition_of(range).is_none());
    outside.map(|range| named(manifest, range))
}

fn named(manifest: &Manifest, range: &ManifestRange) -> Range {
    let part = manifest.partition_of(range).map_or(TABLE, |partition| &partition.label);
    Range { part: part.to_owned(), offset: range.offset, len: range.length, sha256: range.sha256 }
}

/// Reads all of an image and compares it with its manifest. Images from elsewhere are checked in this way before the first
/// write, so that a damaged one does not leave a half-written stick. `advance` gets the number of bytes read. Returns the
/// image as a source that is verified faster when it is read again.
///
/// # Errors
/// The first range that does not match.
pub fn check(
    manifest: &Manifest,
    image: Box<dyn Source>,
    advance: &mut (dyn FnMut(u64) + Send),
) -> Result<VerifiedSource, PlanError> {
    let mut hashes = BTreeMap::new();
    let all: Vec<Range> = manifest.ranges.iter().map(|range| named(manifest, range)).collect();
    read_verified(&*image, all.iter(), |range, bytes| -> Result<(), PlanError> {
        hashes.insert(range.sha256, blake3::hash(bytes));
        advance(range.len);
        Ok(())
    })?;
    Ok(VerifiedSource::new(image, hashes))
}

/// The image's partition table, read from bytes that were verified with the manifest.
fn image_table(manifest: &Manifest, image: &dyn Source) -> Result<gpt::Table, PlanError> {
    let mut disk = Sparse::new(manifest.image_size);
    let first: Vec<Range> = tables(manifest).filter(|range| range.offset < TABLES).collect();
    read_verified(image, first.iter(), |range, bytes| put(&mut disk, range.offset, bytes))?;
    let fail = |problem: String| PlanError::Table { problem };
    let table = gpt::read(disk).map_err(|error| fail(error.to_string()))?;
    let ours = |(number, entry): &(u32, Entry)| (*number, entry.name.clone(), entry.guid, entry.offset, entry.size);
    let theirs: Vec<_> = manifest
        .partitions
        .iter()
        .map(|part| (part.number, part.label.clone(), part.guid, part.offset, part.size))
        .collect();
    let consecutive = table.entries.iter().zip(1..).all(|((number, _), expected)| *number == expected);
    if table.disk_guid != manifest.disk_guid
        || table.entries.iter().map(ours).collect::<Vec<_>>() != theirs
        || table.in_mbr != manifest.hybrid_mbr
        || !consecutive
    {
        return Err(fail("partitions differ".to_owned()));
    }
    Ok(table)
}

/// Replaces the ranges of the image's own seed with those of `seed`. Returns the offset of the seed's partition.
pub(super) fn replace_seed(manifest: &Manifest, ranges: &mut Vec<Range>, seed: &[u8]) -> Result<u64, PlanError> {
    let fail = || PlanError::Manifest { problem: format!("it has no partition `{SEED}`") };
    let partition = manifest.partitions.iter().find(|partition| partition.label == SEED).ok_or_else(fail)?;
    if seed.len() as u64 > partition.size {
        return Err(PlanError::Seed { needed: seed.len() as u64, size: partition.size });
    }
    ranges.retain(|range| !(partition.offset..partition.offset + partition.size).contains(&range.offset));
    let chunks = seed.chunks(usize::try_from(RANGE).unwrap_or(usize::MAX));
    for (number, bytes) in (0..).zip(chunks) {
        let offset = partition.offset + number * RANGE;
        let sha256 = Digest::of(bytes);
        ranges.push(Range { part: partition.label.clone(), offset, len: bytes.len() as u64, sha256 });
    }
    ranges.sort_by_key(|range| range.offset);
    Ok(partition.offset)
}

fn part_of(disk: &Sparse, offset: u64, len: u64) -> Result<Vec<u8>, PlanError> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
    let mut disk = disk.clone();
    disk.seek(SeekFrom::Start(offset)).and_then(|_| disk.read_exact(&mut bytes)).map_err(in_memory)?;
    Ok(bytes)
}

fn put(disk: &mut Sparse, offset: u64, bytes: &[u8]) -> Result<(), PlanError> {
    disk.seek(SeekFrom::Start(offset)).and_then(|_| disk.write_all(bytes)).map_err(in_memory)
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn in_memory(error: std::io::Error) -> PlanError {
    PlanError::Table { problem: error.to_string() }
}
