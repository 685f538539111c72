//! GUID partition tables: protective or hybrid MBR, primary and backup header and entries, through the `gpt` crate.
//!
//! Everything random in a partition table is given by the caller. Sectors have 512 bytes; see UEFI specification,
//! chapter 5, and `mbr` for what a hybrid MBR is.

mod mbr;

use std::collections::BTreeMap;
use std::io::SeekFrom;

use ::gpt::disk::LogicalBlockSize;
use ::gpt::header::{Header, read_header_from_arbitrary_device};
use ::gpt::partition::{Partition, file_read_partitions};
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
    /// A hybrid MBR cannot have these.
    #[error(
        "a hybrid MBR cannot show partitions {numbers:?}: it has room for {} of the table's, which end below 2 TiB",
        mbr::MOST
    )]
    Hybrid { numbers: Vec<u32> },
    /// An MBR that is not as [`write`] makes it.
    #[error(
        "another program has changed its MBR: it is neither a protective one nor shows partitions as they are in the GUID \
         partition table"
    )]
    Changed,
    /// The library's own error.
    #[error("partition table: {0}")]
    Table(String),
}

/// The partition table of a disk of `disk_size` bytes. The first entry is partition number 1; numbers need
/// not follow the order on disk. The MBR has the partitions of the numbers `in_mbr` too, in this order, as FAT32: none for a
/// protective MBR. The disk returned is empty but for the tables.
///
/// # Errors
/// Partitions that overlap or do not fit, or for which the MBR has no room.
pub fn write(disk_guid: Uuid, disk_size: u64, entries: &[Entry], in_mbr: &[u32]) -> Result<Sparse, GptError> {
    check(disk_size, entries)?;
    let mut disk = Sparse::new(disk_size);
    let entry = |number: &u32| entries.get(usize::try_from(number.checked_sub(1)?).ok()?);
    let mbr = in_mbr.iter().map(entry).collect::<Option<Vec<_>>>().and_then(|all| mbr::new(disk_guid, disk_size, &all));
    let mbr = mbr.ok_or_else(|| GptError::Hybrid { numbers: in_mbr.to_vec() })?;
    mbr.overwrite_lba0(&mut disk).map_err(table)?;
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
    /// Whether both copies are right, and say the same.
    pub is_whole: bool,
    /// Numbers of the partitions that the MBR has too, in the order of its entries: none if it is a protective one.
    pub in_mbr: Vec<u32>,
}

/// Most entries of a table that is read. UEFI wants room for 128, and nearly all tables have just that.
const MOST_ENTRIES: u32 = 1024;
/// Bytes of an entry that the library can read. UEFI allows 256, 512 … too, which nobody writes.
const ENTRY: u32 = 128;

/// Reads the partition table of `disk`, whose checksums must be right. If the primary table is damaged, the backup
/// counts; without the protective partition in the MBR, neither does, as UEFI and Linux hold it too.
///
/// # Errors
/// No table, or one that is damaged, or of a form that is not read here; an MBR that has other partitions than the table.
pub fn read(mut disk: impl DiskDevice) -> Result<Table, GptError> {
    let mut first = [0; 512];
    disk.rewind().and_then(|()| disk.read_exact(&mut first)).and_then(|()| disk.rewind()).map_err(table)?;
    mbr::entries(&first).map_err(table)?;
    check_form(&mut disk)?;
    let gpt = GptConfig::new()
        .writable(false)
        .logical_block_size(LogicalBlockSize::Lb512)
        .open_from_device(&mut disk)
        .map_err(table)?;
    let entry = |(number, partition): (&u32, &Partition)| {
        let len = partition.last_lba.checked_sub(partition.first_lba)?.checked_add(1)?;
        partition.last_lba.checked_add(1)?.checked_mul(SECTOR)?;
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
    let headers = gpt.primary_header().ok().cloned().zip(gpt.backup_header().ok().cloned());
    let disk_guid = *gpt.guid();
    let entries = entries.ok_or_else(|| table("a partition ends before it begins or beyond any disk"))?;
    Ok(Table {
        disk_guid,
        disk_size: last.saturating_add(1).saturating_mul(SECTOR),
        is_whole: headers.is_some_and(|(primary, backup)| agree(&primary, &backup, &mut disk)),
        in_mbr: mbr::read(&first, disk_guid, &entries).ok_or(GptError::Changed)?,
        entries,
    })
}

/// Refuses tables of a form that the library stops the program at, or would read for hours: the header that it is going to
/// take is looked at first.
fn check_form(disk: &mut impl DiskDevice) -> Result<(), GptError> {
    let (size, count) = match read_header_from_arbitrary_device(disk, LogicalBlockSize::Lb512) {
        Ok(header) => (header.part_size, header.num_parts),
        Err(_) => {
            let mut sector = [0; 512];
            disk.seek(SeekFrom::End(-512)).and_then(|_| disk.read_exact(&mut sector)).map_err(table)?;
            if !sector.starts_with(b"EFI PART") {
                // The library says so.
                return Ok(());
            }
            let number = |at: usize| u32::from_le_bytes([sector[at], sector[at + 1], sector[at + 2], sector[at + 3]]);
            (number(84), number(80))
        }
    };
    disk.rewind().map_err(table)?;
    if size != ENTRY || count > MOST_ENTRIES {
        return Err(table(format!("{count} entries of {size} bytes, which is not what is read here")));
    }
    Ok(())
}

/// Whether two headers are each other's, with the same entries, and the second one's entries are there. The first one's were
/// read already.
fn agree(primary: &Header, backup: &Header, disk: &mut impl DiskDevice) -> bool {
    let same = |header: &Header| (header.disk_guid, header.num_parts, header.part_size, header.crc32_parts);
    same(primary) == same(backup)
        && (primary.current_lba, primary.backup_lba) == (backup.backup_lba, backup.current_lba)
        && file_read_partitions(disk, backup, LogicalBlockSize::Lb512).is_ok()
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
