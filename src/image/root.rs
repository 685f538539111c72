//! A tree as a squashfs: the root partition and the seed are made here.

use std::borrow::Cow;
use std::io::{self, Seek, Write};

use crate::format::Store;
use crate::format::squashfs::{self, Entry, EntryKind, FileData, Options, SquashfsError, Summary};
use crate::tree::{Content, Kind, Node, Tree};

/// Directories whose content is copied to partition 1 or has done its work there; the root keeps them empty, but for the
/// kernel's configuration, which K3s's `check-config` and Longhorn read.
const BOOT_ONLY: &[&str] = &["boot", "usr/lib/systemd/boot", "usr/lib/raspi-firmware"];

/// The part of a finished tree that the root partition holds: all but what only the boot partition needs.
#[must_use]
pub fn without_boot_files(tree: &Tree) -> Tree {
    let mut root = tree.clone();
    let is_boot_only = |path: &str| BOOT_ONLY.iter().any(|dir| below(path, dir)) && !path.starts_with("boot/config-");
    root.retain(|path, _| !is_boot_only(path) && !is_device_tree(path));
    root
}

fn below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// Device trees lie in `usr/lib/linux-image-VERSION/`.
fn is_device_tree(path: &str) -> bool {
    path.strip_prefix("usr/lib/linux-image-").is_some_and(|rest| rest.contains('/'))
}

/// Writes `tree` as a squashfs to `out`; every inode gets the modification time `epoch` (seconds since 1970).
///
/// # Errors
/// Of reading contents and of writing.
pub fn squashfs(
    tree: &Tree,
    block_size: u32,
    level: i32,
    epoch: u32,
    store: &dyn Store,
    out: &mut (impl Write + Seek),
) -> Result<Summary, SquashfsError> {
    let entries: Vec<Entry<'_>> = tree.iter().map(|(path, node)| entry(path, node)).collect();
    squashfs::write(&entries, &Options { block_size, level, mtime: epoch, threads: None }, store, out)
}

fn entry<'a>(path: &'a str, node: &'a Node) -> Entry<'a> {
    let kind = match &node.kind {
        Kind::Dir => EntryKind::Dir,
        Kind::File(content) => EntryKind::File(content),
        Kind::Symlink(target) => EntryKind::Symlink(target),
        Kind::HardLink(target) => EntryKind::HardLink(target),
        Kind::CharDevice { major, minor } => EntryKind::CharDevice { major: *major, minor: *minor },
        Kind::BlockDevice { major, minor } => EntryKind::BlockDevice { major: *major, minor: *minor },
        Kind::Fifo => EntryKind::Fifo,
    };
    Entry { path, mode: node.mode, uid: node.uid, gid: node.gid, xattrs: &node.xattrs, kind }
}

impl FileData for Content {
    fn len(&self) -> u64 {
        Self::len(self)
    }

    fn digest(&self) -> [u8; 32] {
        Self::digest(self).0
    }

    fn read_range(&self, start: u64, len: u64) -> io::Result<Cow<'_, [u8]>> {
        Self::read_range(self, start, len)
    }
}
