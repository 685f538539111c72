//! Trees to write, and the way from a tree to an image.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Cursor};

use imgbuild::format::squashfs::{Entry, EntryKind, FileData, Options, SquashfsError, Summary, write};
use imgbuild::format::{NoStore, Store};
use imgbuild::tree::{Content, Kind, Node, Tree};

pub const OPTIONS: Options = Options { block_size: 1 << 17, level: 3, mtime: 1_600_000_000, threads: None };

/// A tree's content as the writer wants it.
pub struct Data<'a>(pub &'a Content);

impl FileData for Data<'_> {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn digest(&self) -> [u8; 32] {
        self.0.digest().0
    }

    fn read_range(&self, start: u64, len: u64) -> io::Result<Cow<'_, [u8]>> {
        self.0.read_range(start, len)
    }
}

pub fn try_image(tree: &Tree, options: &Options, store: &dyn Store) -> Result<(Vec<u8>, Summary), SquashfsError> {
    let contents: BTreeMap<&str, Data<'_>> = tree
        .iter()
        .filter_map(
            |(path, node)| if let Kind::File(content) = &node.kind { Some((path, Data(content))) } else { None },
        )
        .collect();
    let entries: Vec<Entry<'_>> = tree
        .iter()
        .map(|(path, node)| Entry {
            path,
            mode: node.mode,
            uid: node.uid,
            gid: node.gid,
            xattrs: &node.xattrs,
            kind: match &node.kind {
                Kind::Dir => EntryKind::Dir,
                Kind::File(_) => EntryKind::File(&contents[path]),
                Kind::Symlink(target) => EntryKind::Symlink(target),
                Kind::HardLink(target) => EntryKind::HardLink(target),
                &Kind::CharDevice { major, minor } => EntryKind::CharDevice { major, minor },
                &Kind::BlockDevice { major, minor } => EntryKind::BlockDevice { major, minor },
                Kind::Fifo => EntryKind::Fifo,
            },
        })
        .collect();
    let mut out = Cursor::new(Vec::new());
    let summary = write(&entries, options, store, &mut out)?;
    assert_eq!(summary.image_len, out.get_ref().len() as u64);
    assert_eq!(summary.image_len % 4096, 0);
    Ok((out.into_inner(), summary))
}

pub fn image(tree: &Tree, options: &Options) -> Vec<u8> {
    try_image(tree, options, &NoStore).expect("the tree can be written").0
}

/// Bytes without any pattern (splitmix64).
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(len).collect()
}

/// Text of `len` bytes that compresses, different for each seed.
pub fn text(seed: usize, len: usize) -> Vec<u8> {
    (0..).flat_map(|line| format!("line {line} of text {seed}\n").into_bytes()).take(len).collect()
}

pub fn tree(nodes: impl IntoIterator<Item = (impl AsRef<str>, Node)>) -> Tree {
    let mut tree = Tree::new();
    for (path, node) in nodes {
        tree.put(path.as_ref(), node).expect("a test's tree is sound");
    }
    tree
}
