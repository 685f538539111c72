//! Order of names with version numbers in them: filevercmp of gnulib, which `sort -V` has (GNU coreutils manual, 30).

use std::cmp::Ordering;

/// How `one` and `other` compare.
pub(in crate::shell::utilities) fn compare(one: &[u8], other: &[u8]) -> Ordering {
    match (one, other) {
        ([], _) | (_, []) => return one.len().cmp(&other.len()),
        ([b'.', ..], [b'.', ..]) => {
            for special in [&b"."[..], b".."] {
                match (one == special, other == special) {
                    (false, false) => {}
                    (is, other_is) => return other_is.cmp(&is),
                }
            }
        }
        ([b'.', ..], _) => return Ordering::Less,
        (_, [b'.', ..]) => return Ordering::Greater,
        _ => {}
    }
    let stem = |name: &'_ [u8]| name.get(..stem_length(name)).unwrap_or_default().to_vec();
    parts(&stem(one), &stem(other)).then_with(|| parts(one, other))
}

/// The length without suffixes such as `.tar.gz`.
fn stem_length(name: &[u8]) -> usize {
    let byte = |at: usize| name.get(at).copied().unwrap_or_default();
    let (mut at, mut length) = (0, 0);
    while at < name.len() {
        at += 1;
        length = at;
        while byte(at) == b'.' && (byte(at + 1).is_ascii_alphabetic() || byte(at + 1) == b'~') {
            at += 2;
            while byte(at).is_ascii_alphanumeric() || byte(at) == b'~' {
                at += 1;
            }
        }
    }
    length
}

fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => -1,
        Some(b'~') => -2,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

fn parts(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (one, other);
    let digit = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
    while !one.is_empty() || !other.is_empty() {
        while !one.is_empty() && !digit(one) || !other.is_empty() && !digit(other) {
            match weight(one.first()).cmp(&weight(other.first())) {
                Ordering::Equal => {}
                order => return order,
            }
            one = one.get(1..).unwrap_or_default();
            other = other.get(1..).unwrap_or_default();
        }
        let (first, after) = number(one);
        let (second, other_after) = number(other);
        match first.len().cmp(&second.len()).then_with(|| first.cmp(second)) {
            Ordering::Equal => {}
            order => return order,
        }
        (one, other) = (after, other_after);
    }
    Ordering::Equal
}

/// The digits at the start without leading zeros, and what comes after them.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let zeros = text.iter().take_while(|byte| **byte == b'0').count();
    let text = text.get(zeros..).unwrap_or_default();
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}
