//! Values of awk: numbers, strings, and strings that came from outside and look like numbers (POSIX.1-2024 XCU awk, "Expressions in
//! awk").

use std::cmp::Ordering;
use std::rc::Rc;

use super::format::general;
use super::unsupported;
use crate::shell::reason::Reason;

/// Integers up to this are written the same by every awk.
const INTEGER_MAX: f64 = 2_147_483_647.0;

#[derive(Debug, Clone)]
pub(super) enum Value {
    Unset,
    Number(f64),
    Text(Rc<[u8]>),
    /// From outside; it looks like this number.
    Numeral(Rc<[u8]>, f64),
}

impl Value {
    pub(super) fn text(bytes: &[u8]) -> Self {
        Self::Text(bytes.into())
    }

    pub(super) fn bool(value: bool) -> Self {
        Self::Number(f64::from(u8::from(value)))
    }

    /// What came from outside.
    pub(super) fn input(bytes: &[u8]) -> Self {
        let text = bytes.trim_ascii();
        match std::str::from_utf8(text) {
            Ok(text) if !text.is_empty() && numeral(text.as_bytes()) == text.len() => match text.parse() {
                Ok(number) => Self::Numeral(bytes.into(), number),
                Err(_) => Self::text(bytes),
            },
            _ => Self::text(bytes),
        }
    }

    pub(super) fn number(&self) -> Result<f64, Reason> {
        match self {
            Self::Unset => Ok(0.0),
            Self::Number(number) | Self::Numeral(_, number) => Ok(*number),
            Self::Text(text) => {
                let text = text.trim_ascii_start();
                let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
                let lower: Vec<u8> = unsigned.iter().take(3).map(u8::to_ascii_lowercase).collect();
                if lower.starts_with(b"0x") || lower == b"inf" || lower == b"nan" {
                    return Err(unsupported("a number that not every awk reads"));
                }
                let length = numeral(text);
                let text = text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
                Ok(text.parse().unwrap_or_default())
            }
        }
    }

    /// As a string; `format` is `CONVFMT`, or `OFMT` where it is printed.
    pub(super) fn bytes(&self, format: &[u8]) -> Result<Rc<[u8]>, Reason> {
        match self {
            Self::Unset => Ok(Rc::from([])),
            Self::Text(text) | Self::Numeral(text, _) => Ok(Rc::clone(text)),
            Self::Number(number) => number_text(*number, format).map(|text| text.into_bytes().into()),
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Unset => false,
            Self::Number(number) | Self::Numeral(_, number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    pub(super) fn compare(&self, other: &Self, format: &[u8]) -> Result<Ordering, Reason> {
        if let (Self::Text(_), _) | (_, Self::Text(_)) = (self, other) {
            return Ok(self.bytes(format)?.cmp(&other.bytes(format)?));
        }
        self.number()?.partial_cmp(&other.number()?).ok_or_else(|| unsupported("what is no number"))
    }
}

/// A number as a string.
fn number_text(number: f64, format: &[u8]) -> Result<String, Reason> {
    if number == 0.0 {
        return Ok("0".to_owned());
    }
    if number.fract() == 0.0 {
        if number.abs() > INTEGER_MAX {
            return Err(unsupported("so large a number"));
        }
        return Ok(format!("{number:.0}"));
    }
    if format != b"%.6g" || !number.is_finite() {
        return Err(unsupported("CONVFMT, OFMT or a number that is not finite"));
    }
    Ok(general(number, 6))
}

/// The integer part, for `%d` and fields.
pub(super) fn integer(number: f64) -> Result<i64, Reason> {
    let whole = number.trunc();
    if whole.abs() <= INTEGER_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "it has no more digits than fit")]
        return Ok(whole as i64);
    }
    Err(unsupported("so large a number"))
}

/// How much of the start of `text` is a decimal number.
fn numeral(text: &[u8]) -> usize {
    let byte = |at: usize| text.get(at).copied().unwrap_or_default();
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(matches!(byte(0), b'+' | b'-'));
    let whole = digits(sign);
    let mut length = sign + whole;
    if byte(length) == b'.' {
        let part = digits(length + 1);
        if whole + part == 0 {
            return 0;
        }
        length += 1 + part;
    } else if whole == 0 {
        return 0;
    }
    if byte(length).eq_ignore_ascii_case(&b'e') {
        let sign = usize::from(matches!(byte(length + 1), b'+' | b'-'));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}
