//! What a Raspberry Pi's boot loader hands over in the device tree, as the node tells it.

use std::fs;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, said};

/// `BUILD_TIMESTAMP` and `VERSION` of images in Raspberry Pi's rpi-eeprom repository.
const OF_APRIL_2020: (u32, &str) = (1_587_057_086, "a5e1b95f");
/// Noon of 15 June 2020, when a `stable` release booted from USB; which commit it was is not at hand.
const OF_JUNE_2020: (u32, &str) = (1_592_222_400, "");
const OF_SEPTEMBER_2020: (u32, &str) = (1_599_135_103, "c305221a");
const OF_FEBRUARY_2025: (u32, &str) = (1_739_293_213, "75c1e570");

/// A Raspberry Pi whose boot loader tells these numbers, as four bytes each, the highest first, and this text.
fn pi(numbers: &[(&str, u32)], version: &str) -> Sandbox {
    let node = Sandbox::new();
    let directory = node.path("firmware/devicetree/base/chosen/bootloader");
    fs::create_dir_all(&directory).expect("our own directory");
    for (name, number) in numbers {
        fs::write(directory.join(name), number.to_be_bytes()).expect("our own file");
    }
    fs::write(directory.join("version"), format!("{version}\0")).expect("our own file");
    node
}

/// What `status.json` and the banner say of the boot loader.
fn told(node: &Sandbox) -> (Value, String) {
    let output = node.run("", "/usr/lib/imgbuild/status starting '' '' ''\n/usr/lib/imgbuild/image-issue");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
    (node.status()["bootloader"].clone(), node.read("run/imgbuild/issue"))
}

#[test]
fn a_pi_tells_the_date_and_version_of_its_eeprom_and_how_it_started() {
    let (built, version) = OF_FEBRUARY_2025;
    let numbers = [
        ("build-timestamp", built),
        ("update-timestamp", 1_741_000_000),
        ("boot-mode", 4),
        ("partition", 1),
        ("rsts", 0x1000),
        ("tryboot", 0),
    ];
    let (bootloader, banner) = told(&pi(&numbers, version));
    let expected = json!({
        "date": "2025-02-11", "version": version, "updated": "2025-03-03", "boot_mode": "USB", "partition": 1,
        "tryboot": false, "reset": "power-on", "warning": null,
    });
    assert_eq!(bootloader, expected);
    assert_eq!(
        banner,
        "Image 0123456789abcdef\n\
         EEPROM of 2025-02-11 (75c1e570), started from USB, partition 1, after power-on\n"
    );
}

#[test]
fn an_eeprom_that_may_be_too_old_to_boot_from_usb_is_told_in_words() {
    let (built, version) = OF_APRIL_2020;
    let node = pi(&[("build-timestamp", built), ("boot-mode", 1)], version);
    let (bootloader, banner) = told(&node);
    let warning = "the EEPROM (2020-04-16) of this board is older than 2020-09-03, the first default release that boots from \
                   USB: update it (docs/pi.md).";
    assert_eq!(bootloader["warning"], warning);
    assert!(banner.ends_with(&format!("started from SD card\nWarning: {warning}\n")), "{banner}");
    assert_eq!(node.read("run/journal-lines").lines().last(), Some(warning));

    // A boot loader from before the table says 0.
    let (bootloader, _) = told(&pi(&[("build-timestamp", 0)], ""));
    assert_eq!((&bootloader["date"], &bootloader["version"]), (&Value::Null, &Value::Null));
    assert!(bootloader["warning"].as_str().is_some_and(|text| text.contains("older than")), "{bootloader}");

    // From 2020-05-15 on some that were not called `default` could, as this one has just done.
    let (built, version) = OF_JUNE_2020;
    for (mode, warns) in [(1, true), (4, false), (5, false)] {
        let (bootloader, _) = told(&pi(&[("build-timestamp", built), ("boot-mode", mode)], version));
        assert_eq!(bootloader["warning"].is_string(), warns, "{mode}: {bootloader}");
    }

    let (built, version) = OF_SEPTEMBER_2020;
    assert_eq!(told(&pi(&[("build-timestamp", built)], version)).0["warning"], Value::Null);
}

#[test]
fn an_eeprom_of_a_release_to_avoid_is_told_with_what_it_does() {
    // Noon of the day before the first such release, of days of the three spans, and of the day after the last.
    for (built, faults) in [
        (1_751_457_600, &[][..]),
        (1_751_544_000, &["partition 32"]),
        (1_755_691_200, &["partition 32", "stop for good"]),
        (1_763_726_400, &["stop for good"]),
        (1_763_812_800, &[]),
    ] {
        let (bootloader, _) = told(&pi(&[("build-timestamp", built), ("boot-mode", 4)], ""));
        let warning = bootloader["warning"].as_str().unwrap_or_default();
        assert_eq!(bootloader["warning"].is_string(), !faults.is_empty(), "{built}: {bootloader}");
        assert!(faults.iter().all(|fault| warning.contains(fault)), "{built}: {warning}");
    }
}

#[test]
fn the_reason_of_a_reset_is_read_from_the_bits_that_hold_no_partition_number() {
    let cases = [
        (0x0000_1000, "power-on"),
        // A Pi 4 after `reboot`.
        (0x0000_1020, "restart or watchdog"),
        (0x0000_1220, "software"),
        (0x0000_0020, "restart or watchdog"),
        // Partition 2 was asked for.
        (0x0000_0024, "restart or watchdog"),
        (0x0000_0200, "software"),
        (0x0000_0002, "debugger"),
        (0x0000_0555, "unknown (0x555)"),
    ];
    for (register, reason) in cases {
        let (bootloader, _) = told(&pi(&[("rsts", register)], ""));
        assert_eq!(bootloader["reset"], reason, "{register:#x}");
    }
}

#[test]
fn what_a_boot_loader_does_not_tell_is_null_and_what_makes_no_sense_is_left_out() {
    let node = pi(&[("boot-mode", 9)], "not \"a version");
    node.write("firmware/devicetree/base/chosen/bootloader/partition", "1");
    let (bootloader, banner) = told(&node);
    let expected = json!({
        "date": null, "version": null, "updated": null, "boot_mode": "mode 9", "partition": null, "tryboot": null,
        "reset": null, "warning": null,
    });
    assert_eq!(bootloader, expected);
    assert!(banner.ends_with("EEPROM of unknown date, started from mode 9\n"), "{banner}");
}

#[test]
fn a_machine_that_is_no_pi_says_nothing_of_a_boot_loader() {
    let (bootloader, banner) = told(&Sandbox::new());
    assert_eq!((bootloader, banner.as_str()), (Value::Null, "Image 0123456789abcdef\n"));
}
