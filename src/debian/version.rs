//! Debian package versions and their order, exactly that of `dpkg --compare-versions`.
//!
//! `[epoch:]upstream[-revision]`; grammar and order are those of deb-version(7).

use std::cmp::Ordering;
use std::fmt;

/// A parsed version, borrowed from its text. Order and equality are dpkg's, not the text's: `1.0` equals
/// `1.00` and `0:1.0-0`.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    text: &'a str,
    epoch: u32,
    upstream: &'a str,
    revision: &'a str,
}

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("version is empty")]
    Empty,
    #[error("epoch of version `{0}` is not a number up to 2147483647")]
    Epoch(String),
    #[error("version `{0}` has nothing between epoch and revision")]
    NoUpstream(String),
    #[error("revision of version `{0}` is empty")]
    EmptyRevision(String),
    #[error("version `{version}` has the character `{found}`, which is not allowed in versions")]
    Character { version: String, found: char },
}

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// The same as in dpkg: an empty part, an epoch that is not a number, or a character that is not allowed. (As in dpkg, an
    /// upstream version need not start with a digit.)
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (parse_epoch(epoch).ok_or_else(|| VersionError::Epoch(text.to_owned()))?, rest),
            None => (0, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return Err(VersionError::EmptyRevision(text.to_owned())),
            Some((upstream, revision)) => (upstream, revision),
            None => (rest, ""),
        };
        if upstream.is_empty() {
            return Err(VersionError::NoUpstream(text.to_owned()));
        }
        let foreign = upstream
            .chars()
            .find(|&c| !(c.is_ascii_alphanumeric() || ".-+~:".contains(c)))
            .or_else(|| revision.chars().find(|&c| !(c.is_ascii_alphanumeric() || ".+~".contains(c))));
        match foreign {
            Some(found) => Err(VersionError::Character { version: text.to_owned(), found }),
            None => Ok(Self { text, epoch, upstream, revision }),
        }
    }

    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text)
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream, other.upstream))
            .then_with(|| compare_part(self.revision, other.revision))
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version<'_> {}

/// dpkg stores epochs in an `int`. Only digits are accepted, so that `+1` or an empty epoch is refused.
fn parse_epoch(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|&epoch| i32::try_from(epoch).is_ok())
}

/// Compares runs of non-digits and of digits in turn. A missing run of digits counts as zero, and the end of a part sorts after
/// `~` but before everything else.
fn compare_part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = split_run(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = split_run(right, |byte| !byte.is_ascii_digit());
        let (left_digits, left_rest) = split_run(left_rest, u8::is_ascii_digit);
        let (right_digits, right_rest) = split_run(right_rest, u8::is_ascii_digit);
        let order = compare_text(left_text, right_text).then_with(|| compare_digits(left_digits, right_digits));
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn split_run(bytes: &[u8], belongs: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|byte| !belongs(byte)).unwrap_or(bytes.len()))
}

fn compare_text(left: &[u8], right: &[u8]) -> Ordering {
    (0..left.len().max(right.len()))
        .map(|at| weight(left.get(at)).cmp(&weight(right.get(at))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// `~` sorts before the end, the end before letters, letters before everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte).saturating_add(256),
    }
}

/// Compares numbers of any length without converting them.
fn compare_digits(left: &[u8], right: &[u8]) -> Ordering {
    let significant = |digits| split_run(digits, |&digit| digit == b'0').1;
    let (left, right) = (significant(left), significant(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(left: &str, right: &str) -> Ordering {
        Version::parse(left).unwrap().cmp(&Version::parse(right).unwrap())
    }

    #[test]
    fn absent_digits_count_as_zero() {
        assert_eq!(compare("1.2+", "1.2+0"), Ordering::Equal);
        assert_eq!(compare("3.2.-5", "3.2.0-5"), Ordering::Equal);
        assert_eq!(compare("1.0", "0:1.0-0"), Ordering::Equal);
    }

    #[test]
    fn a_tilde_sorts_before_the_end_and_letters_before_other_characters() {
        assert_eq!(compare("1.0~rc1", "1.0"), Ordering::Less);
        assert_eq!(compare("1.0~~", "1.0~"), Ordering::Less);
        assert_eq!(compare("1.0a", "1.0+"), Ordering::Less);
        assert_eq!(compare("1:0.1", "9.9"), Ordering::Greater);
        assert_eq!(compare("1.10", "1.9"), Ordering::Greater);
    }

    #[test]
    fn texts_outside_the_grammar_are_refused() {
        for text in ["", ":1", "x:1", "+1:1", "1:", "-1", "1-", "1 2", "1_2", "1\n", "2147483648:1", "1.0é"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }
}
