//! Writer and verifier on a disk in memory: both halves, with real pipes between them, and disks of every kind of bad.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod disk;
#[path = "../support/draw.rs"]
#[expect(dead_code, reason = "turns of commits are the business of tests that cost minutes")]
mod draw;
mod image;
#[path = "../support/signatures.rs"]
mod signatures;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod used;
mod verify;

use std::io::{BufReader, pipe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use disk::{Disk, Fault};
use draw::Draw;
use image::{Image, MIB, noise};
use imgbuild::flash::parent::{FlashError, serve};
use imgbuild::flash::protocol::{Event, Phase};
use imgbuild::flash::writer::Settings;
use imgbuild::flash::{self, PlanError, Prepared, SendError, Source, Target, WriteError, child};
use imgbuild::format::gpt;

/// Flashes `image` onto `disk`; gives how it ended and what was told.
fn flash(image: &Image, seed: Option<&[u8]>, disk: &Disk, settings: Settings) -> (Result<(), FlashError>, Vec<Event>) {
    let prepared = Prepared::new(&image.manifest, image, (disk.size(), disk.sector()), seed).unwrap();
    flash_prepared(&prepared, disk, settings, usize::MAX)
}

/// As [`flash`], until so many events were heard.
fn flash_prepared(
    prepared: &Prepared<'_>,
    disk: &Disk,
    settings: Settings,
    events: usize,
) -> (Result<(), FlashError>, Vec<Event>) {
    let (input, to_child) = pipe().unwrap();
    let (from_child, output) = pipe().unwrap();
    let heard = AtomicUsize::new(0);
    let mut told = Vec::new();
    let result = thread::scope(|scope| {
        scope.spawn(|| child::run(input, output, settings, |_| Ok(Borrowed(disk))));
        let tell = |event: &Event| {
            heard.fetch_add(1, Ordering::SeqCst);
            told.push(event.clone());
        };
        let stopped = || heard.load(Ordering::SeqCst) >= events;
        serve(&prepared.plan, &prepared.source, to_child, BufReader::new(from_child), tell, &stopped)
    });
    (result.map(drop), told)
}

struct Borrowed<'a>(&'a Disk);

impl Target for Borrowed<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn sector(&self) -> u32 {
        self.0.sector()
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> std::io::Result<usize> {
        self.0.read_at(buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> std::io::Result<usize> {
        self.0.write_at(bytes, at)
    }

    fn sync(&self) -> std::io::Result<()> {
        self.0.sync()
    }

    fn discard(&self, range: std::ops::Range<u64>) -> std::io::Result<()> {
        self.0.discard(range)
    }
}

/// All of the image's data is on the disk, and its partitions are in a table of the disk's own size.
fn assert_holds(disk: &Disk, image: &Image) {
    for partition in &image.manifest.partitions {
        let within = partition.offset..partition.offset + partition.size;
        for range in image.manifest.ranges.iter().filter(|range| within.contains(&range.offset)) {
            let from = usize::try_from(range.offset).unwrap();
            let len = usize::try_from(range.length).unwrap();
            assert!(disk.bytes(range.offset, len) == image.bytes[from..from + len], "{}", partition.label);
        }
    }
    let table = disk.table().expect("a partition table");
    let labels: Vec<&str> = table.entries.iter().map(|(_, entry)| entry.name.as_str()).collect();
    assert_eq!(labels, ["esp", "root-a", "root-b", "seed"]);
    assert!(table.entries.iter().all(|(_, entry)| entry.attributes == 1 << 60));
    assert_eq!(gpt::backup_of(&disk.bytes(0, 4096)), Some(disk.size() - 512));
    assert_eq!(disk.bytes(disk.size() - 512, 8), b"EFI PART");
}

/// An older, larger image was on it, whose tables are where `dd` left them.
fn used(size: u64, fault: Fault) -> Disk {
    let old = Image::new(6 << 20);
    let mut disk = Disk::new(size, 512, fault);
    if old.size() <= size {
        let end = usize::try_from(old.size() - MIB).unwrap();
        disk = disk.with(0, &old.bytes[..65536]).with(old.size() - MIB, &old.bytes[end..]);
        assert!(disk.table().is_some());
    }
    disk
}

#[test]
fn any_image_arrives_on_any_disk_through_any_buffers() {
    let mut draw = Draw::new("IMGBUILD_BUFFERS_SEED");
    for data in [1, 4095, 100_000, (1 << 20) + 512, (3 << 20) + 4097] {
        let image = Image::new(data);
        for more in draw.some([0, 512, 4096 * 3, 5 << 20, (64 << 20) + 512], 2) {
            assert_refuses_large_sectors(&image, image.size() + more);
            let ways = [(4096, 1, 1), (8192, 2, 2), (1 << 20, 4, 2), (4 << 20, 4, 4)];
            for (buffer, buffers, in_flight) in draw.some(ways, 2) {
                let disk = used(image.size() + more, Fault::None);
                let settings = Settings { buffer, buffers, in_flight };
                flash(&image, None, &disk, settings).0.unwrap();
                assert_holds(&disk, &image);
            }
        }
    }
}

/// An image's table counts sectors of 512 bytes, and says something else on a disk that counts others: neither the plan nor
/// the writer goes on, whatever the plan was made for.
fn assert_refuses_large_sectors(image: &Image, size: u64) {
    let disk = Disk::new(size, 4096, Fault::None);
    let error = Prepared::new(&image.manifest, image, (size, 4096), None).unwrap_err();
    assert!(matches!(error, PlanError::Sector { sector: 4096 }), "{error}");
    let (result, told) = flash_prepared(
        &Prepared::new(&image.manifest, image, (size, 512), None).unwrap(),
        &disk,
        Settings::default(),
        usize::MAX,
    );
    let error = result.unwrap_err();
    assert!(matches!(&error, FlashError::Write(WriteError::Changed { .. })), "{error}");
    assert_eq!(disk.operations(), 0, "{told:?}");
}

#[test]
fn nothing_is_left_of_an_older_image_s_tables() {
    let image = Image::new(100_000);
    let old = Image::new(6 << 20);
    let disk = used(40 << 20, Fault::None);
    flash(&image, None, &disk, Settings::default()).0.unwrap();
    assert_eq!(disk.bytes(old.size() - 512, 512), vec![0; 512]);
    assert_holds(&disk, &image);
}

#[test]
fn a_seed_takes_the_place_of_the_image_s_own() {
    let image = Image::new(100_000);
    let seed = noise(99, 700_000);
    let disk = Disk::new(40 << 20, 512, Fault::None);
    let prepared = Prepared::new(&image.manifest, &image, (disk.size(), 512), Some(&seed)).unwrap();
    flash_prepared(&prepared, &disk, Settings::default(), usize::MAX).0.unwrap();
    let at = image.manifest.partitions.iter().find(|partition| partition.label == "seed").unwrap().offset;
    assert!(disk.bytes(at, seed.len()) == seed);
    let large = vec![1; (1 << 20) + 1];
    let error = Prepared::new(&image.manifest, &image, (disk.size(), 512), Some(&large)).unwrap_err();
    assert!(matches!(error, PlanError::Seed { .. }), "{error}");
}

#[test]
fn nothing_is_left_of_a_longer_seed_of_another_node() {
    let image = Image::new(100_000);
    let seed = image.manifest.partitions.iter().find(|partition| partition.label == "seed").unwrap();
    let len = usize::try_from(seed.size).unwrap();
    for new in [None, Some(noise(98, 10_000))] {
        let disk = Disk::new(40 << 20, 512, Fault::None).with(seed.offset, &noise(99, len));
        flash(&image, new.as_deref(), &disk, Settings::default()).0.unwrap();
        let used = new.map_or(5000, |seed| seed.len()).next_multiple_of(4096);
        assert!(disk.bytes(seed.offset, len)[used..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn an_old_header_may_point_anywhere() {
    let image = Image::new(100_000);
    for alternate in [u64::MAX, u64::MAX / 512, (1 << 55) - 8, (40 << 20) / 512, 5] {
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(b"EFI PART");
        header[32..40].copy_from_slice(&u64::to_le_bytes(alternate));
        let disk = Disk::new(40 << 20, 512, Fault::None).with(512, &header);
        flash(&image, None, &disk, Settings::default()).0.unwrap();
        assert_holds(&disk, &image);
    }
}

#[test]
fn a_counterfeit_of_any_size_never_has_damaged_data_and_a_table() {
    let image = Image::new(5 << 20);
    let mut overlaid = 0;
    let rooms = (image.size() + MIB..32 << 20).step_by(76 << 10);
    let count = rooms.clone().count() / 4;
    for room in Draw::new("IMGBUILD_COUNTERFEITS_SEED").some(rooms, count) {
        let disk = Disk::new(32 << 20, 512, Fault::Wraps(room));
        match flash(&image, None, &disk, Settings::default()).0 {
            Ok(()) => {
                for range in image.manifest.ranges.iter().filter(|range| range.offset >= MIB) {
                    let from = usize::try_from(range.offset).unwrap();
                    let len = usize::try_from(range.length).unwrap();
                    let is_table = range.offset >= image.size() - MIB;
                    assert!(is_table || disk.bytes(range.offset, len) == image.bytes[from..from + len], "{room}");
                }
            }
            Err(FlashError::Write(error)) => {
                overlaid += usize::from(matches!(error, WriteError::AliasedTable { .. }));
                assert_eq!(disk.table(), None, "{room}: {error}");
            }
            Err(error) => panic!("{room}: {error}"),
        }
    }
    assert!(overlaid > 0);
}

#[test]
fn disks_that_do_not_suit_are_refused_by_the_plan() {
    let image = Image::new(100_000);
    let small = Prepared::new(&image.manifest, &image, (image.size() - 512, 512), None).unwrap_err();
    assert!(matches!(small, PlanError::TooSmall { .. }), "{small}");
    let other = Prepared::new(&image.manifest, &image, (1 << 30, 4096), None).unwrap_err();
    assert!(matches!(other, PlanError::Sector { sector: 4096 }), "{other}");
}

#[test]
fn a_disk_that_is_another_one_now_is_not_written_to() {
    let image = Image::new(100_000);
    for disk in [used(40 << 20, Fault::None), Disk::new((64 << 20) + 512, 4096, Fault::None)] {
        let before = disk.table();
        let prepared = Prepared::new(&image.manifest, &image, (64 << 20, 512), None).unwrap();
        let error = flash_prepared(&prepared, &disk, Settings::default(), usize::MAX).0.unwrap_err();
        assert!(matches!(error, FlashError::Write(WriteError::Changed { .. })), "{error}");
        assert_eq!((disk.operations(), disk.table()), (0, before));
    }
}

/// Where `root-a` lies in [`Image`], some way in.
const INSIDE: u64 = 2 * MIB + 65536;

#[test]
fn faults_that_pass_are_overcome() {
    let image = Image::new(5 << 20);
    let faults = [
        Fault::Short(512),
        Fault::Short(4608),
        Fault::WriteError { at: INSIDE, times: 1 },
        Fault::WriteError { at: 0, times: 2 },
        Fault::ReadError { at: INSIDE, times: 1, after: 0 },
        Fault::ReadError { at: INSIDE, times: 5, after: 5 << 20 },
        Fault::Flip { at: INSIDE, times: 1 },
        // Seen at once when it is written, and again when it is compared.
        Fault::Flip { at: 0, times: 2 },
        Fault::Dropped { at: INSIDE, times: 1 },
        Fault::Dropped { at: INSIDE, times: 2 },
        Fault::Flip { at: 512, times: 2 },
    ];
    for fault in faults {
        let disk = Disk::new(40 << 20, 512, fault);
        let (result, told) = flash(&image, None, &disk, Settings { buffer: 1 << 20, buffers: 4, in_flight: 2 });
        result.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_holds(&disk, &image);
        let again = told.iter().any(|event| matches!(event, Event::Rewrite { .. }));
        assert_eq!(
            again,
            matches!(fault, Fault::Flip { .. } | Fault::Dropped { .. } | Fault::ReadError { times: 5, .. }),
            "{fault:?}"
        );
    }
}

/// Whether an error is the one that was to be expected.
type Check<'a> = &'a dyn Fn(&WriteError) -> bool;

#[test]
fn faults_that_stay_are_told_with_their_place_and_leave_nothing_that_boots() {
    let image = Image::new(5 << 20);
    let root = |error: &WriteError| match error {
        WriteError::Io { part, at, .. } => part == "root-a" && *at <= INSIDE && INSIDE < at + (4 << 20),
        WriteError::Mismatch { part, at, .. } => part == "root-a" && at.is_some_and(|at| at / 4096 == INSIDE / 4096),
        _ => false,
    };
    let in_table = |error: &WriteError| matches!(error, WriteError::Mismatch { part, .. } if part == "partition table");
    let aliased = |error: &WriteError| matches!(error, WriteError::Aliased { .. });
    let lost = |error: &WriteError| matches!(error, WriteError::NoStorage { .. });
    let faults: [(Fault, Check<'_>); 9] = [
        (Fault::WriteError { at: INSIDE, times: u32::MAX }, &root),
        (Fault::ReadError { at: INSIDE, times: u32::MAX, after: 0 }, &root),
        (Fault::Flip { at: INSIDE, times: u32::MAX }, &root),
        (Fault::Stuck { at: INSIDE }, &root),
        (Fault::Flip { at: 0, times: u32::MAX }, &in_table),
        (Fault::Flip { at: 512, times: u32::MAX }, &in_table),
        (Fault::Wraps(8 << 20), &aliased),
        (Fault::Wraps(16 << 20), &aliased),
        (Fault::Ends(20 << 20), &lost),
    ];
    for (fault, is_right) in faults {
        let disk = used(32 << 20, fault);
        let (result, told) = flash(&image, None, &disk, Settings::default());
        let Err(FlashError::Write(error)) = result else { panic!("{fault:?}: {result:?}") };
        assert!(is_right(&error), "{fault:?}: {error}");
        assert!(error.hint().is_some());
        assert_eq!(disk.table(), None, "{fault:?}");
        assert_eq!(told.last(), Some(&Event::Failed { error }));
    }
}

#[test]
fn a_disk_that_keeps_its_old_table_is_told_before_anything_else_is_written() {
    let image = Image::new(100_000);
    let disk = used(40 << 20, Fault::Stuck { at: 0 });
    let (result, told) = flash(&image, None, &disk, Settings::default());
    let error = result.unwrap_err();
    assert!(matches!(error, FlashError::Write(WriteError::WriteIgnored { at: 446.. })), "{error}");
    assert!(!told.iter().any(|event| matches!(event, Event::RequestRanges { .. })));
}

#[test]
fn a_disk_may_vanish_at_any_moment() {
    let image = Image::new(1 << 20);
    let whole = used(32 << 20, Fault::None);
    let settings = Settings { buffer: 256 << 10, ..Settings::default() };
    flash(&image, None, &whole, settings).0.unwrap();
    let moments = usize::try_from(whole.operations()).unwrap() / 4;
    for after in Draw::new("IMGBUILD_VANISHING_SEED").some(0..whole.operations(), moments) {
        let disk = used(32 << 20, Fault::Gone { after });
        let old = disk.table();
        let (result, told) = flash(&image, None, &disk, settings);
        match result {
            // All was written: the last operations only look.
            Ok(()) => assert_holds(&disk, &image),
            Err(FlashError::Write(WriteError::Io { source, .. } | WriteError::Sync { source })) => {
                assert!(source.gone);
                // Before it is wiped it is what it was; in the end, once the last block is there, it is new and whole.
                let mut table = disk.table();
                if let (Some(table), Some(old)) = (&mut table, &old) {
                    // Of the two copies, one may be wiped.
                    table.is_whole = old.is_whole;
                }
                if table.is_some() && table != old {
                    assert_holds(&disk, &image);
                } else if told.contains(&Event::Phase { phase: Phase::Probe }) {
                    assert_eq!(table, None, "after {after}");
                }
            }
            Err(error) => panic!("after {after}: {error}"),
        }
    }
}

#[test]
fn stopping_at_any_moment_leaves_no_table_or_comes_too_late() {
    let image = Image::new(1 << 20);
    let disk = used(32 << 20, Fault::None);
    let prepared = Prepared::new(&image.manifest, &image, (32 << 20, 512), None).unwrap();
    let settings = Settings { buffer: 64 << 10, ..Settings::default() };
    let (result, told) = flash_prepared(&prepared, &disk, settings, usize::MAX);
    result.unwrap();
    for events in Draw::new("IMGBUILD_STOPS_SEED").some(3..told.len(), told.len() / 4) {
        let disk = used(32 << 20, Fault::None);
        let (result, told) = flash_prepared(&prepared, &disk, settings, events);
        let at_tables = told.contains(&Event::Phase { phase: Phase::Tables });
        match result {
            // Not broken off any more.
            Ok(()) => assert_holds(&disk, &image),
            Err(error) => {
                assert!(matches!(error, FlashError::Interrupted), "{error}");
                assert_eq!(disk.table(), None);
            }
        }
        assert_eq!(at_tables, disk.table().is_some());
        // And what was stopped can be done again.
        flash_prepared(&prepared, &disk, settings, usize::MAX).0.unwrap();
        assert_holds(&disk, &image);
    }
}

#[test]
fn bytes_that_the_manifest_does_not_prove_are_never_written() {
    let mut image = Image::new(5 << 20);
    let at = usize::try_from(INSIDE).unwrap();
    image.bytes[at] ^= 1;
    let disk = used(40 << 20, Fault::None);
    let (result, _) = flash(&image, None, &disk, Settings::default());
    let error = result.unwrap_err();
    assert!(matches!(&error, FlashError::Send(SendError::NotAuthentic { part, .. }) if part == "root-a"), "{error}");
    assert_eq!(disk.bytes(INSIDE, 4096), vec![0; 4096]);
    assert_eq!(disk.table(), None);
}

/// An image whose bytes can be changed while it is held.
struct Changing(Arc<Mutex<Image>>);

impl Source for Changing {
    fn read(&self, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
        self.0.lock().unwrap().read(buffer, at)
    }
}

#[test]
fn an_image_that_was_proved_and_then_changed_is_not_written() {
    let image = Arc::new(Mutex::new(Image::new(5 << 20)));
    let manifest = image.lock().unwrap().manifest.clone();
    let mut read = 0;
    let seen = flash::check(&manifest, Box::new(Changing(Arc::clone(&image))), &mut |more| read += more).unwrap();
    assert_eq!(read, manifest.ranges.iter().map(|range| range.length).sum::<u64>());
    let write = |disk: &Disk| {
        let prepared = Prepared::new(&manifest, &seen, (disk.size(), 512), None).unwrap();
        flash_prepared(&prepared, disk, Settings::default(), usize::MAX).0
    };
    let disk = Disk::new(40 << 20, 512, Fault::None);
    write(&disk).unwrap();
    assert_holds(&disk, &image.lock().unwrap());

    image.lock().unwrap().bytes[usize::try_from(INSIDE).unwrap()] ^= 1;
    let disk = Disk::new(40 << 20, 512, Fault::None);
    let error = write(&disk).unwrap_err();
    assert!(matches!(&error, FlashError::Send(SendError::NotAuthentic { part, .. }) if part == "root-a"), "{error}");
    assert_eq!(disk.bytes(INSIDE, 4096), vec![0; 4096]);
    assert_eq!(disk.table(), None);
    let error = flash::check(&manifest, Box::new(Changing(image)), &mut |_| ()).unwrap_err();
    assert!(matches!(error, PlanError::Send(SendError::NotAuthentic { .. })), "{error}");
}

#[test]
fn progress_comes_from_the_disk_and_says_what_it_waits_for() {
    let image = Image::new(5 << 20);
    let (result, told) = flash(&image, None, &Disk::new(40 << 20, 512, Fault::None), Settings::default());
    result.unwrap();
    let data = image.manifest.ranges.iter().filter(|range| range.offset >= MIB && range.offset < image.size() - MIB);
    let data: u64 = data.map(|range| range.length).sum();
    for (wanted, waits_are_told) in [(Phase::Write, true), (Phase::Verify, false)] {
        let mut sum = 0;
        for event in &told {
            if let Event::Progress { phase, bytes, waits } = event
                && *phase == wanted
            {
                assert_eq!(waits.is_some(), waits_are_told);
                sum += bytes;
            }
        }
        assert_eq!(sum, data);
    }
}

#[test]
fn a_partition_table_that_is_not_the_manifest_s_is_refused() {
    let change = |change: &dyn Fn(&mut Image)| {
        let mut image = Image::new(100_000);
        change(&mut image);
        Prepared::new(&image.manifest, &image, (40 << 20, 512), None).map(drop).unwrap_err().to_string()
    };
    let refused = |expected: &str, edit: &dyn Fn(&mut Image)| {
        let error = change(edit);
        assert!(error.contains(expected), "{error}");
    };
    refused("partitions differ", &|image| image.manifest.partitions[2].label = "root-c".to_owned());
    refused("do not have", &|image| image.bytes[600] ^= 1);
}
