//! The rules as a table: a stick that may be written to, changed in one respect at a time.

use std::path::{Path, PathBuf};

use imgbuild::device::{Disk, LARGE, Limits, Refusal, Transport};

use crate::{disk, holder, mount, swap};

/// What the case is about, what is changed, and the rules that speak against the disk then.
type Case = (&'static str, fn(&mut Disk, &mut Limits), &'static [&'static str]);

const CASES: &[Case] = &[
    ("a stick", |_, _| {}, &[]),
    ("a card", |disk, _| disk.transport = Transport::Mmc, &[]),
    ("not called removable", |disk, _| disk.removable = false, &[]),
    ("without serial number", |disk, _| disk.serial = None, &[]),
    ("NVMe", |disk, _| disk.transport = Transport::Nvme, &["transport"]),
    ("SATA", |disk, _| disk.transport = Transport::Sata, &["transport"]),
    (
        "SATA, called removable",
        |disk, _| {
            disk.transport = Transport::Sata;
            disk.removable = true;
        },
        &["transport"],
    ),
    ("virtio", |disk, _| disk.transport = Transport::Virtio, &["transport"]),
    ("volume", |disk, _| disk.transport = Transport::DeviceMapper, &["transport"]),
    ("array", |disk, _| disk.transport = Transport::Raid, &["transport"]),
    ("unknown bus", |disk, _| disk.transport = Transport::Other("usb".to_owned()), &["transport"]),
    ("loop", |disk, _| disk.transport = Transport::Loop, &["loop"]),
    (
        "loop, allowed",
        |disk, limits| {
            disk.transport = Transport::Loop;
            limits.allow_loop = true;
        },
        &[],
    ),
    (
        "NVMe, loops allowed",
        |disk, limits| {
            disk.transport = Transport::Nvme;
            limits.allow_loop = true;
        },
        &["transport"],
    ),
    ("read-only", |disk, _| disk.read_only = true, &["read-only"]),
    (
        "no medium",
        |disk, _| {
            disk.size = 0;
            disk.read_only = true;
            disk.sector = 2048;
        },
        &["no-medium"],
    ),
    ("large sectors", |disk, _| disk.sector = 4096, &["sector"]),
    ("unknown sectors", |disk, _| disk.sector = 0, &["sector"]),
    ("just not large", |disk, _| disk.size = LARGE, &[]),
    ("sold as 256 GB", |disk, _| disk.size = 256_060_514_304, &[]),
    ("large", |disk, _| disk.size = LARGE + 1, &["large"]),
    ("sold as 320 GB", |disk, _| disk.size = 320_072_933_376, &["large"]),
    (
        "large, allowed",
        |disk, limits| {
            disk.size = 12_000_000_000_000;
            limits.allow_large = true;
        },
        &[],
    ),
    ("just fits", |disk, limits| limits.needed = Some(disk.size), &[]),
    ("too small", |disk, limits| limits.needed = Some(disk.size + 1), &["small"]),
    ("mounted", |disk, _| disk.uses = vec![mount("sdb1", "/")], &["mounted"]),
    ("mounted by a desktop", |disk, _| disk.uses = vec![mount("sdb1", "/media/eva/x")], &["mounted"]),
    ("whole disk mounted", |disk, _| disk.uses = vec![mount("sdb", "/mnt")], &["mounted"]),
    ("swap", |disk, _| disk.uses = vec![swap("sdb2")], &["swap"]),
    ("held", |disk, _| disk.uses = vec![holder("sdb1", "RAID md0")], &["held"]),
    (
        "everything",
        |disk, limits| {
            disk.uses = vec![mount("sdb1", "/"), swap("sdb2"), holder("sdb3", "RAID md0")];
            disk.transport = Transport::Nvme;
            disk.read_only = true;
            disk.size = LARGE + 1;
            limits.needed = Some(LARGE + 2);
        },
        &["mounted", "swap", "held", "transport", "read-only", "large", "small"],
    ),
    (
        "all allowed, and mounted",
        |disk, limits| {
            disk.uses = vec![mount("sdb1", "/media/eva/x")];
            disk.size = LARGE + 1;
            limits.allow_large = true;
            limits.allow_loop = true;
        },
        &["mounted"],
    ),
];

fn rules(disk: &Disk, limits: &Limits) -> Vec<String> {
    let rule = |refusal: Refusal| serde_json::to_value(refusal).unwrap()["rule"].as_str().unwrap().to_owned();
    disk.refusals(limits).into_iter().map(rule).collect()
}

#[test]
fn every_rule_refuses_what_it_is_for_and_nothing_else() {
    for (about, change, expected) in CASES {
        let (mut disk, mut limits) = (disk("usb-stick", "sdb"), Limits::default());
        change(&mut disk, &mut limits);
        assert_eq!(rules(&disk, &limits), *expected, "{about}");
    }
}

#[test]
fn only_mounts_of_desktops_come_with_advice_to_unmount() {
    for (path, advised) in [
        ("/media/eva/x", true),
        ("/media/x", true),
        ("/run/media/eva/x", true),
        ("/Volumes/X", true),
        ("/mnt", false),
        ("/", false),
        ("/mediathek", false),
        ("/run/live/medium", false),
        ("/srv/media/x", false),
    ] {
        let mut disk = disk("usb-stick", "sdb");
        disk.uses = vec![mount("sdb1", path)];
        let refusals = disk.refusals(&Limits::default());
        assert_eq!(refusals.len(), 1, "{path}");
        assert_eq!(refusals[0].hint().is_some(), advised, "{path}");
    }
}

/// A stick that has the file system of this test's own files on it.
fn stick_with(path: &Path) -> Disk {
    use std::os::unix::fs::MetadataExt as _;
    let device = path.metadata().unwrap().dev();
    let mut disk = disk("usb-stick", "sdb");
    disk.numbers.push((rustix::fs::major(device), rustix::fs::minor(device)));
    disk
}

#[test]
fn the_disk_of_a_file_that_must_stay_is_refused_even_if_the_file_is_yet_to_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let stick = stick_with(dir.path());
    for kept in [dir.path().to_owned(), dir.path().join("not/yet/made.img")] {
        let limits = Limits { protected_paths: vec![kept.clone()], ..Limits::default() };
        assert_eq!(stick.refusals(&limits), [Refusal::Protected { path: kept.clone() }]);
        assert!(disk("usb-stick", "sdb").refusals(&limits).is_empty(), "another disk may be written to");
    }
    assert!(stick.refusals(&Limits::default()).is_empty(), "what lies elsewhere does not matter");
}

#[test]
fn a_link_does_not_hide_where_a_kept_file_is() {
    let (here, there) = (tempfile::tempdir().unwrap(), PathBuf::from("/proc"));
    let link = here.path().join("workspace");
    std::os::unix::fs::symlink(&there, &link).unwrap();
    let limits = Limits { protected_paths: vec![link], ..Limits::default() };
    assert_eq!(rules(&stick_with(&there), &limits), ["keeps"]);
    assert!(rules(&stick_with(here.path()), &limits).is_empty());
}

#[test]
fn a_loop_device_that_shows_a_kept_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (image, other) = (dir.path().join("node.img"), dir.path().join("stick.img"));
    for file in [&image, &other] {
        std::fs::write(file, "").unwrap();
    }
    let mut device = disk("loop", "loop0");
    let limits = Limits { allow_loop: true, protected_paths: vec![image.clone()], ..Limits::default() };
    device.backing = Some(other.canonicalize().unwrap());
    assert!(rules(&device, &limits).is_empty());
    device.backing = Some(image.canonicalize().unwrap());
    assert_eq!(rules(&device, &limits), ["keeps"]);
}
