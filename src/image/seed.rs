//! The seed of an image that belongs to no node yet.

use crate::tree::{Node, Tree, TreeError};

/// What a published image's seed partition holds: an empty `etc/`, so that `/etc` can be put together all the same.
///
/// # Errors
/// None in practice; those of [`Tree::put`].
pub fn empty() -> Result<Tree, TreeError> {
    let mut tree = Tree::new();
    tree.put("etc", Node::dir(0o755).from("imgbuild"))?;
    Ok(tree)
}
