//! basename and dirname: POSIX.1-2024 XCU basename, dirname; the manual of GNU coreutils 9.7, 18.1 and 18.2.

use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const BASENAME: Spec =
    Spec { utility: "basename", short: "as:z", long: &[("multiple", 'a'), ("suffix", 's'), ("zero", 'z')] };
const DIRNAME: Spec = Spec { utility: "dirname", short: "z", long: &[("zero", 'z')] };

/// The last component of a path.
fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit_once('/') {
        Some((_, base)) => base,
        None if trimmed.is_empty() && !path.is_empty() => "/",
        None => trimmed,
    }
}

/// What is before the last component of a path.
fn dir(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit_once('/') {
        Some((dir, _)) if dir.trim_end_matches('/').is_empty() => "/",
        Some((dir, _)) => dir.trim_end_matches('/'),
        None if trimmed.is_empty() && !path.is_empty() => "/",
        None => ".",
    }
}

/// basename(1)
pub(super) fn basename(call: &mut Call<'_>) -> Answer {
    let parsed = BASENAME.parse(call.args)?;
    let end = if parsed.has('z') { "\0" } else { "\n" };
    let several = parsed.has('a') || parsed.has('s');
    let (names, suffix) = match parsed.operands.as_slice() {
        names @ [_, ..] if several => (names, parsed.value('s').unwrap_or_default()),
        [name] => (std::slice::from_ref(name), ""),
        [name, suffix] => (std::slice::from_ref(name), suffix.as_str()),
        _ => return Err(Reason::unsupported("basename", "that many operands")),
    };
    for name in names {
        let base = base(name);
        // A suffix that is all of it stays.
        let base = base.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(base);
        call.print(&format!("{base}{end}"));
    }
    Ok(0)
}

/// dirname(1)
pub(super) fn dirname(call: &mut Call<'_>) -> Answer {
    let parsed = DIRNAME.parse(call.args)?;
    let end = if parsed.has('z') { "\0" } else { "\n" };
    if parsed.operands.is_empty() {
        return Err(Reason::unsupported("dirname", "no operand"));
    }
    for name in &parsed.operands {
        call.print(&format!("{}{end}", dir(name)));
    }
    Ok(0)
}
