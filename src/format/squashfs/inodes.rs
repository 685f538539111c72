//! Inodes: the short form where it can say all, the long form where links, attributes or sizes demand it.

use super::directories::Listing;
use super::plan::Location;

/// Stands for "no fragment" and "no attributes".
const NONE: u32 = u32::MAX;
/// What turns the type of a short inode into that of its long form.
const LONG: u16 = 7;
/// A directory's size counts the two entries `.` and `..` that no listing holds.
const DOTS: u32 = 3;

/// What all inodes have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common {
    pub mode: u16,
    /// Indices into the table of ids.
    pub uid: u16,
    pub gid: u16,
    pub mtime: u32,
    pub number: u32,
    pub links: u32,
    /// Index into the table of attribute sets.
    pub xattrs: Option<u32>,
}

/// What an inode is.
pub(super) enum Body<'a> {
    Dir { listing: &'a Listing<'a>, parent: u32 },
    File(&'a Location),
    Symlink(&'a str),
    BlockDevice(u32),
    CharDevice(u32),
    Fifo,
}

impl Body<'_> {
    /// The type that a directory listing gives: that of the short form (`SQUASHFS_DIR_TYPE` and so on).
    pub(super) fn short_type(&self) -> u16 {
        match self {
            Self::Dir { .. } => 1,
            Self::File(_) => 2,
            Self::Symlink(_) => 3,
            Self::BlockDevice(_) => 4,
            Self::CharDevice(_) => 5,
            Self::Fifo => 6,
        }
    }
}

/// A device number as the kernel's `new_encode_dev` packs it, if it fits.
pub(super) fn device_number(major: u32, minor: u32) -> Option<u32> {
    (major < 1 << 12 && minor < 1 << 20).then_some(minor & 0xff | major << 8 | (minor & !0xff) << 12)
}

/// The inode's bytes.
pub(super) fn encode(common: &Common, body: &Body<'_>) -> Vec<u8> {
    let mut out = Fields(Vec::with_capacity(64));
    let long = common.xattrs.is_some() || needs_long_form(common, body);
    let xattrs = common.xattrs.unwrap_or(NONE);
    out.u16(body.short_type() + if long { LONG } else { 0 }).u16(common.mode & 0o7777);
    out.u16(common.uid).u16(common.gid).u32(common.mtime).u32(common.number);
    match body {
        Body::Dir { listing, parent } if long => {
            // The count has 16 bits; an index that ends early is a valid one.
            let index = &listing.index[..listing.index.len().min(usize::from(u16::MAX))];
            out.u32(common.links).u32(listing.len + DOTS).u32(listing.position.block).u32(*parent);
            out.u16(u16::try_from(index.len()).unwrap_or(u16::MAX)).u16(listing.position.offset).u32(xattrs);
            for entry in index {
                out.u32(entry.start).u32(entry.block).u32(last_index(entry.name)).bytes(entry.name.as_bytes());
            }
        }
        Body::Dir { listing, parent } => {
            out.u32(listing.position.block).u32(common.links);
            out.low16(listing.len + DOTS).u16(listing.position.offset).u32(*parent);
        }
        Body::File(file) => {
            let (fragment, offset) = file.fragment.unwrap_or((NONE, 0));
            if long {
                out.u64(file.start).u64(file.len).u64(file.sparse).u32(common.links);
                out.u32(fragment).u32(offset).u32(xattrs);
            } else {
                out.low32(file.start).u32(fragment).u32(offset).low32(file.len);
            }
            for word in &file.blocks {
                out.u32(*word);
            }
        }
        Body::Symlink(target) => {
            out.u32(common.links).u32(last_index(target) + 1).bytes(target.as_bytes());
            out.u32_if(long, xattrs);
        }
        Body::BlockDevice(number) | Body::CharDevice(number) => {
            out.u32(common.links).u32(*number).u32_if(long, xattrs);
        }
        Body::Fifo => {
            out.u32(common.links).u32_if(long, xattrs);
        }
    }
    out.0
}

/// Whether the short form cannot hold what there is to say, attributes apart.
fn needs_long_form(common: &Common, body: &Body<'_>) -> bool {
    match body {
        Body::Dir { listing, .. } => listing.len + DOTS > u32::from(u16::MAX) || !listing.index.is_empty(),
        Body::File(file) => {
            let limit = u64::from(u32::MAX);
            common.links > 1 || file.sparse > 0 || file.start > limit || file.len > limit
        }
        _ => false,
    }
}

/// The index of the last byte of a name or target, which are never empty and at most 4095 bytes.
fn last_index(text: &str) -> u32 {
    u32::try_from(text.len().saturating_sub(1)).unwrap_or(u32::MAX)
}

/// Little-endian fields, one after the other.
struct Fields(Vec<u8>);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u32_if(&mut self, wanted: bool, value: u32) -> &mut Self {
        if wanted { self.u32(value) } else { self }
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// A value that is known to fit 16 bits.
    fn low16(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes()[..2])
    }

    /// A value that is known to fit 32 bits.
    fn low32(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes()[..4])
    }
}
