//! The name space: which directory holds which entry, who shares an inode, and every inode's number.

use std::collections::HashMap;

use super::error::count;
use super::{Entry, EntryKind, SquashfsError};

/// Longest name that Linux allows (`NAME_MAX`).
const MAX_NAME: usize = 255;
/// Longest target of a symbolic link that Linux allows (`PATH_MAX` less the NUL).
const MAX_TARGET: usize = 4095;

/// The entries, checked and related to each other. Entries are named by their index.
#[derive(Debug)]
pub(super) struct Names<'a> {
    pub entries: &'a [Entry<'a>],
    /// The directories in path order, each with what it holds in order of names.
    pub dirs: Vec<Dir>,
    /// For each entry the one that has its inode: itself, or a hard link's target.
    pub owner: Vec<usize>,
    /// For each entry that owns an inode, the inode's number; numbers start at 1.
    pub number: Vec<u32>,
    /// For each entry that owns an inode, its link count.
    pub links: Vec<u32>,
    /// For each entry the directory that holds it; the root directory holds itself.
    parent: Vec<usize>,
    inodes: u32,
}

/// A directory.
#[derive(Debug)]
pub(super) struct Dir {
    pub entry: usize,
    pub children: Vec<usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(entries: &'a [Entry<'a>]) -> Result<Self, SquashfsError> {
        check(entries)?;
        let by_path: HashMap<&str, usize> = entries.iter().enumerate().map(|(i, entry)| (entry.path, i)).collect();
        let mut dirs: Vec<Dir> = Vec::new();
        let mut dir_of: HashMap<usize, usize> = HashMap::new();
        let mut owner = Vec::with_capacity(entries.len());
        let mut parents = Vec::with_capacity(entries.len());
        let mut links = vec![0; entries.len()];
        for (index, entry) in entries.iter().enumerate() {
            let holder = match parent(entry.path) {
                None => index,
                Some(dir) => {
                    let parent = by_path.get(dir).filter(|dir| matches!(entries[**dir].kind, EntryKind::Dir));
                    let no_parent = || SquashfsError::NoParent { path: entry.path.to_owned() };
                    let parent = *parent.ok_or_else(no_parent)?;
                    dirs[dir_of[&parent]].children.push(index);
                    parent
                }
            };
            parents.push(holder);
            owner.push(match entry.kind {
                EntryKind::HardLink(target) => {
                    let found = by_path.get(target).filter(|file| matches!(entries[**file].kind, EntryKind::File(_)));
                    *found.ok_or_else(|| SquashfsError::HardLink {
                        path: entry.path.to_owned(),
                        target: target.to_owned(),
                    })?
                }
                _ => index,
            });
            links[owner[index]] += 1;
            if matches!(entry.kind, EntryKind::Dir) {
                // A directory is linked to by its name, its own `.` and each subdirectory's `..`.
                links[index] += 1;
                if holder != index {
                    links[holder] += 1;
                }
                dir_of.insert(index, dirs.len());
                dirs.push(Dir { entry: index, children: Vec::new() });
            }
        }
        let (number, inodes) = number(&dirs, &owner)?;
        Ok(Self { entries, dirs, owner, number, links, parent: parents, inodes })
    }

    /// How many inodes there are.
    pub(super) fn inodes(&self) -> u32 {
        self.inodes
    }

    /// The parent's number as a directory's inode holds it: for the root directory one that no inode has.
    pub(super) fn parent_number(&self, dir: usize) -> u32 {
        match self.parent[dir] {
            parent if parent == dir => self.inodes + 1,
            parent => self.number[parent],
        }
    }

    /// The last component of an entry's path.
    pub(super) fn name(&self, entry: usize) -> &'a str {
        let path = self.entries[entry].path;
        path.rsplit_once('/').map_or(path, |(_, name)| name)
    }
}

/// Numbers inodes directory by directory, because a listing holds its children's numbers as small differences.
fn number(dirs: &[Dir], owner: &[usize]) -> Result<(Vec<u32>, u32), SquashfsError> {
    count(owner.len(), "entries")?;
    let mut number = vec![0; owner.len()];
    let mut inodes = 1;
    number[0] = inodes;
    for &child in dirs.iter().flat_map(|dir| &dir.children) {
        let number = &mut number[owner[child]];
        if *number == 0 {
            inodes += 1;
            *number = inodes;
        }
    }
    Ok((number, inodes))
}

/// Checks what concerns one entry or the order.
fn check(entries: &[Entry<'_>]) -> Result<(), SquashfsError> {
    if !matches!(entries.first(), Some(Entry { path: "", kind: EntryKind::Dir, .. })) {
        return Err(SquashfsError::NoRoot);
    }
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].path >= pair[1].path) {
        return Err(SquashfsError::Order { path: pair[1].path.to_owned() });
    }
    for entry in &entries[1..] {
        let path = || entry.path.to_owned();
        let name = entry.path.rsplit_once('/').map_or(entry.path, |(_, name)| name);
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(SquashfsError::Name { path: path() });
        }
        if let EntryKind::Symlink(target) = entry.kind
            && !(1..=MAX_TARGET).contains(&target.len())
        {
            return Err(SquashfsError::Symlink { path: path(), len: target.len() });
        }
    }
    Ok(())
}

/// The path of the directory that holds `path`; `None` for the root directory.
fn parent(path: &str) -> Option<&str> {
    if path.is_empty() { None } else { Some(path.rsplit_once('/').map_or("", |(dir, _)| dir)) }
}
