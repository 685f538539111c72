//! The directory that command lines work in, and what it is afterwards.

use std::collections::BTreeMap;

use imgbuild::tree::{Kind, Node, Tree};

/// A file as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Letter of find(1)'s `%y`, mode, owner and group.
    pub kind: char,
    pub mode: u32,
    pub owner: (u32, u32),
    /// What it holds: bytes of a file, target of a link.
    pub data: String,
    /// The first of its names, if it has several.
    pub first: Option<String>,
}

/// What a command line leaves.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: u8,
    pub out: String,
    pub files: BTreeMap<String, File>,
}

impl Outcome {
    /// What find(1) printed, sorted: the order of a directory is the file system's.
    pub fn sorted(mut self, line: &str) -> Self {
        if line.starts_with("find") {
            let mut lines: Vec<&str> = self.out.split_inclusive(['\n', '\0']).collect();
            lines.sort_unstable();
            self.out = lines.concat();
        }
        self
    }
}

/// What is in the directory at first.
pub fn nodes() -> Vec<(&'static str, Node)> {
    vec![
        ("d", Node::dir(0o755)),
        ("d/f", Node::file(0o644, "one\n")),
        ("d/x", Node::file(0o4755, "exec\n")),
        ("d/sub", Node::dir(0o2775).owned(0, 50)),
        ("d/sub/g", Node::file(0o600, "g\n").owned(8, 8)),
        ("d/sub/deep", Node::dir(0o700)),
        ("d/l", Node::symlink("f")),
        ("d/ld", Node::symlink("sub")),
        ("d/gone", Node::symlink("nowhere")),
        ("e", Node::dir(0o755)),
        ("f", Node::file(0o644, "file\n")),
        ("f2", Node::file(0o640, "second\n").owned(1, 4)),
        ("g6", Node::file(0o6755, "set-id\n").owned(1, 1)),
        ("h1", Node::file(0o664, "two names\n")),
        ("h2", Node::hard_link("w/h1")),
        ("l", Node::symlink("f")),
        ("ld", Node::symlink("d/")),
        ("lx", Node::symlink("missing")),
        ("n", Node::dir(0o755)),
        ("n/m", Node::dir(0o755)),
        ("n/m/o", Node::dir(0o1777)),
        ("s", Node::dir(0o2777).owned(0, 50)),
        ("t", Node::dir(0o755)),
        ("t/f", Node::file(0o600, "other\n")),
        ("t/d", Node::file(0o644, "no directory\n")),
        ("a b", Node::file(0o644, "space\n")),
        ("pipe", Node::of(Kind::Fifo, 0o640)),
    ]
}

/// Accounts of every Debian system (base-passwd).
const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
";
const GROUP: &str = "root:x:0:\ndaemon:x:1:\nbin:x:2:\nadm:x:4:\nmail:x:8:\nwww-data:x:33:\nstaff:x:50:\n";

/// The directory as `/w` of a tree with accounts.
pub fn tree() -> Tree {
    let mut tree = Tree::new();
    for (path, node) in nodes() {
        tree.put(&format!("w/{path}"), node).unwrap();
    }
    tree.put("etc/passwd", Node::file(0o644, PASSWD)).unwrap();
    tree.put("etc/group", Node::file(0o644, GROUP)).unwrap();
    tree.put("dev", Node::dir(0o755)).unwrap();
    tree.put("tmp", Node::dir(0o1777)).unwrap();
    tree
}
