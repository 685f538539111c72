//! cpio archives in the `newc` form that the kernel unpacks as initial RAM file system.
//!
//! Entries are written in path order, so a directory comes before what it holds, with inode numbers counted from one.
//! The first name of a hard-linked file carries the data, the others have size 0 and its inode number; both the kernel
//! and GNU cpio take that. See `Documentation/driver-api/early-userspace/buffer-format.rst`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Header, name and data each end on a multiple of this.
const ALIGN: usize = 4;

/// Where the bytes of a file come from; read once, when its entry is written.
pub trait Source: std::fmt::Debug {
    /// All bytes.
    ///
    /// # Errors
    /// Of reading them.
    fn read(&self) -> io::Result<Cow<'_, [u8]>>;
}

impl Source for Vec<u8> {
    fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(self))
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// A directory.
    Dir,
    /// A regular file.
    File(&'a dyn Source),
    /// A symbolic link and the text it holds.
    Symlink(&'a str),
    /// Another name of the regular file at this path.
    HardLink(&'a str),
    /// A character device.
    CharDevice { major: u32, minor: u32 },
    /// A block device.
    BlockDevice { major: u32, minor: u32 },
    /// A named pipe.
    Fifo,
}

/// One name in the archive. A hard link's mode and owner are those of its file.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Relative, without leading slash or `./`.
    pub path: &'a str,
    pub kind: Kind<'a>,
    /// Permission, setuid, setgid and sticky bits (`0o7777`).
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
}

/// Why no archive was written.
#[derive(Debug, thiserror::Error)]
pub enum CpioError {
    /// A size or time that the format's eight digits cannot hold.
    #[error("`{path}` has {bytes} bytes, more than a cpio archive can hold in one file")]
    TooLarge { path: String, bytes: usize },
    /// A hard link without its file.
    #[error("hard link `{path}` points at `{target}`, which is not a regular file in the archive")]
    BadHardLink { path: String, target: String },
    /// A file's content could not be read.
    #[error("cannot read the content of `{path}`")]
    Read { path: String, source: io::Error },
    /// The archive could not be written.
    #[error("cannot write the archive")]
    Write(#[source] io::Error),
}

/// Writes `entries`, in any order, as one archive that ends with the trailer. Every entry gets the
/// modification time `mtime` (seconds since 1970).
///
/// # Errors
/// A file beyond 4 GiB, a dangling hard link, of reading contents and of writing.
pub fn write(entries: &[Entry<'_>], mtime: u32, mut out: impl Write) -> Result<(), CpioError> {
    let sorted: BTreeMap<&str, &Entry<'_>> = entries.iter().map(|entry| (entry.path, entry)).collect();
    let mut links: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in entries {
        if let Kind::HardLink(target) = entry.kind {
            if !matches!(sorted.get(target), Some(Entry { kind: Kind::File(_), .. })) {
                return Err(CpioError::BadHardLink { path: entry.path.to_owned(), target: target.to_owned() });
            }
            *links.entry(target).or_insert(1) += 1;
        }
    }

    let mut inodes: BTreeMap<&str, u32> = BTreeMap::new();
    for (&path, &entry) in &sorted {
        let (name, file) = match entry.kind {
            Kind::HardLink(target) => (target, sorted[target]),
            _ => (path, entry),
        };
        let seen = inodes.contains_key(name);
        let fresh = u32::try_from(inodes.len() + 1).unwrap_or(u32::MAX);
        let inode = *inodes.entry(name).or_insert(fresh);
        let (kind, device, data) = match file.kind {
            Kind::Dir => (0o040_000, (0, 0), Cow::Borrowed(&[][..])),
            Kind::File(_) if seen => (0o100_000, (0, 0), Cow::Borrowed(&[][..])),
            Kind::File(source) => {
                let data = source.read().map_err(|source| CpioError::Read { path: path.to_owned(), source })?;
                (0o100_000, (0, 0), data)
            }
            Kind::Symlink(target) => (0o120_000, (0, 0), Cow::Borrowed(target.as_bytes())),
            Kind::CharDevice { major, minor } => (0o020_000, (major, minor), Cow::Borrowed(&[][..])),
            Kind::BlockDevice { major, minor } => (0o060_000, (major, minor), Cow::Borrowed(&[][..])),
            Kind::Fifo => (0o010_000, (0, 0), Cow::Borrowed(&[][..])),
            Kind::HardLink(_) => unreachable!("a hard link's target was found to be a regular file"),
        };
        let size =
            u32::try_from(data.len()).map_err(|_| CpioError::TooLarge { path: path.to_owned(), bytes: data.len() })?;
        let nlink = if file.kind.is_dir() { 2 } else { links.get(name).copied().unwrap_or(1) };
        let mode = kind | u32::from(file.mode & 0o7777);
        let fields = [inode, mode, file.uid, file.gid, nlink, mtime, size, 0, 0, device.0, device.1];
        member(&mut out, path, fields, &data).map_err(CpioError::Write)?;
    }
    member(&mut out, "TRAILER!!!", [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[]).map_err(CpioError::Write)
}

impl Kind<'_> {
    fn is_dir(self) -> bool {
        matches!(self, Self::Dir)
    }
}

/// Writes one header, its name and its data. `fields` are those of the header up to `c_rdevminor`.
fn member(out: &mut impl Write, name: &str, fields: [u32; 11], data: &[u8]) -> io::Result<()> {
    // The name's length counts its final NUL; the checksum after it is not used by this form.
    let numbers = fields.iter().fold(String::new(), |text, number| text + &format!("{number:08X}"));
    let header = format!("070701{numbers}{:08X}{:08X}{name}\0", name.len() + 1, 0);
    out.write_all(header.as_bytes())?;
    pad(out, header.len())?;
    out.write_all(data)?;
    pad(out, data.len())
}

/// Zeros after `len` bytes.
fn pad(out: &mut impl Write, len: usize) -> io::Result<()> {
    out.write_all(&[0; ALIGN][..len.next_multiple_of(ALIGN) - len])
}
