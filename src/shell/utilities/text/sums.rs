//! md5sum, sha1sum, sha224sum, sha256sum, sha384sum and sha512sum: the manual of GNU coreutils 9.7, 6.5 to 6.8.

use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::input;
use super::options::{Parsed, Spec};
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

const SPEC: Spec = Spec {
    utility: "md5sum",
    short: "bctw",
    long: &[
        ("binary", 'b'),
        ("check", 'c'),
        ("ignore-missing", 'i'),
        ("quiet", 'q'),
        ("status", 's'),
        ("text", 't'),
        ("warn", 'w'),
    ],
};

fn hex<D: Digest>(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in D::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn run(call: &mut Call<'_>, utility: &'static str, sum: fn(&[u8]) -> String) -> Answer {
    let spec = Spec { utility, ..SPEC };
    let parsed = spec.parse(call.args)?;
    if parsed.has('c') {
        return check(call, utility, sum, parsed);
    }
    let mut status = 0;
    for name in input::or_stdin(parsed.operands.clone()) {
        if name.contains(['\\', '\n', '\r']) {
            return Err(Reason::unsupported(utility, "a name that it escapes"));
        }
        match input::operand(call, utility, &name)? {
            Some(bytes) => {
                let mark = if parsed.has('b') { '*' } else { ' ' };
                call.print(&format!("{} {mark}{name}\n", sum(&bytes)));
            }
            None => status = 1,
        }
    }
    Ok(status)
}

/// `--check`: sums that files have are compared with those that the operands list.
fn check(call: &mut Call<'_>, utility: &str, sum: fn(&[u8]) -> String, parsed: Parsed) -> Answer {
    let (silent, only_failures) = (parsed.has('s'), parsed.has('s') || parsed.has('q'));
    let ignore_missing = parsed.has('i');
    let length = sum(b"").len();
    let mut failed = false;
    for list in input::or_stdin(parsed.operands) {
        let Some(text) = input::operand(call, utility, &list)? else {
            failed = true;
            continue;
        };
        let text = String::from_utf8(text).map_err(|_| Reason::NotText)?;
        let mut any = false;
        let mut found = false;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let parts = line
                .split_once(' ')
                .filter(|(sum, _)| sum.len() == length && sum.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let Some((wanted, name)) = parts.and_then(|(sum, name)| Some((sum, name.strip_prefix([' ', '*'])?))) else {
                if line.contains(['\\', '(']) {
                    return Err(Reason::unsupported(utility, "--check of lines with `\\` or `(`"));
                }
                continue;
            };
            any = true;
            match input::bytes(call, name) {
                Err(crate::shell::files::FileError::Missing) if ignore_missing => {}
                Err(error) => {
                    call.failed(utility, name, error)?;
                    if !silent {
                        call.print(&format!("{name}: FAILED open or read\n"));
                    }
                    failed = true;
                }
                Ok(bytes) => {
                    found = true;
                    let same = sum(&bytes).eq_ignore_ascii_case(wanted);
                    failed |= !same;
                    if !same && !silent {
                        call.print(&format!("{name}: FAILED\n"));
                    } else if same && !only_failures {
                        call.print(&format!("{name}: OK\n"));
                    }
                }
            }
        }
        if !any {
            call.complain(&format!("{utility}: {list}: no properly formatted checksum lines found"));
            failed = true;
        } else if ignore_missing && !found {
            call.complain(&format!("{utility}: {list}: no file was verified"));
            failed = true;
        }
    }
    Ok(u8::from(failed))
}

/// md5sum(1)
pub(super) fn md5sum(call: &mut Call<'_>) -> Answer {
    run(call, "md5sum", hex::<Md5>)
}

/// sha1sum(1)
pub(super) fn sha1sum(call: &mut Call<'_>) -> Answer {
    run(call, "sha1sum", hex::<Sha1>)
}

/// sha224sum(1)
pub(super) fn sha224sum(call: &mut Call<'_>) -> Answer {
    run(call, "sha224sum", hex::<Sha224>)
}

/// sha256sum(1)
pub(super) fn sha256sum(call: &mut Call<'_>) -> Answer {
    run(call, "sha256sum", hex::<Sha256>)
}

/// sha384sum(1)
pub(super) fn sha384sum(call: &mut Call<'_>) -> Answer {
    run(call, "sha384sum", hex::<Sha384>)
}

/// sha512sum(1)
pub(super) fn sha512sum(call: &mut Call<'_>) -> Answer {
    run(call, "sha512sum", hex::<Sha512>)
}
