//! What is told of a disk that is compared with a manifest.

use imgbuild::flash::WriteError;
use imgbuild::flash::verify::{BackupTable, Difference, Report, VerifyError, differences};
use imgbuild::flash::writer::Settings;

use crate::disk::{Disk, Fault};
use crate::image::{Image, MIB, noise};
use crate::{INSIDE, flash};

const SIZE: u64 = 40 << 20;

/// A disk that holds the image as `flash` writes it.
fn flashed(image: &Image) -> Disk {
    let disk = Disk::new(SIZE, 512, Fault::None);
    flash(image, None, &disk, Settings::default()).0.unwrap();
    disk
}

/// One that somebody copied the image to.
fn copied(image: &Image, sector: u32, fault: Fault) -> Disk {
    Disk::new(SIZE, sector, fault).with(0, &image.bytes)
}

fn compare(disk: &Disk, image: &Image) -> Report {
    differences(disk, &image.manifest, None, &mut |_| {}).unwrap()
}

/// The one difference that there is.
fn only(disk: &Disk, image: &Image) -> Difference {
    let report = compare(disk, image);
    assert_eq!(report.differences.len(), 1, "{report:?}");
    report.differences.into_iter().next().unwrap()
}

#[test]
fn a_disk_that_holds_the_image_has_no_differences_however_it_came_there() {
    let image = Image::new(5 << 20);
    for (disk, end) in [
        (flashed(&image), BackupTable::AtDiskEnd),
        (copied(&image, 512, Fault::None), BackupTable::AtImageEnd),
        // Ranges are no whole sectors here; the disk is read by whole ones all the same.
        (copied(&image, 4096, Fault::None), BackupTable::AtImageEnd),
        (copied(&image, 512, Fault::Short(512)), BackupTable::AtImageEnd),
        (copied(&image, 512, Fault::ReadError { at: INSIDE, times: 2, after: 0 }), BackupTable::AtImageEnd),
    ] {
        let mut read = 0;
        let report = differences(&disk, &image.manifest, None, &mut |more| read += more).unwrap();
        assert_eq!(
            report,
            Report { differences: Vec::new(), backup: Some(end), anomalies: Vec::new(), is_other_image: false }
        );
        let outside = |offset: u64| offset == 0 || offset + (64 << 10) == image.size();
        let ranges = image.manifest.ranges.iter().filter(|range| !outside(range.offset));
        assert_eq!(read, ranges.map(|range| range.length).sum::<u64>());
    }
    let exact = Disk::new(image.size(), 512, Fault::None).with(0, &image.bytes);
    assert_eq!(compare(&exact, &image).backup, Some(BackupTable::AtDiskEnd));
}

#[test]
fn a_flipped_bit_is_told_with_partition_and_range() {
    let image = Image::new(5 << 20);
    let at = usize::try_from(INSIDE).unwrap();
    let disk = flashed(&image).with(INSIDE, &[image.bytes[at] ^ 1]);
    let expected = Difference {
        part: "root-a".to_owned(),
        offset: 2 * MIB,
        length: 3 * MIB,
        problem: "has another SHA-256".to_owned(),
    };
    assert_eq!(only(&disk, &image), expected);
}

#[test]
fn what_cannot_be_read_is_told_with_its_address_and_the_rest_is_still_compared() {
    let image = Image::new(5 << 20);
    let bad = Fault::ReadError { at: INSIDE, times: u32::MAX, after: 0 };
    let esp = usize::try_from(MIB).unwrap();
    let disk = copied(&image, 512, bad).with(MIB, &[image.bytes[esp] ^ 1]);
    let report = compare(&disk, &image);
    let [first, second] = &report.differences[..] else { panic!("{report:?}") };
    assert_eq!((&*first.part, first.offset, &*first.problem), ("esp", MIB, "has another SHA-256"));
    assert_eq!((&*second.part, second.offset), ("root-a", 2 * MIB));
    assert!(second.problem.starts_with(&format!("cannot be read at byte {}", 2 * MIB)), "{}", second.problem);
}

#[test]
fn a_disk_that_vanishes_is_an_error_at_any_moment() {
    let image = Image::new(1 << 20);
    let whole = copied(&image, 512, Fault::None);
    compare(&whole, &image);
    for after in 0..whole.operations() {
        let disk = copied(&image, 512, Fault::Gone { after });
        let error = differences(&disk, &image.manifest, None, &mut |_| {}).unwrap_err();
        let gone = matches!(&error, VerifyError::Device(WriteError::Io { source, .. }) if source.gone);
        assert!(gone, "after {after}: {error}");
    }
    compare(&copied(&image, 512, Fault::Gone { after: whole.operations() }), &image);
}

#[test]
fn a_damaged_table_is_told_and_the_data_is_still_compared_but_not_with_that_of_another_image() {
    let image = Image::new(100_000);
    let table = |disk: &Disk| {
        let Difference { part, offset, length, problem } = only(disk, &image);
        assert_eq!((&*part, offset, length), ("partition table", 0, MIB));
        assert_eq!(compare(disk, &image).backup, None);
        problem
    };
    let end = image.size() - 512;
    for disk in [
        flashed(&image).with(SIZE - 512, &[0; 512]),
        flashed(&image).with(512, &[0; 512]),
        // Entries of the backup.
        flashed(&image).with(SIZE - 512 - (16 << 10) + 56, b"x"),
        copied(&image, 512, Fault::None).with(end, &[0; 512]),
        copied(&image, 512, Fault::None).with(512, &[0; 512]),
    ] {
        let problem = table(&disk);
        assert!(problem.contains("one of its two copies") || problem.contains("table"), "{problem}");
    }
    assert!(table(&flashed(&image).with(1024 + 56, b"x")).contains("CRC"));
    assert!(table(&flashed(&image).with(510, &[0; 2])).contains("protective MBR"));
    let unread = copied(&image, 512, Fault::ReadError { at: 512, times: u32::MAX, after: 0 });
    assert!(table(&unread).contains("cannot be read at byte 0"));

    let mut other = Image::new(100_000);
    other.manifest.disk_guid = uuid::Uuid::from_u128(9);
    other.manifest.ranges[1].sha256 = other.manifest.ranges[0].sha256;
    assert!(only(&flashed(&image), &other).problem.contains("another disk's"));
    assert!(compare(&flashed(&image), &other).is_other_image);
    let mut other = Image::new(100_000);
    other.manifest.partitions[1].label = "root-x".to_owned();
    let report = compare(&flashed(&image), &other);
    assert!(report.differences[0].problem.contains("partition 2 is not `root-x`"), "{report:?}");

    let small = Disk::new(image.size() - 4096, 512, Fault::None).with(0, &image.bytes[..image.bytes.len() - 4096]);
    assert!(compare(&small, &image).differences[0].problem.contains("bytes, the image"));
}

#[test]
fn a_node_s_seed_is_compared_in_the_place_of_the_image_s() {
    let image = Image::new(100_000);
    let (seed, other) = (noise(99, 700_000), noise(98, 700_000));
    let disk = Disk::new(SIZE, 512, Fault::None);
    flash(&image, Some(&seed), &disk, Settings::default()).0.unwrap();
    let of = |seed| differences(&disk, &image.manifest, seed, &mut |_| {}).unwrap().differences;
    assert!(of(Some(&seed[..])).is_empty());
    for wrong in [of(None), of(Some(&other))] {
        assert!(!wrong.is_empty() && wrong.iter().all(|difference| difference.part == "seed"), "{wrong:?}");
    }
}

#[test]
fn an_mbr_is_what_it_is_in_the_image_and_an_older_image_has_an_older_kind() {
    let (old, hybrid) = (Image::new(100_000), Image::with(100_000, &[1, 2]));
    assert_eq!(old.manifest.disk_guid, hybrid.manifest.disk_guid);
    for image in [&old, &hybrid] {
        for (disk, end) in
            [(flashed(image), BackupTable::AtDiskEnd), (copied(image, 512, Fault::None), BackupTable::AtImageEnd)]
        {
            assert_eq!(
                compare(&disk, image),
                Report { differences: Vec::new(), backup: Some(end), anomalies: Vec::new(), is_other_image: false }
            );
            // A hybrid MBR is the same for a disk of any size.
            assert!(image.manifest.hybrid_mbr.is_empty() || disk.bytes(0, 512) == image.bytes[..512]);
        }
    }
    let problem = only(&flashed(&old), &hybrid).problem;
    assert_eq!(problem, "has a protective MBR, where the image has a hybrid MBR that shows partitions 1, 2");
    let problem = only(&flashed(&hybrid), &old).problem;
    assert_eq!(problem, "has a hybrid MBR that shows partitions 1, 2, where the image has a protective MBR");
    // The type of its second slot, and the active flag of the first.
    for (at, byte) in [(466, 0x83), (446, 0x80)] {
        let problem = only(&flashed(&hybrid).with(at, &[byte]), &hybrid).problem;
        assert!(
            problem.starts_with("another program has changed its MBR: it is neither a protective one"),
            "{problem}"
        );
    }
}
