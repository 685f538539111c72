//! A Mac's disks, from property lists in the form that `diskutil` prints. They are written after its documentation and
//! others' captures: no Mac was at hand.

use std::collections::BTreeMap;
use std::path::Path;

use imgbuild::device::diskutil::disks;
use imgbuild::device::{Disk, Limits, Partition, Transport, find};

use crate::{holder, mount, said};

/// The list of all disks, and what is said of each.
fn lists() -> (Vec<u8>, BTreeMap<String, Vec<u8>>) {
    let mac: BTreeMap<String, String> = toml::from_str(include_str!("../fixtures/diskutil.toml")).unwrap();
    let mut lists: BTreeMap<_, _> = mac.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    (lists.remove("list").unwrap(), lists)
}

fn mac() -> Vec<Disk> {
    let (list, infos) = lists();
    disks(&list, &infos).unwrap()
}

fn named(name: &str) -> Disk {
    mac().into_iter().find(|disk| disk.name == name).unwrap()
}

#[test]
fn a_stick_of_a_mac_is_the_same_kind_of_disk() {
    let stick = named("disk4");
    assert_eq!((stick.path.to_str(), &*stick.model), (Some("/dev/disk4"), "Ultra USB 3.0"));
    assert_eq!((stick.size, stick.sector, &stick.transport), (30_752_636_928, 512, &Transport::Usb));
    assert_eq!((stick.removable, stick.read_only), (true, false));
    let label = Some("STICK".to_owned());
    let partition = Partition { name: "disk4s1".into(), number: 1, start: 1 << 20, size: 30_751_588_352, label };
    assert_eq!(stick.partitions, [partition]);
    assert_eq!(stick.uses, [mount("disk4s1", "/Volumes/STICK")]);
    assert_eq!(said(&stick, &Limits::default()), ["disk4s1 is mounted at /Volumes/STICK"]);
    assert!(find(&mac(), Path::new("/dev/disk4s1")).is_err());
}

#[test]
fn the_rules_pick_the_card_out_of_a_macs_disks() {
    let disks = mac();
    assert_eq!(
        disks.iter().map(|disk| &*disk.name).collect::<Vec<_>>(),
        ["disk0", "disk3", "disk4", "disk5", "disk6", "disk7", "disk8"],
        "one that went before it was asked about is left out"
    );
    let fit = disks.iter().filter(|disk| disk.refusals(&Limits::default()).is_empty());
    assert_eq!(
        fit.map(|disk| (&*disk.name, disk.title())).collect::<Vec<_>>(),
        [("disk5", "Built In SDXC Reader".to_owned())]
    );
}

#[test]
fn containers_hold_the_disks_that_they_are_made_of() {
    let system = named("disk0");
    assert_eq!(system.transport, Transport::Nvme);
    assert_eq!(
        system.uses,
        [
            mount("disk3s1", "/"),
            mount("disk3s5", "/System/Volumes/Data"),
            mount("disk3s6", "/System/Volumes/VM"),
            holder("disk0s2", "APFS container disk3"),
        ]
    );
    let backup = named("disk7");
    assert_eq!(backup.transport, Transport::Usb);
    assert_eq!(backup.uses, [mount("disk8s1", "/Volumes/Backup"), holder("disk7s2", "APFS container disk8")]);
    for name in ["disk3", "disk6", "disk8"] {
        assert_eq!(named(name).transport, Transport::Other("virtual disk".to_owned()), "{name}");
    }
}

#[test]
fn what_is_no_property_list_is_an_error_with_a_cure() {
    let (list, infos) = lists();
    let bad = BTreeMap::from([("disk4".to_owned(), b"<plist><dict><key>TotalSize".to_vec())]);
    for (list, infos, of) in
        [(&b""[..], &infos, "all disks"), (b"<plist></plist>", &infos, "all disks"), (&list, &bad, "disk4")]
    {
        let error = disks(list, infos).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot understand diskutil's property list of {of}"));
        assert!(error.hint().unwrap().contains("diskutil"));
    }
}
