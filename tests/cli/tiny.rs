//! A whole image out of packages that are all but empty: all that a build does, in a moment, the same for ever.

use std::fmt::Write as _;

use imgbuild::image::initrd;
use imgbuild::tree::Digest;
use tar::EntryType;

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::place::{Place, json};

/// 1 January 2026.
const DATE: u64 = 1_767_225_600;

/// Modules that any kernel must have; this one has them built in.
const BUILT_IN: [&str; 11] = [
    "autofs4",
    "crypto-crc32c",
    "crypto-sha256",
    "dm-mod",
    "dm-verity",
    "ext4",
    "loop",
    "overlay",
    "sd_mod",
    "squashfs",
    "usb-storage",
];

/// An archive with package `machine`, which an image can be made of, and package `freight` with `weight` bytes that
/// do not compress.
pub fn archive(weight: usize) -> Archive {
    let mut machine = Tar::default();
    for (path, package) in initrd::contents() {
        let generated = ["imgbuild", "base-passwd"].contains(&package) || path == "usr/lib/os-release";
        if !generated {
            machine = machine.file(&format!("./{path}"), "[Unit]\n");
        }
    }
    let builtin = BUILT_IN.map(|name| format!("kernel/{name}.ko")).join("\n") + "\n";
    machine = machine
        .file("./usr/lib/os-release", "ID=debian\n")
        .file("./usr/share/zoneinfo/UTC", "UTC")
        .file("./usr/share/zoneinfo/Etc/UTC", "UTC")
        .file("./boot/vmlinuz-6.1.0-tiny", "kernel")
        .dir("./usr/lib/modules/6.1.0-tiny/")
        .file("./usr/lib/modules/6.1.0-tiny/modules.builtin", &builtin)
        .file("./usr/lib/modules/6.1.0-tiny/modules.builtin.modinfo", "")
        .file("./usr/lib/modules/6.1.0-tiny/modules.order", "")
        .file("./usr/lib/systemd/boot/efi/systemd-bootx64.efi", "boot loader");
    let machine = machine.entry(EntryType::Regular, "./usr/lib/systemd/boot/efi/linuxx64.efi.stub", "", &stub());
    let noise: Vec<u8> = (0..weight.div_ceil(32)).flat_map(|block| Digest::of(&block.to_le_bytes()).0).collect();
    let freight = Tar::default().entry(EntryType::Regular, "./usr/freight", "", &noise);
    let mut archive = Archive::new().with("machine", &[], machine).with("freight", &[], freight);
    archive.date = Some(DATE);
    archive
}

/// A workspace whose profile `node` is a small machine with these packages on top.
pub fn place(online: &Online, packages: &[&str]) -> Place {
    let place = online.place(&[&["machine"], packages].concat());
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile + "[image]\nboot = \"64M\"\nroot = \"64M\"\nseed = \"1M\"\n");
    place
}

/// The headers of an EFI program with one empty section.
pub fn stub() -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0");
    // Machine, number of sections, size of the optional header.
    put(0x44, &0x8664_u16.to_le_bytes());
    put(0x46, &1_u16.to_le_bytes());
    put(0x54, &240_u16.to_le_bytes());
    // PE32+, alignments of sections and file, size of the headers, number of directories.
    put(0x58, &0x20b_u16.to_le_bytes());
    put(0x58 + 32, &4096_u32.to_le_bytes());
    put(0x58 + 36, &512_u32.to_le_bytes());
    put(0x58 + 60, &1024_u32.to_le_bytes());
    put(0x58 + 108, &16_u32.to_le_bytes());
    // Name, size, address.
    put(0x58 + 240, b".text");
    put(0x58 + 240 + 8, &1_u32.to_le_bytes());
    put(0x58 + 240 + 12, &4096_u32.to_le_bytes());
    bytes
}

/// The same packages and profile give the same tree on every machine and in every year. Where this fails, either the
/// tree of all images changes, which the commit that does it says (`INSTA_UPDATE=always cargo test --test cli tiny` takes
/// the new digests), or something of the host has found its way in.
#[test]
fn the_tree_of_known_packages_is_the_known_one() {
    let online = archive(100_000).online();
    let place = place(&online, &["parcel", "freight"]);
    place.run(&["build", "--profile", "node"]).ok();
    let manifest = json(&place.path("build/node/manifest.json"));
    let packages = manifest["packages"].as_array().unwrap();
    let mut text = String::new();
    for package in packages {
        let _ = writeln!(text, "{} {}", package["sha256"].as_str().unwrap(), package["name"].as_str().unwrap());
    }
    let lock = place.read("imgbuild.lock");
    assert!(text.lines().all(|line| lock.contains(line.split(' ').next().unwrap())), "not what is locked");
    let _ = writeln!(text, "{} the tree", manifest["tree_sha256"].as_str().unwrap());
    let listing = place.read("build/node/node.files");
    let _ = writeln!(text, "{} paths, epoch {}", listing.lines().count() - 1, manifest["epoch"]);
    insta::assert_snapshot!(text);
}
