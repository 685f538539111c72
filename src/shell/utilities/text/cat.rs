//! cat: POSIX.1-2024 XCU cat; the manual of GNU coreutils 9.7.

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};

const CAT: Spec = Spec { utility: "cat", short: "us", long: &[("squeeze-blank", 's')] };

/// cat(1)
pub(super) fn cat(call: &mut Call<'_>) -> Answer {
    let parsed = CAT.parse(call.args)?;
    let (text, status) = input::all(call, "cat", parsed.operands.clone())?;
    input::bounded(text.len())?;
    if !parsed.has('s') {
        call.out.extend_from_slice(&text);
        return Ok(status);
    }
    // Of empty lines that follow each other one stays.
    let mut empty = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let is_empty = line == b"\n";
        if !(is_empty && empty) {
            call.out.extend_from_slice(line);
        }
        empty = is_empty;
    }
    Ok(status)
}
