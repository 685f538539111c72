//! Packs: decompressed packages in the cache, named by the `.deb`'s digest.
//!
//! `<sha256>.tar` is `data.tar` followed by `control.tar`, or a tar archive that is no package, decompressed;
//! `<sha256>.idx` says what lies where. Both may be
//! deleted at any time. An index that does not fit its own digest, this program's format, the pack's length or its
//! `control.tar` counts as absent. The contents of files are checked when they are read (see `tree`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::control::{self, ControlMember};
use super::members::{self, PackMember};
use crate::debian::Package;
use crate::debian::package;
use crate::files;
use crate::tree::{Content, Digest, Kind, Node, Pack, Slice};

/// Raised whenever the index or the checks on what goes into it change.
pub(super) const FORMAT: u32 = 4;

/// The index of a pack.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    pub format: u32,
    /// Bytes of the decompressed `data.tar` and, right after it, `control.tar`, which only a package has.
    pub data_len: u64,
    pub control_len: u64,
    pub control_sha256: Digest,
    pub control: Vec<ControlMember>,
    pub members: Vec<PackMember>,
}

/// The two files of a package in the cache.
#[derive(Debug)]
pub(super) struct Files {
    pub pack: PathBuf,
    pub index: PathBuf,
}

impl Files {
    pub(super) fn of(sha256: Digest, packs_dir: &Path) -> Self {
        Self { pack: packs_dir.join(format!("{sha256}.tar")), index: packs_dir.join(format!("{sha256}.idx")) }
    }

    /// The package, if a usable pack of one is there.
    pub(super) fn load(&self) -> Option<Package> {
        let (index, pack) = self.read()?;
        assemble(index, &pack)
    }

    /// What the archive holds, package or not, if a usable pack is there. The nodes have no origin.
    pub(super) fn members(&self) -> Option<Vec<package::Member>> {
        let (index, pack) = self.read()?;
        Some(index.members.into_iter().map(|member| member.into_package(&pack, "")).collect())
    }

    /// The index and the pack that it fits, if nobody else may write to them.
    fn read(&self) -> Option<(Index, Arc<Pack>)> {
        // The directory is looked at before; a file in it may still be one that others can write to.
        if ![&self.index, &self.pack].into_iter().all(|file| fs::metadata(file).is_ok_and(|file| files::is_own(&file)))
        {
            return None;
        }
        let bytes = files::read(&self.index).ok()?;
        let (digest, json) = bytes.split_at_checked(64)?;
        if Digest::parse(str::from_utf8(digest).ok()?)? != Digest::of(json) {
            return None;
        }
        let index: Index = serde_json::from_slice(json).ok()?;
        let len = index.data_len.checked_add(index.control_len)?;
        if index.format != FORMAT || fs::metadata(&self.pack).ok()?.len() != len {
            return None;
        }
        Some((index, Pack::open(&self.pack).ok()?))
    }

    /// Removes both, the index first, so that an index never exists without its pack.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.index)?;
        fs::remove_file(&self.pack)
    }

    /// Moves a finished pack to its place, then its index, so that an index never exists without its pack.
    pub(super) fn store(&self, pack: NamedTempFile, index: &Index) -> io::Result<()> {
        let json = serde_json::to_vec(index)?;
        let dir = self.index.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(dir)?;
        write!(file, "{}", Digest::of(&json))?;
        file.write_all(&json)?;
        pack.persist(&self.pack)?;
        file.persist(&self.index)?;
        Ok(())
    }
}

fn assemble(index: Index, pack: &Arc<Pack>) -> Option<Package> {
    let control_tar = pack.read(index.data_len, index.control_len).ok()?;
    if Digest::of(&control_tar) != index.control_sha256 {
        return None;
    }
    let fields = control::fields(&index.control, &control_tar).ok()?;
    let field = |name: &str| {
        let value = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        value.map(|(_, value)| value.clone())
    };
    let (name, version, arch) = (field("Package")?, field("Version")?, field("Architecture")?);
    let mut control = BTreeMap::new();
    for member in index.control.iter().filter(|member| member.name != "control") {
        control.insert(member.name.clone(), member.bytes(&control_tar)?.to_owned());
    }
    let members = index.members.into_iter().map(|member| member.into_package(pack, &name)).collect();
    Some(Package { name, version, arch, fields, control, members })
}

impl Index {
    /// What an archive holds that was read into `data`; none if its index reaches past the end.
    pub(super) fn in_memory(self, data: &[u8]) -> Option<Vec<package::Member>> {
        let bytes = |offset: u64, len: u64| {
            let start = usize::try_from(offset).ok()?;
            data.get(start..start.checked_add(usize::try_from(len).ok()?)?)
        };
        let member = |member: PackMember| {
            let content = match &member.kind {
                members::Kind::File(offset, len, ..) => Content::from(bytes(*offset, *len)?),
                _ => Content::from(""),
            };
            Some(member.into_member("", |_, _, _, _| content))
        };
        self.members.into_iter().map(member).collect()
    }
}

impl PackMember {
    fn into_package(self, pack: &Arc<Pack>, origin: &str) -> package::Member {
        self.into_member(origin, |offset, len, digest, chunks| {
            Content::Slice(Arc::new(Slice { pack: Arc::clone(pack), offset, len, digest, chunks }))
        })
    }

    /// The member, a file's bytes being what `content` makes of its place, digest and checksums.
    fn into_member(self, origin: &str, content: impl FnOnce(u64, u64, Digest, Vec<u64>) -> Content) -> package::Member {
        let kind = match self.kind {
            members::Kind::Dir => Kind::Dir,
            members::Kind::File(offset, len, digest, chunks) => Kind::File(content(offset, len, digest, chunks)),
            members::Kind::Symlink(target) => Kind::Symlink(target),
            members::Kind::HardLink(target) => Kind::HardLink(target),
            members::Kind::CharDevice(major, minor) => Kind::CharDevice { major, minor },
            members::Kind::BlockDevice(major, minor) => Kind::BlockDevice { major, minor },
            members::Kind::Fifo => Kind::Fifo,
        };
        let mut node = Node::of(kind, self.mode).owned(self.uid, self.gid).from(origin);
        node.xattrs = self.xattrs;
        package::Member { path: self.path, node }
    }
}
