//! Makes the plan of a flash from an image's manifest, its bytes and the device's size.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use super::error::PlanError;
use super::fat;
use super::plan::{BLOCK, Plan, Range, TABLES};
use super::prove::prove;
use super::source::{Patched, Seen, Source};
use crate::format::Sparse;
use crate::format::gpt::{self, Entry, SECTOR};
use crate::format::spans::minus;
use crate::image::{Manifest, ManifestRange, RANGE};
use crate::tree::Digest;

/// The last bytes of a disk where something is looked for: Promise's RAID looks farthest, 3087 sectors from the end
/// (`libblkid/src/superblocks/promise_raid.c` of util-linux).
const LAST: u64 = 2 << 20;
/// The block with the MBR, protective or hybrid, and the primary header: without it, nothing takes a disk for partitioned.
const FIRST: u64 = 4096;
/// Bytes of a primary table, in whole blocks: MBR, header, and 128 entries of 128 bytes (UEFI specification, 5.3).
const PRIMARY: u64 = (2 * SECTOR + ENTRIES).next_multiple_of(BLOCK);
/// Bytes of a backup table: entries, and the header in the last sector.
const BACKUP: u64 = ENTRIES + SECTOR;
const ENTRIES: u64 = 128 * 128;

/// A plan, and the source of the bytes that it speaks of.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub plan: Plan,
    pub source: Patched<'a>,
}

impl<'a> Prepared<'a> {
    /// Plans to write the image that `manifest` describes, whose bytes are `image`, to a device of `size` bytes and sectors of
    /// `sector` bytes; `seed` takes the place of the image's own.
    ///
    /// # Errors
    /// A device that does not suit; image and manifest that do not belong together.
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
        // Up to the very end, which need not be a multiple of 4096.
        let before = |end: u64, len: u64| ((end - len) / BLOCK * BLOCK, len + (end - len) % BLOCK);
        let (last, backup) = (before(size, LAST), before(size, BACKUP));
        let entries: Vec<Entry> = table.entries.into_iter().map(|entry| entry.1).collect();
        let disk = gpt::write(table.disk_guid, size, &entries, &table.in_mbr)?;
        let mut tables = Vec::new();
        // From the last to the first: a backup alone is nothing, and neither is a table without its first block. Around them
        // is what was wiped.
        for (part, offset, len) in
            [("backup partition table", backup.0, backup.1), (TABLE, FIRST, PRIMARY - FIRST), (TABLE, 0, FIRST)]
        {
            let bytes = part_of(&disk, offset, len)?;
            tables.push(Range { part: part.to_owned(), offset, len, sha256: Digest::of(&bytes) });
            patches.push((offset, bytes));
        }
        let span = |(offset, len): (u64, u64)| (offset, offset.saturating_add(len));
        let mut clear = vec![span((0, TABLES)), span(before(end, BACKUP)), span(last)];
        // What a longer seed of another node has left there.
        let seeds = manifest.partitions.iter().filter(|part| part.label == SEED);
        clear.extend(seeds.map(|part| span((part.offset, part.size))));
        clear.extend(manifest.signature_places());
        clear.extend(fat::unmapped(manifest, &ranges, |bytes, at| image.read(bytes, at))?);
        // What is written in any case need not be wiped, but for the rest of a block that is not written to its end.
        let written = ranges.iter().map(|range| (range.offset, (range.offset + range.len) / BLOCK * BLOCK));
        let clear = minus(clear, written).into_iter().map(|(start, end)| (start, end - start)).collect();
        let plan = Plan { size_needed: manifest.image_size, device_size: size, clear, ranges, tables };
        Ok(Self { plan, source: Patched::new(image, patches) })
    }
}

const SEED: &str = "seed";
/// What a partition table is called in messages.
pub(super) const TABLE: &str = "partition table";

/// The ranges of the image's partitions, ascending.
pub(super) fn data(manifest: &Manifest) -> Vec<Range> {
    let in_partition = manifest.ranges.iter().filter(|range| manifest.partition_of(range).is_some());
    in_partition.map(|range| named(manifest, range)).collect()
}

/// The ranges of the image's own partition tables, which no device but one of the image's size keeps.
pub(super) fn tables(manifest: &Manifest) -> impl Iterator<Item = Range> {
    let outside = manifest.ranges.iter().filter(|range| manifest.partition_of(range).is_none());
    outside.map(|range| named(manifest, range))
}

fn named(manifest: &Manifest, range: &ManifestRange) -> Range {
    let part = manifest.partition_of(range).map_or(TABLE, |partition| &partition.label);
    Range { part: part.to_owned(), offset: range.offset, len: range.length, sha256: range.sha256 }
}

/// Reads all of an image and holds it against its manifest, for one that comes from elsewhere: so nothing is begun that would
/// end half-way. `advance` hears of bytes that were read. Gives the image, whose bytes are proved faster the second time.
///
/// # Errors
/// The first range that is not right.
pub fn check(
    manifest: &Manifest,
    image: Box<dyn Source>,
    advance: &mut (dyn FnMut(u64) + Send),
) -> Result<Seen, PlanError> {
    let mut hashes = BTreeMap::new();
    let all: Vec<Range> = manifest.ranges.iter().map(|range| named(manifest, range)).collect();
    prove(&*image, all.iter(), |range, bytes| -> Result<(), PlanError> {
        hashes.insert(range.sha256, blake3::hash(bytes));
        advance(range.len);
        Ok(())
    })?;
    Ok(Seen::new(image, hashes))
}

/// The image's partition table, from the bytes of it that the manifest proves.
fn image_table(manifest: &Manifest, image: &dyn Source) -> Result<gpt::Table, PlanError> {
    let mut disk = Sparse::new(manifest.image_size);
    let first: Vec<Range> = tables(manifest).filter(|range| range.offset < TABLES).collect();
    prove(image, first.iter(), |range, bytes| put(&mut disk, range.offset, bytes))?;
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

/// Puts ranges for `seed` in the place of those of the image's own seed; gives the place.
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
