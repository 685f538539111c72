//! Random trees.

use imgbuild::format::squashfs::Options;
use imgbuild::tree::{Kind, Node, Tree};
use proptest::prelude::*;

use crate::readers::check;
use crate::samples::{OPTIONS, noise, text};

/// A node of a random tree, and where it goes: below which of the directories so far, under which name.
fn any_node() -> impl Strategy<Value = (prop::sample::Index, String, Node)> {
    let content = prop_oneof![
        Just(Vec::new()),
        (any::<u64>(), 0_usize..20_000).prop_map(|(seed, len)| noise(seed, len)),
        (0_usize..5, 0_usize..50_000).prop_map(|(seed, len)| text(seed, len)),
        (0_usize..50_000).prop_map(|len| vec![0; len]),
    ];
    let node = prop_oneof![
        2 => Just(Node::dir(0o755)),
        4 => (content, 0_u16..0o10000).prop_map(|(content, mode)| Node::file(mode | 0o400, content)),
        1 => "[a-z/.]{1,40}".prop_map(Node::symlink),
        1 => any::<prop::sample::Index>().prop_map(|index| Node::hard_link(index.index(1000).to_string())),
        1 => Just(Node::of(Kind::Fifo, 0o600)),
    ];
    (any::<prop::sample::Index>(), "[a-zA-Z0-9_+äß][a-zA-Z0-9_+.äß]{0,20}", (node, 0_u32..3, 0_u32..70_000))
        .prop_map(|(dir, name, (node, uid, gid))| (dir, name, node.owned(uid, gid)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back(nodes in prop::collection::vec(any_node(), 0..60), block_log in 12_u32..=20) {
        let mut tree = Tree::new();
        let mut dirs = vec![String::new()];
        let mut files: Vec<String> = Vec::new();
        for (dir, name, mut node) in nodes {
            let dir = &dirs[dir.index(dirs.len())];
            let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
            if tree.contains(&path) {
                continue;
            }
            match &mut node.kind {
                Kind::HardLink(_) if files.is_empty() => continue,
                Kind::HardLink(target) => {
                    let index = target.parse::<usize>().unwrap() % files.len();
                    target.clone_from(&files[index]);
                }
                Kind::Dir => dirs.push(path.clone()),
                Kind::File(_) => files.push(path.clone()),
                _ => {}
            }
            tree.put(&path, node).unwrap();
        }
        check(&tree, &Options { block_size: 1 << block_log, ..OPTIONS });
    }
}
