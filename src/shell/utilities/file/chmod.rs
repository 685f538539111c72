//! chmod(1), of POSIX and coreutils.

use super::below::{Start, below};
use super::mode::Mode;
use super::options::{Parsed, Spec, Takes, parse};
use crate::shell::{Answer, Call, FileError};
use crate::tree::Kind;

const OPTIONS: &[Spec] = &[
    ("recursive", "R", Takes::Nothing),
    ("silent", "f", Takes::Nothing),
    ("quiet", "", Takes::Nothing),
    ("preserve-root", "", Takes::Nothing),
    ("no-preserve-root", "", Takes::Nothing),
    ("reference", "", Takes::Value),
];

/// Whether an argument such as `-x` is a mode and no option.
fn is_minus_mode(arg: &str) -> bool {
    let letters = |char: char| "rwxXstugoa,+=-01234567".contains(char);
    arg.strip_prefix('-')
        .is_some_and(|mode| mode.starts_with(|char: char| char != '-' && letters(char)) && mode.chars().all(letters))
}

/// chmod(1)
pub(super) fn chmod(call: &mut Call<'_>) -> Answer {
    let end = call.args.iter().position(|arg| arg == "--").unwrap_or(call.args.len());
    let minus = |(at, arg): &(usize, &String)| *at < end && is_minus_mode(arg);
    let modes: Vec<&str> = call.args.iter().enumerate().filter(minus).map(|(_, arg)| arg.as_str()).collect();
    let others: Vec<String> =
        call.args.iter().enumerate().filter(|arg| !minus(arg)).map(|(_, arg)| arg.clone()).collect();
    let mut parsed = parse("chmod", OPTIONS, &others)?;
    let minus = (!modes.is_empty()).then(|| modes.join(","));
    let umask = call.files.umask;

    let (mode, umask) = if let Some(path) = parsed.value("reference") {
        match call.files.stat(path, true) {
            // Exactly that mode, also the set-id bits of directories.
            Ok((_, node)) => (Mode::parse(&format!("{:05o}", node.mode)), umask),
            Err(error) => return call.failed("chmod", path, error),
        }
    } else {
        let text = match &minus {
            Some(modes) => modes.clone(),
            None if parsed.operands.is_empty() => {
                call.complain("chmod: missing operand");
                return Ok(1);
            }
            None => parsed.operands.remove(0),
        };
        (Mode::parse(&text), umask)
    };
    let Some(mode) = mode else {
        call.complain("chmod: invalid mode");
        return Ok(1);
    };
    if parsed.operands.is_empty() {
        call.complain("chmod: missing operand");
        return Ok(1);
    }
    let mut status = 0;
    for path in parsed.operands.clone() {
        status |= change(call, &parsed, &mode, &path, umask, minus.is_some())?;
    }
    Ok(status)
}

fn change(call: &mut Call<'_>, parsed: &Parsed, mode: &Mode, path: &str, umask: u16, minus: bool) -> Answer {
    let mut paths = vec![path.to_owned()];
    if parsed.has("recursive") {
        match below(call.files, path, Start::Follow) {
            Ok(found) => paths.extend(found),
            Err(error) => return call.failed("chmod", path, error),
        }
    }
    let mut status = 0;
    for (place, path) in paths.iter().enumerate() {
        let (old, directory) = match call.files.stat(path, place == 0) {
            // Links below a directory are passed over: they have no mode of their own.
            Ok((_, node)) if matches!(node.kind, Kind::Symlink(_)) => continue,
            Ok((_, node)) => (node.mode, node.is_dir()),
            Err(error) => {
                status |= call.failed("chmod", path, error)?;
                continue;
            }
        };
        let (new, _) = mode.apply(old, directory, umask);
        if let Err(error) = call.files.chmod(path, new) {
            status |= call.failed("chmod", path, error)?;
        }
        // A mode such as `-w` is said to have failed where the mask kept it from what one would expect.
        if minus && new & !mode.apply(old, directory, 0).0 != 0 {
            status |= call.failed("chmod", path, FileError::NotPermitted)?;
        }
    }
    Ok(status)
}
