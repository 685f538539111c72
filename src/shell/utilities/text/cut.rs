//! cut: POSIX.1-2024 XCU cut; the manual of GNU coreutils 9.7, 8.1. Bytes and characters are the same here.

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const SPEC: Spec = Spec {
    utility: "cut",
    short: "b:c:d:f:nsz",
    long: &[
        ("bytes", 'b'),
        ("characters", 'c'),
        ("complement", '!'),
        ("delimiter", 'd'),
        ("fields", 'f'),
        ("only-delimited", 's'),
        ("zero-terminated", 'z'),
    ],
};

fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("cut", what)
}

/// First and last of a range, counted from 1.
type Range = (usize, usize);

/// Reads a list such as `1,3-5,7-`.
fn list(text: &str) -> Result<Vec<Range>, Reason> {
    let wrong = || unsupported(format!("the list `{text}`"));
    let number = |text: &str| input::number("cut", text);
    let range = |part: &str| match part.split_once('-') {
        None => number(part).map(|only| (only, only)),
        Some(("", "")) => Err(wrong()),
        Some((first, last)) => Ok((
            if first.is_empty() { 1 } else { number(first)? },
            if last.is_empty() { usize::MAX } else { number(last)? },
        )),
    };
    let ranges: Vec<Range> = text.split([',', ' ', '\t']).map(range).collect::<Result<_, _>>()?;
    if ranges.iter().any(|(first, last)| *first == 0 || last < first) {
        return Err(wrong());
    }
    Ok(ranges)
}

/// cut(1)
pub(super) fn cut(call: &mut Call<'_>) -> Answer {
    let parsed = SPEC.parse(call.args)?;
    let given: Vec<_> = ['b', 'c', 'f'].into_iter().filter(|letter| parsed.has(*letter)).collect();
    let &[what] = given.as_slice() else { return Err(unsupported("other than one list")) };
    let ranges = list(parsed.value(what).unwrap_or_default())?;
    let complement = parsed.has('!');
    let wanted = |place: usize| ranges.iter().any(|(first, last)| (*first..=*last).contains(&place)) != complement;
    let delimiter = match parsed.value('d').map(str::as_bytes) {
        None => b'\t',
        Some([only]) if what == 'f' => *only,
        Some(_) => return Err(unsupported("such a delimiter")),
    };
    let end = if parsed.has('z') { 0 } else { b'\n' };
    let only_delimited = parsed.has('s');
    if only_delimited && what != 'f' {
        return Err(unsupported("-s without fields"));
    }
    let mut status = 0;
    for name in input::or_stdin(parsed.operands) {
        let Some(text) = input::operand(call, "cut", &name)? else {
            status = 1;
            continue;
        };
        for line in input::lines(&text, end) {
            if what != 'f' {
                call.out.extend((1..).zip(line).filter(|(place, _)| wanted(*place)).map(|(_, byte)| *byte));
            } else if line.contains(&delimiter) {
                let fields = (1..).zip(line.split(|byte| *byte == delimiter));
                let fields: Vec<&[u8]> = fields.filter(|(place, _)| wanted(*place)).map(|(_, field)| field).collect();
                call.out.extend(fields.join(&delimiter));
            } else if only_delimited {
                continue;
            } else {
                call.out.extend_from_slice(line);
            }
            call.out.push(end);
        }
    }
    Ok(status)
}
