//! `[board] config`: lines that a profile adds to the `config.txt` of a Raspberry Pi, for fans, add-on boards and clocks.
//!
//! The rules are those of the Raspberry Pi documentation, "config.txt": "File format" (98 characters a line), "Boot options"
//! and "Conditional filters".
//!
//! Unlike other lists, lines keep their order and may repeat: a line means what the filter above it says. So the lines of
//! one file stay together, and before the next file's every filter is lifted (`[all]`) and the last device tree overlay is
//! ended (`dtoverlay=`), so that neither reaches into them.

use std::ops::Range;
use std::sync::Arc;

use super::checks::{self, Verdict};
use super::draft::not_inherited;
use super::schema::List;
use super::values::{ConfigLine, Edit, Spanned};
use super::{Board, Marks, ProfileError};
use crate::output::{Diagnostic, SourceText};

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
pub(super) fn config_line(text: &str) -> Verdict {
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

fn is_filter(line: &str) -> bool {
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
fn leaves_overlay_open<'a>(lines: impl IntoIterator<Item = &'a str>) -> bool {
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
pub(super) fn settings<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<(String, &'a str)> {
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

/// The lines so far.
#[derive(Debug, Default)]
pub(super) struct ConfigDraft {
    blocks: Vec<Block>,
}

/// The lines of one file.
#[derive(Debug)]
struct Block {
    lines: Vec<(String, Range<usize>)>,
    at: Arc<SourceText>,
}

impl ConfigDraft {
    /// Takes away what a file takes away, and adds its lines behind what is there.
    ///
    /// # Errors
    /// An entry that takes nothing away, or takes a filter off the lines below it.
    pub(super) fn lay(
        &mut self,
        list: List<ConfigLine>,
        at: &Arc<SourceText>,
        marks: &mut Marks,
    ) -> Result<(), ProfileError> {
        marks.note_added("board.config", at, &list);
        let mut lines = Vec::new();
        for Spanned(entry) in list {
            let span = entry.span();
            match entry.into_inner() {
                Edit::Add(ConfigLine(line)) => lines.push((line, span)),
                Edit::Remove(ConfigLine(line)) if is_filter(&line) => {
                    let message = format!("`-{line}` would leave the lines below the filter to every board");
                    let wrong = Diagnostic::new(at, Some(span), message);
                    return Err(wrong.hint("take the lines below it away instead").into());
                }
                Edit::Remove(ConfigLine(line)) => self.remove(&line, at, span)?,
            }
        }
        self.blocks.push(Block { lines, at: Arc::clone(at) });
        Ok(())
    }

    fn remove(&mut self, line: &str, at: &Arc<SourceText>, span: Range<usize>) -> Result<(), ProfileError> {
        if !self.lines().any(|known| known == line) {
            return Err(not_inherited(line, self.lines(), at, span));
        }
        for block in &mut self.blocks {
            block.lines.retain(|(known, _)| known != line);
        }
        Ok(())
    }

    /// Puts an overlay's lines before what is there: where a setting is given twice the last one counts, and a profile
    /// wins over its overlays.
    pub(super) fn precede(&mut self, lines: Vec<Spanned<ConfigLine>>, at: &Arc<SourceText>, marks: &mut Marks) {
        marks.note_each("board.config", at, &lines);
        let lines = lines.into_iter().map(|Spanned(line)| (line.get_ref().0.clone(), line.span())).collect();
        self.blocks.insert(0, Block { lines, at: Arc::clone(at) });
    }

    /// All lines, in order.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().flat_map(|block| &block.lines).map(|(line, _)| line.as_str())
    }

    /// The lines as `config.txt` gets them. A filter may be in force behind the last.
    ///
    /// # Errors
    /// Lines for a board that has no `config.txt`.
    pub(super) fn finish(self, profile: &str, board: Board) -> Result<Vec<String>, ProfileError> {
        let mut finished: Vec<String> = Vec::new();
        let mut is_overlay_open = false;
        for Block { lines, at } in self.blocks {
            let Some((_, first)) = lines.iter().find(|(line, _)| !is_filter(line)) else { continue };
            if !board.is_raspberry_pi() {
                let message = format!(
                    "profile `{profile}` is for a `{}`, and only a Raspberry Pi has a config.txt",
                    board.name()
                );
                let wrong = Diagnostic::new(&at, Some(first.clone()), message);
                let hint = "take the lines out, or leave out the profile or overlay that brings them";
                return Err(wrong.hint(hint).into());
            }
            let in_force = finished.iter().rev().find(|line| is_filter(line));
            if in_force.is_some_and(|filter| filter != "[all]") {
                finished.push("[all]".to_owned());
            }
            if is_overlay_open {
                finished.push("dtoverlay=".to_owned());
            }
            is_overlay_open = leaves_overlay_open(lines.iter().map(|(line, _)| line.as_str()));
            finished.extend(lines.into_iter().map(|(line, _)| line));
        }
        Ok(finished)
    }
}
