//! One inode of a tree: what it is, who owns it, who put it there.

use std::collections::BTreeMap;

use super::Content;

/// What kind of file a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A directory.
    Dir,
    /// A regular file.
    File(Content),
    /// A symbolic link and the text it holds.
    Symlink(String),
    /// Another name of the regular file at this (clean) path. The link's own mode, owner and attributes are
    /// ignored: an inode has one of each.
    HardLink(String),
    /// A character device.
    CharDevice { major: u32, minor: u32 },
    /// A block device.
    BlockDevice { major: u32, minor: u32 },
    /// A named pipe.
    Fifo,
}

impl Kind {
    /// The kind in words, with article, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Dir => "a directory",
            Self::File(_) => "a regular file",
            Self::Symlink(_) => "a symbolic link",
            Self::HardLink(_) => "a hard link",
            Self::CharDevice { .. } => "a character device",
            Self::BlockDevice { .. } => "a block device",
            Self::Fifo => "a named pipe",
        }
    }
}

/// An inode. Modification times are not kept: every writer gives all of them the plan's epoch.
#[derive(Debug, Clone)]
pub struct Node {
    pub kind: Kind,
    /// Permission, setuid, setgid and sticky bits (`0o7777`).
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Extended attributes by full name (`security.capability`).
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Who put it there: a package's name, `effect:NAME`, `overlay:NAME` or `profile:NAME`.
    pub origin: String,
}

impl Node {
    fn new(kind: Kind, mode: u16) -> Self {
        Self { kind, mode, uid: 0, gid: 0, xattrs: BTreeMap::new(), origin: String::new() }
    }

    /// A directory owned by root.
    #[must_use]
    pub fn dir(mode: u16) -> Self {
        Self::new(Kind::Dir, mode)
    }

    /// A regular file owned by root.
    #[must_use]
    pub fn file(mode: u16, content: impl Into<Content>) -> Self {
        Self::new(Kind::File(content.into()), mode)
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(target: impl Into<String>) -> Self {
        Self::new(Kind::Symlink(target.into()), 0o777)
    }

    /// Another name for the regular file at `target` (a clean path).
    #[must_use]
    pub fn hard_link(target: impl Into<String>) -> Self {
        Self::new(Kind::HardLink(target.into()), 0o644)
    }

    /// A node of any kind, owned by root.
    #[must_use]
    pub fn of(kind: Kind, mode: u16) -> Self {
        Self::new(kind, mode)
    }

    /// The same node with another owner.
    #[must_use]
    pub fn owned(mut self, uid: u32, gid: u32) -> Self {
        self.uid = uid;
        self.gid = gid;
        self
    }

    /// The same node with its origin named.
    #[must_use]
    pub fn from(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Dir)
    }
}
