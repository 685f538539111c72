//! rename(2)

use super::Files;
use super::error::{Done, FileError};
use super::walk::{Last, Place};
use crate::tree::{Kind, Node};

impl Files {
    /// rename(2): the node at `old`, with all below it, is at `new` afterwards. Two names of one file both stay.
    ///
    /// # Errors
    /// Nothing at `old`; a directory over something else or over one that holds something; a directory into itself; `.` or `..`.
    pub fn rename(&mut self, old: &str, new: &str) -> Done<()> {
        let old = self.walk(old, Last::Name)?;
        let new = self.walk(new, Last::Name)?;
        if old.dots || new.dots {
            return Err(FileError::Busy);
        }
        let Place { path: from, slash: old_slash, .. } = old;
        let Place { path: to, slash: new_slash, .. } = new;
        let moved = self.tree.get(&from).ok_or(FileError::Missing)?.clone();
        let below = format!("{from}/");
        if !moved.is_dir() && (old_slash || new_slash) {
            return Err(FileError::NotDirectory);
        }
        if from == to || self.same_file(&from, &to) {
            return Ok(());
        }
        if moved.is_dir() && to.starts_with(&below) {
            return Err(FileError::Invalid);
        }
        if from.starts_with(&format!("{to}/")) {
            return Err(FileError::NotEmpty);
        }
        match (moved.is_dir(), self.tree.get(&to).map(Node::is_dir)) {
            (false, Some(true)) => return Err(FileError::IsDirectory),
            (true, Some(false)) => return Err(FileError::NotDirectory),
            (true, Some(true)) if self.tree.below(&to).next().is_some() => return Err(FileError::NotEmpty),
            _ => {}
        }
        self.take_away(&to);
        self.carry(&from, &to)?;
        self.note(format!("moved /{from} to /{to}"));
        Ok(())
    }

    /// Whether two clean paths are names of one file.
    fn same_file(&self, one: &str, other: &str) -> bool {
        match (self.inode(one.to_owned()), self.inode(other.to_owned())) {
            (Ok((one, _)), Ok((other, _))) => one == other,
            _ => false,
        }
    }

    /// Moves the node at the clean path `from` and all below it to `to`, where nothing is.
    fn carry(&mut self, from: &str, to: &str) -> Done<()> {
        let below = format!("{from}/");
        let renamed = |path: &str| match path.strip_prefix(&below) {
            Some(rest) => Some(format!("{to}/{rest}")),
            None => (path == from).then(|| to.to_owned()),
        };
        let top = self.tree.get(from).ok_or(FileError::Missing)?.clone();
        // Other names of what moves follow it: they name the file's path.
        let links: Vec<(String, String)> = self
            .tree
            .iter()
            .filter_map(|(path, node)| match &node.kind {
                Kind::HardLink(target) => Some((renamed(path).unwrap_or_else(|| path.to_owned()), renamed(target)?)),
                _ => None,
            })
            .collect();
        let mut nodes: Vec<(String, Node)> = Vec::new();
        if top.is_dir() {
            let inside = self.tree.below(from);
            nodes.extend(inside.filter_map(|(path, node)| Some((renamed(path)?, node.clone()))));
        }
        nodes.insert(0, (to.to_owned(), top));
        for (path, node) in nodes {
            self.tree.put(&path, node).map_err(|_| FileError::NotDirectory)?;
        }
        for (path, target) in links {
            if let Some(node) = self.tree.get_mut(&path) {
                node.kind = Kind::HardLink(target);
            }
        }
        self.tree.remove(from);
        self.carry_open(renamed);
        if let Some(cwd) = renamed(&self.cwd) {
            self.cwd = cwd;
        }
        Ok(())
    }
}
