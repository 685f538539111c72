//! What the writer refuses.

use std::collections::BTreeMap;
use std::io::Cursor;

use imgbuild::format::NoStore;
use imgbuild::format::squashfs::{Entry, EntryKind, Options, write};
use imgbuild::tree::{Node, Tree};

use crate::samples::{OPTIONS, tree, try_image};

#[test]
fn what_cannot_be_represented_is_refused_by_name() {
    let none = BTreeMap::new();
    let attempt = |entries: &[(&str, EntryKind<'_>)]| {
        let entry = |&(path, kind)| Entry { path, mode: 0o755, uid: 0, gid: 0, xattrs: &none, kind };
        let entries: Vec<Entry<'_>> = entries.iter().map(entry).collect();
        write(&entries, &OPTIONS, &NoStore, &mut Cursor::new(Vec::new())).unwrap_err().to_string()
    };
    let root = ("", EntryKind::Dir);
    let long = "n".repeat(256);
    assert!(attempt(&[]).contains("root directory"));
    assert!(attempt(&[root, ("b", EntryKind::Fifo), ("a", EntryKind::Fifo)]).contains("`/a`"));
    assert!(attempt(&[root, ("a", EntryKind::Fifo), ("a", EntryKind::Fifo)]).contains("`/a`"));
    assert!(attempt(&[root, ("a/b", EntryKind::Fifo)]).contains("`/a/b` has no parent"));
    assert!(attempt(&[root, ("a", EntryKind::Fifo), ("a/b", EntryKind::Fifo)]).contains("`/a/b` has no parent"));
    assert!(attempt(&[root, (&long, EntryKind::Fifo)]).contains("1 to 255"));
    assert!(attempt(&[root, ("a", EntryKind::HardLink("b"))]).contains("`/b`"));
    let tree = tree([("a", Node::dir(0o755))]);
    for (block_size, level) in [(4095, 3), (2048, 3), (1 << 21, 3), (4096, 0), (4096, 23)] {
        try_image(&tree, &Options { block_size, level, ..OPTIONS }, &NoStore).unwrap_err();
    }
    let mut with_acl = Node::file(0o644, "");
    with_acl.xattrs.insert("system.posix_acl_access".to_owned(), vec![1]);
    let error = try_image(&tree_of_one(with_acl), &OPTIONS, &NoStore).unwrap_err();
    assert!(error.to_string().contains("`system.posix_acl_access`"), "{error}");
}

fn tree_of_one(node: Node) -> Tree {
    tree([("file", node)])
}
