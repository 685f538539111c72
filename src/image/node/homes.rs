//! Directories of the root that a running system writes to become links into the state partition.

use super::ORIGIN;
use crate::tree::{Kind, Node, Tree, TreeError};

/// Directory, where it goes, mode if the image has none.
const HOMES: [(&str, &str, u16); 4] = [
    ("home", "var/home", 0o755),
    ("opt", "var/opt", 0o755),
    ("root", "var/roothome", 0o700),
    ("srv", "var/srv", 0o755),
];

/// Moves each of them, with what it holds, below `var` and leaves a link.
pub(super) fn move_into_var(tree: &mut Tree) -> Result<(), TreeError> {
    for (from, to, mode) in HOMES {
        let directory = match tree.get(from) {
            None => Node::dir(mode).from(ORIGIN),
            Some(node) if node.is_dir() => node.clone(),
            // An overlay has decided otherwise.
            Some(_) => continue,
        };
        let inside: Vec<(String, Node)> = tree
            .below(from)
            .map(|(path, node)| {
                (moved(path, from, to), Node { kind: moved_kind(&node.kind, from, to), ..node.clone() })
            })
            .collect();
        tree.remove(from);
        tree.put(to, directory)?;
        for (path, node) in inside {
            tree.put(&path, node)?;
        }
        tree.put(from, Node::symlink(to).from(ORIGIN))?;
    }
    Ok(())
}

/// A hard link between moved files stays one.
fn moved_kind(kind: &Kind, from: &str, to: &str) -> Kind {
    match kind {
        Kind::HardLink(target) => Kind::HardLink(moved(target, from, to)),
        kind => kind.clone(),
    }
}

/// `path` with its leading directory `from` replaced by `to`; a path elsewhere stays.
fn moved(path: &str, from: &str, to: &str) -> String {
    match path.strip_prefix(from) {
        Some(rest) if rest.starts_with('/') => format!("{to}{rest}"),
        _ => path.to_owned(),
    }
}
