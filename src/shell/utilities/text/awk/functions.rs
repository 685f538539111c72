//! Functions of awk on strings (POSIX.1-2024 XCU awk, "String Functions").

use super::format::{Piece, pieces};
use super::record::find;
use super::state::State;
use super::unsupported;
use super::value::{Value, integer};
use crate::shell::reason::Reason;
use crate::shell::regex::Regex;

/// `substr`, counted from 1. How places before the start and parts of places count is not the same in every awk.
pub(super) fn substr(text: &[u8], start: f64, length: Option<f64>) -> Result<&[u8], Reason> {
    let whole = |number: f64| {
        if number.fract() == 0.0 { integer(number) } else { Err(unsupported("substr() of parts of bytes")) }
    };
    let start = whole(start)?;
    if start < 1 && length.is_some() {
        return Err(unsupported("substr() from before the start"));
    }
    let from = usize::try_from(start - 1).unwrap_or_default().min(text.len());
    let rest = text.get(from..).unwrap_or_default();
    let length = match length {
        None => rest.len(),
        Some(length) => usize::try_from(whole(length)?).unwrap_or_default().min(rest.len()),
    };
    Ok(rest.get(..length).unwrap_or_default())
}

/// `sub` and `gsub`: the text that comes of it, and how many replacements there were.
pub(super) fn gsub(pattern: &Regex, new: &[u8], text: &[u8], all: bool) -> Result<(Vec<u8>, usize), Reason> {
    if new.windows(2).any(|pair| pair == b"\\\\") {
        return Err(unsupported("two backslashes in a replacement"));
    }
    let mut built = Vec::new();
    let (mut from, mut count) = (0, 0);
    let mut before = None;
    while from <= text.len() {
        let Some((start, end)) = find(pattern, text, from)? else { break };
        built.extend_from_slice(text.get(from..start).unwrap_or_default());
        let found = text.get(start..end).unwrap_or_default();
        if start < end || before != Some(start) {
            count += 1;
            let mut bytes = new.iter().peekable();
            while let Some(&byte) = bytes.next() {
                match byte {
                    b'\\' if bytes.next_if_eq(&&b'&').is_some() => built.push(b'&'),
                    b'&' => built.extend_from_slice(found),
                    byte => built.push(byte),
                }
            }
        }
        if built.len() > 16 << 20 {
            return Err(Reason::Limit("16 MiB in a string of awk"));
        }
        before = Some(end);
        from = end;
        if start == end {
            built.extend(text.get(end));
            from += 1;
        }
        if !all {
            break;
        }
    }
    built.extend_from_slice(text.get(from..).unwrap_or_default());
    Ok((built, count))
}

/// `sprintf`: the first value is the format.
pub(super) fn sprintf(state: &State, values: &[Value]) -> Result<Vec<u8>, Reason> {
    let mut values = values.iter();
    let format = state.bytes(values.next().unwrap_or(&Value::Unset))?;
    let mut text = Vec::new();
    for piece in pieces(&format)? {
        let made = match piece {
            Piece::Text(plain) => {
                text.extend_from_slice(&plain);
                continue;
            }
            Piece::Conversion(made) => made,
        };
        let value = values.next().ok_or_else(|| unsupported("printf with too few values"))?;
        text.extend(match made.kind {
            b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => made.integer(integer(value.number()?)?)?,
            b's' => {
                let text = state.bytes(value)?;
                let length = made.precision.unwrap_or(text.len()).min(text.len());
                made.padded(text.get(..length).unwrap_or_default().to_vec(), false)
            }
            b'c' => match value {
                Value::Number(number) => {
                    let byte = u8::try_from(integer(*number)?).ok().filter(|byte| (1..128).contains(byte));
                    made.padded(vec![byte.ok_or_else(|| unsupported("printf of such a character"))?], false)
                }
                Value::Text(text) if !text.is_empty() => made.padded(text.iter().take(1).copied().collect(), false),
                _ => return Err(unsupported("printf of such a character")),
            },
            _ => made.real(value.number()?)?,
        });
        if text.len() > 16 << 20 {
            return Err(Reason::Limit("16 MiB in a string of awk"));
        }
    }
    Ok(text)
}
