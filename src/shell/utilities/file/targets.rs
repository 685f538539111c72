//! Where `cp`, `mv`, `ln` and `install` put their operands: at the last one, in it if it is a directory, or in that of `-t`.

use super::options::{Parsed, Spec, Takes, base, join};
use crate::shell::{Call, FileError, Reason};

/// The options that choose.
pub(super) const INTO: Spec = ("target-directory", "t", Takes::Value);
pub(super) const AT: Spec = ("no-target-directory", "T", Takes::Nothing);

/// An operand and the name that it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub source: String,
    pub target: String,
}

/// The pairs of a command line; none if it is one that the utility complains of.
///
/// # Errors
/// What only a kernel has.
pub(super) fn pairs(
    call: &mut Call<'_>,
    name: &str,
    parsed: &Parsed,
    keep_link: bool,
) -> Result<Option<Vec<Pair>>, Reason> {
    let mut complain = |text: &str| {
        call.err.extend_from_slice(format!("{name}: {text}\n").as_bytes());
        Ok(None)
    };
    let mut sources = parsed.operands.clone();
    let into = match (parsed.value("target-directory"), parsed.has("no-target-directory")) {
        (Some(_), true) => return complain("-t and -T exclude each other"),
        (Some(_), false) if sources.is_empty() => return complain("missing file operand"),
        (Some(dir), false) if !call.files.is_dir(dir)? => return complain("the target is not a directory"),
        (Some(dir), false) => dir.to_owned(),
        (None, at) => {
            let Some(target) = sources.pop() else { return complain("missing file operand") };
            if sources.is_empty() {
                return complain("missing destination file operand");
            }
            // ln -n: a link to a directory is no directory.
            let is_link = keep_link && call.files.read_link(&target).is_ok();
            let is_dir = !at && !is_link && call.files.is_dir(&target)?;
            match sources.as_slice() {
                _ if is_dir => target,
                [source] => return Ok(Some(vec![Pair { source: source.clone(), target }])),
                _ if at => return complain("extra operand"),
                _ => return complain("the target is not a directory"),
            }
        }
    };
    let target = |source: &str| match base(source) {
        ".." | "/" => into.clone(),
        base => join(&into, base),
    };
    Ok(Some(sources.into_iter().map(|source| Pair { target: target(&source), source }).collect()))
}

/// Whether both paths are one name: the same entry of the same directory.
pub(super) fn same_name(call: &Call<'_>, one: &str, other: &str) -> bool {
    let place = |path: &str| call.files.locate(path, false);
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

/// The inode at a path by its clean path, and none if there is nothing.
pub(super) fn inode(call: &Call<'_>, path: &str, follow: bool) -> Result<Option<String>, FileError> {
    match call.files.stat(path, follow) {
        Ok((inode, _)) => Ok(Some(inode)),
        Err(FileError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}
