//! install(1) of coreutils.

use std::collections::BTreeSet;

use super::directories::{above, make_as, settle};
use super::mode::Mode;
use super::options::{Parsed, Spec, Takes, join, parse};
use super::owner::{Invalid, Owner, parse_group, parse_user};
use super::targets::{AT, INTO, Pair, inode, pairs, same_name};
use crate::shell::{Answer, Call, FileError, Files, Reason};

const OPTIONS: &[Spec] = &[
    ("directory", "d", Takes::Nothing),
    ("mode", "m", Takes::Value),
    ("owner", "o", Takes::Value),
    ("group", "g", Takes::Value),
    ("D", "D", Takes::Nothing),
    ("c", "c", Takes::Nothing),
    // What is the same already stays: the result is the same too.
    ("compare", "C", Takes::Nothing),
    // Times are not kept.
    ("preserve-timestamps", "p", Takes::Nothing),
    ("Z", "Z", Takes::Nothing),
    INTO,
    AT,
];

/// install(1)
pub(super) fn install(call: &mut Call<'_>) -> Answer {
    let parsed = parse("install", OPTIONS, call.args)?;
    let mode = match parsed.value("mode").map(Mode::parse) {
        Some(None) => {
            call.complain("install: invalid mode");
            return Ok(1);
        }
        mode => mode.flatten(),
    };
    let owner = match owner(call.files, &parsed)? {
        Ok(owner) => owner,
        Err(Invalid(why)) => {
            call.complain(&format!("install: {why}"));
            return Ok(1);
        }
    };
    // install(1) makes directories and sets modes without regard to the mask.
    let umask = std::mem::take(&mut call.files.umask);
    let done = if parsed.has("directory") {
        directories(call, &parsed, mode.as_ref(), owner)
    } else {
        files(call, &parsed, mode.as_ref(), owner)
    };
    call.files.umask = umask;
    done
}

fn owner(files: &Files, parsed: &Parsed) -> Result<Result<Owner, Invalid>, Reason> {
    let user = parsed.value("owner").filter(|name| !name.is_empty());
    let group = parsed.value("group").filter(|name| !name.is_empty());
    let uid = user.map(|name| parse_user(files, name)).transpose()?.transpose();
    let gid = group.map(|name| parse_group(files, name)).transpose()?.transpose();
    Ok(uid.and_then(|uid| Ok(Owner { uid, gid: gid? })))
}

fn directories(call: &mut Call<'_>, parsed: &Parsed, mode: Option<&Mode>, owner: Owner) -> Answer {
    if parsed.has("target-directory") || parsed.has("no-target-directory") {
        call.complain("install: target directory not allowed when installing a directory");
        return Ok(1);
    }
    if parsed.operands.is_empty() {
        call.complain("install: missing file operand");
        return Ok(1);
    }
    let mut status = 0;
    for path in &parsed.operands {
        if let Err(error) = directory(call.files, path, mode, owner) {
            status |= call.failed("install", path, error)?;
        }
    }
    Ok(status)
}

/// A directory, which may be there already: it gets owner and mode too. Those above it that are missing get mode 0755.
fn directory(files: &mut Files, path: &str, mode: Option<&Mode>, owner: Owner) -> Result<(), FileError> {
    above(files, path, 0o755, &mut Vec::new())?;
    let asked = mode.map_or((0o755, 0o7777), |mode| mode.apply(0, true, 0));
    let owned = owner != Owner::default();
    if !files.is_dir(path)? {
        make_as(files, path, asked, owned)?;
    }
    if owned {
        files.chown(path, owner.uid, owner.gid, true)?;
    }
    settle(files, path, asked)
}

fn files(call: &mut Call<'_>, parsed: &Parsed, mode: Option<&Mode>, owner: Owner) -> Answer {
    if parsed.has("D") {
        let dir = match (parsed.value("target-directory"), parsed.operands.as_slice()) {
            (Some(dir), [_, ..]) => join(dir, "x"),
            (None, [_, target]) => target.clone(),
            _ => String::new(),
        };
        if let Err(error) = above(call.files, &dir, 0o755, &mut Vec::new()) {
            return call.failed("install", &dir, error);
        }
    }
    let Some(pairs) = pairs(call, "install", parsed, false)? else { return Ok(1) };
    let mode = mode.map_or(0o755, |mode| mode.apply(0, false, 0).0);
    let mut status = 0;
    let mut made = BTreeSet::new();
    for pair in &pairs {
        status |= file(call, pair, mode, owner, &mut made)?;
    }
    Ok(status)
}

fn file(call: &mut Call<'_>, pair: &Pair, mode: u16, owner: Owner, made: &mut BTreeSet<String>) -> Answer {
    let Pair { source, target } = pair;
    let content = match call.files.content(source) {
        Ok(content) => content,
        Err(error) => return call.failed("install", source, error),
    };
    match call.files.stat(target, false) {
        Ok((old, node)) => {
            let is_dir = node.is_dir();
            let same = inode(call, source, true).ok().flatten().as_ref() == Some(&old)
                && (same_name(call, source, target) || call.files.read_link(source).is_ok());
            if is_dir || same || made.contains(&old) {
                call.complain(&format!("install: cannot replace '{target}'"));
                return Ok(1);
            }
            if let Err(error) = call.files.unlink(target) {
                return call.failed("install", target, error);
            }
            // The source may have led through what was removed.
            if let Err(error) = call.files.stat(source, true) {
                return call.failed("install", source, error);
            }
        }
        Err(FileError::Missing) => {}
        Err(error) => return call.failed("install", target, error),
    }
    let files = &mut *call.files;
    let done = files.create(target, 0o600, content).and_then(|()| {
        if owner != Owner::default() {
            files.chown(target, owner.uid, owner.gid, false)?;
        }
        files.chmod(target, mode)
    });
    if let Err(error) = done {
        return call.failed("install", target, error);
    }
    made.extend(call.files.locate(target, false).ok());
    Ok(0)
}
