//! tac, rev, fold, paste and tee: POSIX.1-2024 XCU fold, paste, tee; the manuals of GNU coreutils 9.7 and util-linux 2.41.

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const TAC: Spec = Spec { utility: "tac", short: "", long: &[] };
const REV: Spec = Spec { utility: "rev", short: "", long: &[] };
const FOLD: Spec = Spec { utility: "fold", short: "bsw:", long: &[("bytes", 'b'), ("spaces", 's'), ("width", 'w')] };
const PASTE: Spec = Spec { utility: "paste", short: "d:s", long: &[("delimiters", 'd'), ("serial", 's')] };
const TEE: Spec = Spec { utility: "tee", short: "ai", long: &[("append", 'a'), ("ignore-interrupts", 'i')] };

/// tac(1)
pub(super) fn tac(call: &mut Call<'_>) -> Answer {
    let parsed = TAC.parse(call.args)?;
    let mut status = 0;
    for name in input::or_stdin(parsed.operands) {
        match input::operand(call, "tac", &name)? {
            // An unfinished last line stays so, and comes first.
            Some(text) => {
                for line in text.split_inclusive(|byte| *byte == b'\n').rev() {
                    call.out.extend_from_slice(line);
                }
            }
            None => status = 1,
        }
    }
    Ok(status)
}

/// rev(1)
pub(super) fn rev(call: &mut Call<'_>) -> Answer {
    let parsed = REV.parse(call.args)?;
    let (text, status) = input::all(call, "rev", parsed.operands)?;
    if !text.is_ascii() {
        return Err(Reason::unsupported("rev", "text beyond ASCII"));
    }
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |line| (line, b"\n"));
        call.out.extend(line.iter().rev());
        call.out.extend_from_slice(end);
    }
    Ok(status)
}

/// fold(1)
pub(super) fn fold(call: &mut Call<'_>) -> Answer {
    let parsed = FOLD.parse(call.args)?;
    let width = parsed.value('w').map_or(Ok(80), |width| input::number("fold", width))?;
    let (text, status) = input::all(call, "fold", parsed.operands.clone())?;
    if width == 0 {
        return Err(Reason::unsupported("fold", "no width"));
    }
    if !parsed.has('b') && text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\n' || !byte.is_ascii()) {
        return Err(Reason::unsupported("fold", "bytes that are not one column wide"));
    }
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (mut rest, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |line| (line, b"\n"));
        while rest.len() > width {
            let (mut piece, mut after) = rest.split_at(width);
            if parsed.has('s')
                && let Some(blank) = piece.iter().rposition(|byte| *byte == b' ')
            {
                (piece, after) = rest.split_at(blank + 1);
            }
            call.out.extend_from_slice(piece);
            call.out.push(b'\n');
            rest = after;
        }
        call.out.extend_from_slice(rest);
        call.out.extend_from_slice(end);
    }
    Ok(status)
}

/// paste(1)
pub(super) fn paste(call: &mut Call<'_>) -> Answer {
    let parsed = PASTE.parse(call.args)?;
    let mut delimiters = Vec::new();
    let mut given = parsed.value('d').unwrap_or("\t").bytes();
    while let Some(byte) = given.next() {
        delimiters.push(match byte {
            b'\\' => match given.next() {
                Some(b'n') => Some(b'\n'),
                Some(b't') => Some(b'\t'),
                Some(b'\\') => Some(b'\\'),
                Some(b'0') => None,
                _ => return Err(Reason::unsupported("paste", "such a delimiter")),
            },
            byte => Some(byte),
        });
    }
    if delimiters.is_empty() {
        delimiters.push(None);
    }
    let names = input::or_stdin(parsed.operands.clone());
    if names.iter().filter(|name| input::is_stdin(name)).count() > 1 {
        return Err(Reason::unsupported("paste", "standard input in turns"));
    }
    let mut texts = Vec::new();
    let mut status = 0;
    for name in &names {
        match input::operand(call, "paste", name)? {
            Some(text) => texts.push(text),
            None if parsed.has('s') => status = 1,
            None => return Ok(1),
        }
    }
    let mut columns: Vec<Vec<&[u8]>> = texts.iter().map(|text| input::lines(text, b'\n').collect()).collect();
    if parsed.has('s') {
        for column in &mut columns {
            if column.is_empty() {
                column.push(b"");
            }
        }
    } else {
        let longest = columns.iter().map(Vec::len).max().unwrap_or_default();
        let empty: &[u8] = b"";
        let row = |at: usize| columns.iter().map(|column| column.get(at).copied().unwrap_or(empty)).collect();
        columns = (0..longest).map(row).collect();
    }
    for row in columns {
        for (at, part) in row.iter().enumerate() {
            if let Some(Some(delimiter)) = at.checked_sub(1).and_then(|at| delimiters.get(at % delimiters.len())) {
                call.out.push(*delimiter);
            }
            call.out.extend_from_slice(part);
        }
        call.out.push(b'\n');
    }
    Ok(status)
}

/// tee(1)
pub(super) fn tee(call: &mut Call<'_>) -> Answer {
    let parsed = TEE.parse(call.args)?;
    let text = call.stdin.to_vec();
    call.out.extend_from_slice(&text);
    let mut status = 0;
    for name in &parsed.operands {
        if ["/dev/stdout", "/dev/stderr", "/dev/tty", "-"].contains(&name.as_str()) {
            return Err(Reason::unsupported("tee", format!("`{name}`")));
        }
        let done = if parsed.has('a') { call.files.append(name, &text) } else { call.files.write(name, &text) };
        if let Err(error) = done {
            status = call.failed("tee", name, error)?;
        }
    }
    Ok(status)
}
