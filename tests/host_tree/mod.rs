//! A directory of this host as a tree.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use imgbuild::tree::{Node, Tree};

/// The directories, files and links below `root`.
pub fn read(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = u16::try_from(metadata.mode() & 0o7777).unwrap();
            let node = if metadata.is_symlink() {
                Node::symlink(fs::read_link(&path).unwrap().to_str().unwrap())
            } else if metadata.is_dir() {
                todo.push(path.clone());
                Node::dir(mode)
            } else {
                Node::file(mode, fs::read(&path).unwrap())
            };
            let path = path.strip_prefix(root).unwrap().to_str().unwrap();
            tree.put(path, node.owned(metadata.uid(), metadata.gid())).unwrap();
        }
    }
    tree
}
