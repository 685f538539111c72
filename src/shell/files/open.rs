//! Files that are open: they stay the same file when their names change or go, and may be read and written piece by piece.
//!
//! ```text
//! write ─▶ buffer of one file ─▶ settle ─▶ tree
//! ```
//!
//! A script writes its files in small pieces. They are gathered, and stored once somebody looks: whoever holds [`Files`] settles them
//! first.

use std::collections::BTreeMap;

use super::error::{Done, FileError};
use super::walk::Last;
use super::{Files, is_null};
use crate::shell::reason::Reason;
use crate::tree::{Content, Kind, Node};

/// Bytes that storing files again and again may copy in all.
const COPIED_MAX: u64 = 4 << 30;

/// Bytes of a file that is written to which are kept beside what is stored.
const KEPT_MAX: usize = 1 << 20;

/// Bytes of a file that may be written to.
const FILE_MAX: u64 = 64 << 20;

/// How a file is opened (open(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// To be read.
    Read,
    /// To be read and written; it is created if it is not there.
    ReadWrite,
    /// To be written; it is created if it is not there, else emptied.
    Write,
    /// To be written at its end; it is created if it is not there.
    Append,
}

/// What was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// The null device.
    Null,
    /// A directory, which cannot be read.
    Directory,
    /// A regular file, by a number that nobody else has.
    File(usize),
}

/// All files that are open.
#[derive(Debug, Default)]
pub(super) struct OpenFiles {
    files: BTreeMap<usize, OpenFile>,
    next: usize,
    /// The file that was written to since the last [`Files::settle`].
    unsettled: Option<usize>,
    copied: u64,
}

#[derive(Debug)]
struct OpenFile {
    /// Clean path of its inode; none once it has no name any more.
    path: Option<String>,
    /// What it holds; where it has a path, the tree knows better.
    content: Content,
    /// The same, to be written to, and whether it is what `content` is.
    buffer: Vec<u8>,
    loaded: bool,
}

impl Files {
    /// open(2): links are followed; new files have mode 0666 less the mask.
    ///
    /// # Errors
    /// Nothing there, a directory that is to be written to, a device.
    pub fn open(&mut self, path: &str, how: How) -> Done<Opened> {
        self.settle()?;
        if is_null(path) {
            return Ok(Opened::Null);
        }
        if how == How::Read {
            let (real, node) = self.stat(path, true)?;
            return match &node.kind {
                _ if is_null(&real) => Ok(Opened::Null),
                Kind::File(content) => {
                    let content = content.clone();
                    Ok(self.opened(real, content))
                }
                Kind::Dir => Ok(Opened::Directory),
                _ => Err(Reason::unsupported(path, "reading what is no regular file").into()),
            };
        }
        match how {
            How::Write => self.write(path, b"")?,
            _ => match self.content(path) {
                Ok(_) => {}
                Err(FileError::Missing) => self.write(path, b"")?,
                Err(error) => return Err(error),
            },
        }
        let place = self.walk(path, Last::Follow)?;
        let (real, node) = self.inode(place.path)?;
        match &node.kind {
            _ if is_null(&real) => Ok(Opened::Null),
            Kind::File(content) => {
                let content = content.clone();
                Ok(self.opened(real, content))
            }
            _ => Err(FileError::IsDirectory),
        }
    }

    fn opened(&mut self, path: String, content: Content) -> Opened {
        let number = self.open.next;
        self.open.next += 1;
        self.open.files.insert(number, OpenFile { path: Some(path), content, buffer: Vec::new(), loaded: false });
        Opened::File(number)
    }

    /// What the open file `number` holds.
    ///
    /// # Errors
    /// What storing it first reports.
    pub fn opened_content(&mut self, number: usize) -> Done<Content> {
        self.settle()?;
        let Some(open) = self.open.files.get(&number) else { return Err(FileError::Missing) };
        let in_tree = open.path.as_deref().and_then(|path| self.tree.get(path));
        match in_tree.map(|node| &node.kind) {
            Some(Kind::File(content)) => Ok(content.clone()),
            _ => Ok(open.content.clone()),
        }
    }

    /// The clean path of the open file `number`, while it has one.
    #[must_use]
    pub fn opened_path(&self, number: usize) -> Option<&str> {
        self.open.files.get(&number)?.path.as_deref()
    }

    /// Writes to the open file `number` at `offset`, or at its end. Gives where it ended.
    ///
    /// # Errors
    /// Too many bytes.
    pub fn write_opened(&mut self, number: usize, offset: Option<u64>, bytes: &[u8]) -> Done<u64> {
        self.count(bytes.len())?;
        if self.open.unsettled != Some(number) {
            let content = self.opened_content(number)?;
            let known = self.open.files.get(&number).filter(|open| open.loaded && same(&open.content, &content));
            if known.is_none() {
                let buffer = match content.read() {
                    _ if content.len() > FILE_MAX => return Err(Reason::Limit("64 MiB of one file").into()),
                    Ok(bytes) => bytes.into_owned(),
                    Err(_) => return Err(Reason::Unreadable("a file that it writes to".to_owned()).into()),
                };
                self.copied(buffer.len())?;
                if let Some(open) = self.open.files.get_mut(&number) {
                    (open.buffer, open.loaded) = (buffer, true);
                }
            }
        }
        self.open.unsettled = Some(number);
        let Some(open) = self.open.files.get_mut(&number) else { return Err(FileError::Missing) };
        let buffer = &mut open.buffer;
        let start = match offset {
            Some(offset) => usize::try_from(offset).map_err(|_| FileError::Invalid)?,
            None => buffer.len(),
        };
        // What lies between the end and there is NUL bytes.
        if buffer.len() < start {
            let hole = start - buffer.len();
            buffer.resize(start, 0);
            self.written = self.written.saturating_add(hole);
        }
        let over = bytes.len().min(buffer.len() - start);
        let (first, rest) = bytes.split_at(over);
        if let Some(there) = buffer.get_mut(start..start + over) {
            there.copy_from_slice(first);
        }
        buffer.extend_from_slice(rest);
        let path = open.path.clone();
        if let Some(path) = path {
            let what = format!("wrote to /{path}");
            if self.changes.last().is_none_or(|last| last.line != self.line || last.what != what) {
                self.note(what);
            }
        }
        Ok((start + bytes.len()) as u64)
    }

    /// Stores what was written to open files.
    ///
    /// # Errors
    /// Too much was copied.
    pub fn settle(&mut self) -> Done<()> {
        let Some(number) = self.open.unsettled.take() else { return Ok(()) };
        let Some(open) = self.open.files.get_mut(&number) else { return Ok(()) };
        let bytes = open.buffer.len();
        open.content = if bytes > KEPT_MAX {
            open.loaded = false;
            Content::from(std::mem::take(&mut open.buffer))
        } else {
            Content::from(open.buffer.clone())
        };
        let node = open.path.as_deref().and_then(|path| self.tree.get_mut(path));
        if let Some(node) = node
            && matches!(node.kind, Kind::File(_))
        {
            node.kind = Kind::File(open.content.clone());
            self.origin.clone_into(&mut node.origin);
            node.xattrs.remove(super::change::CAPABILITY);
        }
        self.copied(bytes)
    }

    fn copied(&mut self, bytes: usize) -> Done<()> {
        self.open.copied = self.open.copied.saturating_add(bytes as u64);
        if self.open.copied > COPIED_MAX {
            Err(Reason::Limit("4 GiB of files written piece by piece").into())
        } else {
            Ok(())
        }
    }

    /// Nobody needs the open file `number` any more.
    ///
    /// # Errors
    /// What storing it first reports.
    pub fn close(&mut self, number: usize) -> Done<()> {
        if self.open.unsettled == Some(number) {
            self.settle()?;
        }
        self.open.files.remove(&number);
        Ok(())
    }

    /// Takes `path` and all below it out of the tree. Files that are open stay what they are: under another name, or none.
    pub(super) fn take_away(&mut self, path: &str) {
        let below = format!("{path}/");
        let goes = |name: &str| name == path || name.starts_with(&below);
        for open in self.open.files.values_mut() {
            let Some(name) = open.path.as_deref().filter(|name| goes(name)) else { continue };
            if let Some(Node { kind: Kind::File(content), .. }) = self.tree.get(name) {
                open.content = content.clone();
            }
            // The first other name becomes the file (`Tree::remove`).
            let heir = self.tree.iter().find_map(|(other, node)| match &node.kind {
                Kind::HardLink(target) if target == name && !goes(other) => Some(other.to_owned()),
                _ => None,
            });
            open.path = heir;
        }
        self.tree.remove(path);
    }

    /// Open files follow what was at `from` to `to`.
    pub(super) fn carry_open(&mut self, renamed: impl Fn(&str) -> Option<String>) {
        for open in self.open.files.values_mut() {
            if let Some(name) = open.path.as_deref().and_then(&renamed) {
                open.path = Some(name);
            }
        }
    }
}

/// Whether both are the very same bytes in memory.
fn same(one: &Content, other: &Content) -> bool {
    match (one, other) {
        (Content::Bytes(one), Content::Bytes(other)) => std::sync::Arc::ptr_eq(one, other),
        _ => false,
    }
}
