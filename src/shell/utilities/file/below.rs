//! What lies below a directory, for utilities with `-R`.

use super::options::join;
use crate::shell::{FileError, Files};

/// Whether a link that the walk starts at is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Follow,
    Keep,
}

/// The paths of all that lies below `path`, each begun as `path` is; none if it is no directory. Links are not followed.
///
/// # Errors
/// Nothing at `path`.
pub(super) fn below(files: &Files, path: &str, start: Start) -> Result<Vec<String>, FileError> {
    let (real, node) = files.stat(path, start == Start::Follow)?;
    if !node.is_dir() {
        return Ok(Vec::new());
    }
    let skip = if real.is_empty() { 0 } else { real.len() + 1 };
    let names = files.tree().below(&real).filter_map(|(below, _)| below.get(skip..));
    Ok(names.map(|name| join(path, name)).collect())
}
