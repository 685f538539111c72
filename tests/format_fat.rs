//! The FAT32 writer against dosfstools and mtools.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

use imgbuild::format::Sparse;
use imgbuild::format::fat::{self, FatError, FatFile, Geometry, Options, Volume};
use support::{ok, run};

const MIB: u64 = 1 << 20;

fn options(size: u64) -> Options<'static> {
    Options { size, volume_id: 0x1234_abcd, label: "BOOT-A" }
}

fn save(device: &Sparse, path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(device.size()).unwrap();
    for (offset, bytes) in device.extents() {
        file.write_all_at(bytes, offset).unwrap();
    }
}

#[test]
fn fsck_finds_nothing_and_mtools_read_back_every_file() {
    let big: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    // More entries than one cluster holds, so that a directory grows; and directories three deep.
    let many: Vec<String> =
        (0..200).map(|number| format!("overlays/a-device-tree-with-a-long-name-{number}.dtbo")).collect();
    let mut files = vec![
        FatFile { path: "EFI/BOOT/BOOTX64.EFI", content: b"MZ" },
        FatFile { path: "EFI/Linux/node-1.2.3.efi", content: &big },
        FatFile { path: "config.txt", content: b"arm_64bit=1\n" },
        FatFile { path: "loader/entries/deep/nothing.conf", content: b"" },
        FatFile { path: "loader/loader.conf", content: b"timeout 0\n" },
    ];
    files.extend(many.iter().map(|path| FatFile { path, content: path.as_bytes() }));

    let dir = tempfile::tempdir().unwrap();
    for size in [40 * MIB, 192 * MIB, 512 * MIB] {
        let device = fat::write(&files, &options(size)).unwrap();
        save(&device, &dir.path().join("fat"));
        let told = ok(dir.path(), "fsck.fat", &["-n", "-v", "fat"]);
        assert!(!told.contains("Free cluster summary wrong") && !told.contains("uninitialized"), "{told}");
        let copy = tempfile::tempdir().unwrap();
        ok(dir.path(), "mcopy", &["-s", "-i", "fat", "::*", copy.path().to_str().unwrap()]);
        for file in &files {
            assert!(fs::read(copy.path().join(file.path)).unwrap() == file.content, "{} differs", file.path);
        }
        let listing = ok(dir.path(), "mdir", &["-i", "fat", "-/", "::"]);
        assert!(listing.contains("Volume in drive : is BOOT-A") && listing.contains("1234-ABCD"), "{listing}");
        assert!(listing.contains("nothing.conf") && listing.contains("1980-01-01"), "{listing}");
        assert!(device.extents().map(|(_, bytes)| bytes.len() as u64).sum::<u64>() < 30 * MIB, "not sparse");
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_order_given() {
    let mut files = [FatFile { path: "b/c", content: b"1" }, FatFile { path: "a", content: b"2" }];
    let one = fat::write(&files, &options(40 * MIB)).unwrap();
    files.reverse();
    let two = fat::write(&files, &options(40 * MIB)).unwrap();
    assert!(one.extents().eq(two.extents()));
}

#[test]
fn files_that_do_not_fit_are_refused_with_the_numbers() {
    let content = vec![1; 36 << 20];
    let one = [FatFile { path: "a", content: &content }];
    let error = fat::write(&one, &options(36 * MIB)).unwrap_err();
    assert!(matches!(error, FatError::Full { needed, room } if needed == 36 * MIB && room < 36 * MIB), "{error}");

    // To the last cluster: what the writer says fits must fit.
    let FatError::Full { room, .. } = error else { unreachable!() };
    let last = usize::try_from(room).unwrap();
    let full = [FatFile { path: "a", content: &content[..last] }];
    let dir = tempfile::tempdir().unwrap();
    save(&fat::write(&full, &options(36 * MIB)).unwrap(), &dir.path().join("fat"));
    assert!(run(dir.path(), "fsck.fat", &["-n", "fat"]).status.success());
    assert!(fat::write(&[FatFile { path: "a", content: &content[..=last] }], &options(36 * MIB)).is_err());
}

#[test]
fn impossible_sizes_labels_and_names_are_refused() {
    let tiny = fat::write(&[], &options(16 * MIB)).unwrap_err();
    assert!(matches!(tiny, FatError::BadSize { .. }));
    let label = Options { label: "much too long", ..options(40 * MIB) };
    assert!(matches!(fat::write(&[], &label), Err(FatError::BadLabel(_))));
    let twice = [FatFile { path: "Config.txt", content: b"" }, FatFile { path: "config.txt", content: b"" }];
    assert!(matches!(fat::write(&twice, &options(40 * MIB)), Err(FatError::SameName { .. })));
    let both = [FatFile { path: "EFI", content: b"" }, FatFile { path: "efi/boot", content: b"" }];
    assert!(matches!(fat::write(&both, &options(40 * MIB)), Err(FatError::SameName { .. })));
    let bad = [FatFile { path: "what?", content: b"" }];
    assert!(matches!(fat::write(&bad, &options(40 * MIB)), Err(FatError::Write { .. })));
}

#[test]
fn files_and_directories_are_read_by_their_paths() {
    let big: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let many: Vec<String> =
        (0..200).map(|number| format!("overlays/a-device-tree-with-a-long-name-{number}.dtbo")).collect();
    let mut files = vec![
        FatFile { path: "EFI/Linux/node-1.2.3.efi", content: &big },
        FatFile { path: "config.txt", content: b"arm_64bit=1\n" },
        FatFile { path: "empty", content: b"" },
    ];
    files.extend(many.iter().map(|path| FatFile { path, content: path.as_bytes() }));
    let mut volume = Volume::open(fat::write(&files, &options(40 * MIB)).unwrap()).unwrap();
    for file in &files {
        assert!(volume.file(file.path, 4_000_000).unwrap() == file.content, "{}", file.path);
    }
    assert_eq!(volume.file("efi/LINUX/Node-1.2.3.EFI", 4_000_000).unwrap().len(), big.len());
    let names: Vec<(String, bool)> =
        volume.directory("").unwrap().into_iter().map(|found| (found.name, found.is_directory)).collect();
    let name = |name: &str, is_directory| (name.to_owned(), is_directory);
    assert_eq!(names, [name("EFI", true), name("overlays", true), name("config.txt", false), name("empty", false)]);
    assert_eq!(volume.directory("overlays").unwrap().len(), 2 + many.len(), "with `.` and `..`");

    let kind = |result: std::io::Result<Vec<u8>>| result.unwrap_err().kind();
    assert_eq!(kind(volume.file("EFI/Linux/node-1.2.3.efi", 3_999_999)), ErrorKind::FileTooLarge);
    for none in ["", "EFI", "EFI/Linux", "config.txt/x", "nothing", "EFI/nothing/x"] {
        assert_eq!(kind(volume.file(none, 1)), ErrorKind::NotFound, "{none}");
    }
}

#[test]
fn chains_that_go_in_circles_end_and_those_that_lead_nowhere_are_errors() {
    let content = vec![7; 40_000];
    let files: Vec<String> = (0..60).map(|number| format!("file-with-a-long-name-{number}")).collect();
    let mut files: Vec<FatFile<'_>> = files.iter().map(|path| FatFile { path, content: b"" }).collect();
    files.push(FatFile { path: "a", content: &content });
    let good = fat::write(&files, &options(36 * MIB)).unwrap();
    let geometry = Geometry::read(&mut good.clone()).unwrap();
    let with = |cluster: u64, next: u32| {
        let mut device = good.clone();
        device.seek(SeekFrom::Start(geometry.table + cluster * 4)).unwrap();
        device.write_all(&next.to_le_bytes()).unwrap();
        Volume::open(device).unwrap()
    };
    // The root directory's first cluster is full of names: it is its own next one.
    let found = with(geometry.root.into(), geometry.root).directory("").unwrap();
    assert!((60..65_536).contains(&found.len()), "{}", found.len());
    let mut device = good.clone();
    let is_content = |cluster: &u32| {
        let mut byte = [0];
        device.seek(SeekFrom::Start(geometry.offset(*cluster))).unwrap();
        device.read_exact(&mut byte).unwrap();
        byte == [7]
    };
    let first = u64::from((2..1000).find(is_content).unwrap());
    assert!(with(0, 0).file("a", 40_000).unwrap() == content);
    for nowhere in [0, 1, 0x0fff_fff6, 0x0fff_ffff] {
        let error = with(first + 3, nowhere).file("a", 40_000).map(|read| read.len()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{nowhere:#x}");
    }
}

#[test]
fn names_of_more_parts_than_a_name_has_cost_no_more_than_their_bytes() {
    // A cluster of nothing but parts of long names, and an entry at its end.
    let mut device = fat::write(&[], &options(36 * MIB)).unwrap();
    let geometry = Geometry::read(&mut device).unwrap();
    let mut part = [b'x'; 32];
    part[11] = 0x0f;
    let mut entry = *b"SHORT      \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    entry[11] = 0x20;
    let count = usize::try_from(geometry.cluster).unwrap() / 32;
    device.seek(SeekFrom::Start(geometry.offset(geometry.root))).unwrap();
    for _ in 1..count {
        device.write_all(&part).unwrap();
    }
    device.write_all(&entry).unwrap();
    let found = Volume::open(device).unwrap().directory("").unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].name.encode_utf16().count() <= 260, "{}", found[0].name);
}
