//! cmp, diff and comm: POSIX.1-2024 XCU cmp, diff, comm; the manuals of GNU diffutils 3.10 and coreutils 9.7.
//!
//! Of diff only whether files differ; the differences themselves are not modelled.

use std::cmp::Ordering;

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;
use crate::shell::regex::bytes::is_space;

const CMP: Spec = Spec { utility: "cmp", short: "s", long: &[("quiet", 's'), ("silent", 's')] };
const DIFF: Spec = Spec {
    utility: "diff",
    short: "Babquw",
    long: &[
        ("brief", 'q'),
        ("ignore-blank-lines", 'B'),
        ("ignore-all-space", 'w'),
        ("ignore-space-change", 'b'),
        ("text", 'a'),
        ("unified", 'u'),
    ],
};
const COMM: Spec = Spec { utility: "comm", short: "123z", long: &[("zero-terminated", 'z')] };

/// Reads both operands; for what cannot be read there is a diagnostic, unless `silent`, and nothing.
fn two(call: &mut Call<'_>, utility: &str, names: &[String], silent: bool) -> Result<Option<[Vec<u8>; 2]>, Reason> {
    let [one, other] = names else {
        return Err(Reason::unsupported(utility, "other than two files"));
    };
    let mut found = Vec::new();
    for name in [one, other] {
        match input::bytes(call, name) {
            Ok(bytes) => found.push(bytes),
            Err(FileError::IsDirectory) => return Err(Reason::unsupported(utility, "a directory")),
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(_) if silent => {}
            Err(error) => drop(call.failed(utility, name, error)?),
        }
    }
    Ok(<[Vec<u8>; 2]>::try_from(found).ok())
}

/// cmp(1)
pub(super) fn cmp(call: &mut Call<'_>) -> Answer {
    let mut parsed = CMP.parse(call.args)?;
    if parsed.operands.len() == 1 {
        parsed.operands.push("-".to_owned());
    }
    let names = parsed.operands.clone();
    let silent = parsed.has('s');
    let Some([one, other]) = two(call, "cmp", &names, silent)? else { return Ok(2) };
    if silent {
        return Ok(u8::from(one != other));
    }
    let [first, second] = names.as_slice() else { return Ok(2) };
    match one.iter().zip(&other).position(|(one, other)| one != other) {
        Some(at) => {
            let line = 1 + one.iter().take(at).filter(|byte| **byte == b'\n').count();
            call.print(&format!("{first} {second} differ: char {}, line {line}\n", at + 1));
            Ok(1)
        }
        None if one.len() == other.len() => Ok(0),
        None => {
            let shorter = if one.len() < other.len() { first } else { second };
            call.complain(&format!("cmp: EOF on {shorter}"));
            Ok(1)
        }
    }
}

/// diff(1)
pub(super) fn diff(call: &mut Call<'_>) -> Answer {
    let parsed = DIFF.parse(call.args)?;
    let Some([one, other]) = two(call, "diff", &parsed.operands, false)? else { return Ok(2) };
    let stripped = |text: &[u8]| -> Vec<Vec<u8>> {
        let strip = |line: &[u8]| line.iter().copied().filter(|byte| !is_space(*byte)).collect();
        input::lines(text, b'\n').map(strip).collect()
    };
    if one == other || parsed.has('w') && stripped(&one) == stripped(&other) {
        return Ok(0);
    }
    if parsed.has('B') || parsed.has('b') && !parsed.has('w') {
        return Err(Reason::unsupported("diff", "-b or -B where files differ"));
    }
    if !parsed.has('q') {
        return Err(Reason::unsupported("diff", "files that differ, without -q"));
    }
    if let [first, second] = parsed.operands.as_slice() {
        call.print(&format!("Files {first} and {second} differ\n"));
    }
    Ok(1)
}

/// comm(1)
pub(super) fn comm(call: &mut Call<'_>) -> Answer {
    let parsed = COMM.parse(call.args)?;
    let end = if parsed.has('z') { 0 } else { b'\n' };
    let Some([one, other]) = two(call, "comm", &parsed.operands, false)? else { return Ok(1) };
    let one: Vec<&[u8]> = input::lines(&one, end).collect();
    let other: Vec<&[u8]> = input::lines(&other, end).collect();
    if !(one.is_sorted() && other.is_sorted()) {
        return Err(Reason::unsupported("comm", "files that are not sorted"));
    }
    let (mut first, mut second) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let order = match (first.peek(), second.peek()) {
            (None, None) => return Ok(0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.cmp(other),
        };
        let (column, line) = match order {
            Ordering::Less => ('1', first.next()),
            Ordering::Greater => ('2', second.next()),
            Ordering::Equal => {
                second.next();
                ('3', first.next())
            }
        };
        if parsed.has(column) {
            continue;
        }
        let before = ['1', '2'].iter().filter(|other| **other < column && !parsed.has(**other)).count();
        call.out.extend(std::iter::repeat_n(b'\t', before));
        call.out.extend_from_slice(line.copied().unwrap_or_default());
        call.out.push(end);
    }
}
