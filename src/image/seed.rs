//! The seed of an image that belongs to no node yet.

use crate::tree::{Node, Tree};

/// What a published image's seed partition holds: an empty `etc/`, so that `/etc` can be put together all the same.
///
/// # Panics
/// Never: the root directory takes a directory.
#[must_use]
pub fn empty() -> Tree {
    let mut tree = Tree::new();
    tree.put("etc", Node::dir(0o755).from("imgbuild")).expect("the root directory takes a directory");
    tree
}
