//! Paths inside a tree: cleaning what comes from outside, and following links.

use super::{Kind, Tree, TreeError};

/// Linux follows at most 40 links in one look-up (`MAXSYMLINKS`, include/linux/namei.h).
const MAX_LINKS: usize = 40;

/// Why a path from outside was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("path `{0}` climbs out with `..`")]
    Escapes(String),
    #[error("path `{0}` is absolute")]
    Absolute(String),
    #[error("path `{0}` holds a NUL byte")]
    Nul(String),
}

/// Turns an archive member's name (`./usr/bin/`) into a clean relative path (`usr/bin`); `""` is the root.
///
/// # Errors
/// An absolute path, a `..` component, a NUL byte.
pub fn clean(name: &str) -> Result<String, PathError> {
    if name.starts_with('/') {
        return Err(PathError::Absolute(name.to_owned()));
    }
    if name.contains('\0') {
        return Err(PathError::Nul(name.escape_default().to_string()));
    }
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(PathError::Escapes(name.to_owned())),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The directory that holds `path`; `None` for the root directory.
#[must_use]
pub fn parent(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    Some(path.rsplit_once('/').map_or("", |(dir, _)| dir))
}

/// See [`Tree::resolve`].
pub(super) fn resolve(tree: &Tree, path: &str, follow_last: bool) -> Result<String, TreeError> {
    let mut todo: Vec<String> = path.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut done = String::new();
    let mut links = 0;
    while let Some(part) = todo.pop() {
        match part.as_str() {
            "." => continue,
            ".." => {
                pop(&mut done);
                continue;
            }
            part => {
                if !done.is_empty() {
                    done.push('/');
                }
                done.push_str(part);
            }
        }
        if todo.is_empty() && !follow_last {
            break;
        }
        let Some(node) = tree.get(&done) else { continue };
        let Kind::Symlink(target) = &node.kind else { continue };
        links += 1;
        if links > MAX_LINKS {
            return Err(TreeError::LinkLoop { path: path.to_owned() });
        }
        pop(&mut done);
        if target.starts_with('/') {
            done.clear();
        }
        todo.extend(target.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned));
    }
    Ok(done)
}

/// Takes the last component away.
fn pop(path: &mut String) {
    path.truncate(path.rfind('/').unwrap_or(0));
}
