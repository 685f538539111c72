//! sort: POSIX.1-2024 XCU sort; the manual of GNU coreutils 9.7, 7.1. Text is compared by its bytes.

use std::cmp::Ordering;

use super::options::{Parsed, Spec};
use super::{input, version};
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const SPEC: Spec = Spec {
    utility: "sort",
    short: "bcCfk:no:rst:uVz",
    long: &[
        ("field-separator", 't'),
        ("ignore-case", 'f'),
        ("ignore-leading-blanks", 'b'),
        ("key", 'k'),
        ("numeric-sort", 'n'),
        ("output", 'o'),
        ("reverse", 'r'),
        ("stable", 's'),
        ("unique", 'u'),
        ("version-sort", 'V'),
        ("zero-terminated", 'z'),
    ],
};

fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("sort", what)
}

/// How keys are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "options of sort, each of its own")]
struct Order {
    blanks: bool,
    end_blanks: bool,
    fold: bool,
    numbers: bool,
    version: bool,
    reverse: bool,
}

/// A part of a line; fields and bytes are counted from 0.
#[derive(Debug, Clone, Copy)]
struct Key {
    field: usize,
    byte: usize,
    /// The last field, and how many of its bytes; 0 bytes are all.
    last: Option<(usize, usize)>,
    order: Order,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

/// Where the field after `skip` others begins. `into` says whether a separator at its start is passed over.
fn after_fields(line: &[u8], skip: usize, separator: Option<u8>, into: bool) -> usize {
    let run = |from: usize, wanted: &dyn Fn(u8) -> bool| {
        let rest = line.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len())
    };
    let mut at = 0;
    for left in (0..skip).rev() {
        if at >= line.len() {
            break;
        }
        match separator {
            Some(separator) => {
                at = run(at, &|byte| byte != separator);
                if at < line.len() && (left > 0 || into) {
                    at += 1;
                }
            }
            None => at = run(run(at, &is_blank), &|byte| !is_blank(byte)),
        }
    }
    at
}

impl Key {
    fn parse(text: &str) -> Result<Self, Reason> {
        let wrong = || unsupported(format!("the key `{text}`"));
        let mut order = Order::default();
        let mut place = |text: &str, end: bool| -> Result<(usize, Option<usize>), Reason> {
            let numbers = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
            for letter in text.chars().skip(numbers.len()) {
                match letter {
                    'b' if end => order.end_blanks = true,
                    'b' => order.blanks = true,
                    'f' => order.fold = true,
                    'n' => order.numbers = true,
                    'V' => order.version = true,
                    'r' => order.reverse = true,
                    _ => return Err(wrong()),
                }
            }
            match numbers.split_once('.') {
                None => Ok((input::number("sort", numbers)?, None)),
                Some((field, byte)) => Ok((input::number("sort", field)?, Some(input::number("sort", byte)?))),
            }
        };
        let (start, end) = text.split_once(',').map_or((text, None), |(start, end)| (start, Some(end)));
        let (field, byte) = place(start, false)?;
        let last = end.map(|end| place(end, true)).transpose()?;
        let one_less = |number: usize| number.checked_sub(1).ok_or_else(wrong);
        Ok(Self {
            field: one_less(field)?,
            byte: one_less(byte.unwrap_or(1))?,
            last: match last {
                Some((field, byte)) => Some((one_less(field)?, byte.unwrap_or(0))),
                None => None,
            },
            order,
        })
    }

    /// begfield and limfield in sort.c of coreutils.
    fn part<'l>(&self, line: &'l [u8], separator: Option<u8>) -> &'l [u8] {
        let blanks_from = |at: usize| at + line.iter().skip(at).take_while(|byte| is_blank(**byte)).count();
        let mut start = after_fields(line, self.field, separator, true);
        if self.order.blanks {
            start = blanks_from(start);
        }
        start = (start + self.byte).min(line.len());
        let end = match self.last {
            None => line.len(),
            Some((field, 0)) => after_fields(line, field + 1, separator, false),
            Some((field, bytes)) => {
                let mut at = after_fields(line, field, separator, true);
                if self.order.end_blanks {
                    at = blanks_from(at);
                }
                (at + bytes).min(line.len())
            }
        };
        line.get(start..end.max(start)).unwrap_or_default()
    }
}

impl Order {
    fn compare(self, one: &[u8], other: &[u8]) -> Ordering {
        let order = if self.numbers {
            numbers(one, other)
        } else if self.version {
            version::compare(one, other)
        } else if self.fold {
            one.to_ascii_uppercase().cmp(&other.to_ascii_uppercase())
        } else {
            one.cmp(other)
        };
        if self.reverse { order.reverse() } else { order }
    }
}

/// A number at the start of a text: whether it is negative, digits before the point without leading zeros, those after it
/// without trailing ones.
fn decimal(text: &[u8]) -> (bool, &[u8], &[u8]) {
    let text = text.get(text.iter().take_while(|byte| is_blank(**byte)).count()..).unwrap_or_default();
    let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |text| (true, text));
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits(text));
    let rest = rest.strip_prefix(b".").unwrap_or_default();
    let (mut part, _) = rest.split_at(digits(rest));
    let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
    while let Some(shorter) = part.strip_suffix(b"0") {
        part = shorter;
    }
    let whole = whole.get(zeros..).unwrap_or_default();
    (negative && !(whole.is_empty() && part.is_empty()), whole, part)
}

fn numbers(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (decimal(one), decimal(other));
    let size = || one.1.len().cmp(&other.1.len()).then_with(|| one.1.cmp(other.1)).then_with(|| one.2.cmp(other.2));
    match (one.0, other.0) {
        (false, false) => size(),
        (true, true) => size().reverse(),
        (negative, other) => other.cmp(&negative),
    }
}

/// How the command line wants lines to be compared.
struct Sorter {
    keys: Vec<Key>,
    separator: Option<u8>,
    /// Lines of the same keys are compared as a whole.
    whole: bool,
    reverse: bool,
}

impl Sorter {
    fn new(parsed: &Parsed) -> Result<Self, Reason> {
        let global = Order {
            blanks: parsed.has('b'),
            end_blanks: parsed.has('b'),
            fold: parsed.has('f'),
            numbers: parsed.has('n'),
            version: parsed.has('V'),
            reverse: parsed.has('r'),
        };
        let mut keys = Vec::new();
        for (_, value) in parsed.options.iter().filter(|(letter, _)| *letter == 'k') {
            let mut key = Key::parse(value.as_deref().unwrap_or_default())?;
            if key.order == Order::default() {
                key.order = global;
            }
            keys.push(key);
        }
        if keys.is_empty() && global != (Order { reverse: global.reverse, ..Order::default() }) {
            keys.push(Key { field: 0, byte: 0, last: None, order: global });
        }
        for Order { numbers, version, fold, .. } in keys.iter().map(|key| key.order) {
            if version && (numbers || fold) {
                return Err(unsupported("several orders of one key"));
            }
        }
        let separator = match parsed.value('t').map(str::as_bytes) {
            None => None,
            Some([only]) => Some(*only),
            Some(b"\\0") => Some(0),
            Some(_) => return Err(unsupported("such a separator")),
        };
        let whole = !(parsed.has('s') || parsed.has('u')) || keys.is_empty();
        Ok(Self { keys, separator, whole, reverse: global.reverse })
    }

    fn compare(&self, one: &[u8], other: &[u8]) -> Ordering {
        let parts = |key: &Key| key.order.compare(key.part(one, self.separator), key.part(other, self.separator));
        let by_keys = self.keys.iter().map(parts).find(|order| order.is_ne());
        by_keys.unwrap_or_else(|| match (self.whole, self.reverse) {
            (false, _) => Ordering::Equal,
            (true, false) => one.cmp(other),
            (true, true) => other.cmp(one),
        })
    }
}

/// sort(1)
pub(super) fn sort(call: &mut Call<'_>) -> Answer {
    let parsed = SPEC.parse(call.args)?;
    let sorter = Sorter::new(&parsed)?;
    let (check, unique) = (parsed.has('c') || parsed.has('C'), parsed.has('u'));
    let end = if parsed.has('z') { 0 } else { b'\n' };
    let mut texts = Vec::new();
    for name in input::or_stdin(parsed.operands.clone()) {
        // A file that is missing stops it before anything is put out.
        match input::operand(call, "sort", &name)? {
            Some(text) => texts.push(text),
            None => return Ok(2),
        }
    }
    let mut lines: Vec<&[u8]> = texts.iter().flat_map(|text| input::lines(text, end)).collect();
    if check {
        let wrong = |pair: &[&[u8]]| match pair {
            [one, other] => {
                let order = sorter.compare(one, other);
                order.is_gt() || unique && order.is_eq()
            }
            _ => false,
        };
        let disorder = lines.windows(2).any(wrong);
        if disorder && parsed.has('c') {
            call.complain("sort: disorder");
        }
        return Ok(u8::from(disorder));
    }
    lines.sort_by(|one, other| sorter.compare(one, other));
    if unique {
        lines.dedup_by(|one, other| sorter.compare(one, other).is_eq());
    }
    let mut sorted = Vec::new();
    for line in lines {
        sorted.extend_from_slice(line);
        sorted.push(end);
    }
    match parsed.value('o') {
        None => call.out.extend_from_slice(&sorted),
        Some(file) => {
            if let Err(error) = call.files.write(file, &sorted) {
                return call.failed("sort", file, error).map(|_| 2);
            }
        }
    }
    Ok(0)
}
