//! Patterns of dpkg's programs: fnmatch(3) over whole paths, in which `*` also matches `/` and a leading dot.

use crate::shell::Pattern;

/// The pattern that `text` is; what comes after `\` stands for itself.
pub(super) fn pattern(text: &str) -> Pattern {
    let mut characters = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, chars.clone().next()) {
            ('\\', Some(next)) => {
                characters.push((next, true));
                chars.next();
            }
            _ => characters.push((char, false)),
        }
    }
    Pattern::new(&characters)
}
