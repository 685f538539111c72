//! What a person is asked on a terminal.

use crate::bench::{Bench, Loop, Ran};
use crate::machine::Machine;
use crate::terminal::converse;

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_is_written_when_what_it_is_called_was_typed_and_not_otherwise() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    let flash = bench.command(&["flash", "--image", "node.img", "--device", disk.path(), "--allow-loop"]);
    let before = disk.digest();
    for wrong in ["", "y", "yes", "loop"] {
        let (code, shown) = converse(&flash, &[("to write to", wrong)]);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains("nothing was written") && shown.contains("on it"), "{shown}");
    }
    assert_eq!(disk.digest(), before);
    let (code, shown) = converse(&flash, &[("to write to", disk.name())]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("no seed"), "{shown}");
    bench.assert_on(&disk);
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_quiet_run_shows_what_it_asks_about() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    let flash = bench.command(&["-q", "flash", "--image", "node.img", "--device", disk.path(), "--allow-loop"]);
    let (code, shown) = converse(&flash, &[("to write to", "no")]);
    assert_eq!(code, Some(1), "{shown}");
    let (before, _) = shown.split_once("to write to").unwrap();
    let file = disk.file.canonicalize().unwrap();
    for said in ["image  node", file.to_str().unwrap(), "128.00 MiB", "on it  no partitions", "all of it will be lost"]
    {
        assert!(before.contains(said), "no {said} before the question in: {shown}");
    }

    let machine = Machine::of(&["usb-stick", "sd-card"]);
    let flash = machine.command(&bench.command(&["-q", "flash", "--image", "node.img"]));
    let (code, shown) = converse(&flash, &[("Its number", "2"), ("to write to", "no")]);
    assert_eq!(code, Some(1), "{shown}");
    let (list, plan) = shown.split_once("which one").unwrap();
    for said in ["1  /dev/sdb: SanDisk", "4C530001230915118365", "2  /dev/mmcblk0"] {
        assert!(list.contains(said), "no {said} before the question in: {shown}");
    }
    assert!(plan.contains("disk   /dev/mmcblk0") && plan.contains("bootfs"), "{shown}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn the_tail_of_the_serial_number_must_be_the_right_one() {
    let bench = Bench::new(1 << 20);
    let machine = Machine::of(&["usb-stick"]);
    let flash = machine.command(&bench.command(&["flash", "--image", "node.img"]));
    for wrong in ["", "8356", "365", "sdb"] {
        let (code, shown) = converse(&flash, &[("the last 4 characters of its serial number", wrong)]);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains("SanDisk Ultra") && shown.contains("that is not it: nothing was written"), "{shown}");
    }
    // The right one is taken; what is no disk fails when it is opened.
    let (code, shown) = converse(&flash, &[("the last 4 characters of its serial number", "8365")]);
    assert_ne!(code, Some(0), "{shown}");
    assert!(shown.contains("not the device that was confirmed"), "{shown}");
    assert_eq!(machine.written("sdb"), b"");
}

#[test]
#[ignore = "needs root: loop devices"]
fn without_a_question_a_disk_is_known_by_its_lasting_name_alone() {
    let bench = Bench::new(1 << 20);
    let machine = Machine::of(&["usb-stick"]);
    let flash = |device: &str| {
        let args = ["flash", "--image", "node.img", "--device", device, "--yes", "--dry-run"];
        Ran::of(machine.command(&bench.command(&args)).output().unwrap())
    };
    let name = "/dev/disk/by-id/usb-SanDisk_Ultra_USB_3.0_4C530001230915118365-0:0";
    for other in ["/dev/sdb", "/dev/disk/by-id/../../sdb", "/dev/disk/by-id/../by-id/../../sdb"] {
        let error = flash(other).fails(1);
        assert!(error.contains("in /dev/disk/by-id") && error.contains(&format!("--device {name}")), "{error}");
    }
    insta::assert_snapshot!(flash(name).ok());
}
