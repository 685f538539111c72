//! The form of `config.txt` and `autoboot.txt`: a setting a line, in sections that apply or not.

use std::collections::BTreeMap;

use super::{Date, Pi};

/// Characters of a line; the rest is ignored.
const LINE: usize = 98;

/// A section's condition, and what it is one of: conditions of one kind replace each other, those of several all count.
type Condition = (&'static str, bool);

/// The lines that apply, in their order.
pub fn lines(text: &[u8], condition: impl Fn(&str) -> Option<Condition>) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut conditions = BTreeMap::new();
    let mut lines = Vec::new();
    for line in text.split('\n').map(|line| line.chars().take(LINE).collect::<String>()) {
        let filter = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match filter {
            Some("all") => conditions.clear(),
            Some("none") => drop(conditions.insert("none", false)),
            // One that is not known changes nothing.
            Some(filter) => conditions.extend(condition(filter)),
            None if line.starts_with('#') || line.trim().is_empty() => {}
            None if conditions.values().all(|applies| *applies) => lines.push(line),
            None => {}
        }
    }
    lines
}

/// The last value of a setting.
pub fn setting<'l>(lines: &'l [String], key: &str) -> Option<&'l str> {
    lines.iter().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).next_back()
}

/// When the EEPROM began to know `[tryboot]` and `tryboot_a_b`.
pub const TRYBOOT_A_B: Date = (2022, 10, 18);

/// Conditions of `autoboot.txt`.
pub fn autoboot(pi: Pi) -> impl Fn(&str) -> Option<Condition> {
    move |filter| (filter == "tryboot" && pi.eeprom >= TRYBOOT_A_B).then_some(("tryboot", pi.tryboot))
}

/// Conditions of `config.txt` on a Pi 4B without monitor, with no GPIO pulled up.
pub fn config(pi: Pi) -> impl Fn(&str) -> Option<Condition> {
    const OTHER_MODELS: [&str; 17] = [
        "pi0", "pi0w", "pi02", "pi1", "pi2", "pi3", "pi3+", "pi400", "cm1", "cm3", "cm3+", "cm4", "cm4s", "pi5",
        "pi500", "cm5", "cm0",
    ];
    move |filter| match filter {
        "pi4" | "board-type=0x11" => Some(("model", true)),
        "tryboot" => Some(("tryboot", pi.tryboot)),
        other if OTHER_MODELS.contains(&other) || other.starts_with("board-type=") => Some(("model", false)),
        other if other.starts_with("EDID=") => Some(("monitor", false)),
        other if other.starts_with("0x") => Some(("serial", false)),
        other if other.starts_with("gpio") => Some(("gpio", other.ends_with("=0"))),
        _ => None,
    }
}
