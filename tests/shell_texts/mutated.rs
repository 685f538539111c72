//! Command lines with bytes changed: whatever comes of them, it comes soon, and nothing panics.

use super::harness::{case, try_ours};
use super::patterns::Numbers;
use super::{awk, grep, sed};

#[test]
fn whatever_a_command_line_says_there_is_an_end() {
    let mut numbers = Numbers::new(7);
    let bytes: Vec<char> = "\\/[]{}()*+?|^$.,;:!=&#'\"-0129aNDbtsx\n~ ".chars().collect();
    for line in sed::LINES.iter().chain(grep::LINES).chain(awk::LINES) {
        for _ in 0..6 {
            let mut chars: Vec<char> = line.chars().collect();
            for _ in 0..=numbers.below(3) {
                let at = 5 + numbers.below(chars.len() - 5);
                match numbers.below(3) {
                    0 => drop(chars.remove(at.min(chars.len() - 1))),
                    1 => chars[at] = bytes[numbers.below(bytes.len())],
                    _ => chars.insert(at, bytes[numbers.below(bytes.len())]),
                }
            }
            let mutated: String = chars.into_iter().collect();
            try_ours(&case(&mutated));
        }
    }
}
