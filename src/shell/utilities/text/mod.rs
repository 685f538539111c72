//! Utilities that work on text: what they are given are bytes, and lines of bytes, in the C locale.
//!
//! ```text
//! Call ─▶ options, input ─▶ the utility ─▶ bytes on standard output, exit status
//! ```
//!
//! Each follows its page of POSIX.1-2024 XCU and the manual of the GNU program that Debian has.

mod grep;
mod input;
mod options;
mod sed;

use super::super::call::Utility;

/// The utility of this name, if it is modelled.
#[must_use]
pub fn find(name: &str) -> Option<Utility> {
    Some(match name {
        "egrep" => grep::egrep,
        "fgrep" => grep::fgrep,
        "grep" => grep::grep,
        "sed" => sed::sed,
        _ => return None,
    })
}
