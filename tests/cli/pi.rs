//! What a Raspberry Pi's boot loader and the kernel behind it need, read from the finished `control` image.

#[path = "../pi_loader/loader/mod.rs"]
#[expect(dead_code, reason = "trials are tests/pi_loader's business: slot B is empty here")]
mod loader;

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use object::{Architecture, Object as _};
use serde_json::Value;
use tempfile::TempDir;

use self::loader::{Date, Pi, Stop, start};
use crate::place::json;
use crate::shared::control;
use crate::support;

/// The partitions' entries in the manifest, by label.
fn partition(label: &str) -> (u64, u64) {
    let manifest = json(&control().join("manifest.json"));
    let all = manifest["partitions"].as_array().unwrap();
    let found = all.iter().find(|partition| partition["label"] == label).unwrap();
    (found["offset"].as_u64().unwrap(), found["size"].as_u64().unwrap())
}

/// The files of `boot-a`, copied out by mtools.
static BOOT: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let source = format!("{}@@{}", control().join("control.img").display(), partition("boot-a").0);
    support::ok(dir.path(), "mcopy", &["-s", "-i", &source, "::*", "."]);
    dir
});

fn boot(name: &str) -> Vec<u8> {
    fs::read(BOOT.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn boot_text(name: &str) -> String {
    String::from_utf8(boot(name)).unwrap()
}

fn manifest() -> Value {
    json(&control().join("manifest.json"))
}

#[test]
fn firmware_and_device_trees_of_every_pi_4_are_there() {
    for (name, magic) in [
        ("start4.elf", &b"\x7fELF"[..]),
        ("fixup4.dat", b""),
        ("bcm2711-rpi-4-b.dtb", b"\xd0\x0d\xfe\xed"),
        ("bcm2711-rpi-400.dtb", b"\xd0\x0d\xfe\xed"),
        ("bcm2711-rpi-cm4.dtb", b"\xd0\x0d\xfe\xed"),
        ("bcm2711-rpi-cm4-io.dtb", b"\xd0\x0d\xfe\xed"),
    ] {
        let bytes = boot(name);
        assert!(bytes.len() > 1000 && bytes.starts_with(magic), "{name} is not what it must be");
    }
}

/// EEPROMs from before and after February 2025, the oldest and the newest with them.
const EEPROMS: [Date; 6] = [(2020, 9, 3), (2022, 4, 26), (2024, 4, 15), (2025, 2, 11), (2025, 11, 5), (2026, 8, 4)];

#[test]
fn every_eeprom_and_the_firmware_find_what_is_to_be_started() {
    let kernel = unpacked(&boot("vmlinuz"));
    for eeprom in EEPROMS {
        let image = fs::File::open(control().join("control.img")).unwrap();
        let handed = start(image, Pi::with(eeprom)).unwrap();
        assert_eq!(handed.partition, 1, "{eeprom:?}");
        assert!(handed.kernel == kernel && handed.initrd == boot("initrd.img"), "{eeprom:?}");
        let (name, device_tree) = handed.device_tree;
        assert!(name == "bcm2711-rpi-4-b.dtb" && device_tree == boot(&name), "{eeprom:?}: {name}");
        assert_eq!(manifest()["cmdline"], *handed.cmdline, "{eeprom:?}");
    }
}

#[test]
fn the_same_image_with_a_protective_mbr_is_what_stops_a_pi() {
    let dir = tempfile::tempdir().unwrap();
    let image = control().join("control.img");
    support::ok(dir.path(), "cp", &["--sparse=always", image.to_str().unwrap(), "copy.img"]);
    let copy = fs::File::options().read(true).write(true).open(dir.path().join("copy.img")).unwrap();
    let mut slots = [0; 64];
    (slots[2], slots[4], slots[8]) = (2, 0xee, 1);
    slots[5..8].fill(0xff);
    slots[12..16].fill(0xff);
    copy.write_all_at(&slots, 446).unwrap();
    for eeprom in EEPROMS {
        let stopped = start(&copy, Pi::with(eeprom)).unwrap_err();
        assert!(matches!(stopped, Stop::SevenFlashes(_)), "{eeprom:?}: {stopped:?}");
    }
}

#[test]
fn the_device_tree_is_a_pi_4b_s() {
    let tree = boot("bcm2711-rpi-4-b.dtb");
    let number = |at: usize| u32::from_be_bytes(tree[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(number(4), tree.len(), "not whole");
    let (mut at, names) = (number(8), number(12));
    let text = |from: usize| tree[from..].split(|byte| *byte == 0).next().unwrap();
    // The root's properties come before its children (Devicetree specification, 5.4).
    assert_eq!((number(at), number(at + 4)), (1, 0));
    at += 8;
    let mut compatible = None;
    while number(at) == 3 {
        let (len, name) = (number(at + 4), text(names + number(at + 8)));
        if name == b"compatible" {
            compatible = Some(&tree[at + 12..at + 12 + len]);
        }
        at += 12 + len.next_multiple_of(4);
    }
    assert_eq!(compatible, Some(&b"raspberrypi,4-model-b\0brcm,bcm2711\0"[..]));
}

/// What gzip has packed.
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Image.gz"), packed).unwrap();
    support::ok(dir.path(), "gzip", &["--decompress", "Image.gz"]);
    fs::read(dir.path().join("Image")).unwrap()
}

#[test]
fn the_loaders_texts_have_line_feeds_alone_and_name_files_that_are_there() {
    for name in ["config.txt", "cmdline.txt", "autoboot.txt"] {
        let text = boot_text(name);
        assert!(text.ends_with('\n') && !text.contains('\r') && text.is_ascii(), "{name}: {text:?}");
    }
    let config = boot_text("config.txt");
    let settings: Vec<&str> = config.lines().filter(|line| !line.starts_with('#')).collect();
    for setting in ["arm_64bit=1", "kernel=vmlinuz", "initramfs initrd.img followkernel", "enable_uart=1"] {
        assert!(settings.contains(&setting), "{setting} is missing in {config}");
    }
    // The loader reads no line beyond 98 characters (config.txt documentation).
    assert!(settings.iter().all(|line| line.len() <= 98));
    // It may have 512 bytes (its documentation). Before slot B is filled, there is nothing to be tried.
    assert_eq!(boot_text("autoboot.txt"), "[all]\ntryboot_a_b=1\nboot_partition=1\n");
}

#[test]
fn the_command_line_is_one_line_with_the_root_hash() {
    let text = boot_text("cmdline.txt");
    assert_eq!(text.lines().count(), 1);
    assert_eq!(text.trim_end(), manifest()["cmdline"]);
    let root_hash = format!("roothash={}", manifest()["root_hash"].as_str().unwrap());
    assert!(text.split_whitespace().any(|word| word == root_hash), "{text}");
    // COMMAND_LINE_SIZE of arm64.
    assert!(text.len() < 2048);
}

#[test]
fn kernel_and_initrd_are_what_the_loader_can_start() {
    // An arm64 `Image` (Documentation/arch/arm64/booting.rst), which the Pi's firmware unpacks.
    let packed = boot("vmlinuz");
    assert_eq!(&packed[..2], b"\x1f\x8b", "not gzip");
    let kernel = unpacked(&packed);
    assert_eq!(&kernel[0x38..0x3c], b"ARM\x64");
    let text_offset = u64::from_le_bytes(kernel[8..16].try_into().unwrap());
    let image_size = u64::from_le_bytes(kernel[16..24].try_into().unwrap());
    assert!(text_offset == 0 && image_size >= kernel.len() as u64);

    let initrd = boot("initrd.img");
    assert!(initrd.starts_with(b"\x28\xb5\x2f\xfd"), "not zstd");
    let cpio = zstd::decode_all(&initrd[..]).unwrap();
    assert!(cpio.starts_with(b"070701"), "no newc cpio");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("initrd.cpio"), cpio).unwrap();
    let names = support::ok(dir.path(), "cpio", &["--list", "--quiet", "--file", "initrd.cpio"]);
    for name in ["init", "usr/lib/systemd/systemd"] {
        assert!(names.lines().any(|line| line == name), "{name} is missing in the initrd");
    }
}

#[test]
fn the_boot_slot_is_a_sound_fat_with_room_for_the_next_kernel() {
    let (offset, size) = partition("boot-a");
    let mut image = fs::File::open(control().join("control.img")).unwrap();
    image.seek(SeekFrom::Start(offset)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut copy = fs::File::create(dir.path().join("fat")).unwrap();
    assert_eq!(std::io::copy(&mut image.take(size), &mut copy).unwrap(), size);
    support::ok(dir.path(), "fsck.fat", &["-n", "fat"]);
    let used: u64 = fs::read_dir(BOOT.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    // Half as much again.
    assert!(used * 3 < size * 2, "{used} of {size} bytes used");
    assert_eq!(partition("boot-b").1, size);
}

/// The root file system, copied out of the image.
fn root() -> (TempDir, PathBuf) {
    let (offset, _) = partition("root-a");
    let dir = tempfile::tempdir().unwrap();
    let image = control().join("control.img");
    let root = dir.path().join("root");
    let wanted = ["usr/bin", "usr/sbin", "usr/lib/systemd", "usr/lib/aarch64-linux-gnu", "etc"];
    let offset = offset.to_string();
    let mut args = vec!["-quiet", "-no-progress", "-no-xattrs", "-ignore-errors", "-offset", &offset, "-dest", "root"];
    args.push(image.to_str().unwrap());
    args.extend(wanted);
    support::ok(dir.path(), "unsquashfs", &args);
    (dir, root)
}

#[test]
fn every_program_of_the_root_is_for_64_bit_arm() {
    let (_dir, root) = root();
    for name in [
        "usr/lib/systemd/systemd",
        "usr/bin/bash",
        "usr/bin/dash",
        "usr/sbin/sshd",
        "usr/sbin/xtables-nft-multi",
        "usr/bin/kmod",
        "usr/bin/mount",
        "usr/lib/aarch64-linux-gnu/libc.so.6",
        "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
    ] {
        assert!(root.join(name).is_file(), "{name} is missing");
    }
    let mut programs = 0;
    for dir in ["usr/bin", "usr/sbin", "usr/lib/systemd", "usr/lib/aarch64-linux-gnu"] {
        for entry in fs::read_dir(root.join(dir)).unwrap() {
            programs += usize::from(check_machine(&entry.unwrap().path()));
        }
    }
    assert!(programs > 300, "only {programs} programs and libraries");
    let iptables = fs::read_link(root.join("etc/alternatives/iptables")).unwrap();
    assert_eq!(iptables, Path::new("/usr/sbin/iptables-nft"));
}

/// Whether the file is an ELF file; then it must be for the Pi.
fn check_machine(path: &Path) -> bool {
    let plain = fs::symlink_metadata(path).unwrap().is_file();
    if !plain {
        return false;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    if !bytes.starts_with(b"\x7fELF") {
        return false;
    }
    let file = object::File::parse(&*bytes).unwrap();
    assert!(file.is_64() && file.architecture() == Architecture::Aarch64, "{}", path.display());
    true
}
