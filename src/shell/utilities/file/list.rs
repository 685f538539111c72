//! ls(1), of POSIX and coreutils: names, one a line, in byte order (the locale of an installation is C.UTF-8).

use jiff::Timestamp;

use super::options::{Parsed, Spec, Takes, parse};
use super::owner::{group_name, user_name};
use super::stat::permissions;
use crate::shell::utilities::text::version;
use crate::shell::{Answer, Call, FileError, Reason};
use crate::tree::Kind;

const OPTIONS: &[Spec] = &[
    ("all", "a", Takes::Nothing),
    ("almost-all", "A", Takes::Nothing),
    ("directory", "d", Takes::Nothing),
    ("dereference", "L", Takes::Nothing),
    ("reverse", "r", Takes::Nothing),
    ("v", "v", Takes::Nothing),
    ("1", "1", Takes::Nothing),
    ("long", "l", Takes::Nothing),
    ("numeric-uid-gid", "n", Takes::Nothing),
];

/// ls(1) where standard output is no terminal
pub(super) fn ls(call: &mut Call<'_>) -> Answer {
    let parsed = parse("ls", OPTIONS, call.args)?;
    if parsed.has("long") || parsed.has("numeric-uid-gid") {
        return long(call, &parsed);
    }
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

/// `-l` and `-n` of one file: the columns of several are as wide as the widest of them. All files of an image have its moment; whether
/// that is told with its year depends on the clock, and is the same column.
fn long(call: &mut Call<'_>, parsed: &Parsed) -> Answer {
    let [path] = parsed.operands.as_slice() else {
        return Err(Reason::unsupported("ls", "option -l of other than one file"));
    };
    let files = &*call.files;
    let (inode, node) = match files.stat(path, parsed.has("dereference")) {
        Ok(found) => found,
        Err(error) => return call.failed("ls", path, error).map(|_| 2),
    };
    let (size, target) = match &node.kind {
        Kind::File(content) => (content.len(), String::new()),
        Kind::Symlink(target) => (target.len() as u64, format!(" -> {target}")),
        _ => return Err(Reason::unsupported("ls", "option -l of what is no file")),
    };
    let moment = call.variables.get("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse().ok());
    let moment = moment.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let moment = moment.ok_or_else(|| Reason::differs("ls -l", "the clock"))?.strftime("%b %e  %Y").to_string();
    let (mut user, mut group) = (node.uid.to_string(), node.gid.to_string());
    if !parsed.has("numeric-uid-gid") {
        user = user_name(files, node.uid)?.unwrap_or(user);
        group = group_name(files, node.gid)?.unwrap_or(group);
    }
    let (mode, links) = (permissions(node), files.names(&inode));
    call.print(&format!("{mode} {links} {user} {group} {size} {moment} {path}{target}\n"));
    Ok(0)
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
