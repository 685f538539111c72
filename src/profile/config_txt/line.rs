//! Single lines of `config.txt`: which are accepted, and what they mean.

use crate::profile::checks::{self, Verdict};

/// Most characters that the firmware reads of a line.
const LONGEST: usize = 98;

/// Filters of one word. Models that no image is for are allowed: such a section does nothing.
const FILTERS: [&str; 19] = [
    "all", "none", "tryboot", "pi0", "pi0w", "pi02", "pi1", "pi2", "pi3", "pi3+", "pi4", "pi400", "pi5", "pi500",
    "cm1", "cm3", "cm4", "cm4s", "cm5",
];

/// What kernel, initrd, device tree and command line are, and where they are: the image's own lines say it.
const OF_THE_IMAGE: [&str; 20] = [
    "arm_64bit",
    "arm_control",
    "armstub",
    "auto_initramfs",
    "boot_ramdisk",
    "cmdline",
    "device_tree",
    "device_tree_address",
    "device_tree_end",
    "dtb",
    "include",
    "initramfs",
    "kernel",
    "kernel_address",
    "kernel_old",
    "os_prefix",
    "overlay_prefix",
    "ramfsaddr",
    "ramfsfile",
    "upstream_kernel",
];

/// These choose another firmware than `start4.elf` with `fixup4.dat`, which alone are on the boot partition.
const OTHER_FIRMWARE: [&str; 6] = ["fixup_file", "start_cd", "start_db", "start_debug", "start_file", "start_x"];

/// Settings that may stand several times, each for another thing.
const REPEATED: [&str; 3] = ["dtoverlay", "dtparam", "gpio"];

/// One line of `config.txt`.
pub(in crate::profile) fn config_line(text: &str) -> Verdict {
    if text.is_empty() || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return checks::refuse(
            text,
            "one line of config.txt",
            "write each line as an entry of its own, in plain ASCII",
        );
    }
    if text.len() > LONGEST {
        let hint = "shorten it: a second `dtparam=` line takes more parameters of the `dtoverlay=` above it";
        return Err(format!("`{text}` has {} characters, the firmware reads {LONGEST} of a line\n{hint}", text.len()));
    }
    if text.trim() != text {
        return checks::refuse(text, "a line of config.txt", "take away the spaces at its ends");
    }
    if text.starts_with('#') {
        return Ok(());
    }
    if text.starts_with('[') {
        return filter(text);
    }
    // `initramfs` and `include` have no `=` behind them.
    let key = text.split(['=', ':', ' ']).next().unwrap_or_default();
    owned(key, text)?;
    let named = checks::only(key, |char| char.is_ascii_alphanumeric() || char == '_');
    if !named || !text.contains('=') || text[key.len()..].starts_with(' ') {
        let hint = "write `property=value`, a filter such as `[cm4]`, or a comment that begins with `#`";
        return checks::refuse(text, "a line of config.txt", hint);
    }
    Ok(())
}

/// Refuses what is not the profile's to set.
fn owned(key: &str, line: &str) -> Verdict {
    let key = key.to_ascii_lowercase();
    let is = |keys: &[&str]| keys.contains(&key.as_str());
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let hint = if is(&OF_THE_IMAGE) {
        "take it out: kernel, initrd, device tree and command line are those that the image was built with"
    } else if is(&OTHER_FIRMWARE) || (key.starts_with("gpu_mem") && number(value) == Some(16)) {
        "take it out: it asks for another firmware file than `start4.elf`, the only one on the boot partition"
    } else if key == "enable_uart" {
        "write `serial = true` or `false` in the profile, which also tells the kernel"
    } else if is(&["boot_partition", "tryboot_a_b"]) {
        "take it out: it is a setting of autoboot.txt, which the image has of its own"
    } else if key.starts_with("program_") || is(&["eeprom_write_protect", "erase_eeprom", "revoke_devkey"]) {
        "take it out: it tells recovery.bin to change the board for good, see docs/pi.md"
    } else {
        return Ok(());
    };
    Err(format!("`{line}` is not for a profile to set\n{hint}"))
}

/// A number as the firmware reads it, decimal or hexadecimal.
fn number(value: &str) -> Option<u32> {
    let digits = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X"));
    digits.map_or_else(|| value.parse(), |digits| u32::from_str_radix(digits, 16)).ok()
}

fn filter(text: &str) -> Verdict {
    let number = |text: &str| {
        let digits = text.strip_prefix("0x");
        digits.map_or_else(
            || checks::only(text, |char| char.is_ascii_digit()),
            |digits| checks::only(digits, |char| char.is_ascii_hexdigit()),
        )
    };
    let word = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    let good = FILTERS.contains(&word)
        || (word.starts_with("0x") && number(word))
        || word.strip_prefix("EDID=").is_some_and(|name| checks::only(name, |char| !" []".contains(char)))
        || matches!(word, "HDMI:0" | "HDMI:1")
        // `gpio4=1`, `board-type=0x14`, `partition=2`, `bootvar0&0x10`.
        || word.split_once(['=', '&', '<', '>']).is_some_and(|(name, value)| {
            checks::only(name, |char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_-".contains(char))
                && number(value)
        });
    if good {
        return Ok(());
    }
    let hint = "write one such as `[pi4]`, `[cm4]`, `[all]`, `[gpio4=1]`, `[board-type=0x14]` or `[EDID=…]`";
    checks::refuse(text, "a filter that the firmware knows", hint)
}

pub(super) fn is_filter(line: &str) -> bool {
    line.starts_with('[')
}

/// The names of the device tree overlays that lines ask for: `gpio-fan` of `dtoverlay=gpio-fan,gpiopin=14`.
pub(crate) fn overlay_of(line: &str) -> Option<&str> {
    overlay_value(line)?.split([',', ':']).next().map(str::trim).filter(|name| !name.is_empty())
}

/// What stands behind `dtoverlay=`, which the firmware reads in any case of letters.
fn overlay_value(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    ["dtoverlay", "device_tree_overlay"].iter().any(|known| key.eq_ignore_ascii_case(known)).then_some(value)
}

/// Whether `dtparam=` lines behind these would be parameters of an overlay of these: an empty `dtoverlay=` ends one
/// ("Device trees, overlays and parameters"), but below another filter it does so on some boards alone.
pub(super) fn leaves_overlay_open<'a>(lines: impl IntoIterator<Item = &'a str>) -> bool {
    let (mut here, mut elsewhere) = (false, false);
    for line in lines {
        if is_filter(line) {
            elsewhere |= here;
            here = false;
        } else if let Some(value) = overlay_value(line) {
            here = !value.trim().is_empty();
        }
    }
    here || elsewhere
}

/// What lines set, each with the filters that it stands under: two overlays must not disagree there.
pub(in crate::profile) fn settings<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<(String, &'a str)> {
    let mut filters = String::new();
    let mut found = Vec::new();
    for line in lines {
        if line == "[all]" {
            filters.clear();
        } else if is_filter(line) {
            filters = filters + line + " ";
        } else if let Some((key, value)) = line.split_once('=') {
            let key = key.to_ascii_lowercase();
            if !REPEATED.contains(&key.as_str()) {
                found.push((format!("{filters}{key}"), value));
            }
        }
    }
    found
}
