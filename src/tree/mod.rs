//! The root file system as a value: path → kind, mode, owner, attributes, content.
//!
//! Packages put their members in, effects transform it, overlays win over it, writers read it in path order. It
//! never exists as a directory on the host, so owners, setuid bits, device nodes and names that differ
//! only in case survive on every host and without privilege.

mod content;
mod digest;
mod node;
mod pack;
mod paths;

pub use content::Content;
pub use digest::{CHUNK, Digest, Hasher, checksum};
pub use node::{Kind, Node};
pub use pack::{Damaged, Pack, Slice, is_damage};
pub use paths::{PathError, clean, parent};

use std::collections::BTreeMap;
use std::ops::Bound;

/// A root file system. Keys are clean relative paths (`usr/bin/sh`: no leading slash, no `.` or `..`); the
/// root directory itself is the key `""` and always there. Iteration is in byte order of the
/// path, hence a directory comes before what it holds.
#[derive(Debug, Clone)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

/// Why a change to a tree was refused.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A path's parent is missing and may not be made silently.
    #[error("`/{path}` has no parent directory in the tree")]
    NoParent { path: String },
    /// A path's parent exists but is not a directory.
    #[error("`/{path}` lies below `/{parent}`, which is {kind}, not a directory")]
    ParentNotDirectory { path: String, parent: String, kind: &'static str },
    /// A hard link's target is missing or not a regular file.
    #[error("hard link `/{path}` points at `/{target}`, which is not a regular file in the tree")]
    BadHardLink { path: String, target: String },
    /// A chain of symbolic links does not end.
    #[error("symbolic links starting at `/{path}` form a loop")]
    LinkLoop { path: String },
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// An empty tree: just the root directory, 0755, root:root.
    #[must_use]
    pub fn new() -> Self {
        Self { nodes: BTreeMap::from([(String::new(), Node::dir(0o755).from("imgbuild"))]) }
    }

    /// The node at exactly `path`; symbolic links are not followed.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// As [`Tree::get`], for changing metadata in place.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Node> {
        self.nodes.get_mut(path)
    }

    /// Whether something exists at exactly `path`.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    /// Puts `node` at `path`, replacing what was there. Missing parent directories are made 0755 root:root
    /// with the node's own origin.
    ///
    /// # Errors
    /// A parent that is not a directory: go through [`Tree::resolve`] first if links may be followed.
    pub fn put(&mut self, path: &str, node: Node) -> Result<(), TreeError> {
        let mut missing = Vec::new();
        let mut above = parent(path);
        while let Some(dir) = above {
            match self.nodes.get(dir) {
                Some(found) if found.is_dir() => break,
                Some(found) => {
                    return Err(TreeError::ParentNotDirectory {
                        path: path.to_owned(),
                        parent: dir.to_owned(),
                        kind: found.kind.describe(),
                    });
                }
                None => missing.push(dir.to_owned()),
            }
            above = parent(dir);
        }
        for dir in missing {
            self.nodes.insert(dir, Node::dir(0o755).from(&node.origin));
        }
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// Puts `node` at `path` unless something is there already. Says whether it did.
    ///
    /// # Errors
    /// As [`Tree::put`].
    pub fn put_new(&mut self, path: &str, node: Node) -> Result<bool, TreeError> {
        if self.contains(path) {
            return Ok(false);
        }
        self.put(path, node).map(|()| true)
    }

    /// Takes `path` and, if it is a directory, all below it out of the tree. A hard link to a removed file
    /// becomes the file. Returns how many nodes went.
    pub fn remove(&mut self, path: &str) -> usize {
        let below = format!("{path}/");
        let mut gone: Vec<(String, Node)> = Vec::new();
        if let Some(node) = self.nodes.remove(path) {
            gone.push((path.to_owned(), node));
        }
        let keys: Vec<String> = self
            .nodes
            .range(below.clone()..)
            .map(|(key, _)| key.clone())
            .take_while(|key| key.starts_with(&below))
            .collect();
        for key in keys {
            if let Some(node) = self.nodes.remove(&key) {
                gone.push((key, node));
            }
        }
        let count = gone.len();
        self.promote_hard_links(gone);
        count
    }

    /// Keeps only the nodes for which `keep` is true (the root directory always stays). Hard links to a
    /// dropped file become the file.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Node) -> bool) {
        let keys: Vec<String> = self
            .nodes
            .iter()
            .filter(|(path, node)| !path.is_empty() && !keep(path, node))
            .map(|(path, _)| path.clone())
            .collect();
        let gone = keys.into_iter().filter_map(|key| self.nodes.remove(&key).map(|node| (key, node))).collect();
        self.promote_hard_links(gone);
    }

    /// Makes the first remaining hard link of each removed file the file itself, and the others links to it.
    fn promote_hard_links(&mut self, gone: Vec<(String, Node)>) {
        let files: BTreeMap<String, Node> =
            gone.into_iter().filter(|(_, node)| matches!(node.kind, Kind::File(_))).collect();
        if files.is_empty() {
            return;
        }
        let mut heirs: BTreeMap<String, String> = BTreeMap::new();
        for (path, node) in &mut self.nodes {
            let Kind::HardLink(target) = &node.kind else { continue };
            let Some(file) = files.get(target) else { continue };
            match heirs.get(target) {
                Some(heir) => node.kind = Kind::HardLink(heir.clone()),
                None => {
                    heirs.insert(target.clone(), path.clone());
                    let origin = node.origin.clone();
                    *node = Node { origin, ..file.clone() };
                }
            }
        }
    }

    /// Follows symbolic links in all components of `path` (also the last one if `follow_last`), as the running
    /// system would with this tree as its root. The result need not exist.
    ///
    /// # Errors
    /// A loop of links.
    pub fn resolve(&self, path: &str, follow_last: bool) -> Result<String, TreeError> {
        paths::resolve(self, path, follow_last)
    }

    /// The content of the regular file at `path`, links followed; `None` if there is no such file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&Content> {
        let real = self.resolve(path, true).ok()?;
        match &self.get(&real)?.kind {
            Kind::File(content) => Some(content),
            Kind::HardLink(target) => match &self.get(target)?.kind {
                Kind::File(content) => Some(content),
                _ => None,
            },
            _ => None,
        }
    }

    /// All nodes in path order, the root directory first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The nodes strictly below directory `dir`, at any depth, in path order.
    pub fn below<'a>(&'a self, dir: &str) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let start = prefix.clone();
        self.nodes
            .range(start..)
            .map(|(path, node)| (path.as_str(), node))
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .filter(|(path, _)| !path.is_empty())
    }

    /// The names in directory `dir` with their nodes, in byte order; what lies below those is skipped, not looked at.
    pub fn children<'a>(&'a self, dir: &str) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let mut next = Bound::Included(prefix.clone());
        std::iter::from_fn(move || {
            loop {
                let (path, node) = self.nodes.range::<String, _>((next.as_ref(), Bound::Unbounded)).next()?;
                let name = path.strip_prefix(&prefix)?;
                match name.split_once('/') {
                    // `0` comes right after `/`: the first path that is not below this directory.
                    Some((above, _)) => next = Bound::Included(format!("{prefix}{above}0")),
                    None => {
                        next = Bound::Excluded(path.clone());
                        if !name.is_empty() {
                            return Some((name, node));
                        }
                    }
                }
            }
        })
    }

    /// How many nodes there are, the root directory included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never true: the root directory is always there. Present because `len` is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Checks what every writer relies on: each parent is a directory, each hard link names a regular file.
    ///
    /// # Errors
    /// The first violation in path order.
    pub fn check(&self) -> Result<(), TreeError> {
        for (path, node) in &self.nodes {
            if let Some(dir) = parent(path) {
                match self.nodes.get(dir) {
                    None => return Err(TreeError::NoParent { path: path.clone() }),
                    Some(found) if !found.is_dir() => {
                        return Err(TreeError::ParentNotDirectory {
                            path: path.clone(),
                            parent: dir.to_owned(),
                            kind: found.kind.describe(),
                        });
                    }
                    Some(_) => {}
                }
            }
            if let Kind::HardLink(target) = &node.kind
                && !matches!(self.nodes.get(target), Some(Node { kind: Kind::File(_), .. }))
            {
                return Err(TreeError::BadHardLink { path: path.clone(), target: target.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
