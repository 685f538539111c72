//! Bracket expressions (POSIX.1-2024 XBD 9.3.5) in the C locale, where a range is one of byte values.

use super::PatternError;
use super::bytes::{ByteSet, class};

/// Reads the bracket expression at the start of `text`, just after its `[`. Gives the set and how many bytes it took with its
/// `]`. `escaped` reads what a backslash at the start of its argument stands for where one has a meaning inside of brackets.
pub(super) fn bracket(
    text: &[u8],
    any_case: bool,
    escaped: impl Fn(&[u8]) -> Result<Option<(u8, usize)>, PatternError>,
) -> Result<(ByteSet, usize), PatternError> {
    let mut set = ByteSet::default();
    let mut at = 0;
    let inverse = text.first() == Some(&b'^');
    if inverse {
        at += 1;
    }
    let first = at;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match rest {
            [] => return Err(PatternError::new("a `[` without its `]`")),
            [b']', ..] if at > first => {
                at += 1;
                break;
            }
            [b'[', b':', inner @ ..] => {
                let end = find(inner, b":]")?;
                let name = inner.get(..end).unwrap_or_default();
                let members = class(name).ok_or_else(|| PatternError::new("an unknown character class"))?;
                set.extend(members);
                at += end + 4;
                if let [b'-', next, ..] = text.get(at..).unwrap_or_default()
                    && *next != b']'
                {
                    return Err(PatternError::new("a range that begins with a class"));
                }
                continue;
            }
            [b'[', b'=', ..] => return Err(PatternError::new("an equivalence class")),
            _ => {}
        }
        let (low, took) = member(rest, &escaped)?;
        at += took;
        let mut high = low;
        let rest = text.get(at..).unwrap_or_default();
        if let [b'-', next, ..] = rest
            && *next != b']'
        {
            let rest = rest.get(1..).unwrap_or_default();
            if rest.starts_with(b"[:") || rest.starts_with(b"[=") {
                return Err(PatternError::new("a range that ends with a class"));
            }
            let (end, took) = member(rest, &escaped)?;
            at += 1 + took;
            high = end;
            if high < low {
                return Err(PatternError::new("a range that ends before it begins"));
            }
        }
        for byte in low..=high {
            set.insert(byte);
        }
    }
    if any_case {
        set = set.any_case();
    }
    Ok((if inverse { set.inverse() } else { set }, at))
}

/// The one byte at the start of `rest`, and how long it is written.
fn member(
    rest: &[u8],
    escaped: &impl Fn(&[u8]) -> Result<Option<(u8, usize)>, PatternError>,
) -> Result<(u8, usize), PatternError> {
    match rest {
        [b'[', b'.', byte, b'.', b']', ..] => Ok((*byte, 5)),
        [b'[', b'.', ..] => Err(PatternError::new("a collating symbol")),
        [b'\\', ..] => Ok(escaped(rest)?.unwrap_or((b'\\', 1))),
        [byte, ..] => Ok((*byte, 1)),
        [] => Err(PatternError::new("a `[` without its `]`")),
    }
}

fn find(text: &[u8], what: &[u8]) -> Result<usize, PatternError> {
    text.windows(what.len()).position(|part| part == what).ok_or_else(|| PatternError::new("a `[:` without its `:]`"))
}
