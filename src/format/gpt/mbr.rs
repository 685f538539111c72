//! The master boot record in front of a GUID partition table: protective, or hybrid.
//!
//! A protective one (UEFI specification, 5.2.3) has a single partition of type 0xEE over the whole disk. A hybrid one has
//! some of the table's partitions besides, for firmware that reads no GUID partition table, or misreads it:
//!
//! | entry | type | from | to |
//! |---|---|---|---|
//! | 1, and 2 and 3 as needed | 0x0C, FAT32 | a partition of the table | its end |
//! | the next | 0xEE | sector 1 | the sector before the first of them |
//!
//! Linux (`is_pmbr_valid` in `block/partitions/efi.c`), libblkid and libfdisk take such a disk for one with a GUID partition
//! table by the 0xEE that starts at sector 1, in whichever entry it is; libfdisk, and with it systemd-repart, leaves a hybrid
//! MBR as it is when it writes the table. gdisk and sgdisk do too; parted replaces it by a protective one.

use ::gpt::mbr::{PartRecord, ProtectiveMBR};
use uuid::Uuid;

use super::{Entry, SECTOR};

/// Partitions that a hybrid MBR has room for: one of its four entries is the table's own.
pub const MOST: usize = 3;

/// FAT32, addressed by sectors.
const FAT32: u8 = 0x0c;
/// The GUID partition table.
const PROTECTIVE: u8 = 0xee;

/// The first sector of a disk of `disk_size` bytes with these `partitions` in it: a protective MBR if there are none. None if
/// they are more than [`MOST`], or lie beyond the reach of an entry's 32 bits.
pub(super) fn new(disk_guid: Uuid, disk_size: u64, partitions: &[&Entry]) -> Option<ProtectiveMBR> {
    let Some(first) = partitions.iter().map(|entry| entry.offset / SECTOR).min() else {
        // The protective partition covers all but its own sector, as far as its 32 bits reach.
        let protected = u32::try_from((disk_size / SECTOR).saturating_sub(1)).unwrap_or(u32::MAX);
        return Some(ProtectiveMBR::with_lb_size(protected));
    };
    if partitions.len() > MOST {
        return None;
    }
    let mut mbr = ProtectiveMBR::new();
    // Windows takes such a disk for one with an MBR alone, and gives one without a signature a signature of its own.
    let [a, b, c, d, ..] = *disk_guid.as_bytes();
    mbr.set_disk_signature([a, b, c, d]);
    for (index, entry) in partitions.iter().enumerate() {
        mbr.set_partition(index, record(FAT32, entry.offset / SECTOR, entry.size / SECTOR)?);
    }
    mbr.set_partition(partitions.len(), record(PROTECTIVE, 1, first.checked_sub(1)?)?);
    Some(mbr)
}

/// Which of `partitions`, a disk's by number, its first sector has, in the order of its entries: none if that is a protective
/// MBR. Nothing if it is neither that nor a hybrid one as [`new`] makes it, entry by entry.
pub(super) fn read(mbr: &[u8; 512], disk_guid: Uuid, partitions: &[(u32, Entry)]) -> Option<Vec<u32>> {
    let entries = entries(mbr).ok()?;
    let is_partition = |entry: &&PartRecord| entry.os_type != 0 && entry.os_type != PROTECTIVE;
    let find = |entry: &PartRecord| {
        let same = |partition: &Entry| {
            record(FAT32, partition.offset / SECTOR, partition.size / SECTOR).as_ref() == Some(entry)
        };
        partitions.iter().find(|(_, partition)| same(partition))
    };
    let found: Vec<_> = entries.iter().filter(is_partition).map(find).collect();
    if found.is_empty() {
        // Linux wants the protective partition at sector 1; how far it reaches depends on who wrote it for which disk.
        let [protective] = &entries.iter().filter(|entry| entry.os_type != 0).collect::<Vec<_>>()[..] else {
            return None;
        };
        return (protective.lb_start == 1).then(Vec::new);
    }
    let found = found.into_iter().collect::<Option<Vec<_>>>()?;
    // Order, and the entry of the table itself.
    let right = new(disk_guid, 0, &found.iter().map(|(_, partition)| partition).collect::<Vec<_>>())?;
    let is_right = (0..4).map(|index| right.partition(index)).eq(entries.map(Some));
    is_right.then(|| found.into_iter().map(|(number, _)| *number).collect())
}

/// The four entries of a disk's first sector, one of which must say that there is a GUID partition table.
pub(super) fn entries(mbr: &[u8; 512]) -> Result<[PartRecord; 4], String> {
    let parsed = ProtectiveMBR::from_bytes(mbr, ::gpt::disk::LogicalBlockSize::Lb512).ok();
    let entries = parsed.map(|mbr| [0, 1, 2, 3].map(|index| mbr.partition(index).unwrap_or(PartRecord::zero())));
    entries
        .filter(|entries| entries.iter().any(|entry| entry.os_type == PROTECTIVE))
        .ok_or_else(|| "no protective MBR".to_owned())
}

fn record(os_type: u8, first: u64, sectors: u64) -> Option<PartRecord> {
    let [start_head, start_sector, start_track] = chs(first);
    let [end_head, end_sector, end_track] = chs(first.checked_add(sectors)?.checked_sub(1)?);
    Some(PartRecord {
        boot_indicator: 0,
        start_head,
        start_sector,
        start_track,
        os_type,
        end_head,
        end_sector,
        end_track,
        lb_start: u32::try_from(first).ok()?,
        lb_size: u32::try_from(sectors).ok()?,
    })
}

/// A sector's number as head, sector and cylinder of a disk with 255 heads and 63 sectors a track, as every partitioning tool
/// counts; the last that can be said for all that lie beyond it.
fn chs(sector: u64) -> [u8; 3] {
    let (cylinder, head, sector) = (sector / (255 * 63), sector / 63 % 255, sector % 63 + 1);
    match (u8::try_from(cylinder >> 8), u8::try_from(head), u8::try_from(sector)) {
        (Ok(high @ 0..=3), Ok(head), Ok(sector)) => [head, sector | high << 6, cylinder.to_le_bytes()[0]],
        _ => [254, 0xff, 0xff],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_count_as_in_the_tools_of_linux() {
        // 1 MiB, and the last sector of the disk's first 96 MiB after it, as sfdisk writes them.
        assert_eq!(chs(2048), [32, 33, 0]);
        assert_eq!(chs(2048 + 96 * 2048 - 1), [93, 17, 12]);
        assert_eq!(chs(1024 * 255 * 63 - 1), [254, 0xff, 0xff]);
        assert_eq!(chs(u64::MAX), [254, 0xff, 0xff]);
    }
}
