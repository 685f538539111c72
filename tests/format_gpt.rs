//! The partition table writer against gdisk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/gpt.rs"]
mod sums;
mod support;

use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _};
use std::os::unix::fs::FileExt;

use imgbuild::format::gpt::{self, Entry, GptError};
use support::ok;
use uuid::{Uuid, uuid};

const MIB: u64 = 1 << 20;
const DISK: Uuid = uuid!("11111111-2222-4333-8444-555555555555");

fn entry(number: u128, name: &str, offset: u64, size: u64) -> Entry {
    Entry {
        name: name.to_owned(),
        type_guid: uuid!("b921b045-1df0-41c3-af44-4c6f280d3fae"),
        guid: Uuid::from_u128(number),
        offset,
        size,
        attributes: 1 << 60,
    }
}

#[test]
fn sgdisk_finds_no_problem_and_reads_every_field() {
    // Number order is not disk order.
    let entries = [entry(1, "root-a", 8 * MIB, 16 * MIB), entry(2, "root-a-verity", MIB, 7 * MIB)];
    let disk = gpt::write(DISK, 64 * MIB, &entries).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = File::create(dir.path().join("disk")).unwrap();
    file.set_len(disk.size()).unwrap();
    for (offset, bytes) in disk.extents() {
        file.write_all_at(bytes, offset).unwrap();
    }
    let verdict = ok(dir.path(), "sgdisk", &["-v", "disk"]);
    assert!(verdict.contains("No problems found"), "{verdict}");
    let print = ok(dir.path(), "sgdisk", &["-p", "disk"]);
    assert!(print.contains(&DISK.to_string().to_uppercase()), "{print}");
    let second = ok(dir.path(), "sgdisk", &["-i", "2", "disk"]);
    for line in [
        "Partition GUID code: B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
        "Partition unique GUID: 00000000-0000-0000-0000-000000000002",
        "First sector: 2048 ",
        "Partition size: 14336 sectors",
        "Attribute flags: 1000000000000000",
        "Partition name: 'root-a-verity'",
    ] {
        assert!(second.contains(line), "{line} is not in:\n{second}");
    }
    // The protective MBR covers the rest of the disk, and both tables are written.
    let mut mbr = [0; 512];
    file_read(&dir.path().join("disk"), &mut mbr);
    assert_eq!(mbr[450], 0xee);
    assert_eq!(u32::from_le_bytes(mbr[458..462].try_into().unwrap()), u32::try_from(64 * MIB / 512 - 1).unwrap());
}

fn file_read(path: &std::path::Path, buffer: &mut [u8]) {
    File::open(path).unwrap().read_exact_at(buffer, 0).unwrap();
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let entries = [entry(1, "one", MIB, MIB)];
    let (one, two) = (gpt::write(DISK, 4 * MIB, &entries).unwrap(), gpt::write(DISK, 4 * MIB, &entries).unwrap());
    assert!(one.extents().eq(two.extents()));
}

#[test]
fn overlapping_and_misplaced_partitions_are_refused() {
    let overlap = gpt::write(DISK, 8 * MIB, &[entry(1, "a", MIB, 2 * MIB), entry(2, "b", 2 * MIB, MIB)]);
    assert_eq!(overlap.unwrap_err().to_string(), "partitions `a` and `b` overlap");
    for (offset, size) in [(MIB, 8 * MIB), (MIB + 1, MIB), (512, MIB), (MIB, 0), (u64::MAX - 511, 512)] {
        let result = gpt::write(DISK, 8 * MIB, &[entry(1, "a", offset, size)]);
        assert!(matches!(result, Err(GptError::Misplaced { .. })), "{size} bytes at {offset}");
    }
}

/// A disk of 4 MiB with one partition, changed, with right checksums.
fn changed(change: impl FnOnce(&mut [u8])) -> Cursor<Vec<u8>> {
    let mut disk = gpt::write(DISK, 4 * MIB, &[entry(1, "one", MIB, MIB)]).unwrap();
    let mut bytes = Vec::new();
    disk.rewind().and_then(|()| disk.read_to_end(&mut bytes)).unwrap();
    change(&mut bytes);
    sums::seal(&mut bytes);
    Cursor::new(bytes)
}

#[test]
fn tables_of_an_unusual_form_are_refused_whichever_copy_counts() {
    let last = 4 * 1024 * 1024 - 512;
    for headers in [&[512, last][..], &[512], &[last]] {
        for (field, number) in [(84, 256_u32), (84, 0), (84, u32::MAX), (80, u32::MAX)] {
            let disk = changed(|bytes| {
                for header in headers {
                    bytes[header + field..header + field + 4].copy_from_slice(&number.to_le_bytes());
                }
                if headers == [last] {
                    // Then it is the backup that counts.
                    bytes[512..1024].fill(0);
                }
            });
            let error = gpt::read(disk).unwrap_err().to_string();
            assert!(error.contains(&number.to_string()), "{error}");
        }
    }
}

#[test]
fn a_table_is_whole_only_if_both_copies_say_the_same() {
    let last = 4 * 1024 * 1024 - 512;
    let table = gpt::read(changed(|_| {})).unwrap();
    assert!(table.is_whole);
    // A name in the entries of the backup; its disk's GUID; where it says that it lies.
    for at in [last - 32 * 512 + 56, last + 56, last + 24] {
        let found = gpt::read(changed(|bytes| bytes[at] ^= 1)).unwrap();
        assert!(!found.is_whole, "{at}");
        assert_eq!(found.entries, table.entries, "the primary table counts");
    }
    let mut damaged = changed(|_| {}).into_inner();
    damaged[last - 32 * 512 + 56] ^= 1;
    assert!(!gpt::read(Cursor::new(damaged)).unwrap().is_whole, "without a checksum that hides it");
}
