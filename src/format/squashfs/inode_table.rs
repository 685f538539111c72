//! The inode table and the directory table, which refer to each other and therefore are written together.

use std::collections::HashMap;

use super::directories::{self, Listed, Listing};
use super::inodes::{self, Body, Common};
use super::metadata::{MetadataWriter, Position, Table};
use super::names::Names;
use super::plan::{Data, Plan};
use super::xattrs::{XattrTables, Xattrs};
use super::{Entry, EntryKind, SquashfsError};

/// Most ids: the superblock counts them in 16 bits.
const MAX_IDS: usize = u16::MAX as usize;

/// The finished tables.
pub(super) struct InodeTable {
    pub inodes: Table,
    pub listings: Table,
    pub xattrs: Option<XattrTables>,
    /// The user and group ids that inodes refer to by index.
    pub ids: Vec<u32>,
    /// Where the inode of each entry lies; meaningless for hard links.
    pub positions: Vec<Position>,
}

/// Writes inodes and listings.
pub(super) struct Writer<'n, 'a> {
    names: &'n Names<'a>,
    plan: &'n Plan<'a>,
    data: &'n Data,
    mtime: u32,
    inodes: MetadataWriter,
    listings: MetadataWriter,
    xattrs: Xattrs<'a>,
    ids: Vec<u32>,
    id_index: HashMap<u32, u16>,
    /// The inodes written so far, by entry.
    written: Vec<Option<Written>>,
}

/// A written inode.
#[derive(Debug, Clone, Copy)]
struct Written {
    position: Position,
    kind: u16,
}

impl<'n, 'a> Writer<'n, 'a> {
    pub(super) fn new(
        names: &'n Names<'a>,
        plan: &'n Plan<'a>,
        data: &'n Data,
        mtime: u32,
    ) -> Result<Self, SquashfsError> {
        Ok(Self {
            names,
            plan,
            data,
            mtime,
            inodes: MetadataWriter::new()?,
            listings: MetadataWriter::new()?,
            xattrs: Xattrs::new()?,
            ids: Vec::new(),
            id_index: HashMap::new(),
            written: vec![None; names.entries.len()],
        })
    }

    /// Writes everything: the directories from the last to the first, because a listing needs to know where the inodes
    /// of what it holds lie, and a directory's inode where its listing lies. All children of a directory follow each
    /// other, hence need few headers in its listing.
    pub(super) fn write(mut self) -> Result<InodeTable, SquashfsError> {
        let mut finished: HashMap<usize, Listing<'a>> = HashMap::new();
        for dir in self.names.dirs.iter().rev() {
            let mut listed = Vec::with_capacity(dir.children.len());
            for &child in &dir.children {
                let owner = self.names.owner[child];
                let inode = match self.written[owner] {
                    Some(inode) => inode,
                    None => self.inode(owner, finished.remove(&owner))?,
                };
                let (name, number) = (self.names.name(child), self.names.number[owner]);
                listed.push(Listed { name, inode: inode.position, number, kind: inode.kind });
            }
            finished.insert(dir.entry, directories::write(&listed, &mut self.listings)?);
        }
        self.inode(0, finished.remove(&0))?;
        let position = |written: Option<Written>| written.map_or_else(Position::default, |inode| inode.position);
        Ok(InodeTable {
            inodes: self.inodes.finish()?,
            listings: self.listings.finish()?,
            xattrs: self.xattrs.finish()?,
            ids: self.ids,
            positions: self.written.into_iter().map(position).collect(),
        })
    }

    /// Writes the inode of `entry`, which for a directory comes with its finished `listing`.
    fn inode(&mut self, entry: usize, listing: Option<Listing<'a>>) -> Result<Written, SquashfsError> {
        let source = &self.names.entries[entry];
        let common = Common {
            mode: source.mode,
            uid: self.id(source.uid)?,
            gid: self.id(source.gid)?,
            mtime: self.mtime,
            number: self.names.number[entry],
            links: self.names.links[entry],
            xattrs: self.xattrs.add(source)?,
        };
        let listing = listing.unwrap_or_default();
        let body = self.body(entry, source, &listing)?;
        let written = Written { position: self.inodes.position()?, kind: body.short_type() };
        self.inodes.write(&inodes::encode(&common, &body))?;
        self.written[entry] = Some(written);
        Ok(written)
    }

    fn body<'b>(
        &'b self,
        entry: usize,
        source: &Entry<'b>,
        listing: &'b Listing<'b>,
    ) -> Result<Body<'b>, SquashfsError> {
        let device = |major, minor| {
            let refuse = || SquashfsError::Device { path: source.path.to_owned(), major, minor };
            inodes::device_number(major, minor).ok_or_else(refuse)
        };
        Ok(match source.kind {
            EntryKind::Dir => Body::Dir { listing, parent: self.names.parent_number(entry) },
            EntryKind::File(_) | EntryKind::HardLink(_) => Body::File(self.plan.location(self.data, entry)),
            EntryKind::Symlink(target) => Body::Symlink(target),
            EntryKind::CharDevice { major, minor } => Body::CharDevice(device(major, minor)?),
            EntryKind::BlockDevice { major, minor } => Body::BlockDevice(device(major, minor)?),
            EntryKind::Fifo => Body::Fifo,
        })
    }

    /// The index of a user or group id.
    fn id(&mut self, id: u32) -> Result<u16, SquashfsError> {
        if let Some(index) = self.id_index.get(&id) {
            return Ok(*index);
        }
        let too_many = SquashfsError::TooMany { what: "user and group ids", limit: MAX_IDS as u64 };
        let index = u16::try_from(self.ids.len()).ok().filter(|_| self.ids.len() < MAX_IDS).ok_or(too_many)?;
        self.ids.push(id);
        self.id_index.insert(id, index);
        Ok(index)
    }
}
