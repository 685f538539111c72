//! What utilities read: files, standard input, lines.

use crate::shell::call::Call;
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

/// Most bytes that one call may put out.
pub(super) const OUTPUT_MAX: usize = 64 << 20;

/// Whether an operand means standard input.
pub(super) fn is_stdin(name: &str) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(&name)
}

/// The bytes of a file.
pub(super) fn bytes(call: &Call<'_>, name: &str) -> Result<Vec<u8>, FileError> {
    if is_stdin(name) {
        // Who reads it again finds its end.
        return Ok(if call.stdin.was_read() { Vec::new() } else { call.stdin.to_vec() });
    }
    call.files.read(name).map(std::borrow::Cow::into_owned)
}

/// The bytes of an operand. If it cannot be read there is a diagnostic and nothing.
pub(super) fn operand(call: &mut Call<'_>, utility: &str, name: &str) -> Result<Option<Vec<u8>>, Reason> {
    match bytes(call, name) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => call.failed(utility, name, error).map(|_| None),
    }
}

/// The operands, or standard input if there are none.
pub(super) fn or_stdin(operands: Vec<String>) -> Vec<String> {
    if operands.is_empty() { vec!["-".to_owned()] } else { operands }
}

/// Reads all operands into one text, as utilities do that do not tell them apart. Gives also the exit status: 1 if one of them could
/// not be read.
pub(super) fn all(call: &mut Call<'_>, utility: &str, operands: Vec<String>) -> Result<(Vec<u8>, u8), Reason> {
    let mut text = Vec::new();
    let mut status = 0;
    for name in or_stdin(operands) {
        match operand(call, utility, &name)? {
            Some(bytes) => text.extend_from_slice(&bytes),
            None => status = 1,
        }
    }
    Ok((text, status))
}

/// The lines of a text without their ends; an unfinished last line is one too.
pub(super) fn lines(text: &[u8], end: u8) -> impl DoubleEndedIterator<Item = &[u8]> {
    let finished = text.strip_suffix(&[end]);
    let text = finished.unwrap_or(text);
    let empty = finished.is_none() && text.is_empty();
    text.split(move |byte| *byte == end).filter(move |_| !empty)
}

/// Refuses output without bound.
pub(super) fn bounded(length: usize) -> Result<(), Reason> {
    if length > OUTPUT_MAX { Err(Reason::Limit("64 MiB of output")) } else { Ok(()) }
}

/// A number that is written in decimal digits.
pub(super) fn number(utility: &str, text: &str) -> Result<usize, Reason> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| Reason::unsupported(utility, format!("the number `{text}`")))
}
