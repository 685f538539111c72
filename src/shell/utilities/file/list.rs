//! ls(1), of POSIX and coreutils: names, one a line, in byte order (the locale of an installation is C.UTF-8).

use super::options::{Parsed, Spec, Takes, parse};
use crate::shell::utilities::text::version;
use crate::shell::{Answer, Call, FileError, Reason};

const OPTIONS: &[Spec] = &[
    ("all", "a", Takes::Nothing),
    ("almost-all", "A", Takes::Nothing),
    ("directory", "d", Takes::Nothing),
    ("dereference", "L", Takes::Nothing),
    ("reverse", "r", Takes::Nothing),
    ("v", "v", Takes::Nothing),
    ("1", "1", Takes::Nothing),
];

/// ls(1) where standard output is no terminal
pub(super) fn ls(call: &mut Call<'_>) -> Answer {
    let parsed = parse("ls", OPTIONS, call.args)?;
    let mut operands = parsed.operands.clone();
    if operands.is_empty() {
        operands.push(".".to_owned());
    }
    operands.sort();
    if parsed.has("v") {
        operands.sort_by(|a, b| version::compare(a.as_bytes(), b.as_bytes()));
    }
    if parsed.has("reverse") {
        operands.reverse();
    }
    let mut status = 0;
    let (mut plain, mut dirs) = (Vec::new(), Vec::new());
    for path in operands {
        // A link that leads nowhere is listed itself, unless what it leads to was asked for.
        let found = match call.files.stat(&path, !parsed.has("directory")) {
            Err(FileError::Missing | FileError::Loop) if !parsed.has("dereference") => call.files.stat(&path, false),
            found => found,
        };
        match found {
            Ok((_, node)) if node.is_dir() && !parsed.has("directory") => dirs.push(path),
            Ok(_) => plain.push(path),
            Err(error) => {
                call.failed("ls", &path, error)?;
                status = 2;
            }
        }
    }
    let headers = dirs.len() + plain.len() > 1 || status != 0;
    let mut blank = !plain.is_empty();
    for path in plain {
        call.print(&format!("{path}\n"));
    }
    for dir in dirs {
        if std::mem::replace(&mut blank, true) {
            call.print("\n");
        }
        if headers {
            call.print(&format!("{dir}:\n"));
        }
        for name in names(call, &parsed, &dir)? {
            call.print(&format!("{name}\n"));
        }
    }
    Ok(status)
}

fn names(call: &Call<'_>, parsed: &Parsed, dir: &str) -> Result<Vec<String>, Reason> {
    let mut names = match call.files.list(dir) {
        Ok(names) => names,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => Vec::new(),
    };
    match parsed.last(&["all", "almost-all"]) {
        Some("all") => names.extend([".".to_owned(), "..".to_owned()]),
        Some(_) => {}
        None => names.retain(|name| !name.starts_with('.')),
    }
    names.sort();
    if parsed.has("v") {
        names.sort_by(|a, b| version::compare(a.as_bytes(), b.as_bytes()));
    }
    if parsed.has("reverse") {
        names.reverse();
    }
    Ok(names)
}
