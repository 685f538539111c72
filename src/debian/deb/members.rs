//! Checks tar entries, and turns them into members that are safe to put into a tree.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tar::EntryType;

use super::error::Flaw;
use super::tar::TarEntry;
use crate::tree::{self, Digest};

/// Most bytes of a path and of a component in Linux (`PATH_MAX` without the NUL, `NAME_MAX`).
const MAX_PATH: usize = 4095;
const MAX_COMPONENT: usize = 255;
/// Most components of a path and of a link's target. Resolving a path costs time for each component; packages have a tenth
/// of this.
const MAX_DEPTH: usize = 128;

/// A member, as stored in the pack's index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackMember {
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

/// Turns entries of `data.tar` into members with clean paths, in archive order. The root directory is left out, since every
/// tree has one.
///
/// # Errors
/// A path leaves the root or is invalid in Linux, a type is unknown, a hard link's target is not a file before it, two
/// members with the same path differ, or a member lies below one that is not a directory.
pub(super) fn members(entries: Vec<TarEntry>) -> Result<Vec<PackMember>, Flaw> {
    let mut members: Vec<PackMember> = Vec::new();
    // Only for look-ups: the result keeps the archive's order.
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
        let TarEntry { mode, uid, gid, xattrs, .. } = entry;
        let member = PackMember { path, kind, mode, uid, gid, xattrs };
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

/// The members are sorted with `/` before all other characters, so that everything below a path follows it directly.
fn refuse_below_non_directories(members: &[PackMember]) -> Result<(), Flaw> {
    let mut order: Vec<&PackMember> = members.iter().collect();
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

fn kind(entry: &TarEntry, is_file: impl Fn(&str) -> bool) -> Result<Kind, Flaw> {
    Ok(match entry.kind {
        EntryType::Directory => Kind::Dir,
        // Archives older than ustar mark directories by a trailing slash; dpkg still accepts these.
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
