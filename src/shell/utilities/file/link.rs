//! ln(1), of POSIX and coreutils.

use std::collections::BTreeSet;

use super::options::{Parsed, Spec, Takes, parse, quoted};
use super::targets::{AT, INTO, Pair, inode, pairs, same_name};
use crate::shell::{Absent, Answer, Call, FileError, Reason};

const OPTIONS: &[Spec] = &[
    ("symbolic", "s", Takes::Nothing),
    ("force", "f", Takes::Nothing),
    ("no-dereference", "n", Takes::Nothing),
    ("relative", "r", Takes::Nothing),
    ("physical", "P", Takes::Nothing),
    ("verbose", "v", Takes::Nothing),
    INTO,
    AT,
];

/// ln(1)
pub(super) fn ln(call: &mut Call<'_>) -> Answer {
    let mut parsed = parse("ln", OPTIONS, call.args)?;
    if parsed.has("relative") && !parsed.has("symbolic") {
        call.complain("ln: cannot do --relative without --symbolic");
        return Ok(1);
    }
    // One operand: a link of the same name here.
    if let ([only], false) = (parsed.operands.as_slice(), parsed.has("target-directory")) {
        if parsed.has("no-target-directory") {
            call.complain("ln: missing destination file operand");
            return Ok(1);
        }
        let only = only.clone();
        parsed.operands = vec![only, ".".to_owned()];
    }
    let Some(pairs) = pairs(call, "ln", &parsed, parsed.has("no-dereference"))? else { return Ok(1) };
    let mut status = 0;
    let mut made = BTreeSet::new();
    for pair in &pairs {
        status |= link_one(call, &parsed, pair, &mut made)?;
    }
    Ok(status)
}

fn link_one(call: &mut Call<'_>, parsed: &Parsed, pair: &Pair, made: &mut BTreeSet<String>) -> Answer {
    let symbolic = parsed.has("symbolic");
    let target = &pair.target;
    let mut source = pair.source.clone();
    if !symbolic {
        match call.files.stat(&source, false) {
            Ok((_, node)) if node.is_dir() => {
                call.complain(&format!("ln: {source}: hard link not allowed for directory"));
                return Ok(1);
            }
            Ok(_) => {}
            Err(error) => return call.failed("ln", &source, error),
        }
    }
    if symbolic && parsed.has("relative") {
        source = match relative(call, &source, target) {
            Ok(source) => source,
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(_) => return Err(Reason::unsupported("ln", "option -r and a path that leads nowhere")),
        };
    }
    if parsed.has("force")
        && let Ok((_, old)) = call.files.stat(target, false)
    {
        let is_dir = old.is_dir();
        let here = call.files.locate(target, false).unwrap_or_default();
        // Whether removing the target would remove what the link shall lead to.
        let there = inode(call, target, false).ok().flatten();
        let led = inode(call, &source, symbolic).ok().flatten();
        let single = there.as_ref().is_some_and(|inode| call.files.names(inode) == 1);
        let same = led.is_some() && led == there && (single || same_name(call, &source, target));
        if is_dir || same || made.contains(&here) {
            call.complain(&format!("ln: cannot replace '{target}'"));
            return Ok(1);
        }
    }
    let make = |call: &mut Call<'_>| {
        if symbolic { call.files.symlink(&source, target) } else { call.files.hard_link(&source, target) }
    };
    let done = match make(call) {
        Err(FileError::Exists) if parsed.has("force") => call.files.unlink(target).and_then(|()| make(call)),
        done => done,
    };
    if let Err(error) = done {
        return call.failed("ln", target, error);
    }
    made.extend(call.files.locate(target, false).ok());
    if parsed.has("verbose") {
        let arrow = if symbolic { "->" } else { "=>" };
        call.print(&format!("{} {arrow} {}\n", quoted("ln", target)?, quoted("ln", &source)?));
    }
    Ok(0)
}

/// `source` as seen from the directory of `target`.
fn relative(call: &Call<'_>, source: &str, target: &str) -> Result<String, FileError> {
    let dir = match target.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/",
        Some((dir, _)) => dir,
        None => ".",
    };
    let dir = call.files.canonical(dir, Absent::Anything)?;
    let path = call.files.canonical(source, Absent::Anything)?;
    Ok(relative_to(&path, &dir))
}

/// The way from the directory `dir` to `path`, both canonical.
pub(super) fn relative_to(path: &str, dir: &str) -> String {
    let parts =
        |path: &str| -> Vec<String> { path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect() };
    let (to, from) = (parts(path), parts(dir));
    let common = to.iter().zip(&from).take_while(|(to, from)| to == from).count();
    let up = from.iter().skip(common).map(|_| "..".to_owned());
    let way: Vec<String> = up.chain(to.into_iter().skip(common)).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_goes_up_to_what_is_common_and_down() {
        for (path, dir, way) in [
            ("/a/b", "/a", "b"),
            ("/a", "/a/b/c", "../.."),
            ("/a/x", "/a/b", "../x"),
            ("/a", "/a", "."),
            ("/", "/a", ".."),
        ] {
            assert_eq!(relative_to(path, dir), way);
        }
    }
}
