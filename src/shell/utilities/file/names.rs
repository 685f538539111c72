//! readlink(1) and realpath(1) of coreutils.

use super::link::relative_to;
use super::options::{Spec, Takes, parse};
use crate::shell::{Absent, Answer, Call, FileError, Reason};

const READLINK: &[Spec] = &[
    ("canonicalize", "f", Takes::Nothing),
    ("canonicalize-existing", "e", Takes::Nothing),
    ("canonicalize-missing", "m", Takes::Nothing),
    ("no-newline", "n", Takes::Nothing),
    ("quiet", "q", Takes::Nothing),
    ("silent", "s", Takes::Nothing),
    ("verbose", "v", Takes::Nothing),
    ("zero", "z", Takes::Nothing),
];

/// readlink(1)
pub(super) fn readlink(call: &mut Call<'_>) -> Answer {
    let parsed = parse("readlink", READLINK, call.args)?;
    if parsed.operands.is_empty() {
        call.complain("readlink: missing operand");
        return Ok(1);
    }
    let absent = parsed.last(&["canonicalize", "canonicalize-existing", "canonicalize-missing"]).map(|how| match how {
        "canonicalize" => Absent::Last,
        "canonicalize-existing" => Absent::Nothing,
        _ => Absent::Anything,
    });
    let end = match (parsed.has("zero"), parsed.has("no-newline") && parsed.operands.len() == 1) {
        (_, true) => "",
        (true, false) => "\0",
        (false, false) => "\n",
    };
    let mut status = 0;
    for path in &parsed.operands {
        let found = match absent {
            Some(absent) => call.files.canonical(path, absent),
            None => call.files.read_link(path).map(str::to_owned),
        };
        match found {
            Ok(found) => call.print(&format!("{found}{end}")),
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(_) => status = 1,
        }
    }
    Ok(status)
}

const REALPATH: &[Spec] = &[
    ("canonicalize-existing", "e", Takes::Nothing),
    ("canonicalize-missing", "m", Takes::Nothing),
    ("physical", "P", Takes::Nothing),
    ("strip", "s", Takes::Nothing),
    ("no-symlinks", "", Takes::Nothing),
    ("relative-to", "", Takes::Value),
    ("quiet", "q", Takes::Nothing),
    ("zero", "z", Takes::Nothing),
];

/// realpath(1)
pub(super) fn realpath(call: &mut Call<'_>) -> Answer {
    let parsed = parse("realpath", REALPATH, call.args)?;
    if parsed.operands.is_empty() {
        call.complain("realpath: missing operand");
        return Ok(1);
    }
    let absent = match parsed.last(&["canonicalize-existing", "canonicalize-missing"]) {
        Some("canonicalize-existing") => Absent::Nothing,
        Some(_) => Absent::Anything,
        None => Absent::Last,
    };
    let lexical = parsed.last(&["physical", "strip", "no-symlinks"]).is_some_and(|how| how != "physical");
    let end = if parsed.has("zero") { "\0" } else { "\n" };
    if lexical && absent == Absent::Nothing {
        return Err(Reason::unsupported("realpath", "options -e and -s together"));
    }
    let of = |call: &Call<'_>, path: &str| {
        if !lexical || path.is_empty() {
            return call.files.canonical(path, absent);
        }
        // What dots and slashes come after must be a directory; else nothing is looked at.
        if absent == Absent::Last && (path.ends_with('/') || path.split('/').any(|part| part == "." || part == "..")) {
            call.files.canonical(path, absent)?;
        }
        Ok(without_dots(&call.files.cwd(), path))
    };
    let base = match parsed.value("relative-to").map(|dir| of(call, dir)) {
        Some(Err(error)) => return call.failed("realpath", "--relative-to", error),
        base => base.and_then(Result::ok),
    };
    let mut status = 0;
    for path in &parsed.operands {
        match of(call, path) {
            Ok(found) => {
                let found = base.as_ref().map_or(found.clone(), |base| relative_to(&found, base));
                call.print(&format!("{found}{end}"));
            }
            Err(error) => status |= call.failed("realpath", path, error)?,
        }
    }
    Ok(status)
}

/// A path made absolute, `.` and `..` taken out by its text alone.
fn without_dots(cwd: &str, path: &str) -> String {
    let absolute = if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in absolute.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
