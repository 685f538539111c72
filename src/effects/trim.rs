//! What the profile leaves out: documentation, translations, drivers that no node of its kind has.

use globset::GlobSet;

use crate::tree::Tree;

/// Takes everything that `dropped` matches out of the tree.
pub fn trim(tree: &mut Tree, dropped: &GlobSet) {
    tree.retain(|path, _| !dropped.is_match(path));
}
