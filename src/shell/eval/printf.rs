//! `printf` (XCU 3) and the backslashes of `echo`.

/// Bytes that a field may be wide.
const WIDTH_MAX: usize = 4096;

/// The bytes of a text with the backslashes of dash's `echo` and of `%b`, and whether `\c` stopped it.
pub(super) fn escapes(text: &str) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(rest.get(..at).unwrap_or_default().as_bytes());
        rest = rest.get(at + 1..).unwrap_or_default();
        if rest.starts_with('c') {
            return (bytes, true);
        }
        // `\0NNN` here; `\NNN` in a format.
        let digits = rest.strip_prefix('0').map(|rest| octal(rest, 3));
        match digits {
            Some((value, length)) => {
                bytes.push(value);
                rest = rest.get(1 + length..).unwrap_or_default();
            }
            None => rest = simple(rest, &mut bytes),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    (bytes, false)
}

/// The value of up to `most` octal digits, and how many there are.
fn octal(text: &str, most: usize) -> (u8, usize) {
    let length = text.bytes().take(most).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let value = text.bytes().take(length).fold(0_u32, |value, byte| value * 8 + u32::from(byte - b'0'));
    (value.to_le_bytes()[0], length)
}

/// One escape sequence after its backslash; gives back what follows. An unknown one stands for itself.
fn simple<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let known = match rest.bytes().next() {
        Some(b'a') => 7,
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'v') => 11,
        Some(b'\\') => b'\\',
        _ => {
            bytes.push(b'\\');
            return rest;
        }
    };
    bytes.push(known);
    rest.get(1..).unwrap_or_default()
}

/// What `printf FORMAT ARGUMENT…` prints, and what it complains about.
///
/// # Errors
/// What of the format is not modelled.
pub(super) fn format(args: &[String]) -> Result<(Vec<u8>, Vec<String>), String> {
    let args = if args.first().is_some_and(|arg| arg == "--") { args.get(1..).unwrap_or_default() } else { args };
    let Some((format, mut values)) = args.split_first() else { return Err("no format".to_owned()) };
    let (mut bytes, mut complaints) = (Vec::new(), Vec::new());
    loop {
        let before = values.len();
        if once(format, &mut values, &mut bytes, &mut complaints)? || values.is_empty() || values.len() == before {
            return Ok((bytes, complaints));
        }
    }
}

/// Goes through the format once. Says whether `\c` stopped it.
fn once(
    format: &str,
    values: &mut &[String],
    bytes: &mut Vec<u8>,
    complaints: &mut Vec<String>,
) -> Result<bool, String> {
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        bytes.extend_from_slice(rest.get(..at).unwrap_or_default().as_bytes());
        let is_escape = rest.get(at..).is_some_and(|rest| rest.starts_with('\\'));
        rest = rest.get(at + 1..).unwrap_or_default();
        if is_escape {
            if rest.starts_with('c') {
                return Ok(true);
            }
            let (value, length) = octal(rest, 3);
            if length > 0 {
                bytes.push(value);
                rest = rest.get(length..).unwrap_or_default();
            } else {
                rest = simple(rest, bytes);
            }
            continue;
        }
        if let Some(after) = rest.strip_prefix('%') {
            bytes.push(b'%');
            rest = after;
            continue;
        }
        let mut next = || {
            let (first, others) = values.split_first()?;
            *values = others;
            Some(first.clone())
        };
        let flags_end = rest.find(|next: char| !"-+ #0".contains(next)).unwrap_or(rest.len());
        let (flags, after) = rest.split_at(flags_end);
        let mut size = |text: &'_ str| -> (Option<usize>, usize) {
            if text.starts_with('*') {
                return (next().and_then(|value| value.parse().ok()), 1);
            }
            let end = text.find(|next: char| !next.is_ascii_digit()).unwrap_or(text.len());
            (text.get(..end).and_then(|digits| digits.parse().ok()), end)
        };
        let (width, end) = size(after);
        let after = after.get(end..).unwrap_or_default();
        let (precision, after) = match after.strip_prefix('.') {
            Some(after) => {
                let (precision, end) = size(after);
                (Some(precision.unwrap_or(0)), after.get(end..).unwrap_or_default())
            }
            None => (None, after),
        };
        if width.unwrap_or(0).max(precision.unwrap_or(0)) > WIDTH_MAX {
            return Err("such a wide field".to_owned());
        }
        let Some(kind) = after.chars().next() else { return Err("a `%` at the end".to_owned()) };
        rest = after.get(kind.len_utf8()..).unwrap_or_default();
        let value = next();
        let mut number = || {
            let text = value.as_deref().unwrap_or("0");
            integer(text).unwrap_or_else(|| {
                complaints.push(format!("printf: {text}: expected numeric value"));
                0
            })
        };
        let (text, stopped) = match kind {
            's' => (value.unwrap_or_default().into_bytes(), false),
            'b' => escapes(&value.unwrap_or_default()),
            'c' => (value.unwrap_or_default().chars().take(1).collect::<String>().into_bytes(), false),
            'd' | 'i' => {
                let number = number();
                let sign = if number < 0 {
                    "-"
                } else if flags.contains('+') {
                    "+"
                } else if flags.contains(' ') {
                    " "
                } else {
                    ""
                };
                (digits(sign, &number.unsigned_abs().to_string(), flags, width, precision), false)
            }
            'u' => (digits("", &number().cast_unsigned().to_string(), flags, width, precision), false),
            'o' => (digits("", &format!("{:o}", number()), flags, width, precision), false),
            'x' => (
                digits(
                    if flags.contains('#') { "0x" } else { "" },
                    &format!("{:x}", number()),
                    flags,
                    width,
                    precision,
                ),
                false,
            ),
            'X' => (
                digits(
                    if flags.contains('#') { "0X" } else { "" },
                    &format!("{:X}", number()),
                    flags,
                    width,
                    precision,
                ),
                false,
            ),
            kind => return Err(format!("`%{kind}`")),
        };
        let text = match (kind, precision) {
            ('s' | 'b', Some(precision)) => text.get(..precision.min(text.len())).unwrap_or_default().to_vec(),
            _ => text,
        };
        let fill = width.unwrap_or(0).saturating_sub(text.len());
        if !flags.contains('-') {
            bytes.extend(std::iter::repeat_n(b' ', fill));
        }
        bytes.extend_from_slice(&text);
        if flags.contains('-') {
            bytes.extend(std::iter::repeat_n(b' ', fill));
        }
        if stopped {
            return Ok(true);
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(false)
}

/// A number's sign and digits, with the zeros that precision and flags ask for.
fn digits(sign: &str, digits: &str, flags: &str, width: Option<usize>, precision: Option<usize>) -> Vec<u8> {
    let wanted = match precision {
        Some(precision) => precision,
        None if flags.contains('0') && !flags.contains('-') => width.unwrap_or(0).saturating_sub(sign.len()),
        None => 0,
    };
    let zeros = wanted.saturating_sub(digits.len());
    format!("{sign}{}{digits}", "0".repeat(zeros)).into_bytes()
}

/// A number as C writes it, or the code of a character after a quote.
fn integer(text: &str) -> Option<i64> {
    if let Some(quoted) = text.strip_prefix(['\'', '"']) {
        return Some(quoted.chars().next().map_or(0, |character| i64::from(u32::from(character))));
    }
    let text = text.trim_start();
    let (negative, digits) =
        text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(text)), |rest| (true, rest));
    let value = if let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(digits, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else if digits.is_empty() {
        Ok(0)
    } else {
        digits.parse()
    };
    value.ok().map(|value| if negative { -value } else { value })
}
