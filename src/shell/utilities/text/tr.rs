//! tr: POSIX.1-2024 XCU tr; the manual of GNU coreutils 9.7, 9.1.

use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;
use crate::shell::regex::bytes::{ByteSet, class};

const SPEC: Spec = Spec {
    utility: "tr",
    short: "Ccdst",
    long: &[("complement", 'c'), ("delete", 'd'), ("squeeze-repeats", 's'), ("truncate-set1", 't')],
};

fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("tr", what)
}

/// A piece of a set as it is written: a byte, and whether a backslash took its meaning.
struct Written {
    byte: u8,
    plain: bool,
}

/// Reads backslashes.
fn written(text: &str) -> Result<Vec<Written>, Reason> {
    let mut found = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            found.push(Written { byte, plain: true });
            continue;
        }
        let byte = match bytes.next() {
            None => b'\\',
            Some(b'a') => 0x07,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                u8::try_from(value).map_err(|_| unsupported(format!("the set `{text}`")))?
            }
            Some(other) => other,
        };
        found.push(Written { byte, plain: false });
    }
    Ok(found)
}

/// The bytes of a set in their order, and which classes are in it.
fn set(text: &str) -> Result<(Vec<u8>, Vec<String>), Reason> {
    let wrong = || unsupported(format!("the set `{text}`"));
    let written = written(text)?;
    let plain = |at: usize, byte: u8| written.get(at).is_some_and(|here| here.plain && here.byte == byte);
    let mut bytes = Vec::new();
    let mut classes = Vec::new();
    let mut at = 0;
    while let Some(Written { byte, .. }) = written.get(at) {
        if plain(at, b'[') && plain(at + 1, b':') {
            let name: Vec<u8> =
                written.iter().skip(at + 2).map(|here| here.byte).take_while(|byte| *byte != b':').collect();
            let end = at + 2 + name.len();
            if plain(end, b':') && plain(end + 1, b']') {
                let members = class(&name).ok_or_else(wrong)?;
                bytes.extend((0..=u8::MAX).filter(|byte| members.has(*byte)));
                classes.push(String::from_utf8_lossy(&name).into_owned());
                at = end + 2;
                continue;
            }
        }
        if plain(at, b'[') && (plain(at + 1, b'=') || plain(at + 2, b'*')) {
            return Err(wrong());
        }
        match written.get(at + 2) {
            Some(Written { byte: last, .. }) if plain(at + 1, b'-') => {
                if last < byte {
                    return Err(wrong());
                }
                bytes.extend(*byte..=*last);
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    Ok((bytes, classes))
}

fn set_of(bytes: &[u8]) -> ByteSet {
    ByteSet::where_(|byte| bytes.contains(&byte))
}

/// tr(1)
pub(super) fn tr(call: &mut Call<'_>) -> Answer {
    let parsed = SPEC.parse(call.args)?;
    let (delete, squeeze) = (parsed.has('d'), parsed.has('s'));
    let sets: Vec<_> = parsed.operands.iter().map(|text| set(text)).collect::<Result<_, _>>()?;
    let mut sets = sets.into_iter();
    let (mut first, first_classes) = sets.next().ok_or_else(|| unsupported("no set"))?;
    let second = sets.next();
    if sets.next().is_some() || delete && squeeze != second.is_some() || !delete && !squeeze && second.is_none() {
        return Err(unsupported("that many sets"));
    }
    let complement = parsed.has('c') || parsed.has('C');
    if complement {
        let all = set_of(&first);
        first = (0..=u8::MAX).filter(|byte| !all.has(*byte)).collect();
    }

    let mut table: Vec<u8> = (0..=u8::MAX).collect();
    let mut squeezed = set_of(&first);
    if let Some((mut second, classes)) = second {
        squeezed = set_of(&second);
        if !delete {
            // Classes have a meaning there only for a change of case.
            let cases = ["upper", "lower"];
            if !classes.is_empty()
                && (classes.iter().any(|class| !cases.contains(&class.as_str()))
                    || classes.len() != first_classes.len()
                    || complement)
            {
                return Err(unsupported("such classes in the second set"));
            }
            let last = *second.last().ok_or_else(|| unsupported("an empty second set"))?;
            if complement && !first_classes.is_empty() && second.iter().any(|byte| *byte != last) {
                return Err(unsupported("the complement of a class, to other than one byte"));
            }
            if parsed.has('t') {
                first.truncate(second.len());
            }
            if second.len() < first.len() && !classes.is_empty() {
                return Err(unsupported("such classes in the second set"));
            }
            second.resize(first.len().max(second.len()), last);
            for (from, to) in first.iter().zip(second) {
                if let Some(place) = table.get_mut(usize::from(*from)) {
                    *place = to;
                }
            }
        }
    }
    let deleted = if delete { set_of(&first) } else { ByteSet::default() };
    let mut before = None;
    for &byte in call.stdin.iter().filter(|byte| !deleted.has(**byte)) {
        let byte = table.get(usize::from(byte)).copied().unwrap_or(byte);
        if squeeze && squeezed.has(byte) && before == Some(byte) {
            continue;
        }
        before = Some(byte);
        call.out.push(byte);
    }
    Ok(0)
}
