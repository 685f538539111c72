//! Which bytes go where on a device, and in which order.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::prove::prove;
use super::source::{Patched, Seen, Source};
use super::target::ALIGN;
use super::{PlanError, fat};
use crate::format::Sparse;
use crate::format::gpt::{self, Entry, SECTOR};
use crate::format::spans::minus;
use crate::image::{Manifest, ManifestRange, RANGE};
use crate::tree::Digest;

/// The first and the last bytes of a disk, which belong to its partition tables.
pub(super) const TABLES: u64 = 1 << 20;
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
/// Longest range that a manifest may have: some are held in memory at a time.
const LONGEST: u64 = 16 << 20;
const BLOCK: u64 = ALIGN as u64;
/// Parts that tables are written in: the backup, the primary table's entries, and its first block.
const TABLE_PARTS: usize = 3;
/// Most ranges, so that a job does not outgrow what a writer reads: 256 GiB of those that a build makes.
const MOST: usize = 1 << 16;

/// Bytes that are written and read back together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// What it is a part of, for messages: a partition's label.
    pub part: String,
    /// A multiple of 4096.
    pub offset: u64,
    /// Up to the next multiple of the sector's size, zeros are written.
    pub len: u64,
    pub sha256: Digest,
}

/// All that the writer has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Bytes that the image needs.
    pub size_needed: u64,
    /// Bytes of the device that the tables are made for.
    pub device_size: u64,
    /// Offset and length of what is wiped first, ascending: where partition tables lie or may lie, the seed's whole partition,
    /// and where the image has nothing, but readers look for something.
    pub clear: Vec<(u64, u64)>,
    /// The partitions' data, ascending.
    pub ranges: Vec<Range>,
    /// The partition tables, written after all else in this order. The last is one block, and makes the stick one that
    /// boots.
    pub tables: Vec<Range>,
}

impl Plan {
    /// Ranges and tables by number.
    #[must_use]
    pub fn range(&self, number: usize) -> Option<&Range> {
        self.ranges.iter().chain(&self.tables).nth(number)
    }

    /// Holds a plan that came over a pipe against what [`Prepared::new`] makes: whoever sent it, no address overflows, no buffer
    /// is longer than a range may be, and there is no more work than the device is long.
    ///
    /// # Errors
    /// What no plan has, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let end = |offset: u64, len: u64| {
            let end = offset.checked_add(len).filter(|end| len > 0 && *end <= self.device_size);
            end.ok_or_else(|| format!("{len} bytes at {offset} are not on a device of {} bytes", self.device_size))
        };
        let disjoint = |spans: &mut dyn Iterator<Item = (u64, u64)>| {
            let mut free = 0;
            for (offset, len) in spans {
                let overlaps = offset < free;
                free = end(offset, len)?;
                if overlaps {
                    return Err(format!("{len} bytes at {offset} come after others that they overlap"));
                }
            }
            Ok(())
        };
        disjoint(&mut self.clear.iter().copied())?;
        disjoint(&mut self.ranges.iter().map(|range| (range.offset, range.len)))?;
        for Range { offset, len, .. } in self.ranges.iter().chain(&self.tables) {
            end(*offset, *len)?;
            if *len > LONGEST {
                return Err(format!("a range of {len} bytes"));
            }
        }
        if self.tables.len() > TABLE_PARTS {
            return Err(format!("{} parts of partition tables", self.tables.len()));
        }
        Ok(())
    }

    /// Bytes that are written.
    #[must_use]
    pub fn mapped(&self) -> u64 {
        self.ranges.iter().chain(&self.tables).map(|range| range.len).sum()
    }
}

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
        let all = checked(manifest)?;
        let table = image_table(manifest, image, &all)?;
        let mut ranges: Vec<Range> = all.into_iter().filter(|range| range.part != TABLE).collect();
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
        let disk = gpt::write(table.disk_guid, size, &entries, &table.shown)?;
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
        clear.extend(manifest.probed());
        clear.extend(fat::unmapped(manifest, &ranges, |bytes, at| image.read(bytes, at))?);
        // What is written in any case need not be wiped, but for the rest of a block that is not written to its end.
        let written = ranges.iter().map(|range| (range.offset, (range.offset + range.len) / BLOCK * BLOCK));
        let clear = minus(clear, written).into_iter().map(|(start, end)| (start, end - start)).collect();
        let plan = Plan { size_needed: manifest.image_size, device_size: size, clear, ranges, tables };
        Ok(Self { plan, source: Patched::new(image, patches) })
    }
}

const SEED: &str = "seed";
/// The label of what is no partition.
pub(super) const TABLE: &str = "partition table";

/// Where the image's own backup table starts, which no device but one of the image's size keeps.
fn image_end(manifest: &Manifest) -> u64 {
    manifest.image_size - TABLES
}

/// The manifest's ranges with the partitions they are in. A manifest may come from anywhere, so it is held against what
/// builds write.
pub(super) fn checked(manifest: &Manifest) -> Result<Vec<Range>, PlanError> {
    let fail = |problem: String| PlanError::Manifest { problem };
    if manifest.image_size < 3 * TABLES || !manifest.image_size.is_multiple_of(BLOCK) {
        return Err(fail(format!("an image of {} bytes", manifest.image_size)));
    }
    if manifest.ranges.len() > MOST {
        return Err(fail(format!("{} ranges", manifest.ranges.len())));
    }
    let end = image_end(manifest);
    let mut ranges = Vec::new();
    let mut free = 0;
    for ManifestRange { offset, length, sha256 } in &manifest.ranges {
        let bad = |why: &str| fail(format!("its range of {length} bytes at {offset} {why}"));
        let stop = offset.checked_add(*length).ok_or_else(|| bad("is too long"))?;
        if *length == 0 || *length > LONGEST {
            return Err(bad("is empty or too long"));
        }
        if !offset.is_multiple_of(BLOCK) || *offset < free || stop > manifest.image_size {
            return Err(bad("overlaps another, is not on a border of 4096 bytes, or lies outside the image"));
        }
        free = stop;
        let inside = |(start, size): (u64, u64)| start <= *offset && stop - start.min(stop) <= size;
        let label = manifest.partitions.iter().find(|partition| inside((partition.offset, partition.size)));
        let part = match label {
            Some(partition) if partition.offset >= TABLES && stop <= end => partition.label.clone(),
            None if stop <= TABLES || *offset >= end => TABLE.to_owned(),
            _ => return Err(bad("is in no partition")),
        };
        let sha256 = Digest::parse(sha256).ok_or_else(|| bad("has no SHA-256"))?;
        ranges.push(Range { part, offset: *offset, len: *length, sha256 });
    }
    Ok(ranges)
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
    prove(&*image, checked(manifest)?.iter(), |range, bytes| -> Result<(), PlanError> {
        hashes.insert(range.sha256, blake3::hash(bytes));
        advance(range.len);
        Ok(())
    })?;
    Ok(Seen::new(image, hashes))
}

/// The image's partition table, from the bytes of it that the manifest proves.
fn image_table(manifest: &Manifest, image: &dyn Source, ranges: &[Range]) -> Result<gpt::Table, PlanError> {
    let mut disk = Sparse::new(manifest.image_size);
    let first = ranges.iter().filter(|range| range.offset < TABLES);
    prove(image, first, |range, bytes| put(&mut disk, range.offset, bytes))?;
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
        || table.shown != manifest.hybrid_mbr
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
    ranges.retain(|range| range.part != partition.label);
    let chunks = seed.chunks(usize::try_from(RANGE).unwrap_or(usize::MAX));
    for (number, bytes) in (0..).zip(chunks) {
        let offset = partition.offset + number * RANGE;
        let sha256 = Digest(Sha256::digest(bytes).into());
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
