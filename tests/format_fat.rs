//! The FAT32 writer against dosfstools and mtools.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use imgbuild::format::Sparse;
use imgbuild::format::fat::{self, FatError, FatFile, Options};
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
