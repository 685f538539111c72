//! Sticks that were in use and forget nothing: the kernel's own disks, made by the programs that others use.

use std::fs;
use std::path::Path;

use imgbuild::output::Silent;
use imgbuild::release;
use serde_json::Value;

use crate::bench::{Bench, Loop};
use crate::draw::Draw;
use crate::image::{Image, noise};
use crate::{signatures, support};

const SIZE: u64 = 112 << 20;
const MIB: usize = 1 << 20;

/// How an image is written to a disk.
type Way<'a> = &'a dyn Fn(&Loop);
/// Puts something on a disk that may be there before an image is.
type Fill = Box<dyn Fn(&Bench, &Loop)>;

/// A disk that does not forget.
fn used() -> Loop {
    let disk = Loop::new(SIZE);
    let limit = format!("/sys/block/{}/queue/discard_max_bytes", disk.name());
    fs::write(&limit, "0").unwrap();
    assert_eq!(fs::read_to_string(&limit).unwrap().trim(), "0");
    disk
}

/// A FAT32 file system behind a partition table, full to the last cluster, as sticks come from a camera.
fn full_fat(bench: &Bench, disk: &Loop) {
    let dir = bench.dir.path();
    support::ok(dir, "sgdisk", &["--new=1:2048:0", "--typecode=1:0700", disk.path()]);
    let sectors = (SIZE >> 9) - 2048 - 40;
    let blocks = (sectors / 2).to_string();
    support::ok(dir, "mkfs.vfat", &["-F", "32", "-s", "1", "--offset", "2048", disk.path(), &blocks]);
    let at = format!("{}@@1M", disk.path());
    bench.write("photo", &noise(1, 28 << 20));
    for number in 0..4 {
        // The last one does not fit, and takes what is left.
        support::run(dir, "mcopy", &["-i", &at, "photo", &format!("::photo{number}")]);
    }
}

/// Noise to the end.
fn full_of_noise(_: &Bench, disk: &Loop) {
    let bytes = noise(2, 16 << 20);
    for at in (0..SIZE).step_by(16 << 20) {
        disk.write(at, &bytes);
    }
}

/// All bits set to the end, as some sticks come from the factory.
fn full_of_ones(_: &Bench, disk: &Loop) {
    disk.write(0, &vec![0xff; usize::try_from(SIZE).unwrap()]);
}

/// Noise with the signatures of a list: exFAT, btrfs, LVM, md, ZFS, ISO 9660 and others, those of the disk and of each of the
/// image's partitions.
fn signed(bench: &Bench, disk: &Loop, list: usize) {
    let mut bytes = noise(3, usize::try_from(SIZE).unwrap());
    let partitions = bench.image.manifest.partitions.iter().map(|part| (part.offset, part.size));
    let places: Vec<(u64, u64)> = partitions.chain([(0, SIZE)]).collect();
    let number = |at: u64| usize::try_from(at).unwrap();
    // Signatures count only where nothing contradicts them.
    for (start, size) in &places {
        bytes[number(*start)..][..MIB].fill(0);
        bytes[..number(start + size)].rchunks_mut(MIB).next().unwrap().fill(0);
    }
    for (start, size) in &places {
        for (at, signature) in signatures::lists(*size).swap_remove(list) {
            bytes[number(start + at)..][..signature.len()].copy_from_slice(&signature);
        }
    }
    let (at, signature) = signatures::of_disk(SIZE);
    bytes[number(at)..][..signature.len()].copy_from_slice(&signature);
    disk.write(0, &bytes);
}

/// A swap area, and an ext4 file system that begins where an empty slot does.
fn swap_and_ext4(bench: &Bench, disk: &Loop) {
    support::ok(bench.dir.path(), "mkswap", &[disk.path()]);
    let slot = bench.image.manifest.partitions[1].offset;
    let offset = format!("offset={slot}");
    support::ok(bench.dir.path(), "mkfs.ext4", &["-q", "-F", "-E", &offset, disk.path(), "64M"]);
}

/// What the foreign programs say of the disk and of its partitions.
fn told(bench: &Bench, disk: &Loop) -> Vec<String> {
    let dir = bench.dir.path();
    let mut told = Vec::new();
    let probe = |path: &str| {
        let blkid = support::run(dir, "blkid", &["-p", path]);
        let said = String::from_utf8(blkid.stdout).unwrap().replace(path, "it");
        let wipefs = support::ok(dir, "wipefs", &["--no-act", path]);
        let wipefs = wipefs.lines().map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
        format!("{:?} {said}{}", blkid.status.code(), wipefs.collect::<Vec<_>>().join("\n"))
    };
    told.push(probe(disk.path()));
    for part in &bench.image.manifest.partitions {
        bench.write("part", &disk.bytes(part.offset, usize::try_from(part.size).unwrap()));
        told.push(format!("{}: {}", part.label, probe("part")));
        if part.label == "boot-a" {
            told.push(support::ok(dir, "fsck.fat", &["-n", "part"]));
            support::ok(dir, "mcopy", &["-o", "-i", "part", "::kernel8.img", "kernel"]);
            told.push(imgbuild::tree::Digest::of(&fs::read(bench.path("kernel")).unwrap()).to_string());
        }
    }
    told
}

#[test]
#[ignore = "needs root: loop devices"]
fn on_a_used_stick_flash_bmaptool_and_dd_leave_what_they_leave_on_a_blank_one() {
    let bench = Bench::of(Image::with_fat(false));
    bench.write("sbom.spdx.json", b"{}");
    release::write(bench.dir.path(), &bench.image.manifest, &bench.path("out"), None, &Silent).unwrap();
    let verify = |disk: &Loop| bench.run(&["verify", disk.path(), "--manifest", "manifest.json"]);
    let flash = |disk: &Loop| {
        bench.flash("node.img", disk).ok();
    };
    let by_map = |disk: &Loop| {
        let args = ["--quiet", "copy", "--bmap", "out/node.bmap", "node.img", disk.path()];
        support::ok(bench.dir.path(), "bmaptool", &args);
    };
    let copy = |disk: &Loop| {
        let of = format!("of={}", disk.path());
        support::ok(bench.dir.path(), "dd", &["if=node.img", &of, "bs=1M", "conv=fsync", "status=none"]);
    };
    let ways: [(&str, Way<'_>); 3] = [("flash", &flash), ("bmaptool", &by_map), ("dd", &copy)];
    let mut olds: Vec<(String, Fill)> = vec![
        ("FAT".to_owned(), Box::new(full_fat)),
        ("ones".to_owned(), Box::new(full_of_ones)),
        ("noise".to_owned(), Box::new(full_of_noise)),
        ("swap and ext4".to_owned(), Box::new(swap_and_ext4)),
    ];
    for list in 0..signatures::lists(SIZE).len() {
        olds.push((format!("signatures, list {list}"), Box::new(move |bench, disk| signed(bench, disk, list))));
    }
    let mut draw = Draw::new("IMGBUILD_USED_SEED");
    for (way, write) in ways {
        let blank = Loop::new(SIZE);
        write(&blank);
        let expected = told(&bench, &blank);
        for (old, fill) in draw.some(&olds, 3) {
            let disk = used();
            fill(&bench, &disk);
            write(&disk);
            if way != "flash" {
                // Who knows nothing but the image leaves what lies behind it, such as the backup of an old table.
                let end = bench.image.manifest.image_size;
                disk.write(end, &vec![0; usize::try_from(SIZE - end).unwrap()]);
            }
            assert_eq!(told(&bench, &disk), expected, "{way} over {old}");
            verify(&disk).ok();
        }
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_stick_that_windows_has_seen_is_told_with_what_it_added_and_what_to_type() {
    let bench = Bench::of(Image::with_fat(false));
    let disk = Loop::new(SIZE);
    bench.flash("node.img", &disk).ok();
    let boot = format!("{}@@1M", disk.path());
    support::ok(Path::new("/"), "mmd", &["-i", &boot, "::System Volume Information"]);
    let args = ["verify", disk.path(), "--manifest", "manifest.json"];
    let error = bench.run(&args).fails(3);
    for words in [
        "`boot-a` has `System Volume Information`, which Windows adds to every stick that is plugged in",
        "another system has written to it after it was flashed",
        "`imgbuild flash --profile node`",
    ] {
        let unwrapped = error.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains(words), "no {words} in: {error}");
    }
    let said = bench.run(&[&["--json"], &args[..]].concat()).stdout;
    let events = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let result = events.into_iter().find(|event| event["event"] == "result").unwrap()["result"].clone();
    let sign = serde_json::json!({
        "sign": "added", "part": "boot-a", "name": "System Volume Information", "by": "Windows",
    });
    assert_eq!(result["signs"], serde_json::json!([sign]));
}
