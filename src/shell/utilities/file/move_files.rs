//! mv(1), of POSIX and coreutils, within one file system.

use std::collections::BTreeSet;

use super::options::{Parsed, Spec, Takes, parse, quoted};
use super::targets::{AT, INTO, Pair, inode, pairs};
use crate::shell::{Answer, Call, FileError, Reason};
use crate::tree::Kind;

const OPTIONS: &[Spec] = &[
    ("force", "f", Takes::Nothing),
    ("no-clobber", "n", Takes::Nothing),
    ("verbose", "v", Takes::Nothing),
    ("strip-trailing-slashes", "", Takes::Nothing),
    ("context", "Z", Takes::Nothing),
    INTO,
    AT,
];

/// mv(1)
pub(super) fn mv(call: &mut Call<'_>) -> Answer {
    let mut parsed = parse("mv", OPTIONS, call.args)?;
    if parsed.has("strip-trailing-slashes") {
        for operand in parsed.operands.iter_mut().filter(|operand| operand.ends_with('/') && operand.len() > 1) {
            *operand = operand.trim_end_matches('/').to_owned();
        }
    }
    let Some(pairs) = pairs(call, "mv", &parsed, false)? else { return Ok(1) };
    let mut status = 0;
    let mut made = BTreeSet::new();
    for pair in &pairs {
        if pairs.len() > 1 && matches!(call.files.locate(&pair.target, false), Err(FileError::Missing)) {
            return Err(Reason::unsupported("mv", "a way to the target that is moved itself"));
        }
        status |= move_one(call, &parsed, pair, &mut made)?;
    }
    Ok(status)
}

fn move_one(call: &mut Call<'_>, parsed: &Parsed, pair: &Pair, made: &mut BTreeSet<String>) -> Answer {
    let Pair { source, target } = pair;
    let (from, is_dir, is_link) = match call.files.stat(source, false) {
        Ok((from, node)) => (from, node.is_dir(), matches!(node.kind, Kind::Symlink(_))),
        Err(error) => return call.failed("mv", source, error),
    };
    let old = match call.files.stat(target, false) {
        Ok((to, node)) => Some((to, node.is_dir(), matches!(node.kind, Kind::Symlink(_)))),
        Err(FileError::Missing) => None,
        Err(error) => return call.failed("mv", target, error),
    };
    if let Some((to, to_dir, to_link)) = old {
        let same = if from == to {
            true
        } else if is_link && !to_link {
            // A link is not moved onto what it leads to.
            match inode(call, source, true) {
                Ok(led) => led.as_ref() == Some(&to),
                Err(FileError::Reason(reason)) => return Err(reason),
                Err(_) => false,
            }
        } else {
            false
        };
        if same && is_link && call.files.names(&to) > 1 {
            return Err(Reason::unsupported("mv", "a link onto a file with several names"));
        }
        if same {
            call.complain(&format!("mv: '{source}' and '{target}' are the same file"));
            return Ok(1);
        }
        if parsed.last(&["force", "no-clobber"]) == Some("no-clobber") {
            // Since coreutils 9.2; releases before it answered 0.
            call.complain(&format!("mv: not replacing '{target}'"));
            return Ok(1);
        }
        if to_dir && !is_dir || made.contains(&to) {
            call.complain(&format!("mv: cannot overwrite '{target}'"));
            return Ok(1);
        }
    }
    if let Err(error) = call.files.rename(source, target) {
        return call.failed("mv", source, error);
    }
    if let Ok(Some(now)) = inode(call, target, false)
        && !is_dir
    {
        made.insert(now);
    }
    if parsed.has("verbose") {
        call.print(&format!("renamed {} -> {}\n", quoted("mv", source)?, quoted("mv", target)?));
    }
    Ok(0)
}
