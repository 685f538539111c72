//! Disks that were not blank: whatever was on one, after a flash every reader sees what it sees on a blank one.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use imgbuild::flash::verify::{FatAnomaly, Report, differences};
use imgbuild::flash::writer::Settings;
use imgbuild::flash::{Prepared, Target};
use imgbuild::format::spans::minus;
use tempfile::TempDir;

use crate::disk::{Disk, Fault, Old};
use crate::draw::Draw;
use crate::image::{Image, MIB};
use crate::{flash, signatures, support};

const SIZE: u64 = 64 << 20;

/// Puts `len` bytes of the disk from `at` on into a file.
fn save(disk: &Disk, at: u64, len: u64, path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(len).unwrap();
    for start in (0..len).step_by(1 << 20) {
        let bytes = disk.bytes(at + start, usize::try_from(MIB.min(len - start)).unwrap());
        if bytes.iter().any(|byte| *byte != 0) {
            file.write_all_at(&bytes, start).unwrap();
        }
    }
}

/// What `blkid` and `wipefs` say of a file that is called the same each time.
fn told(dir: &Path) -> String {
    let blkid = support::run(dir, "blkid", &["-p", "device"]);
    let said = String::from_utf8(blkid.stdout).unwrap();
    format!("{:?} {said}{}", blkid.status.code(), support::ok(dir, "wipefs", &["--no-act", "device"]))
}

/// What they say of the disk, and of each partition.
fn seen(disk: &Disk, image: &Image) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let partitions = image.manifest.partitions.iter().map(|part| (part.offset, part.size));
    let mut seen = Vec::new();
    for (at, len) in [(0, disk.size())].into_iter().chain(partitions) {
        save(disk, at, len, &dir.path().join("device"));
        seen.push(told(dir.path()));
    }
    seen
}

/// Partition `boot-a` as a file of that name.
fn boot_files(disk: &Disk, image: &Image) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let boot = &image.manifest.partitions[0];
    save(disk, boot.offset, boot.size, &dir.path().join("boot-a"));
    dir
}

/// The file system is in order, none of it is taken by what nobody put there, and each file is as it was.
fn assert_boots(disk: &Disk, image: &Image) {
    let (dir, blank) = (boot_files(disk, image), boot_files(&blank(image), image));
    let check = |dir: &TempDir| support::ok(dir.path(), "fsck.fat", &["-n", "boot-a"]);
    assert_eq!(check(&dir), check(&blank));
    for dir in [&dir, &blank] {
        support::ok(dir.path(), "mcopy", &["-s", "-i", "boot-a", "::*", "."]);
    }
    for file in ["config.txt", "kernel8.img", "overlays/disable-bt.dtbo"] {
        let read = |dir: &TempDir| fs::read(dir.path().join(file)).unwrap();
        assert!(read(&dir) == read(&blank), "{file} differs");
    }
}

fn blank(image: &Image) -> Disk {
    let disk = Disk::new(SIZE, 512, Fault::None);
    flash(image, None, &disk, Settings::default()).0.unwrap();
    disk
}

/// Disks that were full of one byte or of noise, or had all signatures, as a whole and where the image has its partitions.
fn used(image: &Image) -> Vec<Disk> {
    let mut disks: Vec<Disk> = [Old::Ones, Old::Noise].map(|old| Disk::used(SIZE, old)).into();
    let partitions = image.manifest.partitions.iter().map(|part| (part.offset, part.size));
    let places: Vec<(u64, u64)> = partitions.chain([(0, SIZE)]).collect();
    for list in 0..signatures::lists(SIZE).len() {
        let mut disk = Disk::used(SIZE, Old::Noise);
        // Signatures count only where nothing contradicts them.
        for (start, size) in &places {
            for edge in [*start, start + size - MIB] {
                disk = disk.with(edge, &vec![0; 1 << 20]);
            }
        }
        for (start, size) in &places {
            for (at, bytes) in signatures::lists(*size).swap_remove(list) {
                disk = disk.with_bytes(start + at, &bytes);
            }
        }
        let (at, bytes) = signatures::of_disk(SIZE);
        disks.push(disk.with_bytes(at, &bytes));
    }
    disks
}

const KINDS: [&str; 11] = [
    "swap",
    "crypto_LUKS",
    "linux_raid_member",
    "LVM2_member",
    "VMFS",
    "btrfs",
    "drbd",
    "exfat",
    "ufs",
    "iso9660",
    "zfs_member",
];

#[test]
fn the_signatures_of_this_test_are_seen_where_nothing_wipes_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for list in signatures::lists(SIZE) {
        let file = File::create(dir.path().join("device")).unwrap();
        file.set_len(SIZE).unwrap();
        for (at, bytes) in list {
            file.write_all_at(&bytes, at).unwrap();
        }
        let said = support::ok(dir.path(), "wipefs", &["--no-act", "--noheadings", "--output", "TYPE", "device"]);
        kinds.extend(said.lines().map(|line| line.trim().to_owned()));
    }
    for kind in KINDS {
        assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
    }
}

#[test]
fn readers_see_what_they_see_on_a_blank_disk_whatever_was_on_it() {
    let mut draw = Draw::new("IMGBUILD_USED_SEED");
    for is_old in [false, true] {
        let image = Image::with_fat(is_old);
        let expected = seen(&blank(&image), &image);
        for (number, disk) in draw.some(used(&image).into_iter().enumerate(), 2) {
            flash(&image, None, &disk, Settings::default()).0.unwrap();
            assert_eq!(seen(&disk, &image), expected, "{number}, manifest of an earlier version: {is_old}");
            assert_boots(&disk, &image);
            let report = differences(&disk, &image.manifest, None, &mut |_| {}).unwrap();
            assert_eq!((report.differences, report.anomalies), (vec![], vec![]));
        }
    }
}

/// What readers look at costs little: this is the figure of docs/flashing.md.
#[test]
fn whole_tables_cost_less_than_a_mebibyte_and_a_blank_disk_is_not_wiped() {
    let (image, old) = (Image::with_fat(false), Image::with_fat(true));
    let plan = |image: &Image| Prepared::new(&image.manifest, image, (SIZE, 512), None).unwrap().plan;
    let (new, old) = (plan(&image), plan(&old));
    let of = |clear: &[(u64, u64)]| clear.iter().map(|(_, len)| len).sum::<u64>();
    println!(
        "written {} KiB instead of {}, looked at {} KiB",
        new.mapped() >> 10,
        old.mapped() >> 10,
        of(&new.clear) >> 10
    );
    assert!(new.mapped() - old.mapped() < 1536 << 10);
    assert!(of(&new.clear) < 12 << 20);
}

/// A stick as writers leave it that skip what the manifest has no range for, but for these spans, and wipe nothing.
fn skipped(image: &Image, old: Old, but_for: &[(u64, u64)]) -> Disk {
    let mut disk = Disk::used(SIZE, old);
    for (from, to) in but_for {
        disk = disk.with(*from, &vec![0; usize::try_from(to - from).unwrap()]);
    }
    for range in &image.manifest.ranges {
        let from = usize::try_from(range.offset).unwrap();
        let len = usize::try_from(range.length).unwrap();
        disk = disk.with(range.offset, &image.bytes[from..from + len]);
    }
    disk
}

fn verified(disk: &Disk, image: &Image) -> Report {
    differences(disk, &image.manifest, None, &mut |_| {}).unwrap()
}

#[test]
fn a_disk_that_was_written_without_whole_tables_is_told_by_either_manifest() {
    let (image, old) = (Image::with_fat(false), Image::with_fat(true));
    for background in [Old::Ones, Old::Noise] {
        let boot = &old.manifest.partitions[0];
        let others = minus(old.manifest.signature_places(), [(boot.offset, boot.offset + boot.size)]);
        let disk = skipped(&old, background, &others);
        for manifest in [&image, &old] {
            let report = verified(&disk, manifest);
            assert!(!report.differences.is_empty());
            assert!(report.differences.iter().all(|difference| difference.part == "boot-a"), "{report:?}");
        }
        let report = verified(&disk, &old);
        assert!(report.differences[0].problem.contains("where the image has nothing"), "{report:?}");
        let differ = |sign: &FatAnomaly| matches!(sign, FatAnomaly::TablesDiffer { part, sectors, skipped: true } if part == "boot-a" && *sectors > 0);
        assert!(report.anomalies.iter().any(differ), "{:?}", report.anomalies);
        let disk = skipped(&image, background, &image.manifest.signature_places());
        assert_eq!(verified(&disk, &image).differences, []);
    }
}

/// As block maps of earlier versions had it written, which did not name the places where programs look for signatures.
#[test]
fn what_programs_look_for_and_the_image_does_not_have_is_told_in_whichever_partition() {
    let image = Image::with_fat(false);
    for background in [Old::Ones, Old::Noise] {
        let report = verified(&skipped(&image, background, &[]), &image);
        let parts: std::collections::BTreeSet<_> =
            report.differences.iter().map(|difference| &*difference.part).collect();
        let labels = image.manifest.partitions.iter().map(|part| &*part.label);
        assert_eq!(parts, labels.chain(["partition table"]).collect());
        let is_told = |problem: &str| problem.contains("where the image has nothing");
        assert!(report.differences.iter().all(|difference| is_told(&difference.problem)), "{report:?}");
    }
    // What lies behind the last partition is the node's.
    let last = image.manifest.partitions.iter().map(|part| part.offset + part.size).max().unwrap();
    let disk = blank(&image).with(last, &[0xff; 4096]);
    assert_eq!(verified(&disk, &image).differences, []);
}

#[test]
fn a_bit_that_flips_in_a_table_that_was_written_is_not_told_as_old_content() {
    for is_old in [false, true] {
        let image = Image::with_fat(is_old);
        let boot = image.manifest.partitions[0].offset;
        let number = |at: u64, len: usize| {
            let from = usize::try_from(boot + at).unwrap();
            image.bytes[from..from + len].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        // Reserved sectors, and sectors of a table: the second one begins behind both.
        let second = boot + (number(14, 2) + number(36, 4)) * 512;
        let byte = image.bytes[usize::try_from(second).unwrap() + 12];
        let report = verified(&blank(&image).with_bytes(second + 12, &[byte ^ 1]), &image);
        let differ = FatAnomaly::TablesDiffer { part: "boot-a".to_owned(), sectors: 1, skipped: false };
        assert_eq!(report.anomalies, [differ]);
        assert_eq!(report.anomalies[0].to_string(), "the two tables (FAT) of `boot-a` differ in 1 sector");
    }
}

#[test]
fn what_an_operating_system_adds_to_a_stick_is_told_with_its_name() {
    let image = Image::with_fat(false);
    let boot = image.manifest.partitions[0].offset;
    for (name, by) in
        [("System Volume Information", "Windows"), (".fseventsd", "macOS"), (".Trash-1000", "a Linux desktop")]
    {
        let disk = blank(&image);
        let dir = boot_files(&disk, &image);
        support::ok(dir.path(), "mmd", &["-i", "boot-a", &format!("::{name}")]);
        let disk = disk.with(boot, &fs::read(dir.path().join("boot-a")).unwrap());
        let report = verified(&disk, &image);
        let added = FatAnomaly::Added { part: "boot-a".to_owned(), name: name.to_owned(), by };
        assert_eq!(report.anomalies, [added]);
        assert!(report.differences.iter().all(|difference| difference.part == "boot-a"));
    }
}

#[test]
fn a_stick_that_was_pulled_out_in_use_is_told() {
    let image = Image::with_fat(false);
    let boot = image.manifest.partitions[0].offset;
    let table = boot + 8 * 512;
    // As Windows marks it, in the second entry of the tables, and as Linux does, in the boot sector.
    for (at, byte) in [(table + 7, 0x07), (boot + 65, 1)] {
        let disk = blank(&image).with_bytes(at, &[byte]);
        let anomalies = verified(&disk, &image).anomalies;
        assert!(anomalies.contains(&FatAnomaly::NotClosed { part: "boot-a".to_owned() }), "{anomalies:?}");
    }
}
