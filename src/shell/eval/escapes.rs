//! Backslashes in the format of `printf` and in the operands of `echo` and `%b` (XCU 3, "printf", "echo").

/// One escape sequence, of which `bytes` are what follows the backslash: its value, and how many bytes it takes. A backslash
/// before anything else stands for itself. `\e` is Debian's.
pub(super) fn escape(bytes: &[u8]) -> (u8, usize) {
    let value = match bytes.first() {
        Some(b'\\') => b'\\',
        Some(b'a') => 7,
        Some(b'b') => 8,
        Some(b'e') => 27,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'v') => 11,
        Some(b'0'..=b'7') => return octal(bytes),
        _ => return (b'\\', 0),
    };
    (value, 1)
}

/// The value of up to three octal digits, and how many there are.
fn octal(bytes: &[u8]) -> (u8, usize) {
    let digits = bytes.iter().take(3).take_while(|byte| (b'0'..=b'7').contains(*byte));
    digits.fold((0, 0), |(value, length): (u8, usize), byte| {
        (value.wrapping_mul(8).wrapping_add(byte - b'0'), length + 1)
    })
}

/// A text with its escape sequences made good, and whether `\c` ended it. Octal digits come after a `\0` here.
pub(super) fn escapes(text: &str) -> (Vec<u8>, bool) {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.first() == Some(&b'c') {
            return (out, true);
        }
        let zero =
            usize::from(rest.first() == Some(&b'0') && rest.get(1).is_some_and(|next| (b'0'..=b'7').contains(next)));
        let (value, length) = escape(rest.get(zero..).unwrap_or_default());
        out.push(value);
        at += zero + length;
    }
    (out, false)
}
