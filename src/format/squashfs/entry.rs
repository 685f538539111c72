//! What goes into an image.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;

/// The content of a regular file.
pub trait FileData: Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether it holds no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 of the content. Asked for once per file; cheap if known.
    fn digest(&self) -> [u8; 32];

    /// The `len` bytes at `start`; asked for only where no stored block can be used.
    ///
    /// # Errors
    /// Of reading.
    fn read_range(&self, start: u64, len: u64) -> io::Result<Cow<'_, [u8]>>;
}

/// One name in the image.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Clean relative path (`usr/bin/sh`); `""` is the root directory.
    pub path: &'a str,
    /// Permission, setuid, setgid and sticky bits (`0o7777`).
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Extended attributes by full name (`security.capability`).
    pub xattrs: &'a BTreeMap<String, Vec<u8>>,
    pub kind: EntryKind<'a>,
}

/// What an entry is.
#[derive(Clone, Copy)]
pub enum EntryKind<'a> {
    Dir,
    File(&'a dyn FileData),
    /// A symbolic link and its text.
    Symlink(&'a str),
    /// Another name for the regular file at this path. The entry's own mode, owner and attributes are ignored.
    HardLink(&'a str),
    CharDevice {
        major: u32,
        minor: u32,
    },
    BlockDevice {
        major: u32,
        minor: u32,
    },
    Fifo,
}

impl fmt::Debug for EntryKind<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir => write!(out, "Dir"),
            Self::File(data) => write!(out, "File({} bytes)", data.len()),
            Self::Symlink(target) => write!(out, "Symlink({target:?})"),
            Self::HardLink(target) => write!(out, "HardLink({target:?})"),
            Self::CharDevice { major, minor } => write!(out, "CharDevice({major}:{minor})"),
            Self::BlockDevice { major, minor } => write!(out, "BlockDevice({major}:{minor})"),
            Self::Fifo => write!(out, "Fifo"),
        }
    }
}
