//! `[board] config`: a profile's lines of config.txt, read from the finished image of a Raspberry Pi made of next to nothing.

use crate::debs::Tar;
use crate::place::{Place, json};
use crate::support;
use crate::tiny;

/// A workspace whose profile `node` is a small Raspberry Pi, with this text behind it.
fn pi(archive: &crate::archive::Online, more: &str) -> Place {
    let place = tiny::place(archive, &["pi-parts"]);
    let profile = place.read("profiles/node.toml").replace("\"uefi-amd64\"", "\"rpi4\"");
    place.write("profiles/node.toml", profile + more);
    place
}

fn archive() -> crate::archive::Archive {
    let mut parts = Tar::default();
    for file in ["start4.elf", "fixup4.dat"] {
        parts = parts.file(&format!("./usr/lib/raspi-firmware/{file}"), file);
    }
    for board in ["4-b", "400", "cm4-io"] {
        parts = parts.file(&format!("./usr/lib/linux-image-6.1.0-tiny/broadcom/bcm2711-rpi-{board}.dtb"), board);
    }
    let empty = |archive: crate::archive::Archive, name: &str| archive.with(name, &[], Tar::default());
    let archive = empty(empty(tiny::archive(1000), "linux-image-arm64"), "raspi-firmware");
    archive.with("pi-parts", &[], parts)
}

/// A file of `boot-a` of the profile's image, by mtools.
fn boot_file(place: &Place, name: &str) -> String {
    let manifest = json(&place.path("build/node/manifest.json"));
    let partitions = manifest["partitions"].as_array().unwrap();
    let offset = &partitions.iter().find(|partition| partition["label"] == "boot-a").unwrap()["offset"];
    let source = format!("{}@@{offset}", place.path("build/node/node.img").display());
    support::ok(&place.path(""), "mtype", &["-i", &source, &format!("::{name}")])
}

#[test]
fn lines_of_a_profile_and_an_overlay_stand_behind_the_images_own_and_leave_no_filter_in_force() {
    let online = archive().online();
    let more = "[board]\nname = \"rpi4\"\nconfig = [\"[cm4]\", \"otg_mode=1\", \"[pi4]\", \"dtoverlay=gpio-fan,gpiopin=14\"]\n\
                [[file]]\npath = \"/usr/lib/raspi-firmware/overlays/gpio-fan.dtbo\"\ncontent = \"fan\"\n";
    let place = pi(&online, more);
    let profile = place.read("profiles/node.toml").replace("board = \"rpi4\"\n", "overlays = [\"hat\"]\n");
    place.write("profiles/node.toml", profile);
    place.write("overlays/hat/overlay.toml", "schema = 1\n[board]\nconfig = [\"gpio=4=op,dh\"]\n");
    place.run(&["build", "--profile", "node"]).ok();
    let config = boot_file(&place, "config.txt");
    let expected = "# The profile's.\ngpio=4=op,dh\n[cm4]\notg_mode=1\n[pi4]\ndtoverlay=gpio-fan,gpiopin=14\n[all]\n";
    let (own, added) = config.split_at(config.len() - expected.len());
    assert_eq!(added, expected);
    assert!(own.contains("kernel=vmlinuz\n") && own.ends_with('\n') && !own.contains('['), "{own}");
    assert!(config.is_ascii() && config.lines().all(|line| line.len() <= 98));
    assert_eq!(boot_file(&place, "overlays/gpio-fan.dtbo"), "fan");
}

#[test]
fn a_device_tree_overlay_that_the_image_does_not_have_is_told_at_the_line_that_asks_for_it() {
    let online = archive().online();
    let place = pi(&online, "[board]\nname = \"rpi4\"\nconfig = [\"dtoverlay=gpio-fan\"]\n");
    let profile = place.read("profiles/node.toml").replace("board = \"rpi4\"\n", "");
    place.write("profiles/node.toml", profile);
    let error = place.run(&["build", "--profile", "node"]).fails(1);
    assert!(error.contains("`/usr/lib/raspi-firmware/overlays/gpio-fan.dtbo`"), "{error}");
    assert!(error.contains("config = [\"dtoverlay=gpio-fan\"]") && error.contains("^^^^^^^^"), "{error}");
    assert!(!place.path("build/node/node.img").exists());
}

#[test]
fn images_that_differ_in_boot_files_alone_have_other_identifiers() {
    let online = archive().online();
    let file = |name: &str| format!("[[file]]\npath = \"/usr/lib/raspi-firmware/{name}\"\ncontent = \"another\"\n");
    let place = pi(&online, "");
    let profile = place.read("profiles/node.toml");
    let mut seen = std::collections::BTreeSet::new();
    for (board, more) in [
        ("name = \"rpi4\"\n", String::new()),
        ("name = \"rpi4\"\nconfig = [\"over_voltage=6\"]\n", String::new()),
        ("name = \"rpi4\"\nconfig = [\"[pi4]\", \"arm_freq=2000\"]\n", String::new()),
        // The firmware is no part of the root, where the listing would tell of it.
        ("name = \"rpi4\"\n", file("fixup4.dat")),
    ] {
        let profile = profile.replace("board = \"rpi4\"\n", "");
        place.write("profiles/node.toml", format!("{profile}[board]\n{board}{more}"));
        place.run(&["build", "--profile", "node"]).ok();
        let manifest = json(&place.path("build/node/manifest.json"));
        for what in ["image_id", "disk_guid"] {
            assert!(seen.insert(manifest[what].as_str().unwrap().to_owned()), "{board}{more}: {what} of another image");
        }
        // Bytes 67 to 70 of a FAT32 file system are its volume number.
        let offset = usize::try_from(manifest["partitions"][0]["offset"].as_u64().unwrap()).unwrap();
        let image = std::fs::read(place.path("build/node/node.img")).unwrap();
        assert!(seen.insert(format!("{:02x?}", &image[offset + 67..offset + 71])), "{board}{more}: volume number");
    }
}

#[test]
fn a_flipped_bit_asks_for_another_stick_and_an_mbr_that_a_program_changed_does_not() {
    let online = archive().online();
    let place = pi(&online, "");
    place.run(&["build", "--profile", "node"]).ok();
    let image = place.path("build/node/node.img");
    let bytes = std::fs::read(&image).unwrap();
    let offset = json(&place.path("build/node/manifest.json"))["partitions"][0]["offset"].as_u64().unwrap();
    let verified = |at: u64, mask: u8| {
        let at = usize::try_from(at).unwrap();
        let mut changed = bytes.clone();
        changed[at] ^= mask;
        std::fs::write(&image, changed).unwrap();
        place.run(&["verify", "build/node/node.img"]).fails(3).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let sector = |at: usize| u64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let boot = usize::try_from(offset).unwrap();
    // The second table of the file system lies behind the reserved sectors and the first.
    let error = verified(offset + (sector(boot + 14) + sector(boot + 36)) * 512 + 12, 1);
    assert!(error.contains("differ in 1 sector ") && !error.contains("old content of the stick"), "{error}");
    assert!(error.contains("if that does not help, take another stick"), "{error}");
    // The active flag of slot 1.
    let error = verified(446, 0x80);
    assert!(error.contains("another program has changed its MBR") && error.contains("flash it again"), "{error}");
    assert!(!error.contains("another stick"), "{error}");
    let error = place.run(&["inspect", "build/node/node.img"]).fails(3);
    assert!(error.contains("is not as `imgbuild` wrote it") && error.contains("changed its MBR"), "{error}");
}
