//! Machines with all kinds of disks, as their kernels tell of them.

use std::path::{Path, PathBuf};

use imgbuild::device::{
    Content, DeviceError, Limits, Partition, Transport, list, mounts_in_other_namespaces, none_fits,
};

use crate::{disk, holder, machine, mount, said, swap};

const MIB: u64 = 1 << 20;

fn names(machine_name: &str) -> Vec<String> {
    machine(machine_name).into_iter().map(|disk| disk.name).collect()
}

#[test]
fn a_usb_stick_is_told_with_all_that_identifies_it() {
    let stick = disk("usb-stick", "sdb");
    assert_eq!(stick.path, Path::new("/dev/sdb"));
    assert_eq!(
        stick.by_id,
        [PathBuf::from("/dev/disk/by-id/usb-SanDisk_Ultra_USB_3.0_4C530001230915118365-0:0")],
        "names of partitions are not the disk's"
    );
    assert_eq!((&*stick.vendor, &*stick.model), ("SanDisk", "Ultra USB 3.0"));
    assert_eq!(stick.title(), "SanDisk Ultra USB 3.0");
    assert_eq!(stick.serial.as_deref(), Some("4C530001230915118365"));
    assert_eq!((stick.size, stick.sector), (30_752_636_928, 512));
    assert_eq!(stick.transport, Transport::Usb);
    assert_eq!((stick.removable, stick.read_only, stick.diskseq), (true, false, Some(12)));
    assert_eq!(
        stick.partitions[..2],
        [
            Partition { name: "sdb1".into(), number: 1, start: MIB, size: 64 * MIB, label: Some("esp".into()) },
            Partition {
                name: "sdb2".into(),
                number: 2,
                start: 65 * MIB,
                size: 1536 * MIB,
                label: Some("root-a".into())
            },
        ]
    );
    assert_eq!(stick.partitions.len(), 4);
    assert!(stick.uses.is_empty());
    assert!(said(&stick, &Limits::default()).is_empty());
}

#[test]
fn a_stick_that_a_desktop_mounted_is_refused_with_how_to_unmount_it() {
    let stick = disk("usb-stick-mounted", "sdb");
    assert_eq!(stick.uses, [mount("sdb1", "/run/media/eva/MY STICK")]);
    assert_eq!(stick.partitions[0].label.as_deref(), Some("MY STICK"), "of the file system, where the table has none");
    let refusals = stick.refusals(&Limits::default());
    assert_eq!(said(&stick, &Limits::default()), ["sdb1 is mounted at /run/media/eva/MY STICK"]);
    let hint = refusals[0].hint().unwrap();
    assert!(hint.contains("`udisksctl unmount -b /dev/sdb1`") && hint.contains("`umount /dev/sdb1`"), "{hint}");
}

#[test]
fn what_a_stick_holds_as_a_whole_is_told_where_udev_knows_it() {
    let whole = disk("whole-file-system", "sdb");
    assert_eq!(whole.content, Content::FileSystem { label: Some("MY PHOTOS".into()) });
    assert_eq!(whole.whole().unwrap(), "a file system \"MY PHOTOS\", no partitions");
    let parted = disk("usb-stick", "sdb");
    assert_eq!((&parted.content, parted.whole()), (&Content::Nothing, None), "its partitions say all");
    assert_eq!(disk("loop", "loop0").content, Content::Unknown);
}

#[test]
fn where_no_disk_may_be_written_to_sticks_in_use_are_named_with_the_cure() {
    let text = |name: &str| {
        let error = none_fits(&machine(name), &Limits::default());
        (error.to_string(), error.hint().unwrap())
    };
    let (error, hint) = text("usb-stick-mounted");
    let stick = "/dev/sdb (Kingston DataTraveler 3.0): sdb1 is mounted at /run/media/eva/MY STICK";
    assert_eq!(error, format!("there is no USB stick or memory card that may be written to; {stick}"));
    assert!(hint.contains("`udisksctl unmount -b /dev/sdb1`"), "{hint}");
    let (error, hint) = text("dm-crypt");
    assert!(
        error.contains("encrypted volume") && hint.contains("plug one in"),
        "unmounting is no cure: {error} {hint}"
    );
    for other in ["virtio", "card-reader-empty", "usb-hard-disk"] {
        let (error, hint) = text(other);
        assert!(error.ends_with("may be written to") && hint.contains("plug one in"), "{other}: {error} {hint}");
    }
}

#[test]
fn a_mount_in_another_namespace_is_told_with_the_process_that_lives_there() {
    let root = tempfile::tempdir().unwrap();
    let process = |id: &str, name: &str, space: &str, table: &str| {
        let dir = root.path().join("proc").join(id);
        std::fs::create_dir_all(dir.join("ns")).unwrap();
        std::fs::write(dir.join("comm"), format!("{name}\n")).unwrap();
        std::fs::write(dir.join("mountinfo"), table).unwrap();
        std::os::unix::fs::symlink(format!("mnt:[{space}]"), dir.join("ns/mnt")).unwrap();
    };
    let stick = "90 1 8:17 / /data rw - ext4 /dev/sdb1 rw\n";
    process("self", "imgbuild", "1", stick);
    process("1", "init", "1", stick);
    process("77", "other", "3", "90 1 8:1 / /data rw - ext4 /dev/sda1 rw\n");
    process("900", "late", "2", stick);
    process("80", "serve\u{1b}r", "2", stick);
    let holders = mounts_in_other_namespaces(root.path(), &disk("usb-stick", "sdb"));
    assert_eq!(
        holders,
        ["process 80 (server), which has /dev/sdb1 mounted at /data in a mount namespace of its own"],
        "one of each namespace, none of this one"
    );
}

#[test]
fn a_large_usb_disk_is_written_to_only_if_allowed() {
    let disk = disk("usb-hard-disk", "sdc");
    assert_eq!((&disk.transport, disk.removable), (&Transport::Usb, false));
    assert_eq!(said(&disk, &Limits::default()), ["it has 1.82 TiB, more than a stick usually has"]);
    assert!(said(&disk, &Limits { allow_large: true, ..Limits::default() }).is_empty());
}

#[test]
fn the_disk_of_the_system_is_refused_whatever_is_allowed() {
    let root = disk("nvme-root", "nvme0n1");
    assert_eq!(root.transport, Transport::Nvme);
    assert_eq!((&*root.model, root.serial.as_deref()), ("Samsung SSD 980 500GB", Some("S64DNX0R123456")));
    assert_eq!(
        root.uses,
        [
            mount("nvme0n1p1", "/boot/efi"),
            mount("nvme0n1p2", "/"),
            mount("nvme0n1p2", "/var/lib/docker"),
            swap("nvme0n1p3")
        ]
    );
    let all = Limits { allow_large: true, allow_loop: true, ..Limits::default() };
    assert_eq!(
        said(&root, &all),
        [
            "nvme0n1p1 is mounted at /boot/efi",
            "nvme0n1p2 is mounted at /",
            "nvme0n1p2 is mounted at /var/lib/docker",
            "nvme0n1p3 is used as swap",
            "it is neither a USB disk nor a memory card (NVMe)",
        ]
    );
    assert!(root.refusals(&all).iter().all(|refusal| refusal.hint().is_none()), "there is no cure");
    assert_eq!(names("nvme-root"), ["sda", "nvme0n1"], "a hidden way to a disk is none");
}

#[test]
fn volumes_of_lvm_are_followed_to_their_mounts_and_swap() {
    let stick = disk("lvm-on-usb", "sdb");
    assert_eq!(
        stick.uses,
        [
            mount("dm-0", "/srv"),
            swap("dm-1"),
            holder("sdb1", "LVM volume vg-data (dm-0)"),
            holder("sdb1", "LVM volume vg-old--swap (dm-1)"),
        ]
    );
    assert!(said(&stick, &Limits::default()).contains(&"sdb1 is part of LVM volume vg-data (dm-0)".to_owned()));
    // The volume itself is no disk to write to either.
    let volume = disk("lvm-on-usb", "dm-0");
    assert_eq!(
        said(&volume, &Limits::default()),
        ["dm-0 is mounted at /srv", "it is neither a USB disk nor a memory card (device mapper)"]
    );
}

#[test]
fn an_opened_encrypted_volume_holds_its_disk() {
    let stick = disk("dm-crypt", "sdb");
    assert_eq!(stick.uses, [mount("dm-0", "/media/eva/private"), holder("sdb2", "encrypted volume luks-6f1c (dm-0)")]);
    let refusals = stick.refusals(&Limits::default());
    assert!(refusals.iter().any(|refusal| refusal.hint().is_none()), "unmounting alone is no cure");
}

#[test]
fn all_members_of_an_array_are_refused_for_what_is_on_the_array() {
    for (name, part) in [("sdb", "sdb1"), ("sdc", "sdc1")] {
        assert_eq!(disk("md-raid", name).uses, [mount("md0p1", "/data"), holder(part, "RAID md0")]);
    }
    assert_eq!(disk("md-raid", "md0").transport, Transport::Raid);
}

#[test]
fn all_disks_of_a_file_system_that_spans_several_are_refused() {
    assert_eq!(disk("btrfs", "sdb").uses, [mount("sdb1", "/pool")]);
    assert_eq!(disk("btrfs", "sdc").uses, [holder("sdc1", "a mounted btrfs")], "the mount table names the first only");
}

#[test]
fn a_card_reader_without_a_card_is_told_from_one_with_a_card() {
    let reader = disk("card-reader-empty", "sdd");
    let refusals = reader.refusals(&Limits { needed: Some(1), ..Limits::default() });
    assert_eq!(refusals.iter().map(ToString::to_string).collect::<Vec<_>>(), ["there is no medium in it"]);
    assert_eq!(refusals[0].hint().unwrap(), "insert the card");
}

#[test]
fn a_memory_card_is_written_to_and_soldered_memory_is_not() {
    let card = disk("sd-card", "mmcblk0");
    assert_eq!((&card.transport, &*card.model, card.serial.as_deref()), (&Transport::Mmc, "SC32G", Some("0x6a5b4c3d")));
    assert_eq!(card.partitions[0].name, "mmcblk0p1");
    assert_eq!(card.partitions[0].label.as_deref(), Some("bootfs"));
    assert!(said(&card, &Limits::default()).is_empty());
    for name in ["mmcblk1", "mmcblk1boot0"] {
        let emmc = disk("sd-card", name);
        assert!(said(&emmc, &Limits::default())[0].ends_with("a memory card (eMMC)"), "{name}");
    }
    // With the lock set, in a reader that is attached by USB but is no USB disk.
    let locked = disk("sd-card", "mmcblk2");
    assert_eq!(locked.transport, Transport::Mmc);
    assert_eq!(said(&locked, &Limits::default()), ["it is read-only"]);
}

#[test]
fn loop_devices_are_told_by_their_file_and_hold_the_disk_that_they_show() {
    assert_eq!(names("loop"), ["sdb", "loop0", "loop2"], "one that shows nothing is left out");
    let device = disk("loop", "loop0");
    assert_eq!((&device.transport, &*device.title()), (&Transport::Loop, "/home/eva/stick.img"));
    assert_eq!(said(&device, &Limits::default()), ["it is a loop device"]);
    assert!(said(&device, &Limits { allow_loop: true, ..Limits::default() }).is_empty());
    assert_eq!(disk("loop", "sdb").uses, [mount("loop2", "/opt/look"), holder("sdb1", "loop device loop2")]);
}

#[test]
fn partitions_of_a_loop_device_are_in_use_like_those_of_any_disk() {
    let device = disk("loop-partitions", "loop4");
    assert_eq!(device.uses, [mount("loop4p1", "/srv/images"), swap("loop4p2")]);
    assert_eq!(device.numbers, [(7, 4), (259, 0), (259, 1), (259, 2)], "a file on any of them is on this disk");
    let said = said(&device, &Limits { allow_loop: true, ..Limits::default() });
    assert_eq!(said, ["loop4p1 is mounted at /srv/images", "loop4p2 is used as swap"]);
}

#[test]
fn disks_of_a_virtual_machine_are_refused_by_their_bus() {
    let limits = Limits::default();
    let vda = disk("virtio", "vda");
    assert_eq!((&vda.transport, vda.serial.as_deref(), &*vda.vendor), (&Transport::Virtio, Some("disk-1"), ""));
    assert_eq!(said(&vda, &limits), ["vda1 is mounted at /", "it is neither a USB disk nor a memory card (virtio)"]);
    for (name, word) in [("zram0", "zram"), ("sr0", "optical drive"), ("xvdb", "xen")] {
        let said = said(&disk("virtio", name), &limits);
        assert!(said.contains(&format!("it is neither a USB disk nor a memory card ({word})")), "{name}: {said:?}");
    }
    assert_eq!(disk("virtio", "zram0").uses, [swap("zram0")]);
}

#[test]
fn a_disk_that_goes_while_it_is_read_is_left_out_and_the_others_stay() {
    assert_eq!(names("vanishing"), ["sdd", "sde"]);
    let half = disk("vanishing", "sdd");
    assert_eq!(half.partitions.iter().map(|part| &*part.name).collect::<Vec<_>>(), ["sdd1"]);
    let stick = disk("vanishing", "sde");
    assert_eq!(stick.serial, None);
    assert!(said(&stick, &Limits::default()).is_empty());
}

#[test]
fn what_a_device_calls_itself_cannot_fool_a_terminal() {
    let evil = disk("hostile", "sdb");
    assert_eq!((&*evil.vendor, &*evil.model), ("[2JEvil", "gnusmaS SSD"));
    assert_eq!(evil.serial.as_deref(), Some("]0;owned4321"));
    assert_eq!(evil.partitions[0].label.as_deref(), Some("esp[31m"));
    let blank = disk("hostile", "sdc");
    assert_eq!((blank.serial, blank.model.len()), (None, 4096));
    // A path may have such characters too; it stays what it is, and is shown without them.
    assert_eq!(evil.uses, [mount("sdb1", "/media/\u{202e}eva/a\nb\\c\u{1b}[31m")]);
    assert_eq!(said(&evil, &Limits::default()), ["sdb1 is mounted at /media/\u{fffd}eva/a\u{fffd}b\\c\u{fffd}[31m"]);
}

#[test]
fn swap_on_a_stick_and_sectors_of_another_size_are_refused() {
    assert_eq!(said(&disk("swap-on-usb", "sdb"), &Limits::default()), ["sdb2 is used as swap"]);
    assert_eq!(said(&disk("big-sectors", "sdb"), &Limits::default()), ["its sectors have 4096 bytes"]);
}

#[test]
fn a_machine_without_a_list_of_disks_is_an_error() {
    let nowhere = tempfile::tempdir().unwrap();
    let error = list(nowhere.path()).unwrap_err();
    assert!(matches!(error, DeviceError::Read { .. }) && error.hint().is_some(), "{error}");
}
