//! Numbers as strtoimax(3) reads them: white space, a sign, digits; what follows them stays.

/// A number at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    /// As much of it as 64 bits hold.
    magnitude: u64,
    /// Its digits come to more than 64 bits hold.
    overflows: bool,
    /// Bytes of the text that it takes; 0 if there is none.
    pub length: usize,
}

impl Number {
    /// Reads a number; without `radix`, `0` and `0x` before its digits make it octal and hexadecimal, as in C.
    pub fn read(text: &str, radix: Option<u32>) -> Self {
        let bytes = text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let mut at = bytes.iter().take_while(|byte| is_space(**byte)).count();
        let negative = byte(at) == b'-';
        at += usize::from(negative || byte(at) == b'+');
        let radix = match radix {
            Some(radix) => radix,
            None if byte(at) == b'0' && matches!(byte(at + 1), b'x' | b'X') && byte(at + 2).is_ascii_hexdigit() => {
                at += 2;
                16
            }
            None if byte(at) == b'0' => 8,
            None => 10,
        };
        let start = at;
        let (mut magnitude, mut overflows) = (0_u64, false);
        while let Some(digit) = char::from(byte(at)).to_digit(radix) {
            match magnitude.checked_mul(u64::from(radix)).and_then(|value| value.checked_add(u64::from(digit))) {
                Some(value) => magnitude = value,
                None => overflows = true,
            }
            at += 1;
        }
        Self { negative, magnitude, overflows, length: if at == start { 0 } else { at } }
    }

    /// As a signed number, the nearest if it is none; and whether it is one.
    pub fn signed(self) -> (i64, bool) {
        let value =
            if self.negative { 0_i64.checked_sub_unsigned(self.magnitude) } else { self.magnitude.try_into().ok() };
        match value {
            Some(value) if !self.overflows => (value, true),
            _ => (if self.negative { i64::MIN } else { i64::MAX }, false),
        }
    }

    /// As strtoumax(3) has it: a negative number counts back from the largest.
    pub fn unsigned(self) -> (u64, bool) {
        match self.overflows {
            true => (u64::MAX, false),
            false if self.negative => (self.magnitude.wrapping_neg(), true),
            false => (self.magnitude, true),
        }
    }
}

/// The number that a whole text is, white space around it allowed; a blank text is 0 where `blank` says so.
pub(super) fn whole(text: &str, radix: Option<u32>, blank: bool) -> Option<i64> {
    let number = Number::read(text, radix);
    let rest = text.as_bytes().get(number.length..).unwrap_or_default();
    let (value, fits) = number.signed();
    (fits && (number.length > 0 || blank) && rest.iter().all(|byte| is_space(*byte))).then_some(value)
}

/// isspace(3) in the locale C.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
