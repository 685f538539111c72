//! Formatting of amounts.

/// Bytes with a binary unit (`169.3 MiB`).
#[must_use]
pub fn bytes(amount: u64) -> String {
    indicatif::HumanBytes(amount).to_string()
}

/// A number with its noun (`1 package`, `207 packages`).
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
