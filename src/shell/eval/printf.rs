//! `printf` (XCU 3), for texts and whole numbers.

use super::escapes::{escape, escapes};
use super::number::Number;

/// Bytes that a field may be wide.
const WIDTH_MAX: usize = 4096;

/// What a call of `printf` comes to.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub bytes: Vec<u8>,
    /// What it complains about; its exit status is 1 then.
    pub complaints: Vec<String>,
}

/// Why a call of `printf` comes to nothing more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The original complains too; what it printed before stays.
    Usage(String),
    /// It is not modelled.
    Unsupported(String),
    /// It prints more than that many bytes.
    TooLong,
}

/// What `printf FORMAT ARGUMENT…` prints, `most` bytes at most. The format is used again until no argument is left.
pub(super) fn format(format: &str, arguments: &[String], most: usize) -> (Printed, Result<(), Failure>) {
    let mut printer = Printer { format: format.as_bytes(), arguments, printed: Printed::default(), most };
    let result = printer.all();
    (printer.printed, result)
}

struct Printer<'a> {
    format: &'a [u8],
    /// Those that are left.
    arguments: &'a [String],
    printed: Printed,
    most: usize,
}

/// A conversion specification.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each flag stands by itself")]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    alternative: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Whether the format was gone through, or `\c` ended all.
#[derive(PartialEq, Eq)]
enum End {
    Format,
    All,
}

impl<'a> Printer<'a> {
    fn all(&mut self) -> Result<(), Failure> {
        loop {
            let before = self.arguments.len();
            if self.once()? == End::All || self.arguments.is_empty() || self.arguments.len() == before {
                return Ok(());
            }
        }
    }

    fn argument(&mut self) -> Option<&'a str> {
        let (first, rest) = self.arguments.split_first()?;
        self.arguments = rest;
        Some(first)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.printed.bytes.len() + bytes.len() > self.most {
            return Err(Failure::TooLong);
        }
        self.printed.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Goes through the format once.
    fn once(&mut self) -> Result<End, Failure> {
        let format = self.format;
        let mut at = 0;
        while let Some(byte) = format.get(at) {
            at += 1;
            let rest = format.get(at..).unwrap_or_default();
            match (byte, rest.first()) {
                (b'\\', _) => {
                    let (value, length) = escape(rest);
                    self.push(&[value])?;
                    at += length;
                }
                (b'%', Some(b'%')) => {
                    self.push(b"%")?;
                    at += 1;
                }
                (b'%', _) => {
                    let (conversion, length) = self.specification(rest)?;
                    let Some(kind) = rest.get(length) else {
                        return Err(Failure::Usage("missing format character".to_owned()));
                    };
                    at += length + 1;
                    if self.convert(&conversion, *kind)? == End::All {
                        return Ok(End::All);
                    }
                }
                _ => {
                    let end = rest.iter().position(|next| matches!(next, b'%' | b'\\')).unwrap_or(rest.len());
                    self.push(format.get(at - 1..at + end).unwrap_or_default())?;
                    at += end;
                }
            }
        }
        Ok(End::Format)
    }

    /// Flags, width and precision, and how many bytes they take.
    fn specification(&mut self, text: &[u8]) -> Result<(Conversion, usize), Failure> {
        let mut conversion = Conversion::default();
        let mut at = 0;
        while let Some(flag) = text.get(at) {
            match flag {
                b'-' => conversion.left = true,
                b'+' => conversion.plus = true,
                b' ' => conversion.space = true,
                b'#' => conversion.alternative = true,
                b'0' => conversion.zero = true,
                _ => break,
            }
            at += 1;
        }
        let (width, length) = self.size(text.get(at..).unwrap_or_default())?;
        at += length;
        conversion.left |= width < 0;
        conversion.width = bounded(width.unsigned_abs())?;
        if text.get(at) == Some(&b'.') {
            let (precision, length) = self.size(text.get(at + 1..).unwrap_or_default())?;
            at += 1 + length;
            // A negative one is as if there were none.
            conversion.precision = if precision < 0 { None } else { Some(bounded(precision.unsigned_abs())?) };
        }
        Ok((conversion, at))
    }

    /// A width or precision, and how many bytes it takes.
    fn size(&mut self, text: &[u8]) -> Result<(i32, usize), Failure> {
        let length = text.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'*')).count();
        match text.get(..length).unwrap_or_default() {
            [b'*'] => {
                let argument = self.arguments.first();
                let (value, fits) = self.number().map_or((0, true), Number::signed);
                self.out_of_range(argument, fits);
                // As C converts it to an `int`.
                let [a, b, c, d, ..] = value.to_le_bytes();
                Ok((i32::from_le_bytes([a, b, c, d]), length))
            }
            digits if digits.contains(&b'*') => Err(Failure::Unsupported("`*` among digits".to_owned())),
            digits => {
                let digits = digits
                    .iter()
                    .fold(0_i32, |value, digit| value.saturating_mul(10).saturating_add(i32::from(digit - b'0')));
                Ok((digits, length))
            }
        }
    }

    /// The next argument as a number, or the code of a character after a quote; what is wrong with it is reported.
    fn number(&mut self) -> Option<Number> {
        let text = self.argument()?;
        if let Some(b'\'' | b'"') = text.as_bytes().first() {
            let code = text.as_bytes().get(1).copied().unwrap_or(0);
            return Some(Number::read(&code.to_string(), Some(10)));
        }
        let number = Number::read(text, None);
        if number.length < text.len() {
            let what = if number.length == 0 { "expected numeric value" } else { "not completely converted" };
            self.printed.complaints.push(format!("{text}: {what}"));
        }
        Some(number)
    }

    fn out_of_range(&mut self, argument: Option<&String>, fits: bool) {
        if let Some(text) = argument
            && !fits
        {
            self.printed.complaints.push(format!("{text}: Numerical result out of range"));
        }
    }

    fn convert(&mut self, conversion: &Conversion, kind: u8) -> Result<End, Failure> {
        let argument = self.arguments.first();
        match kind {
            b's' => {
                let text = self.argument().unwrap_or_default();
                self.text(conversion, text.as_bytes())?;
            }
            b'b' => {
                let (bytes, ended) = escapes(self.argument().unwrap_or_default());
                self.text(conversion, &bytes)?;
                if ended {
                    return Ok(End::All);
                }
            }
            b'c' => {
                let byte = self.argument().unwrap_or_default().as_bytes().first().copied().unwrap_or(0);
                self.text(&Conversion { precision: None, ..*conversion }, &[byte])?;
            }
            b'd' | b'i' => {
                let (value, fits) = self.number().map_or((0, true), Number::signed);
                self.out_of_range(argument, fits);
                let sign = match conversion {
                    _ if value < 0 => "-",
                    Conversion { plus: true, .. } => "+",
                    Conversion { space: true, .. } => " ",
                    _ => "",
                };
                self.digits(conversion, sign, &value.unsigned_abs().to_string(), value == 0)?;
            }
            b'o' | b'u' | b'x' | b'X' => {
                let (value, fits) = self.number().map_or((0, true), Number::unsigned);
                self.out_of_range(argument, fits);
                let is_marked = conversion.alternative && value != 0;
                let (mark, digits) = match kind {
                    b'o' if is_marked && conversion.precision.is_none() => ("", format!("0{value:o}")),
                    b'o' => ("", format!("{value:o}")),
                    b'u' => ("", value.to_string()),
                    b'x' => (if is_marked { "0x" } else { "" }, format!("{value:x}")),
                    _ => (if is_marked { "0X" } else { "" }, format!("{value:X}")),
                };
                self.digits(conversion, mark, &digits, value == 0)?;
            }
            b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                return Err(Failure::Unsupported(format!("`%{}`", char::from(kind))));
            }
            kind => return Err(Failure::Usage(format!("%{}: invalid directive", char::from(kind)))),
        }
        Ok(End::Format)
    }

    /// Text, cut by the precision.
    fn text(&mut self, conversion: &Conversion, bytes: &[u8]) -> Result<(), Failure> {
        let length = conversion.precision.unwrap_or(usize::MAX).min(bytes.len());
        self.padded(conversion, bytes.get(..length).unwrap_or_default())
    }

    /// A number's sign and digits, with the zeros that precision and flags ask for.
    fn digits(&mut self, conversion: &Conversion, sign: &str, digits: &str, is_zero: bool) -> Result<(), Failure> {
        let digits = if is_zero && conversion.precision == Some(0) { "" } else { digits };
        let wanted = match conversion.precision {
            Some(precision) => precision,
            None if conversion.zero && !conversion.left => conversion.width.saturating_sub(sign.len()),
            None => 0,
        };
        let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
        self.padded(conversion, format!("{sign}{zeros}{digits}").as_bytes())
    }

    fn padded(&mut self, conversion: &Conversion, bytes: &[u8]) -> Result<(), Failure> {
        let fill = vec![b' '; conversion.width.saturating_sub(bytes.len())];
        if conversion.left {
            self.push(bytes)?;
            self.push(&fill)
        } else {
            self.push(&fill)?;
            self.push(bytes)
        }
    }
}

fn bounded(size: u32) -> Result<usize, Failure> {
    match usize::try_from(size) {
        Ok(size) if size <= WIDTH_MAX => Ok(size),
        _ => Err(Failure::Unsupported("such a wide field".to_owned())),
    }
}
