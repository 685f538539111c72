//! GUID partition tables: protective MBR, primary and backup header and entries, through the `gpt` crate.
//!
//! Everything random in a partition table is given by the caller. Sectors have 512 bytes; see UEFI specification,
//! chapter 5.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use ::gpt::disk::LogicalBlockSize;
use ::gpt::mbr::ProtectiveMBR;
use ::gpt::partition::Partition;
use ::gpt::partition_types::{OperatingSystem, Type};
use ::gpt::{DiskDevice, GptConfig};
use uuid::Uuid;

use super::Sparse;

/// Bytes of a sector.
pub const SECTOR: u64 = 512;

/// One partition entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// At most 36 UTF-16 units.
    pub name: String,
    pub type_guid: Uuid,
    pub guid: Uuid,
    /// Bytes from the start of the disk, whole sectors.
    pub offset: u64,
    /// Bytes, whole sectors, at least one.
    pub size: u64,
    /// Attribute bits.
    pub attributes: u64,
}

/// Why no partition table was made.
#[derive(Debug, thiserror::Error)]
pub enum GptError {
    /// A partition that is empty, not on sector borders, or outside the disk's usable part.
    #[error(
        "partition `{name}` ({size} bytes at {offset}) does not lie on whole sectors inside the disk's usable {first} to {end}"
    )]
    Misplaced { name: String, offset: u64, size: u64, first: u64, end: u64 },
    /// Two partitions that share sectors.
    #[error("partitions `{first}` and `{second}` overlap")]
    Overlap { first: String, second: String },
    /// What the library says.
    #[error("partition table: {0}")]
    Table(String),
}

/// The partition table of a disk of `disk_size` bytes. The first entry is partition number 1; numbers need
/// not follow the order on disk. The disk returned is empty but for the tables.
///
/// # Errors
/// Partitions that overlap or do not fit.
pub fn write(disk_guid: Uuid, disk_size: u64, entries: &[Entry]) -> Result<Sparse, GptError> {
    check(disk_size, entries)?;
    let mut disk = Sparse::new(disk_size);
    // The protective partition covers all but its own sector, as far as its 32 bits reach.
    let protected = u32::try_from((disk_size / SECTOR).saturating_sub(1)).unwrap_or(u32::MAX);
    ProtectiveMBR::with_lb_size(protected).overwrite_lba0(&mut disk).map_err(table)?;
    let mut gpt = GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512)
        .create_from_device(disk, Some(disk_guid))
        .map_err(table)?;
    let partitions: BTreeMap<u32, Partition> = (1..).zip(entries.iter().map(partition)).collect();
    gpt.update_partitions(partitions).map_err(table)?;
    gpt.write().map_err(table)
}

/// A partition table that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub disk_guid: Uuid,
    /// Bytes of the disk that it was written for: to the end of the backup of its header.
    pub disk_size: u64,
    /// With their numbers, ascending.
    pub entries: Vec<(u32, Entry)>,
    /// Whether both copies are right.
    pub is_whole: bool,
}

/// Reads the partition table of `disk`, whose checksums must be right. If the primary table is damaged, the backup
/// counts; without the protective MBR, neither does, as UEFI and Linux hold it too.
///
/// # Errors
/// No table, or one that is damaged.
pub fn read(mut disk: impl DiskDevice) -> Result<Table, GptError> {
    check_protective_mbr(&mut disk)?;
    let gpt = GptConfig::new()
        .writable(false)
        .logical_block_size(LogicalBlockSize::Lb512)
        .open_from_device(disk)
        .map_err(table)?;
    let entry = |(number, partition): (&u32, &Partition)| {
        let len = partition.last_lba.checked_sub(partition.first_lba)?.checked_add(1)?;
        let entry = Entry {
            name: partition.name.clone(),
            type_guid: partition.part_type_guid.guid,
            guid: partition.part_guid,
            offset: partition.first_lba.checked_mul(SECTOR)?,
            size: len.checked_mul(SECTOR)?,
            attributes: partition.flags,
        };
        Some((*number, entry))
    };
    let last = gpt.primary_header().map_or(0, |header| header.backup_lba);
    let entries = gpt.partitions().iter().map(entry).collect::<Option<Vec<_>>>();
    Ok(Table {
        disk_guid: *gpt.guid(),
        disk_size: last.saturating_add(1).saturating_mul(SECTOR),
        is_whole: gpt.primary_header().is_ok() && gpt.backup_header().is_ok(),
        entries: entries.ok_or_else(|| table("a partition ends before it begins or beyond any disk"))?,
    })
}

/// Where the primary header in a disk's `first` bytes says that its backup lies, in bytes. The header may be of any disk
/// and is not proved: this is for finding what is to be wiped.
#[must_use]
pub fn backup_of(first: &[u8]) -> Option<u64> {
    let header = first.get(512..)?.strip_prefix(b"EFI PART")?;
    // The alternate LBA is at byte 32 of the header.
    let lba = u64::from_le_bytes(header.get(24..32)?.try_into().ok()?);
    lba.checked_mul(SECTOR)
}

fn check_protective_mbr(disk: &mut (impl Read + Seek)) -> Result<(), GptError> {
    let mut mbr = [0; 512];
    disk.rewind()
        .and_then(|()| disk.read_exact(&mut mbr))
        .and_then(|()| disk.seek(SeekFrom::Start(0)))
        .map_err(table)?;
    // Four records of 16 bytes, the type in the fifth of each.
    let protective = mbr[446..510].chunks_exact(16).any(|record| record[4] == 0xee);
    if protective && mbr[510..] == [0x55, 0xaa] { Ok(()) } else { Err(table("no protective MBR")) }
}

/// Refuses what the library would write without a word.
fn check(disk_size: u64, entries: &[Entry]) -> Result<(), GptError> {
    // MBR, header, 32 sectors of entries; the last two again at the end.
    let (first, end) = (34 * SECTOR, disk_size.saturating_sub(33 * SECTOR));
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.offset);
    for entry in &sorted {
        let (offset, size) = (entry.offset, entry.size);
        let whole = offset % SECTOR == 0 && size % SECTOR == 0 && size > 0;
        if !whole || offset < first || offset.checked_add(size).is_none_or(|last| last > end) {
            return Err(GptError::Misplaced { name: entry.name.clone(), offset, size, first, end });
        }
    }
    for pair in sorted.windows(2) {
        if pair[0].offset + pair[0].size > pair[1].offset {
            return Err(GptError::Overlap { first: pair[0].name.clone(), second: pair[1].name.clone() });
        }
    }
    Ok(())
}

fn partition(entry: &Entry) -> Partition {
    Partition {
        part_type_guid: Type { guid: entry.type_guid, os: OperatingSystem::None },
        part_guid: entry.guid,
        first_lba: entry.offset / SECTOR,
        last_lba: (entry.offset + entry.size) / SECTOR - 1,
        flags: entry.attributes,
        name: entry.name.clone(),
    }
}

fn table(error: impl std::fmt::Display) -> GptError {
    GptError::Table(error.to_string())
}
