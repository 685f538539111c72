//! The seed of an image that belongs to no node yet.

use crate::tree::{Node, Tree};

/// What a published image's seed partition holds: an empty `etc/`, because `/etc` is an overlay whose layers must exist.
///
/// # Panics
/// Never: the root directory takes a directory.
#[must_use]
pub fn empty() -> Tree {
    let mut tree = Tree::new();
    tree.put("etc", Node::dir(0o755).from("imgbuild")).expect("the root directory takes a directory");
    tree
}
