//! From the name that a person gives to a disk.

use std::path::Path;

use imgbuild::device::{Disk, find};

use crate::machine;

const BY_ID: &str = "/dev/disk/by-id/usb-SanDisk_Ultra_USB_3.0_4C530001230915118365-0:0";

fn refused(disks: &[Disk], wanted: &str) -> (String, String) {
    let error = find(disks, Path::new(wanted)).unwrap_err();
    (error.to_string(), error.hint().unwrap())
}

#[test]
fn a_disk_is_found_by_its_device_file_and_by_its_lasting_name() {
    let disks = machine("nvme-root");
    assert_eq!(find(&disks, Path::new("/dev/nvme0n1")).unwrap().name, "nvme0n1", "finding is not allowing");
    assert_eq!(find(&disks, Path::new(BY_ID)).unwrap().name, "sda");
}

#[test]
fn a_link_of_ones_own_leads_to_the_disk() {
    // `/dev/null` is no disk, but is there on every machine.
    let mut disks = machine("usb-stick");
    disks[0].path = "/dev/null".into();
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("my-stick");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    assert_eq!(find(&disks, &link).unwrap().name, "sdb");
}

#[test]
fn a_partition_is_refused_with_the_name_of_its_disk() {
    let disks = machine("usb-stick");
    for wanted in ["/dev/sdb1".to_owned(), format!("{BY_ID}-part2")] {
        let (error, hint) = refused(&disks, &wanted);
        assert_eq!(error, format!("{wanted} is a partition of /dev/sdb, not a disk"));
        assert!(hint.contains("whole disks"), "{hint}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_disks_that_may_be_meant() {
    let (error, hint) = refused(&machine("nvme-root"), "/dev/sdz");
    assert_eq!(error, "there is no /dev/sdz");
    assert_eq!(hint, "there are: /dev/sda (SanDisk Ultra USB 3.0, 28.64 GiB)", "the system's disk is not offered");
    let (_, hint) = refused(&machine("virtio"), "/tmp/some.img");
    assert!(hint.contains("no USB stick or memory card is attached"), "{hint}");
    let (error, _) = refused(&machine("usb-stick"), "/dev/sdb\u{1b}[2J");
    assert!(!error.contains('\u{1b}'), "{error}");
}
