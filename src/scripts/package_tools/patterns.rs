//! Patterns of dpkg's programs: fnmatch(3) over whole paths, in which `*` also matches `/` and a leading dot.

use crate::shell::Pattern;

/// The pattern that `text` is; what comes after `\` stands for itself.
pub(super) fn pattern(text: &str) -> Pattern {
    let bytes: Vec<(u8, bool)> = text.bytes().map(|byte| (byte, false)).collect();
    Pattern::new(&bytes)
}
