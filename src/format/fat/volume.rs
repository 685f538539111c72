//! Reads a FAT32 file system that anybody may have made: files by path, and directories.
//!
//! By Microsoft's "FAT32 File System Specification" 1.03, "FAT Directory Structure" and "Long File Name Implementation".
//! `fatfs`, which writes ours, is not used: it follows chains of clusters in circles, and its sums overflow. Here every chain ends
//! after a number of bytes that is known before.

use std::io::{self, Read, Seek, SeekFrom};

use super::Geometry;

/// Bytes of a directory entry.
const ENTRY: usize = 32;
/// Most bytes of a directory: 65536 entries.
const LONGEST_DIRECTORY: u64 = 2 << 20;
/// Entries that hold a long name of 255 characters, thirteen each.
const MOST_PARTS: usize = 20;
/// Attributes of an entry.
const LABEL: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
const LONG_NAME: u8 = 0x0f;

/// A file or directory, as its directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub is_directory: bool,
    /// Bytes of a file.
    pub size: u32,
    first: u32,
}

/// A file system that is read.
#[derive(Debug)]
pub struct Volume<D> {
    device: D,
    pub(super) geometry: Geometry,
}

impl<D: Read + Seek> Volume<D> {
    /// The file system on `device`.
    ///
    /// # Errors
    /// As [`Geometry::read`].
    pub fn open(mut device: D) -> io::Result<Self> {
        let geometry = Geometry::read(&mut device)?;
        Ok(Self { device, geometry })
    }

    /// What the directory at `path` holds, in its order; the root directory has the path "".
    ///
    /// # Errors
    /// Of reading; [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::InvalidData`] if its clusters lie nowhere.
    pub fn directory(&mut self, path: &str) -> io::Result<Vec<Found>> {
        let mut entries = self.entries(self.geometry.root)?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let first = find(&entries, name, true)?.first;
            entries = self.entries(first)?;
        }
        Ok(entries)
    }

    /// The content of the file at `path`, which may have at most `most` bytes.
    ///
    /// # Errors
    /// As [`Volume::directory`]; [`io::ErrorKind::FileTooLarge`] if it is longer.
    pub fn file(&mut self, path: &str, most: u32) -> io::Result<Vec<u8>> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let entries = self.directory(directory)?;
        let file = find(&entries, name, false)?;
        if file.size > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let (mut content, mut left) = (Vec::new(), u64::from(file.size));
        let mut cluster = file.first;
        while left > 0 {
            let len = left.min(self.geometry.cluster);
            content.extend(self.cluster(cluster, len)?);
            left -= len;
            cluster = self.next(cluster)?;
        }
        Ok(content)
    }

    /// The entries of the directory whose first cluster is `cluster`.
    fn entries(&mut self, mut cluster: u32) -> io::Result<Vec<Found>> {
        let (mut found, mut parts) = (Vec::new(), Vec::new());
        for _ in 0..(LONGEST_DIRECTORY / self.geometry.cluster).max(1) {
            if !self.is_cluster(cluster) {
                break;
            }
            for entry in self.cluster(cluster, self.geometry.cluster)?.chunks_exact(ENTRY) {
                match (entry[0], entry[11]) {
                    (0, _) => return Ok(found),
                    (0xe5, _) => parts.clear(),
                    (_, LONG_NAME) if parts.len() < MOST_PARTS => parts.push(long_part(entry)),
                    (_, LONG_NAME) => parts.clear(),
                    (_, attributes) if attributes & LABEL != 0 => parts.clear(),
                    (_, attributes) => found.push(Found {
                        name: if parts.is_empty() { short_name(entry) } else { long_name(&parts) },
                        is_directory: attributes & DIRECTORY != 0,
                        size: u32::from_le_bytes([entry[28], entry[29], entry[30], entry[31]]),
                        first: u32::from_le_bytes([entry[26], entry[27], entry[20], entry[21]]),
                    }),
                }
                if entry[11] != LONG_NAME {
                    parts.clear();
                }
            }
            cluster = self.next(cluster)?;
        }
        Ok(found)
    }

    /// Whether data can lie in the cluster of this number.
    fn is_cluster(&self, number: u32) -> bool {
        number >= 2 && u64::from(number) < self.geometry.clusters + 2
    }

    /// The first `len` bytes of a cluster.
    fn cluster(&mut self, number: u32, len: u64) -> io::Result<Vec<u8>> {
        if !self.is_cluster(number) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a chain of clusters that leads nowhere"));
        }
        self.bytes(self.geometry.offset(number), len)
    }

    /// What the first table says of a cluster: the number of the next one, or that there is none.
    fn next(&mut self, cluster: u32) -> io::Result<u32> {
        Ok(self.entry(cluster)? & 0x0fff_ffff)
    }

    /// A cluster's entry in the first table.
    pub(super) fn entry(&mut self, cluster: u32) -> io::Result<u32> {
        let entry = self.bytes(self.geometry.table + u64::from(cluster) * 4, 4)?;
        Ok(u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]))
    }

    pub(super) fn bytes(&mut self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.device.seek(SeekFrom::Start(at))?;
        self.device.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// The file or directory of this name, in whichever case.
fn find<'e>(entries: &'e [Found], name: &str, is_directory: bool) -> io::Result<&'e Found> {
    let is_it = |entry: &&Found| entry.is_directory == is_directory && entry.name.eq_ignore_ascii_case(name);
    entries.iter().find(is_it).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Thirteen UTF-16 units of a long name.
fn long_part(entry: &[u8]) -> Vec<u16> {
    let units = [&entry[1..11], &entry[14..26], &entry[28..32]].concat();
    units.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect()
}

/// A long name of its parts, of which the last lies first.
fn long_name(parts: &[Vec<u16>]) -> String {
    let units: Vec<u16> = parts.iter().rev().flatten().copied().take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

fn short_name(entry: &[u8]) -> String {
    let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (name, extension) = (part(&entry[..8]), part(&entry[8..11]));
    if extension.is_empty() { name } else { format!("{name}.{extension}") }
}
