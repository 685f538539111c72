//! What scripts make for one architecture, held against what they make for the other.

use std::collections::{BTreeMap, BTreeSet};

use imgbuild::effects::accounts::Tables;
use imgbuild::tree::{Kind, Node};

use crate::compare;
use crate::packages::Evaluated;

/// What a path is, without its architecture.
type Made = BTreeMap<String, String>;

/// All that differs.
pub fn differences(amd64: &Evaluated, arm64: &Evaluated) -> Vec<String> {
    let names = |evaluated: &Evaluated| -> BTreeSet<String> {
        evaluated.packages.iter().map(|package| package.name.clone()).collect()
    };
    // What only one of them has has another kernel, or other firmware.
    let both: BTreeSet<String> = names(amd64).intersection(&names(arm64)).cloned().collect();
    let (one, other) = (made(amd64, &both), made(arm64, &both));
    let paths: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differing = paths.into_iter().filter(|path| one.get(*path) != other.get(*path));
    differing.map(|path| format!("/{path}: {:?} on amd64, {:?} on arm64", one.get(path), other.get(path))).collect()
}

/// What scripts of `packages` made: kind, mode, owner by name, and content.
fn made(evaluated: &Evaluated, packages: &BTreeSet<String>) -> Made {
    let tree = &evaluated.installed.tree;
    let tables = Tables::read(tree).unwrap();
    let is_made = |node: &Node| node.origin.strip_prefix("script:").is_some_and(|package| packages.contains(package));
    let nodes = tree.iter().filter(|(_, node)| is_made(node));
    let describe = |path: &str, node: &Node| {
        let user = tables.user_of(node.uid).map_or_else(|| node.uid.to_string(), |user| user.name);
        let group = tables.group_of(node.gid).map_or_else(|| node.gid.to_string(), |group| group.name);
        let what = match &node.kind {
            // base-files diverts /lib64 where that is not the loader's directory.
            Kind::File(content) if path == "var/lib/dpkg/diversions" => compare::diversions(&content.read().unwrap()),
            Kind::File(content) => String::from_utf8_lossy(&content.read().unwrap()).into_owned(),
            Kind::Symlink(target) | Kind::HardLink(target) => target.clone(),
            kind => kind.describe().to_owned(),
        };
        format!("{:04o} {user}:{group} {what}", node.mode)
    };
    nodes.map(|(path, node)| (plain(path), plain(&describe(path, node)))).collect()
}

/// A text without the names of an architecture.
fn plain(text: &str) -> String {
    let names =
        [("x86_64-linux-gnu", "TRIPLET"), ("aarch64-linux-gnu", "TRIPLET"), ("amd64", "ARCH"), ("arm64", "ARCH")];
    names.into_iter().fold(text.to_owned(), |text, (name, word)| text.replace(name, word))
}
