//! From tar entries to members that are safe to put into a tree.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tar::EntryType;

use super::error::Flaw;
use super::tar::Entry;
use crate::tree::{self, Digest};

/// Longest path and longest component that Linux takes (`PATH_MAX` less its NUL, `NAME_MAX`).
const MAX_PATH: usize = 4095;
const MAX_COMPONENT: usize = 255;
/// Most components of a path and of a link's target: whoever follows one goes through it component by component, so that
/// the cost of a path is bounded by its length times this. Packages have a tenth of it.
const MAX_DEPTH: usize = 128;

/// A member as the pack's index keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub path: String,
    pub kind: Kind,
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Dir,
    /// Offset and length in the pack, digest, checksums of its chunks.
    File(u64, u64, Digest, Vec<u64>),
    Symlink(String),
    HardLink(String),
    CharDevice(u32, u32),
    BlockDevice(u32, u32),
    Fifo,
}

impl Kind {
    fn describe(&self) -> &'static str {
        match self {
            Self::Dir => "a directory",
            Self::File(..) => "a regular file",
            Self::Symlink(_) => "a symbolic link",
            Self::HardLink(_) => "a hard link",
            Self::CharDevice(..) | Self::BlockDevice(..) => "a device",
            Self::Fifo => "a named pipe",
        }
    }
}

/// Turns entries of `data.tar` into members with clean paths, in archive order. The root directory is left out:
/// every tree has one.
///
/// # Errors
/// A name that leaves the root or that Linux would not take, an unknown kind, a hard link to anything but a
/// file before it, two different members of one path, a member below one that is not a directory.
pub(super) fn members(entries: Vec<Entry>) -> Result<Vec<Member>, Flaw> {
    let mut members: Vec<Member> = Vec::new();
    // For look-ups only; what comes out keeps the archive's order.
    let mut by_path: HashMap<String, usize> = HashMap::new();
    for entry in entries {
        let name = entry.name.clone();
        let path = clean(&name, &entry.name)?;
        let kind =
            kind(&entry, |target| by_path.get(target).is_some_and(|&at| matches!(members[at].kind, Kind::File(..))))?;
        if path.is_empty() {
            if kind == Kind::Dir {
                continue;
            }
            return Err(Flaw::BadName(name));
        }
        let Entry { mode, uid, gid, xattrs, .. } = entry;
        let member = Member { path, kind, mode, uid, gid, xattrs };
        match by_path.get(&member.path) {
            Some(&before) if members[before] == member => {}
            Some(_) => return Err(Flaw::Duplicate { member: name }),
            None => {
                by_path.insert(member.path.clone(), members.len());
                members.push(member);
            }
        }
    }
    refuse_below_non_directories(&members)?;
    Ok(members)
}

/// In an order where `/` comes before all else, what lies below a path follows it at once.
fn refuse_below_non_directories(members: &[Member]) -> Result<(), Flaw> {
    let mut order: Vec<&Member> = members.iter().collect();
    order.sort_by_cached_key(|member| member.path.replace('/', "\0"));
    for pair in order.windows(2) {
        let (above, below) = (pair[0], pair[1]);
        let is_below = below.path.strip_prefix(&above.path).is_some_and(|rest| rest.starts_with('/'));
        if is_below && above.kind != Kind::Dir {
            let (member, above, kind) = (below.path.clone(), above.path.clone(), above.kind.describe());
            return Err(Flaw::BelowNonDirectory { member, above, kind });
        }
    }
    Ok(())
}

/// `path`, which the entry called `member` names, as a clean path.
fn clean(member: &str, path: &str) -> Result<String, Flaw> {
    let clean = tree::clean(path).map_err(|source| Flaw::Path { member: member.to_owned(), source })?;
    if clean.len() > MAX_PATH || clean.split('/').any(|part| part.len() > MAX_COMPONENT) {
        return Err(Flaw::BadName(member.to_owned()));
    }
    refuse_deep(member, &clean)?;
    Ok(clean)
}

fn refuse_deep(member: &str, path: &str) -> Result<(), Flaw> {
    if path.split('/').nth(MAX_DEPTH).is_some() {
        return Err(Flaw::TooDeep { member: member.to_owned(), limit: MAX_DEPTH });
    }
    Ok(())
}

fn kind(entry: &Entry, is_file: impl Fn(&str) -> bool) -> Result<Kind, Flaw> {
    Ok(match entry.kind {
        EntryType::Directory => Kind::Dir,
        // Archives from before ustar mark directories by a slash, as dpkg still takes them.
        EntryType::Regular if entry.name.ends_with('/') && entry.len == 0 => Kind::Dir,
        EntryType::Regular | EntryType::Continuous => {
            Kind::File(entry.offset, entry.len, entry.digest, entry.chunks.clone())
        }
        EntryType::Symlink if entry.link.is_empty() || entry.link.len() > MAX_PATH || entry.link.contains('\0') => {
            return Err(Flaw::BadName(entry.name.clone()));
        }
        EntryType::Symlink => {
            refuse_deep(&entry.name, &entry.link)?;
            Kind::Symlink(entry.link.clone())
        }
        EntryType::Link => {
            let target = clean(&entry.name, &entry.link)?;
            if !is_file(&target) {
                return Err(Flaw::HardLink { member: entry.name.clone(), target: entry.link.clone() });
            }
            Kind::HardLink(target)
        }
        EntryType::Char => Kind::CharDevice(entry.device.0, entry.device.1),
        EntryType::Block => Kind::BlockDevice(entry.device.0, entry.device.1),
        EntryType::Fifo => Kind::Fifo,
        other => {
            return Err(Flaw::Kind { member: entry.name.clone(), kind: char::from(other.as_byte()) });
        }
    })
}
