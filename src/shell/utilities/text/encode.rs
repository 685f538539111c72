//! base64, od and iconv: the manual of GNU coreutils 9.7, 4.1 and 4.4; POSIX.1-2024 XCU od, iconv.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const BASE64: Spec = Spec { utility: "base64", short: "dw:", long: &[("decode", 'd'), ("wrap", 'w')] };
const ICONV: Spec = Spec { utility: "iconv", short: "f:t:", long: &[("from-code", 'f'), ("to-code", 't')] };
const OD: Spec = Spec {
    utility: "od",
    short: "A:N:bcdilosj:t:vx",
    long: &[
        ("address-radix", 'A'),
        ("format", 't'),
        ("output-duplicates", 'v'),
        ("read-bytes", 'N'),
        ("skip-bytes", 'j'),
    ],
};

/// iconv(1), where nothing is to be converted: text of ASCII, and UTF-8 to UTF-8.
pub(super) fn iconv(call: &mut Call<'_>) -> Answer {
    let parsed = ICONV.parse(call.args)?;
    let set = |letter| {
        let name = parsed.value(letter).unwrap_or_default().split("//").next().unwrap_or_default();
        name.to_ascii_uppercase()
    };
    let (from, to) = (set('f'), set('t'));
    let ascii = ["ASCII", "US-ASCII", "ANSI_X3.4-1968", "ISO-8859-1", "ISO-8859-15", "LATIN1"];
    let utf = ["UTF-8", "UTF8"];
    let known = |name: &String| ascii.contains(&name.as_str()) || utf.contains(&name.as_str());
    let (text, status) = input::all(call, "iconv", parsed.operands.clone())?;
    let both = |names: &[&str]| names.contains(&from.as_str()) && names.contains(&to.as_str());
    let same = known(&from) && known(&to) && text.is_ascii() || both(&utf) && std::str::from_utf8(&text).is_ok();
    if !same {
        return Err(Reason::unsupported("iconv", format!("text from `{from}` to `{to}`")));
    }
    call.out.extend(text);
    Ok(status)
}

/// base64(1)
pub(super) fn base64(call: &mut Call<'_>) -> Answer {
    let parsed = BASE64.parse(call.args)?;
    let width = parsed.value('w').map_or(Ok(76), |width| input::number("base64", width))?;
    let name = match parsed.operands.as_slice() {
        [] => "-",
        [name] => name,
        _ => return Err(Reason::unsupported("base64", "several files")),
    };
    let Some(bytes) = input::operand(call, "base64", name)? else { return Ok(1) };
    if parsed.has('d') {
        let text: Vec<u8> = bytes.into_iter().filter(|byte| *byte != b'\n').collect();
        let decoded = BASE64_STANDARD.decode(text);
        call.out.extend(decoded.map_err(|_| Reason::unsupported("base64", "text that is not valid"))?);
        return Ok(0);
    }
    let text = BASE64_STANDARD.encode(bytes).into_bytes();
    if width == 0 {
        call.out.extend(text);
        return Ok(0);
    }
    for line in text.chunks(width) {
        call.out.extend_from_slice(line);
        call.out.push(b'\n');
    }
    Ok(0)
}

/// How od writes what it reads.
#[derive(Clone, Copy)]
struct Format {
    /// `c`, `d`, `o`, `u`, `x`
    kind: char,
    size: usize,
}

impl Format {
    fn of(text: &str) -> Result<Self, Reason> {
        let wrong = || Reason::unsupported("od", format!("the format `{text}`"));
        let (kind, size) = text.split_at_checked(1).ok_or_else(wrong)?;
        let kind = kind.chars().next().ok_or_else(wrong)?;
        let size = match (kind, size) {
            ('c', "") | ('d' | 'o' | 'u' | 'x', "1" | "C") => 1,
            ('d' | 'o' | 'u' | 'x', "2" | "S") => 2,
            ('d' | 'o' | 'u' | 'x', "" | "4" | "I") => 4,
            ('d' | 'o' | 'u' | 'x', "8" | "L") => 8,
            _ => return Err(wrong()),
        };
        Ok(Self { kind, size })
    }

    /// All machines that Debian is built for today but one have the lowest byte first.
    fn write(self, bytes: &[u8]) -> String {
        let unsigned = bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let shift = 64 - 8 * self.size;
        let signed = (unsigned << shift).cast_signed() >> shift;
        let digits = [(3, 4, 3, 2), (5, 6, 6, 4), (10, 11, 11, 8), (20, 20, 22, 16)];
        let place = self.size.trailing_zeros() as usize;
        let (decimal, with_sign, octal, hex) = digits.get(place).copied().unwrap_or_default();
        match self.kind {
            'd' => format!(" {signed:with_sign$}"),
            'u' => format!(" {unsigned:decimal$}"),
            'o' => format!(" {unsigned:0octal$o}"),
            'x' => format!(" {unsigned:0hex$x}"),
            _ => match bytes.first().copied().unwrap_or_default() {
                0 => "  \\0".to_owned(),
                0x07 => "  \\a".to_owned(),
                0x08 => "  \\b".to_owned(),
                0x0c => "  \\f".to_owned(),
                b'\n' => "  \\n".to_owned(),
                b'\r' => "  \\r".to_owned(),
                b'\t' => "  \\t".to_owned(),
                0x0b => "  \\v".to_owned(),
                byte @ b' '..=b'~' => format!("   {}", char::from(byte)),
                byte => format!(" {byte:03o}"),
            },
        }
    }
}

/// od(1)
pub(super) fn od(call: &mut Call<'_>) -> Answer {
    let parsed = OD.parse(call.args)?;
    let mut formats = Vec::new();
    for (letter, value) in &parsed.options {
        formats.push(Format::of(match letter {
            'b' => "o1",
            'c' => "c",
            'd' => "u2",
            'i' => "d4",
            'l' => "d8",
            'o' => "o2",
            's' => "d2",
            'x' => "x2",
            't' => value.as_deref().unwrap_or_default(),
            _ => continue,
        })?);
    }
    let format = match formats.as_slice() {
        [] => Format { kind: 'o', size: 2 },
        [only] => *only,
        _ => return Err(Reason::unsupported("od", "several formats")),
    };
    let number = |letter, default| parsed.value(letter).map_or(Ok(default), |value| input::number("od", value));
    let (skip, most) = (number('j', 0)?, number('N', usize::MAX)?);
    let address = |at: usize| match parsed.value('A') {
        None | Some("o") => Ok(format!("{at:07o}")),
        Some("d") => Ok(format!("{at:07}")),
        Some("x") => Ok(format!("{at:06x}")),
        Some("n") => Ok(String::new()),
        Some(_) => Err(Reason::unsupported("od", "such addresses")),
    };
    address(0)?;
    if parsed.operands.iter().any(|name| name.starts_with('+')) {
        return Err(Reason::unsupported("od", "an offset as operand"));
    }
    let (text, status) = input::all(call, "od", parsed.operands.clone())?;
    if skip > text.len() {
        return Err(Reason::unsupported("od", "-j beyond the end"));
    }
    let text: Vec<u8> = text.into_iter().skip(skip).take(most).collect();
    let mut at = skip;
    let mut before: Option<&[u8]> = None;
    let mut starred = false;
    for line in text.chunks(16) {
        if !parsed.has('v') && before == Some(line) && line.len() == 16 {
            if !starred {
                call.print("*\n");
            }
            starred = true;
        } else {
            starred = false;
            let values: String = line.chunks(format.size).map(|value| format.write(value)).collect();
            call.print(&format!("{}{values}\n", address(at)?));
        }
        before = Some(line);
        at += line.len();
    }
    let last = address(at)?;
    if !last.is_empty() {
        call.print(&format!("{last}\n"));
    }
    Ok(status)
}
