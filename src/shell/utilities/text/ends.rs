//! head and tail: POSIX.1-2024 XCU head, tail; the manual of GNU coreutils 9.7, 5.1 and 5.2.

use super::input;
use super::options::{Parsed, Spec};
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const LONG: &[(&str, char)] = &[("bytes", 'c'), ("lines", 'n'), ("quiet", 'q'), ("silent", 'q'), ("verbose", 'v')];
const HEAD: Spec = Spec { utility: "head", short: "c:n:qvz", long: LONG };
const TAIL: Spec = Spec { utility: "tail", short: "c:n:qvz", long: LONG };

/// How much is wanted.
#[derive(Clone, Copy)]
enum Count {
    /// The first, or for tail the last.
    Some(usize),
    /// All but the last: `head -n -3`.
    AllBut(usize),
    /// From this one on: `tail -n +3`.
    From(usize),
}

/// What a command line asks for.
struct Wanted {
    bytes: bool,
    count: Count,
    end: u8,
}

fn wanted(spec: &Spec, parsed: &Parsed) -> Result<Wanted, Reason> {
    let chosen = parsed.options.iter().rev().find(|(letter, _)| ['c', 'n'].contains(letter));
    let (letter, value) = chosen.map_or(('n', "10"), |(letter, value)| (*letter, value.as_deref().unwrap_or_default()));
    let number = |text: &str| input::number(spec.utility, text);
    let tail = spec.utility == "tail";
    let count = match (value.strip_prefix('-'), value.strip_prefix('+')) {
        (Some(rest), _) if !tail => Count::AllBut(number(rest)?),
        (Some(rest), _) => Count::Some(number(rest)?),
        (_, Some(rest)) if tail => Count::From(number(rest)?),
        (_, Some(rest)) => Count::Some(number(rest)?),
        _ => Count::Some(number(value)?),
    };
    Ok(Wanted { bytes: letter == 'c', count, end: if parsed.has('z') { 0 } else { b'\n' } })
}

/// Where the line of this number begins, counted from 0.
fn line_start(text: &[u8], number: usize, end: u8) -> usize {
    match number.checked_sub(1) {
        None => 0,
        Some(before) => {
            let mut ends = text.iter().enumerate().filter(|(_, byte)| **byte == end);
            ends.nth(before).map_or(text.len(), |(at, _)| at + 1)
        }
    }
}

fn part<'t>(text: &'t [u8], wanted: &Wanted, tail: bool) -> &'t [u8] {
    let total = if wanted.bytes { text.len() } else { input::lines(text, wanted.end).count() };
    let place =
        |number: usize| if wanted.bytes { number.min(text.len()) } else { line_start(text, number, wanted.end) };
    let (from, to) = match wanted.count {
        Count::Some(count) if tail => (place(total.saturating_sub(count)), text.len()),
        Count::Some(count) => (0, place(count)),
        Count::AllBut(count) => (0, place(total.saturating_sub(count))),
        Count::From(count) => (place(count.saturating_sub(1)), text.len()),
    };
    text.get(from..to).unwrap_or_default()
}

fn run(call: &mut Call<'_>, spec: &Spec) -> Answer {
    // The old form `-5` counts as an option only at the start.
    let mut args = call.args.to_vec();
    if let Some(first) = args.first_mut()
        && let Some(digits) = first.strip_prefix('-')
        && digits.starts_with(|char: char| char.is_ascii_digit())
    {
        *first = format!("-n{}", input::number(spec.utility, digits)?);
    }
    let parsed = spec.parse(&args)?;
    let wanted = wanted(spec, &parsed)?;
    if parsed.operands.iter().any(|name| name.starts_with('+')) {
        return Err(Reason::unsupported(spec.utility, "an operand that begins with `+`"));
    }
    let last = parsed.options.iter().rev().find(|(letter, _)| ['q', 'v'].contains(letter));
    let headers = last.map_or(parsed.operands.len() > 1, |(letter, _)| *letter == 'v');
    let mut status = 0;
    let mut first = true;
    for name in input::or_stdin(parsed.operands) {
        let Some(text) = input::operand(call, spec.utility, &name)? else {
            status = 1;
            continue;
        };
        if headers {
            let blank = if first { "" } else { "\n" };
            let name = if input::is_stdin(&name) { "standard input" } else { &name };
            call.print(&format!("{blank}==> {name} <==\n"));
        }
        first = false;
        call.out.extend_from_slice(part(&text, &wanted, spec.utility == "tail"));
    }
    Ok(status)
}

/// head(1)
pub(super) fn head(call: &mut Call<'_>) -> Answer {
    run(call, &HEAD)
}

/// tail(1)
pub(super) fn tail(call: &mut Call<'_>) -> Answer {
    run(call, &TAIL)
}
