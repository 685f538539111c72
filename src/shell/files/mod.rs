//! The file system that a script sees: a [`Tree`], a working directory, a file mode creation mask, and a record of what
//! was changed where.
//!
//! Paths are as a process would give them, relative or absolute, and never lead out of the tree. What a kernel would make up
//! (`/proc`, `/sys`, most of `/dev`) is not there; asking for it says so, since the answer would be another one on every machine.
//!
//! ```text
//! path ─▶ walk ─▶ clean path ─▶ look (this file) or change ─▶ tree, record
//! ```

mod change;
mod error;
mod open;
mod rename;
#[cfg(test)]
mod tests;
mod walk;

pub use error::{Done, FileError};
pub use open::{How, Opened};
pub use walk::Absent;

use std::borrow::Cow;

use self::open::OpenFiles;
use self::walk::{Last, Place};
use super::reason::Reason;
use crate::tree::{Content, Kind, Node, Tree};

/// Bytes of a file that may be read into memory.
const READ_MAX: u64 = 64 << 20;

/// What was done to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Line of the script.
    pub line: usize,
    /// What was done, in words, with the absolute path.
    pub what: String,
}

/// The file system of a script.
#[derive(Debug)]
pub struct Files {
    tree: Tree,
    /// Clean path of the working directory.
    cwd: String,
    pub umask: u16,
    /// User and group of the process: whose new nodes are.
    pub identity: (u32, u32),
    /// Who new nodes come from ([`Node::origin`]).
    origin: String,
    /// The line that is carried out, for the record.
    pub line: usize,
    changes: Vec<Change>,
    open: OpenFiles,
    written: usize,
    /// How many temporary names were given.
    temporary: usize,
}

impl Files {
    /// `tree` as a process of root sees it that was started in `/`; what it makes is `origin`'s.
    #[must_use]
    pub fn new(tree: Tree, origin: &str) -> Self {
        Self {
            tree,
            cwd: String::new(),
            umask: 0o022,
            identity: (0, 0),
            origin: origin.to_owned(),
            line: 0,
            changes: Vec::new(),
            open: OpenFiles::default(),
            written: 0,
            temporary: 0,
        }
    }

    /// The tree as it is now, and what was changed since the last call of [`Files::take_changes`].
    #[must_use]
    pub fn into_tree(self) -> Tree {
        self.tree
    }

    /// The tree as it is now.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// For effects that work on the tree as a whole; tell [`Files::note`] what they did.
    pub fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }

    /// Whose nodes are made from now on.
    pub fn set_origin(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
    }

    /// Records a change that was not made through this.
    pub fn note(&mut self, what: impl Into<String>) {
        self.changes.push(Change { line: self.line, what: what.into() });
    }

    /// What was changed since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The working directory, absolute.
    #[must_use]
    pub fn cwd(&self) -> String {
        format!("/{}", self.cwd)
    }

    /// Changes the working directory.
    ///
    /// # Errors
    /// Nothing there, or no directory.
    pub fn chdir(&mut self, path: &str) -> Done<()> {
        let real = self.locate(path, true)?;
        if !self.tree.get(&real).ok_or(FileError::Missing)?.is_dir() {
            return Err(FileError::NotDirectory);
        }
        self.cwd = real;
        Ok(())
    }

    fn walk(&self, path: &str, last: Last) -> Done<Place> {
        walk::walk(&self.tree, &self.cwd, path, last)
    }

    /// The clean path that `path` leads to, which need not exist; links followed, also the last one if `follow`.
    ///
    /// # Errors
    /// A way through something that is missing or no directory; what only a kernel has.
    pub fn locate(&self, path: &str, follow: bool) -> Done<String> {
        Ok(self.walk(path, if follow { Last::Follow } else { Last::Keep })?.path)
    }

    /// The absolute path without links and dots that `path` stands for (realpath(3)); how much of it may be missing is `absent`.
    ///
    /// # Errors
    /// As [`Files::locate`], but for what may be missing.
    pub fn canonical(&self, path: &str, absent: Absent) -> Done<String> {
        walk::canonical(&self.tree, &self.cwd, path, absent)
    }

    /// The inode at `path` (stat(2); lstat(2) unless `follow`), and the clean path where its data are: a hard link's are its
    /// target's.
    ///
    /// # Errors
    /// As [`Files::locate`]; nothing there.
    pub fn stat(&self, path: &str, follow: bool) -> Done<(String, &Node)> {
        let real = self.locate(path, follow)?;
        self.inode(real)
    }

    fn inode(&self, path: String) -> Done<(String, &Node)> {
        let node = walk::node(&self.tree, &path).ok_or(FileError::Missing)?;
        match &node.kind {
            Kind::HardLink(target) => Ok((target.clone(), self.tree.get(target).ok_or(FileError::Missing)?)),
            _ => Ok((path, node)),
        }
    }

    /// How many names the inode at a clean path has, as [`Files::stat`] gave it; those of a directory are not counted.
    #[must_use]
    pub fn names(&self, inode: &str) -> usize {
        let links =
            self.tree.iter().filter(|(_, node)| matches!(&node.kind, Kind::HardLink(target) if target == inode));
        1 + links.count()
    }

    /// What the symbolic link at `path` holds (readlink(2)).
    ///
    /// # Errors
    /// Nothing there, or no link.
    pub fn read_link(&self, path: &str) -> Done<&str> {
        match &self.stat(path, false)?.1.kind {
            Kind::Symlink(target) => Ok(target),
            _ => Err(FileError::Invalid),
        }
    }

    /// Whether there is something at `path`, links followed.
    ///
    /// # Errors
    /// Only what only a kernel has.
    pub fn exists(&self, path: &str) -> Result<bool, Reason> {
        there(self.stat(path, true).map(|_| ()))
    }

    /// Whether there is a directory at `path`, links followed.
    ///
    /// # Errors
    /// Only what only a kernel has.
    pub fn is_dir(&self, path: &str) -> Result<bool, Reason> {
        match self.stat(path, true) {
            Ok((_, node)) => Ok(node.is_dir()),
            Err(error) => there(Err(error)),
        }
    }

    /// Whether there is a regular file at `path`, links followed.
    ///
    /// # Errors
    /// Only what only a kernel has.
    pub fn is_file(&self, path: &str) -> Result<bool, Reason> {
        match self.stat(path, true) {
            Ok((_, node)) => Ok(matches!(node.kind, Kind::File(_))),
            Err(error) => there(Err(error)),
        }
    }

    /// Reads the regular file at `path`.
    ///
    /// # Errors
    /// Nothing there, a directory, a file too large or damaged.
    pub fn read(&self, path: &str) -> Done<Cow<'_, [u8]>> {
        if is_null(path) {
            return Ok(Cow::Borrowed(&[]));
        }
        let (real, node) = self.stat(path, true)?;
        match &node.kind {
            _ if is_null(&real) => Ok(Cow::Borrowed(&[])),
            Kind::File(content) if content.len() > READ_MAX => Err(Reason::Limit("64 MiB of one file").into()),
            Kind::File(content) => content.read().map_err(|_| Reason::Unreadable(format!("/{real}")).into()),
            Kind::Dir => Err(FileError::IsDirectory),
            _ => Err(FileError::Invalid),
        }
    }

    /// As [`Files::read`], as text.
    ///
    /// # Errors
    /// As there, and bytes that are not UTF-8.
    pub fn read_text(&self, path: &str) -> Done<String> {
        String::from_utf8(self.read(path)?.into_owned()).map_err(|_| Reason::NotText.into())
    }

    /// The names in the directory at `path`, in byte order.
    ///
    /// # Errors
    /// Nothing there, no directory.
    pub fn list(&self, path: &str) -> Done<Vec<String>> {
        let (real, node) = self.stat(path, true)?;
        if !node.is_dir() {
            return Err(FileError::NotDirectory);
        }
        Ok(self.tree.children(&real).map(|(name, _)| name.to_owned()).collect())
    }

    /// The content of the regular file at `path`, links followed, without reading it.
    ///
    /// # Errors
    /// Nothing there, or no regular file.
    pub fn content(&self, path: &str) -> Done<Content> {
        let (real, node) = self.stat(path, true)?;
        match &node.kind {
            Kind::File(content) => Ok(content.clone()),
            _ if is_null(&real) => Ok(Content::from(Vec::new())),
            Kind::Dir => Err(FileError::IsDirectory),
            _ => Err(Reason::unsupported(path, "reading what is no regular file").into()),
        }
    }

    /// A name that no other file has, for what mktemp(1) and the like draw by chance: its last component has `template` with
    /// a number for its `X`s. The same run gives the same names.
    #[must_use]
    pub fn temporary_name(&mut self, template: &str) -> String {
        self.temporary += 1;
        let stem = template.trim_end_matches('X');
        format!("{stem}{:0>width$}", self.temporary, width = template.len() - stem.len())
    }
}

/// Whether a look-up found something; only what is not modelled is an error.
fn there(found: Done<()>) -> Result<bool, Reason> {
    match found {
        Ok(()) => Ok(true),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(_) => Ok(false),
    }
}

/// Whether it is the null device, as scripts write it or as a clean path.
fn is_null(path: &str) -> bool {
    path == "/dev/null" || path == "dev/null"
}
