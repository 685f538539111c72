//! printf of awk (POSIX.1-2024 XCU awk, "Output Statements"; XBD 5).

use std::iter::Peekable;

use super::unsupported;
use crate::shell::reason::Reason;

/// A number as `%.{precision}g` writes it.
pub(super) fn general(number: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i64 = exponent.parse().unwrap_or_default();
    let trimmed = |digits: &str| {
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }.to_owned()
    };
    let significant = i64::try_from(precision).unwrap_or(i64::MAX);
    if exponent < -4 || exponent >= significant {
        return format!("{}{}", trimmed(digits), exponent_text(exponent));
    }
    let places = usize::try_from(significant - 1 - exponent).unwrap_or_default();
    trimmed(&format!("{number:.places$}"))
}

fn exponent_text(exponent: i64) -> String {
    format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// What a conversion asks for.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "flags of printf, each of its own")]
pub(super) struct Conversion {
    left: bool,
    zeros: bool,
    plus: bool,
    space: bool,
    width: usize,
    pub(super) precision: Option<usize>,
    pub(super) kind: u8,
}

/// A piece of a format.
#[derive(Debug)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Conversion(Conversion),
}

/// Takes a format apart.
pub(super) fn pieces(format: &[u8]) -> Result<Vec<Piece>, Reason> {
    let mut found = Vec::new();
    let mut plain = Vec::new();
    let mut bytes = format.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        if bytes.next_if_eq(&b'%').is_some() {
            plain.push(b'%');
            continue;
        }
        found.push(Piece::Text(std::mem::take(&mut plain)));
        let mut made = Conversion::default();
        while let Some(flag) = bytes.next_if(|byte| b"-0+ ".contains(byte)) {
            match flag {
                b'-' => made.left = true,
                b'0' => made.zeros = true,
                b'+' => made.plus = true,
                _ => made.space = true,
            }
        }
        made.width = columns(&mut bytes)?;
        if bytes.next_if_eq(&b'.').is_some() {
            made.precision = Some(columns(&mut bytes)?);
        }
        made.kind = bytes.next().unwrap_or_default();
        if !b"disxXoucefgEG".contains(&made.kind) {
            return Err(unsupported("such a conversion of printf"));
        }
        found.push(Piece::Conversion(made));
    }
    found.push(Piece::Text(plain));
    Ok(found)
}

fn columns(bytes: &mut Peekable<impl Iterator<Item = u8>>) -> Result<usize, Reason> {
    let mut value = 0;
    while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
        value = value * 10 + usize::from(digit - b'0');
        if value > 4096 {
            return Err(Reason::Limit("4096 columns of printf"));
        }
    }
    Ok(value)
}

impl Conversion {
    /// Fills up to the width.
    pub(super) fn padded(&self, text: Vec<u8>, number: bool) -> Vec<u8> {
        let missing = self.width.saturating_sub(text.len());
        if self.left {
            let mut text = text;
            text.extend(std::iter::repeat_n(b' ', missing));
            return text;
        }
        let zeros = self.zeros && number;
        let sign = usize::from(zeros && matches!(text.first(), Some(b'-' | b'+' | b' ')));
        let (sign, rest) = text.split_at(sign);
        let fill = std::iter::repeat_n(if zeros { b'0' } else { b' ' }, missing);
        sign.iter().copied().chain(fill).chain(rest.iter().copied()).collect()
    }

    fn signed(&self, negative: bool, text: &str) -> Vec<u8> {
        let sign = match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        format!("{sign}{text}").into_bytes()
    }

    /// `d`, `i`, `o`, `u`, `x`, `X`
    pub(super) fn integer(&self, value: i64) -> Result<Vec<u8>, Reason> {
        if value < 0 && !matches!(self.kind, b'd' | b'i') {
            return Err(unsupported("printf of a negative number without a sign"));
        }
        let size = value.unsigned_abs();
        let digits = match self.kind {
            b'o' => format!("{size:o}"),
            b'x' => format!("{size:x}"),
            b'X' => format!("{size:X}"),
            _ => size.to_string(),
        };
        let digits = format!("{digits:0>width$}", width = self.precision.unwrap_or(1));
        let is_signed = matches!(self.kind, b'd' | b'i');
        let text = if is_signed { self.signed(value < 0, &digits) } else { digits.into_bytes() };
        // With a precision, zeros do not fill the width.
        Ok(self.padded(text, self.precision.is_none()))
    }

    /// `e`, `E`, `f`, `g`, `G`
    pub(super) fn real(&self, value: f64) -> Result<Vec<u8>, Reason> {
        if !value.is_finite() {
            return Err(unsupported("printf of a number that is not finite"));
        }
        let precision = self.precision.unwrap_or(6);
        let size = value.abs();
        let text = match self.kind {
            b'f' => format!("{size:.precision$}"),
            b'e' | b'E' => {
                let text = format!("{size:.precision$e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                format!("{digits}{}", exponent_text(exponent.parse().unwrap_or_default()))
            }
            _ => general(size, precision),
        };
        let text = if self.kind.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text };
        Ok(self.padded(self.signed(value.is_sign_negative(), &text), true))
    }
}
