//! What the system calls that create, write and change files do (section 2 of the manual), for a process of root.

use super::error::{Done, FileError};
use super::walk::{Last, Place};
use super::{Files, is_null};
use crate::shell::reason::Reason;
use crate::tree::{Content, Kind, Node, parent};

/// Bytes that scripts may write in all.
const WRITTEN_MAX: usize = 64 << 20;

/// File capabilities, which a kernel drops from what is written to or given away (capabilities(7)).
pub(super) const CAPABILITY: &str = "security.capability";

impl Files {
    /// Writes the file at `path` as open(2) with `O_CREAT | O_TRUNC` and write(2) do: what is there keeps owner and mode, what is not
    /// gets mode 0666 less the mask.
    ///
    /// # Errors
    /// A directory; a place below something that is no directory.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Done<()> {
        self.count(bytes.len())?;
        self.store(path, Content::from(bytes.to_vec()), "wrote")
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
        self.count(all.len())?;
        self.store(path, Content::from(all), "appended to")
    }

    /// As [`Files::write`], what another file holds.
    ///
    /// # Errors
    /// As there.
    pub fn overwrite(&mut self, path: &str, content: Content) -> Done<()> {
        self.store(path, content, "wrote")
    }

    pub(super) fn count(&mut self, bytes: usize) -> Done<()> {
        self.written = self.written.saturating_add(bytes);
        if self.written > WRITTEN_MAX {
            return Err(Reason::Limit("64 MiB of files").into());
        }
        Ok(())
    }

    fn store(&mut self, path: &str, content: Content, verb: &str) -> Done<()> {
        if is_null(path) {
            return Ok(());
        }
        let place = self.walk(path, Last::Follow)?;
        if place.slash || place.dots {
            return Err(FileError::IsDirectory);
        }
        let (real, old) = match self.inode(place.path.clone()) {
            Ok((real, node)) => (real, Some(node)),
            Err(_) => (place.path, None),
        };
        if is_null(&real) {
            return Ok(());
        }
        let node = match old {
            Some(node) if node.is_dir() => return Err(FileError::IsDirectory),
            Some(node) if matches!(node.kind, Kind::File(_)) => {
                let mut node = Node { kind: Kind::File(content), ..node.clone() }.from(&self.origin);
                node.xattrs.remove(CAPABILITY);
                node
            }
            Some(_) => return Err(Reason::unsupported(path, "writing to what is no regular file").into()),
            None => self.born(&real, Kind::File(content), 0o666),
        };
        self.put(&real, node, verb)
    }

    /// A new inode for `real`: `mode` less the mask, and the group of a directory that has the set-group-ID bit
    /// (inode(7), "The set-group-ID bit").
    fn born(&self, real: &str, kind: Kind, mode: u16) -> Node {
        let mode = if matches!(kind, Kind::Symlink(_)) { 0o777 } else { mode & !self.umask };
        let (uid, gid) = self.identity;
        let mut node = Node::of(kind, mode).owned(uid, gid).from(&self.origin);
        if let Some(above) = parent(real).and_then(|dir| self.tree.get(dir))
            && above.mode & 0o2000 != 0
        {
            node.gid = above.gid;
            if node.is_dir() {
                node.mode |= 0o2000;
            }
        }
        node
    }

    pub(super) fn put(&mut self, real: &str, node: Node, verb: &str) -> Done<()> {
        self.tree.put(real, node).map_err(|_| FileError::NotDirectory)?;
        self.note(format!("{verb} /{real}"));
        Ok(())
    }

    /// A place for a new name (`filename_create` in fs/namei.c of the kernel).
    fn vacant(&self, path: &str, directory: bool) -> Done<String> {
        let place = self.walk(path, Last::Name)?;
        if place.dots || super::walk::node(&self.tree, &place.path).is_some() {
            return Err(FileError::Exists);
        }
        if place.slash && !directory {
            return Err(FileError::Missing);
        }
        Ok(place.path)
    }

    /// mkdir(2): `mode` less the mask. Of the bits beside permissions only the sticky bit counts.
    ///
    /// # Errors
    /// Something is there, or nothing above.
    pub fn mkdir(&mut self, path: &str, mode: u16) -> Done<()> {
        let real = self.vacant(path, true)?;
        let node = self.born(&real, Kind::Dir, mode & 0o1777);
        let verb = format!("made (mode {:04o}) directory", node.mode);
        self.put(&real, node, &verb)
    }

    /// open(2) with `O_CREAT | O_EXCL`: a new file, `mode` less the mask. A link at `path` is not followed.
    ///
    /// # Errors
    /// Something is there, or nothing above.
    pub fn create(&mut self, path: &str, mode: u16, content: Content) -> Done<()> {
        let real = match self.vacant(path, false) {
            Err(FileError::Missing) if path.ends_with('/') => return Err(FileError::IsDirectory),
            real => real?,
        };
        let node = self.born(&real, Kind::File(content), mode);
        self.put(&real, node, "wrote")
    }

    /// mknod(2) for a named pipe or a device.
    ///
    /// # Errors
    /// Something is there, or nothing above.
    pub fn mknod(&mut self, path: &str, kind: Kind, mode: u16) -> Done<()> {
        let real = self.vacant(path, false)?;
        let node = self.born(&real, kind, mode);
        let verb = format!("made {}:", node.kind.describe());
        self.put(&real, node, &verb)
    }

    /// mknod(2) for a named pipe.
    ///
    /// # Errors
    /// As [`Files::mknod`].
    pub fn fifo(&mut self, path: &str, mode: u16) -> Done<()> {
        self.mknod(path, Kind::Fifo, mode)
    }

    /// symlink(2)
    ///
    /// # Errors
    /// Something is there, or nothing above; an empty target.
    pub fn symlink(&mut self, target: &str, path: &str) -> Done<()> {
        if target.is_empty() {
            return Err(FileError::Missing);
        }
        let real = self.vacant(path, false)?;
        let node = self.born(&real, Kind::Symlink(target.to_owned()), 0o777);
        self.put(&real, node, &format!("linked to {target}:"))
    }

    /// link(2): another name for the file at `old`, whose own link is not followed.
    ///
    /// # Errors
    /// `old` is missing or a directory, `new` is there. A tree has further names of regular files only.
    pub fn hard_link(&mut self, old: &str, new: &str) -> Done<()> {
        let (target, node) = self.stat(old, false)?;
        match node.kind {
            Kind::File(_) => {}
            Kind::Dir => return Err(FileError::NotPermitted),
            _ => return Err(Reason::unsupported("link", "another name of what is no regular file").into()),
        }
        let real = self.vacant(new, false)?;
        let node = Node::hard_link(target.as_str()).from(&self.origin);
        self.put(&real, node, &format!("gave /{target} another name:"))
    }

    /// unlink(2)
    ///
    /// # Errors
    /// Nothing there, or a directory.
    pub fn unlink(&mut self, path: &str) -> Done<()> {
        let Place { path: real, slash, dots } = self.walk(path, Last::Name)?;
        let node = self.tree.get(&real).ok_or(FileError::Missing)?;
        if dots || node.is_dir() {
            return Err(FileError::IsDirectory);
        }
        if slash {
            return Err(FileError::NotDirectory);
        }
        self.take_away(&real);
        self.note(format!("removed /{real}"));
        Ok(())
    }

    /// rmdir(2)
    ///
    /// # Errors
    /// Nothing there, no directory, or one that holds something; `.`, `..` and the root directory.
    pub fn rmdir(&mut self, path: &str) -> Done<()> {
        let Place { path: real, dots, .. } = self.walk(path, Last::Name)?;
        if dots {
            let last = path.trim_end_matches('/');
            return Err(match last.rsplit('/').next() {
                Some("..") => FileError::NotEmpty,
                Some(".") => FileError::Invalid,
                _ => FileError::Busy,
            });
        }
        let node = self.tree.get(&real).ok_or(FileError::Missing)?;
        if !node.is_dir() {
            return Err(FileError::NotDirectory);
        }
        if self.tree.below(&real).next().is_some() {
            return Err(FileError::NotEmpty);
        }
        self.take_away(&real);
        self.note(format!("removed the directory /{real}"));
        Ok(())
    }

    /// Removes what is at `path` and, if it is a directory, all below it.
    ///
    /// # Errors
    /// Nothing there; the root directory.
    pub fn remove_all(&mut self, path: &str) -> Done<()> {
        let real = self.walk(path, Last::Name)?.path;
        if real.is_empty() {
            return Err(FileError::Busy);
        }
        if !self.tree.contains(&real) {
            return Err(FileError::Missing);
        }
        self.take_away(&real);
        self.note(format!("removed /{real}"));
        Ok(())
    }

    /// chmod(2): links are followed.
    ///
    /// # Errors
    /// Nothing there.
    pub fn chmod(&mut self, path: &str, mode: u16) -> Done<()> {
        let (real, _) = self.stat(path, true)?;
        let node = self.tree.get_mut(&real).ok_or(FileError::Missing)?;
        let mode = mode & 0o7777;
        if node.mode != mode {
            node.mode = mode;
            self.note(format!("mode {mode:04o}: /{real}"));
        }
        Ok(())
    }

    /// chown(2), or lchown(2) unless `follow`; what is none stays. As the kernel, takes set-user-ID and set-group-ID bits and
    /// capabilities away from all but directories.
    ///
    /// # Errors
    /// Nothing there.
    pub fn chown(&mut self, path: &str, uid: Option<u32>, gid: Option<u32>, follow: bool) -> Done<()> {
        let (real, _) = self.stat(path, follow)?;
        let node = self.tree.get_mut(&real).ok_or(FileError::Missing)?;
        let (uid, gid) = (uid.unwrap_or(node.uid), gid.unwrap_or(node.gid));
        let before = (node.uid, node.gid, node.mode);
        if !node.is_dir() {
            // notify_change in the kernel: S_ISGID only goes where the group may execute.
            node.mode &= if node.mode & 0o010 == 0 { !0o4000 } else { !0o6000 };
            node.xattrs.remove(CAPABILITY);
        }
        (node.uid, node.gid) = (uid, gid);
        if before != (uid, gid, node.mode) {
            self.note(format!("owner {uid}:{gid}: /{real}"));
        }
        Ok(())
    }

    /// setxattr(2), or removexattr(2) without a value; links are not followed.
    ///
    /// # Errors
    /// Nothing there.
    pub fn set_attribute(&mut self, path: &str, name: &str, value: Option<Vec<u8>>) -> Done<()> {
        let (real, _) = self.stat(path, false)?;
        let node = self.tree.get_mut(&real).ok_or(FileError::Missing)?;
        let changed = match value {
            Some(value) => node.xattrs.insert(name.to_owned(), value.clone()) != Some(value),
            None => node.xattrs.remove(name).is_some(),
        };
        if changed {
            self.note(format!("attribute {name}: /{real}"));
        }
        Ok(())
    }

    /// Puts a whole node at `path`, in place of what is there unless that is a directory. Other names of the file that was there
    /// keep it.
    ///
    /// # Errors
    /// A directory there, or nothing above.
    pub fn place(&mut self, path: &str, node: Node) -> Done<()> {
        let real = self.locate(path, false)?;
        if self.tree.get(&real).is_some_and(Node::is_dir) {
            return Err(FileError::IsDirectory);
        }
        self.take_away(&real);
        let node = node.from(&self.origin);
        self.put(&real, node, "wrote")
    }
}
