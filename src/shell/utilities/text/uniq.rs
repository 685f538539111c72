//! uniq: POSIX.1-2024 XCU uniq; the manual of GNU coreutils 9.7, 7.3.

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const SPEC: Spec = Spec {
    utility: "uniq",
    short: "cdf:is:uw:z",
    long: &[
        ("check-chars", 'w'),
        ("count", 'c'),
        ("ignore-case", 'i'),
        ("repeated", 'd'),
        ("skip-chars", 's'),
        ("skip-fields", 'f'),
        ("unique", 'u'),
        ("zero-terminated", 'z'),
    ],
};

/// uniq(1)
pub(super) fn uniq(call: &mut Call<'_>) -> Answer {
    let parsed = SPEC.parse(call.args)?;
    let number = |letter, default| parsed.value(letter).map_or(Ok(default), |value| input::number("uniq", value));
    let (fields, skip, width) = (number('f', 0)?, number('s', 0)?, number('w', usize::MAX)?);
    let end = if parsed.has('z') { 0 } else { b'\n' };
    let mut operands = parsed.operands.iter();
    let name = operands.next().map_or("-", String::as_str);
    let output = operands.next();
    if operands.next().is_some() {
        return Err(Reason::unsupported("uniq", "more than two operands"));
    }
    let Some(text) = input::operand(call, "uniq", name)? else { return Ok(1) };

    // What of a line is compared: a field is blanks and what follows them.
    let key = |line: &[u8]| {
        let mut rest = line;
        for _ in 0..fields {
            let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
            let blanks = rest.iter().take_while(blank).count();
            rest = rest.get(blanks..).unwrap_or_default();
            rest = rest.get(rest.iter().take_while(|byte| !blank(byte)).count()..).unwrap_or_default();
        }
        let rest = rest.get(skip.min(rest.len())..).unwrap_or_default();
        let rest = rest.get(..width.min(rest.len())).unwrap_or_default();
        if parsed.has('i') { rest.to_ascii_uppercase() } else { rest.to_vec() }
    };
    let mut groups: Vec<(usize, &[u8], Vec<u8>)> = Vec::new();
    for line in input::lines(&text, end) {
        let key = key(line);
        match groups.last_mut() {
            Some((count, _, last)) if *last == key => *count += 1,
            _ => groups.push((1, line, key)),
        }
    }
    let mut written = Vec::new();
    for (count, line, _) in groups {
        if parsed.has('d') && count == 1 || parsed.has('u') && count > 1 {
            continue;
        }
        if parsed.has('c') {
            written.extend_from_slice(format!("{count:7} ").as_bytes());
        }
        written.extend_from_slice(line);
        written.push(end);
    }
    match output.map(String::as_str) {
        None | Some("-") => call.out.extend_from_slice(&written),
        Some(file) => {
            if let Err(error) = call.files.write(file, &written) {
                return call.failed("uniq", file, error);
            }
        }
    }
    Ok(0)
}
