//! The file system that a script sees: a [`Tree`], a working directory, a file mode creation mask, and a record of what
//! was changed where.
//!
//! Paths are as a process would give them, relative or absolute, and never lead out of the tree. What a kernel would make up
//! (`/proc`, `/sys`, most of `/dev`) is not there; asking for it says so, since the answer would be another one on every machine.

use std::borrow::Cow;

use super::reason::Reason;
use crate::tree::{Content, Kind, Node, Tree, parent};

/// Bytes that scripts may write in all.
const WRITTEN_MAX: usize = 64 << 20;

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

/// Why a file operation failed: an error number of errno(3), or what is not modelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("No such file or directory")]
    Missing,
    #[error("File exists")]
    Exists,
    #[error("Not a directory")]
    NotDirectory,
    #[error("Is a directory")]
    IsDirectory,
    #[error("Directory not empty")]
    NotEmpty,
    #[error("Too many levels of symbolic links")]
    Loop,
    #[error("Invalid argument")]
    Invalid,
    #[error(transparent)]
    Reason(#[from] Reason),
}

/// The file system of a script.
#[derive(Debug)]
pub struct Files {
    tree: Tree,
    /// Clean path of the working directory.
    cwd: String,
    pub umask: u16,
    /// Who new nodes come from ([`Node::origin`]).
    origin: String,
    /// The line that is carried out, for the record.
    pub line: usize,
    changes: Vec<Change>,
    written: usize,
    /// How many temporary names were given.
    temporary: usize,
}

type Done<T> = Result<T, FileError>;

impl Files {
    /// `tree` as a process of root sees it that was started in `/`; what it makes is `origin`'s.
    #[must_use]
    pub fn new(tree: Tree, origin: &str) -> Self {
        Self {
            tree,
            cwd: String::new(),
            umask: 0o022,
            origin: origin.to_owned(),
            line: 0,
            changes: Vec::new(),
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

    /// The clean path that `path` leads to, which need not exist; links followed, also the last one if `follow`.
    ///
    /// # Errors
    /// A way through something that is missing or no directory; what only a kernel has.
    pub fn locate(&self, path: &str, follow: bool) -> Done<String> {
        if path.is_empty() {
            return Err(FileError::Missing);
        }
        if path.contains('\0') {
            return Err(FileError::Invalid);
        }
        let absolute = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.cwd) };
        let follow = follow || path.ends_with('/');
        let real = self.tree.resolve(&absolute, follow).map_err(|_| FileError::Loop)?;
        made_up(&real)?;
        if let Some(dir) = parent(&real) {
            match self.tree.get(dir) {
                Some(node) if node.is_dir() => {}
                Some(_) => return Err(FileError::NotDirectory),
                None => return Err(FileError::Missing),
            }
        }
        if path.ends_with('/') && self.tree.get(&real).is_some_and(|node| !node.is_dir()) {
            return Err(FileError::NotDirectory);
        }
        Ok(real)
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
        let node = self.tree.get(&path).ok_or(FileError::Missing)?;
        match &node.kind {
            Kind::HardLink(target) => Ok((target.clone(), self.tree.get(target).ok_or(FileError::Missing)?)),
            _ => Ok((path, node)),
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
        let skip = if real.is_empty() { 0 } else { real.len() + 1 };
        let names = self.tree.below(&real).filter_map(|(path, _)| path.get(skip..));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    /// Writes the file at `path` as open(2) with `O_CREAT | O_TRUNC` and write(2) do: what is there keeps owner and mode, what is not
    /// gets mode 0666 less the mask.
    ///
    /// # Errors
    /// A directory; a place below something that is no directory.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Done<()> {
        self.store(path, bytes.to_vec(), "wrote")
    }

    /// As [`Files::write`] with `O_APPEND` instead of `O_TRUNC`.
    ///
    /// # Errors
    /// As there.
    pub fn append(&mut self, path: &str, bytes: &[u8]) -> Done<()> {
        let mut all = match self.read(path) {
            Ok(old) => old.into_owned(),
            Err(FileError::Missing) => Vec::new(),
            Err(error) => return Err(error),
        };
        all.extend_from_slice(bytes);
        self.store(path, all, "appended to")
    }

    fn store(&mut self, path: &str, bytes: Vec<u8>, verb: &str) -> Done<()> {
        if is_null(path) {
            return Ok(());
        }
        self.written = self.written.saturating_add(bytes.len());
        if self.written > WRITTEN_MAX {
            return Err(Reason::Limit("64 MiB of files").into());
        }
        let real = self.locate(path, true)?;
        let (real, old) = match self.inode(real.clone()) {
            Ok((real, node)) => (real, Some(node)),
            Err(_) => (real, None),
        };
        let node = match old {
            Some(node) if node.is_dir() => return Err(FileError::IsDirectory),
            Some(node) if matches!(node.kind, Kind::File(_)) => {
                Node { kind: Kind::File(Content::from(bytes)), ..node.clone() }.from(&self.origin)
            }
            Some(_) => return Err(FileError::Invalid),
            None => Node::file(0o666 & !self.umask, bytes).from(&self.origin),
        };
        self.put(&real, node, verb)
    }

    fn put(&mut self, real: &str, node: Node, verb: &str) -> Done<()> {
        self.tree.put(real, node).map_err(|_| FileError::NotDirectory)?;
        self.note(format!("{verb} /{real}"));
        Ok(())
    }

    /// mkdir(2): `mode` less the mask.
    ///
    /// # Errors
    /// Something is there, or nothing above.
    pub fn mkdir(&mut self, path: &str, mode: u16) -> Done<()> {
        let real =
            self.locate(path.trim_end_matches('/'), false).or_else(|error| match path.trim_end_matches('/') {
                "" => Ok(String::new()),
                _ => Err(error),
            })?;
        if self.tree.contains(&real) {
            return Err(FileError::Exists);
        }
        let mode = mode & !self.umask;
        let node = Node::dir(mode).from(&self.origin);
        self.put(&real, node, &format!("made (mode {mode:04o}) directory"))
    }

    /// symlink(2)
    ///
    /// # Errors
    /// Something is there, or nothing above.
    pub fn symlink(&mut self, target: &str, path: &str) -> Done<()> {
        let real = self.locate(path, false)?;
        if self.tree.contains(&real) {
            return Err(FileError::Exists);
        }
        let node = Node::symlink(target).from(&self.origin);
        self.put(&real, node, &format!("linked to {target}:"))
    }

    /// link(2): another name for the file at `old`, whose own link is not followed.
    ///
    /// # Errors
    /// `old` is missing or no regular file, `new` is there.
    pub fn hard_link(&mut self, old: &str, new: &str) -> Done<()> {
        let (target, node) = self.stat(old, false)?;
        if !matches!(node.kind, Kind::File(_)) {
            return Err(FileError::Invalid);
        }
        let real = self.locate(new, false)?;
        if self.tree.contains(&real) {
            return Err(FileError::Exists);
        }
        let node = Node::hard_link(target.as_str()).from(&self.origin);
        self.put(&real, node, &format!("gave /{target} another name:"))
    }

    /// mknod(2) for a named pipe.
    ///
    /// # Errors
    /// Something is there, or nothing above.
    pub fn fifo(&mut self, path: &str, mode: u16) -> Done<()> {
        let real = self.locate(path, false)?;
        if self.tree.contains(&real) {
            return Err(FileError::Exists);
        }
        let node = Node::of(Kind::Fifo, mode & !self.umask).from(&self.origin);
        self.put(&real, node, "made the named pipe")
    }

    /// unlink(2)
    ///
    /// # Errors
    /// Nothing there, or a directory.
    pub fn unlink(&mut self, path: &str) -> Done<()> {
        let real = self.locate(path, false)?;
        match self.tree.get(&real) {
            None => Err(FileError::Missing),
            Some(node) if node.is_dir() => Err(FileError::IsDirectory),
            Some(_) => {
                self.tree.remove(&real);
                self.note(format!("removed /{real}"));
                Ok(())
            }
        }
    }

    /// rmdir(2)
    ///
    /// # Errors
    /// Nothing there, no directory, or one that holds something.
    pub fn rmdir(&mut self, path: &str) -> Done<()> {
        let real = self.locate(path.trim_end_matches('/'), false)?;
        let node = self.tree.get(&real).ok_or(FileError::Missing)?;
        if !node.is_dir() {
            return Err(FileError::NotDirectory);
        }
        if real.is_empty() || self.tree.below(&real).next().is_some() {
            return Err(FileError::NotEmpty);
        }
        self.tree.remove(&real);
        self.note(format!("removed the directory /{real}"));
        Ok(())
    }

    /// Removes what is at `path` and, if it is a directory, all below it.
    ///
    /// # Errors
    /// Nothing there; the root directory.
    pub fn remove_all(&mut self, path: &str) -> Done<()> {
        let real = self.locate(path.trim_end_matches('/'), false)?;
        if real.is_empty() {
            return Err(FileError::Invalid);
        }
        if !self.tree.contains(&real) {
            return Err(FileError::Missing);
        }
        self.tree.remove(&real);
        self.note(format!("removed /{real}"));
        Ok(())
    }

    /// rename(2): the node at `old`, with all below it, is at `new` afterwards.
    ///
    /// # Errors
    /// Nothing at `old`; a directory over something else or over one that holds something; a directory into itself.
    pub fn rename(&mut self, old: &str, new: &str) -> Done<()> {
        let from = self.locate(old.trim_end_matches('/'), false)?;
        let to = self.locate(new.trim_end_matches('/'), false)?;
        let moved = self.tree.get(&from).ok_or(FileError::Missing)?;
        if from == to {
            return Ok(());
        }
        let below = format!("{from}/");
        if moved.is_dir() && to.starts_with(&below) {
            return Err(FileError::Invalid);
        }
        match (moved.is_dir(), self.tree.get(&to).map(Node::is_dir)) {
            (false, Some(true)) => return Err(FileError::IsDirectory),
            (true, Some(false)) => return Err(FileError::NotDirectory),
            (true, Some(true)) if self.tree.below(&to).next().is_some() => return Err(FileError::NotEmpty),
            _ => {}
        }
        // Hard links to what moves follow it: they name the file's path.
        let renamed = |path: &str| match path.strip_prefix(&below) {
            Some(rest) => Some(format!("{to}/{rest}")),
            None => (path == from).then(|| to.clone()),
        };
        self.tree.remove(&to);
        let mut nodes: Vec<(String, Node)> = vec![(from.clone(), moved_node(&self.tree, &from)?)];
        nodes.extend(self.tree.below(&from).map(|(path, node)| (path.to_owned(), node.clone())));
        let links: Vec<(String, String)> = self
            .tree
            .iter()
            .filter_map(|(path, node)| match &node.kind {
                Kind::HardLink(target) => Some((path.to_owned(), renamed(target)?)),
                _ => None,
            })
            .collect();
        for (path, node) in nodes {
            if let Some(path) = renamed(&path) {
                self.tree.put(&path, node).map_err(|_| FileError::NotDirectory)?;
            }
        }
        for (path, target) in links {
            let path = renamed(&path).unwrap_or(path);
            if let Some(node) = self.tree.get_mut(&path) {
                node.kind = Kind::HardLink(target);
            }
        }
        self.tree.remove(&from);
        self.note(format!("moved /{from} to /{to}"));
        Ok(())
    }

    /// chmod(2): links are followed.
    ///
    /// # Errors
    /// Nothing there.
    pub fn chmod(&mut self, path: &str, mode: u16) -> Done<()> {
        let (real, _) = self.stat(path, true)?;
        let node = self.tree.get_mut(&real).ok_or(FileError::Missing)?;
        if node.mode != mode {
            node.mode = mode;
            self.note(format!("mode {mode:04o}: /{real}"));
        }
        Ok(())
    }

    /// chown(2), or lchown(2) unless `follow`; what is none stays. As the kernel, takes set-user-ID and set-group-ID bits of regular
    /// files away.
    ///
    /// # Errors
    /// Nothing there.
    pub fn chown(&mut self, path: &str, uid: Option<u32>, gid: Option<u32>, follow: bool) -> Done<()> {
        let (real, _) = self.stat(path, follow)?;
        let node = self.tree.get_mut(&real).ok_or(FileError::Missing)?;
        let (uid, gid) = (uid.unwrap_or(node.uid), gid.unwrap_or(node.gid));
        if matches!(node.kind, Kind::File(_)) {
            // notify_change in the kernel: S_ISGID only goes where the group may execute.
            node.mode &= if node.mode & 0o010 == 0 { !0o4000 } else { !0o6000 };
        }
        if (node.uid, node.gid) != (uid, gid) {
            (node.uid, node.gid) = (uid, gid);
            self.note(format!("owner {uid}:{gid}: /{real}"));
        }
        Ok(())
    }

    /// Puts a whole node at `path`, in place of what is there unless that is a directory.
    ///
    /// # Errors
    /// A directory there, or nothing above.
    pub fn place(&mut self, path: &str, node: Node) -> Done<()> {
        let real = self.locate(path, false)?;
        if self.tree.get(&real).is_some_and(Node::is_dir) {
            return Err(FileError::IsDirectory);
        }
        let node = node.from(&self.origin);
        self.put(&real, node, "wrote")
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

fn moved_node(tree: &Tree, path: &str) -> Done<Node> {
    tree.get(path).cloned().ok_or(FileError::Missing)
}

/// Whether a look-up found something; only what is not modelled is an error.
fn there(found: Done<()>) -> Result<bool, Reason> {
    match found {
        Ok(()) => Ok(true),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(_) => Ok(false),
    }
}

fn is_null(path: &str) -> bool {
    path == "/dev/null"
}

/// Refuses what a kernel makes up. An installation has no running systemd, whose directory in `/run` scripts ask for: it is not
/// there, like all of `/run` that nobody made.
fn made_up(real: &str) -> Done<()> {
    let what = match real.split('/').next() {
        Some("proc") if real != "proc" => "the running kernel and its processes (/proc)",
        Some("sys") if real != "sys" => "the machine's devices (/sys)",
        Some("dev") if ["dev/random", "dev/urandom", "dev/hwrng"].contains(&real) => "randomness",
        _ => return Ok(()),
    };
    Err(Reason::differs(&format!("/{real}"), what).into())
}
