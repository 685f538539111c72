//! rm(1) and rmdir(1), of POSIX and coreutils.

use super::options::{Parsed, Spec, Takes, base, join, parse, quoted};
use crate::shell::{Answer, Call, FileError, Reason};

const RM: &[Spec] = &[
    ("force", "f", Takes::Nothing),
    ("recursive", "rR", Takes::Nothing),
    ("dir", "d", Takes::Nothing),
    ("verbose", "v", Takes::Nothing),
    ("preserve-root", "", Takes::Nothing),
    ("one-file-system", "", Takes::Nothing),
];

/// rm(1). Nobody is asked: standard input of a script is no terminal, and root may write to everything.
pub(super) fn rm(call: &mut Call<'_>) -> Answer {
    let parsed = parse("rm", RM, call.args)?;
    if parsed.operands.is_empty() && !parsed.has("force") {
        call.complain("rm: missing operand");
        return Ok(1);
    }
    let mut status = 0;
    for path in &parsed.operands {
        status |= remove(call, &parsed, path)?;
    }
    Ok(status)
}

fn remove(call: &mut Call<'_>, parsed: &Parsed, path: &str) -> Answer {
    let is_dir = match call.files.stat(path, false) {
        Ok((_, node)) => node.is_dir(),
        Err(FileError::Missing | FileError::NotDirectory | FileError::Invalid) if parsed.has("force") => return Ok(0),
        Err(error) => return call.failed("rm", path, error),
    };
    if [".", "..", "/"].contains(&base(path)) {
        call.complain(&format!("rm: refusing to remove '{path}'"));
        return Ok(1);
    }
    let done = match (is_dir, parsed.has("recursive")) {
        (true, true) => return remove_all(call, parsed, path),
        (true, false) if parsed.has("dir") => call.files.rmdir(path),
        (true, false) => Err(FileError::IsDirectory),
        (false, _) => call.files.unlink(path),
    };
    if let Err(error) = done {
        return call.failed("rm", path, error);
    }
    if parsed.has("verbose") {
        let what = if is_dir { "removed directory" } else { "removed" };
        call.print(&format!("{what} {}\n", quoted("rm", path)?));
    }
    Ok(0)
}

/// A directory with all below it.
fn remove_all(call: &mut Call<'_>, parsed: &Parsed, path: &str) -> Answer {
    if !parsed.has("verbose") && !path.ends_with('/') {
        return match call.files.remove_all(path) {
            Ok(()) => Ok(0),
            Err(error) => call.failed("rm", path, error),
        };
    }
    let names = match call.files.list(path) {
        Ok(names) => names,
        Err(error) => return call.failed("rm", path, error),
    };
    if parsed.has("verbose") && names.len() > 1 {
        // One after the other, as the file system has them.
        return Err(Reason::differs("rm", "the order of a directory"));
    }
    let mut status = 0;
    for name in names {
        status |= remove(call, parsed, &join(path, &name))?;
    }
    match call.files.rmdir(path) {
        Ok(()) => {}
        // A link with a slash after it: what it leads to is emptied, and nobody is told of the rest.
        Err(FileError::NotDirectory) if parsed.has("force") => return Ok(status),
        Err(error) => return call.failed("rm", path, error),
    }
    if parsed.has("verbose") {
        call.print(&format!("removed directory {}\n", quoted("rm", path)?));
    }
    Ok(status)
}

const RMDIR: &[Spec] = &[
    ("parents", "p", Takes::Nothing),
    ("ignore-fail-on-non-empty", "", Takes::Nothing),
    ("verbose", "v", Takes::Nothing),
];

/// rmdir(1)
pub(super) fn rmdir(call: &mut Call<'_>) -> Answer {
    let parsed = parse("rmdir", RMDIR, call.args)?;
    if parsed.operands.is_empty() {
        call.complain("rmdir: missing operand");
        return Ok(1);
    }
    let mut status = 0;
    for operand in &parsed.operands {
        let mut path = operand.as_str();
        loop {
            if parsed.has("verbose") {
                call.print(&format!("rmdir: removing directory, {}\n", quoted("rmdir", path)?));
            }
            match call.files.rmdir(path) {
                Ok(()) => {}
                Err(FileError::NotEmpty) if parsed.has("ignore-fail-on-non-empty") => break,
                Err(error) => {
                    status |= call.failed("rmdir", path, error)?;
                    break;
                }
            }
            let above = path.trim_end_matches('/').rsplit_once('/').map(|(above, _)| above.trim_end_matches('/'));
            match above {
                Some(above) if parsed.has("parents") && !above.is_empty() => path = above,
                _ => break,
            }
        }
    }
    Ok(status)
}
