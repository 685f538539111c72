//! The partition table writer against gdisk, libfdisk, libblkid and systemd-repart.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/gpt.rs"]
mod sums;
mod support;

use std::fs::{self, File};
use std::io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

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
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), 64 * MIB, &entries, &[]);
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

/// Writes a table to the file `disk` in `dir`.
fn put(dir: &Path, size: u64, entries: &[Entry], in_mbr: &[u32]) {
    let table = gpt::write(DISK, size, entries, in_mbr).unwrap();
    let file = File::create(dir.join("disk")).unwrap();
    file.set_len(table.size()).unwrap();
    for (offset, bytes) in table.extents() {
        file.write_all_at(bytes, offset).unwrap();
    }
}

/// As on a Pi: two boot slots, which the MBR shows, and a root.
fn pi() -> [Entry; 3] {
    [entry(1, "boot-a", MIB, 96 * MIB), entry(2, "boot-b", 97 * MIB, 96 * MIB), entry(3, "root-a", 193 * MIB, 8 * MIB)]
}

const PI: u64 = 256 * MIB;

fn first_sector(dir: &Path) -> [u8; 512] {
    let mut mbr = [0; 512];
    file_read(&dir.join("disk"), &mut mbr);
    mbr
}

#[test]
fn every_foreign_reader_takes_a_disk_with_a_hybrid_mbr_for_gpt() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), PI, &pi(), &[1, 2]);
    for (program, args, said) in [
        ("sgdisk", &["-v", "disk"][..], "No problems found"),
        ("sfdisk", &["--verify", "disk"], "No errors detected"),
        ("sfdisk", &["--dump", "disk"], "label: gpt"),
        ("sfdisk", &["--dump", "disk"], "start=      395264, size=       16384"),
        ("blkid", &["-p", "disk"], "PTTYPE=\"gpt\""),
        ("blkid", &["-p", "disk"], "PTUUID=\"11111111-2222-4333-8444-555555555555\""),
        ("partx", &["--noheadings", "--raw", "--output", "NR,START,SECTORS,NAME", "disk"], "3 395264 16384 root-a"),
    ] {
        let found = ok(dir.path(), program, args);
        assert!(found.contains(said), "{program}: {found}");
    }
    // gdisk asks which of two tables counts, if it thinks that both may.
    let gdisk = ok(dir.path(), "gdisk", &["-l", "disk"]);
    assert!(gdisk.contains("MBR: hybrid") && gdisk.contains("valid GPT with hybrid MBR; using GPT"), "{gdisk}");
}

#[test]
fn what_reads_an_mbr_alone_finds_the_boot_slots_of_a_pi_in_its_first_two() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), PI, &pi(), &[1, 2]);
    let mbr = first_sector(dir.path());
    // Without the protective slot and the headers there is an MBR alone: that is what a reader sees who knows no GPT.
    let slot = |number: usize| mbr[430 + number * 16..446 + number * 16].to_vec();
    assert_eq!((slot(3)[4], &slot(3)[8..], slot(4)), (0xee, &[1, 0, 0, 0, 0xff, 7, 0, 0][..], vec![0; 16]));
    let mut alone = mbr;
    alone[478..494].fill(0);
    let file = File::create(dir.path().join("alone")).unwrap();
    file.set_len(PI).unwrap();
    file.write_all_at(&alone, 0).unwrap();
    let found = ok(dir.path(), "sfdisk", &["--dump", "alone"]);
    for line in [
        "label: dos",
        "label-id: 0x11111111",
        "alone1 : start=        2048, size=      196608, type=c",
        "alone2 : start=      198656, size=      196608, type=c",
    ] {
        assert!(found.contains(line), "{line} is not in:\n{found}");
    }
    // As libfdisk counts cylinders, heads and sectors: it writes the same slots anew.
    let slots = |name: &str| {
        let mut bytes = [0; 512];
        file_read(&dir.path().join(name), &mut bytes);
        bytes[446..478].to_vec()
    };
    fs::write(dir.path().join("script"), &found).unwrap();
    File::create(dir.path().join("anew")).and_then(|file| file.set_len(PI)).unwrap();
    ok(dir.path(), "sh", &["-c", "sfdisk --quiet anew < script"]);
    assert_eq!(slots("anew"), slots("alone"));
}

/// The node's first boot does this, with the systemd of Debian 13.
#[test]
fn who_changes_the_table_leaves_the_hybrid_mbr_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let repart = "[Partition]\nType=74fff5a2-27fb-55d2-8aee-9fc9318b8e39\nLabel=state\n";
    fs::create_dir(dir.path().join("definitions")).unwrap();
    fs::write(dir.path().join("definitions/state.conf"), repart).unwrap();
    for change in [
        &["systemd-repart", "--dry-run=no", "--definitions=definitions", "disk"][..],
        &["sgdisk", "--move-second-header", "--new=4:0:0", "--change-name=4:state", "disk"],
        &["sh", "-c", "echo name=state | sfdisk --quiet --append disk"],
    ] {
        put(dir.path(), PI, &pi(), &[1, 2]);
        let before = first_sector(dir.path());
        // A larger stick.
        File::options().write(true).open(dir.path().join("disk")).unwrap().set_len(2 * PI).unwrap();
        ok(dir.path(), change[0], &change[1..]);
        assert_eq!(first_sector(dir.path()), before, "{change:?}");
        let table = gpt::read(File::open(dir.path().join("disk")).unwrap()).unwrap();
        assert!(table.is_whole && table.disk_size == 2 * PI, "{change:?}");
        assert_eq!((table.in_mbr, &*table.entries[3].1.name), (vec![1, 2], "state"), "{change:?}");
    }
}

#[test]
fn an_mbr_that_does_not_show_what_the_table_has_is_refused() {
    let changed = |at: usize, to: u8| {
        let mut disk = gpt::write(DISK, PI, &pi(), &[1, 2]).unwrap();
        disk.seek(SeekFrom::Start(at as u64)).and_then(|_| disk.write_all(&[to])).unwrap();
        gpt::read(disk).map(|table| table.in_mbr)
    };
    assert_eq!(changed(0, 0x33).unwrap(), [1, 2], "boot code is nobody's business here");
    // Type and start of the first slot, size of the second, where the protective one starts, one too many.
    for (at, to) in [(450, 0x83), (454, 1), (474, 1), (486, 2), (498, 0x0c)] {
        assert!(matches!(changed(at, to).unwrap_err(), GptError::Changed), "{at}");
    }
    // One that only protects: where it starts, and a second one.
    for (at, to) in [(454, 2), (466, 0xee)] {
        let mut disk = gpt::write(DISK, PI, &pi(), &[]).unwrap();
        disk.seek(SeekFrom::Start(at)).and_then(|_| disk.write_all(&[to])).unwrap();
        assert!(matches!(gpt::read(disk).unwrap_err(), GptError::Changed), "{at}");
    }
    // The protective one is gone, and with it what says that there is a GPT.
    assert!(changed(482, 0).unwrap_err().to_string().contains("no protective MBR"));
}

#[test]
fn a_hybrid_mbr_shows_what_it_has_room_for() {
    for in_mbr in [&[][..], &[3], &[2, 1], &[1, 2, 3]] {
        let table = gpt::read(gpt::write(DISK, PI, &pi(), in_mbr).unwrap()).unwrap();
        assert_eq!(table.in_mbr, in_mbr);
    }
    let far = entry(1, "far", (1 << 41) + MIB, MIB);
    for (entries, in_mbr) in [(&pi()[..], &[4][..]), (&pi(), &[0]), (&pi(), &[1, 2, 3, 1]), (&[far], &[1])] {
        let error = gpt::write(DISK, 1 << 42, entries, in_mbr).unwrap_err();
        assert!(matches!(&error, GptError::Hybrid { .. }), "{error}");
    }
}

fn file_read(path: &Path, buffer: &mut [u8]) {
    File::open(path).unwrap().read_exact_at(buffer, 0).unwrap();
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let entries = [entry(1, "one", MIB, MIB)];
    let (one, two) =
        (gpt::write(DISK, 4 * MIB, &entries, &[]).unwrap(), gpt::write(DISK, 4 * MIB, &entries, &[]).unwrap());
    assert!(one.extents().eq(two.extents()));
}

#[test]
fn overlapping_and_misplaced_partitions_are_refused() {
    let overlap = gpt::write(DISK, 8 * MIB, &[entry(1, "a", MIB, 2 * MIB), entry(2, "b", 2 * MIB, MIB)], &[]);
    assert_eq!(overlap.unwrap_err().to_string(), "partitions `a` and `b` overlap");
    for (offset, size) in [(MIB, 8 * MIB), (MIB + 1, MIB), (512, MIB), (MIB, 0), (u64::MAX - 511, 512)] {
        let result = gpt::write(DISK, 8 * MIB, &[entry(1, "a", offset, size)], &[]);
        assert!(matches!(result, Err(GptError::Misplaced { .. })), "{size} bytes at {offset}");
    }
}

/// A disk of 4 MiB with one partition, changed, with right checksums.
fn changed(change: impl FnOnce(&mut [u8])) -> Cursor<Vec<u8>> {
    let mut disk = gpt::write(DISK, 4 * MIB, &[entry(1, "one", MIB, MIB)], &[]).unwrap();
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
