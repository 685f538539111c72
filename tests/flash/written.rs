//! What a flash leaves on a disk, and what `verify` says of it.

use std::fs;

use imgbuild::format::gpt::{self, Entry};
use imgbuild::image::ManifestPartition;
use serde_json::Value;
use uuid::Uuid;

use crate::bench::{Bench, Loop, writer_of};
use crate::image::{Image, MIB};
use crate::support;

#[test]
#[ignore = "needs root: loop devices"]
fn a_flashed_disk_holds_the_image_with_its_table_at_the_real_end() {
    let bench = Bench::new(5 << 20);
    for size in [bench.image.manifest.disk_size(), (128 << 20) + 512, 300 << 20] {
        let disk = Loop::new(size);
        let said = bench.flash_command("node.img", &disk).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let result: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!(result["event"], "result", "{said}");
        assert_eq!(result["result"]["device"], disk.path());
        bench.assert_on(&disk);
        bench.run(&["verify", disk.path(), "--manifest", "manifest.json"]).ok();
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn the_writer_needs_little_memory() {
    let bench = Bench::new(100 << 20);
    let disk = Loop::new(300 << 20);
    let mut peak = None;
    let ran = bench.flash_watched(&disk, |_, flash, event| {
        if event["phase"] == "tables" && peak.is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", writer_of(flash).unwrap())).unwrap();
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
            peak = line.split_whitespace().nth(1).unwrap().parse::<u64>().ok();
        }
    });
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let peak = peak.unwrap();
    println!("the writer's memory: {} MiB at most", peak >> 10);
    assert!(peak < 64 << 10, "{peak} KiB");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_used_disk_keeps_no_table_of_what_was_on_it() {
    let (old, bench) = (Image::new(20 << 20), Bench::new(1 << 20));
    let disk = Loop::new(100 << 20);
    disk.write(0, &old.bytes);
    assert!(disk.table().is_some());
    bench.flash("node.img", &disk).ok();
    bench.assert_on(&disk);
    assert_eq!(disk.bytes(old.size() - 512, 512), [0; 512]);
}

#[test]
#[ignore = "needs root: loop devices"]
fn damage_on_a_disk_is_named_with_partition_and_place() {
    let bench = Bench::new(5 << 20);
    let disk = Loop::new(128 << 20);
    bench.flash("node.img", &disk).ok();
    let verify = || bench.run(&["verify", disk.path(), "--manifest", "manifest.json"]);
    let at = |label: &str| bench.image.manifest.partitions.iter().find(|part| part.label == label).unwrap().offset;

    let root = at("root-a") + 4 * MIB;
    disk.write(root, b"damage");
    let error = verify().fails(3);
    let range = format!("`root-a`, {} bytes at {} (sector {})", 2 * MIB, root - MIB, (root - MIB) / 512);
    assert!(error.contains(&range), "{error}");

    bench.flash("node.img", &disk).ok();
    disk.write(at("seed"), b"another");
    assert!(verify().fails(3).contains("--node"));
    bench.flash("node.img", &disk).ok();
    // What lies behind the last partition is the node's own; an empty slot is empty.
    let last = bench.image.manifest.partitions.last().unwrap();
    disk.write(last.offset + last.size, b"anything");
    verify().ok();
    disk.write(at("root-b"), b"anything");
    let error = verify().fails(3);
    assert!(error.contains("`root-b`") && error.contains("where the image has nothing"), "{error}");
    disk.write(at("root-b"), &[0; 8]);
    disk.write(disk.size() - 512, &[0; 512]);
    let error = verify().fails(3);
    assert!(error.contains("partition table") && error.contains("copies"), "{error}");
    disk.write(512, &[0; 512]);
    assert!(verify().fails(3).contains("partition table"));
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_that_dd_or_bmaptool_wrote_is_right_and_a_note_says_where_its_backup_table_lies() {
    let bench = Bench::new(5 << 20);
    let disk = Loop::new(128 << 20);
    let verify = || bench.run(&["verify", disk.path(), "--manifest", "manifest.json"]);
    let (of, image) = (format!("of={}", disk.path()), bench.path("node.img"));
    let ways: [(&str, &[&str]); 3] = [
        ("dd", &["if=node.img", &of, "bs=1M", "conv=fsync", "status=none"]),
        ("bmaptool", &["copy", "--nobmap", image.to_str().unwrap(), disk.path()]),
        // Over an older stick, whose own backup table stays at the disk's end.
        ("dd", &["if=node.img", &of, "bs=1M", "conv=fsync", "status=none"]),
    ];
    for (program, args) in ways {
        support::ok(bench.dir.path(), program, args);
        let said = verify().ok();
        assert!(said.contains("where the image ends") && said.contains("`flash` did not write it"), "{said}");
        let mut other = Image::new(1 << 20);
        other.manifest.disk_guid = Uuid::from_u128(7);
        let entry = |part: &ManifestPartition| Entry {
            name: part.label.clone(),
            type_guid: part.type_guid,
            guid: part.guid,
            offset: part.offset,
            size: part.size,
            attributes: 0,
        };
        let entries: Vec<Entry> = other.manifest.partitions.iter().map(entry).collect();
        let table = gpt::write(other.manifest.disk_guid, disk.size(), &entries, &[]).unwrap();
        for (at, bytes) in table.extents() {
            disk.write(at, bytes);
        }
    }
    support::ok(bench.dir.path(), "dd", ways[0].1);
    disk.write(bench.image.size() - 512, &[0; 512]);
    let error = verify().fails(3);
    assert!(error.contains("partition table") && error.contains("copies"), "{error}");
    support::ok(bench.dir.path(), "dd", ways[0].1);
    disk.write(512, &[0; 512]);
    assert!(verify().fails(3).contains("partition table"));
    bench.flash("node.img", &disk).ok();
    let said = verify().ok();
    assert!(!said.contains("where the image ends"), "{said}");
}

#[test]
fn an_image_file_is_verified_by_the_manifest_beside_it() {
    let bench = Bench::new(5 << 20);
    bench.run(&["verify", "node.img"]).ok();
    let mut bytes = bench.image.bytes.clone();
    bytes[usize::try_from(MIB).unwrap()] ^= 1;
    bench.write("node.img", &bytes);
    let error = bench.run(&["verify", "node.img"]).fails(3);
    assert!(error.contains("`esp`, 65536 bytes at 1048576"), "{error}");
    bench.write("node.img", &bytes[..bytes.len() / 2]);
    assert!(bench.run(&["verify", "node.img"]).fails(3).contains("node.img is cut short"));
    fs::remove_file(bench.path("manifest.json")).unwrap();
    assert!(bench.run(&["verify", "node.img"]).fails(1).contains("--manifest"));
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    let before = disk.digest();
    let args = ["flash", "--image", "node.img", "--device", disk.path(), "--allow-loop", "--dry-run"];
    let said = bench.run(&args).ok();
    assert!(said.contains(disk.path()) && said.contains("all of it will be lost"), "{said}");
    assert!(said.contains("on it  no partitions"), "{said}");
    assert_eq!(disk.digest(), before);
}
