//! FAT32 file systems: written by the `fatfs` crate and corrected afterwards (`fixup`), read by `volume`.
//!
//! `fatfs` formats and fills a device in memory with a fixed volume id and no clock. Its release 0.3.6 leaves two
//! things that `fsck.fat` and some firmware dislike, corrected on the finished device: `.` and `..` carry long
//! names, and `..` of a directory in the root directory names the root's cluster where the specification wants 0.
//! See Microsoft's "FAT32 File System Specification" 1.03.

mod fixup;
mod geometry;
mod inspect;
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, Write};

use fatfs::{Date, DateTime, FatType, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider};

use super::Sparse;
use super::spans::Span;
pub use geometry::Geometry;
pub use inspect::{Condition, inspect};
pub use volume::{Found, Volume};

/// Clusters below which a file system counts as FAT16, with some to spare as the specification advises.
const MIN_CLUSTERS: u64 = 65_525 + 16;
/// Bytes of a directory entry.
const ENTRY: u64 = 32;

/// One file; the directories above it are made.
#[derive(Debug, Clone, Copy)]
pub struct FatFile<'a> {
    /// Relative path (`EFI/BOOT/BOOTX64.EFI`).
    pub path: &'a str,
    pub content: &'a [u8],
}

/// What makes one file system differ from another with the same files.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Bytes of the partition.
    pub size: u64,
    /// Serial number of the volume.
    pub volume_id: u32,
    /// At most eleven upper-case ASCII characters.
    pub label: &'a str,
}

/// Why no file system was made.
#[derive(Debug, thiserror::Error)]
pub enum FatError {
    /// The files do not fit.
    #[error("the files need {needed} bytes of FAT32, the partition has room for {room}")]
    Full { needed: u64, room: u64 },
    /// Too small or too large a partition for FAT32.
    #[error("a partition of {size} bytes cannot be FAT32; it must have {least} bytes to 2 TiB")]
    BadSize { size: u64, least: u64 },
    /// The label does not fit its field.
    #[error("volume label `{0}` is not 1 to 11 upper-case ASCII letters, digits, `-` or `_`")]
    BadLabel(String),
    /// Two paths that FAT takes for one, or a file where a directory is needed.
    #[error("`{path}` and `{other}` are one name on FAT, which ignores case")]
    SameName { path: String, other: String },
    /// What the library refused, such as a bad character in a name.
    #[error("cannot write `{path}` to the FAT file system")]
    Write { path: String, source: io::Error },
    /// Formatting, or correcting the result, failed.
    #[error("cannot make the FAT file system")]
    Format(#[from] io::Error),
}

/// A FAT32 file system holding `files`, in path order whatever the order given. All dates are 1980-01-01, FAT's first.
///
/// # Errors
/// Files that do not fit, clashing or impossible names, a size that FAT32 does not allow.
pub fn write(files: &[FatFile<'_>], options: &Options<'_>) -> Result<Sparse, FatError> {
    let sorted: BTreeMap<&str, &[u8]> = files.iter().map(|file| (file.path, file.content)).collect();
    let directories: BTreeSet<&str> = sorted.keys().flat_map(|path| above(path)).collect();
    check_names(&sorted, &directories)?;
    let label = label(options.label)?;
    let cluster = cluster_size(options.size)?;

    let mut device = Sparse::new(options.size);
    let format = FormatVolumeOptions::new()
        .fat_type(FatType::Fat32)
        .bytes_per_cluster(cluster)
        .volume_id(options.volume_id)
        .volume_label(label);
    fatfs::format_volume(&mut device, format)?;
    {
        let volume = FileSystem::new(&mut device, FsOptions::new().time_provider(&NoClock))?;
        // Asking also makes `fatfs` count the free clusters and note their number in the file system.
        let free = u64::from(volume.stats()?.free_clusters()) * u64::from(cluster);
        let needed = needed(&sorted, &directories, u64::from(cluster));
        if needed > free {
            return Err(FatError::Full { needed, room: free });
        }
        let root = volume.root_dir();
        for path in &directories {
            root.create_dir(path).map_err(|source| FatError::Write { path: (*path).to_owned(), source })?;
        }
        for (path, content) in &sorted {
            let written = root.create_file(path).and_then(|mut file| file.write_all(content));
            written.map_err(|source| FatError::Write { path: (*path).to_owned(), source })?;
        }
        drop(root);
        volume.unmount()?;
    }
    fixup::directories(&mut device)?;
    Ok(device)
}

/// What a reader of the FAT32 file system on `device` looks at, as [`Geometry::used`] gives it.
///
/// # Errors
/// As there, and where there is none.
pub fn used(device: &mut (impl Read + Seek)) -> io::Result<Vec<Span>> {
    Geometry::read(device)?.used(device)
}

/// The directories above `path`, nearest last.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

/// FAT compares names without regard to case.
fn check_names(files: &BTreeMap<&str, &[u8]>, directories: &BTreeSet<&str>) -> Result<(), FatError> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for path in files.keys().chain(directories) {
        if let Some(other) = seen.insert(path.to_uppercase(), path) {
            return Err(FatError::SameName { path: (*path).to_owned(), other: other.to_owned() });
        }
    }
    Ok(())
}

fn label(text: &str) -> Result<[u8; 11], FatError> {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if text.is_empty() || text.len() > 11 || !text.bytes().all(allowed) {
        return Err(FatError::BadLabel(text.to_owned()));
    }
    let mut label = [b' '; 11];
    label[..text.len()].copy_from_slice(text.as_bytes());
    Ok(label)
}

/// The largest cluster, up to 4 KiB, that gives enough clusters for FAT32.
fn cluster_size(size: u64) -> Result<u32, FatError> {
    // A cluster also costs two table entries of four bytes; eight sectors are reserved.
    let least = |cluster: u32| MIN_CLUSTERS * (u64::from(cluster) + 8) + 8 * 512;
    if size > 2 << 40 {
        return Err(FatError::BadSize { size, least: least(512) });
    }
    let fits = [4096, 2048, 1024, 512].into_iter().find(|&cluster| size >= least(cluster));
    fits.ok_or(FatError::BadSize { size, least: least(512) })
}

/// Bytes of the clusters that files and directories take.
fn needed(files: &BTreeMap<&str, &[u8]>, directories: &BTreeSet<&str>, cluster: u64) -> u64 {
    let contents: u64 = files.values().map(|content| (content.len() as u64).next_multiple_of(cluster)).sum();
    let mut tables: BTreeMap<&str, u64> = directories.iter().map(|path| (*path, 4)).collect();
    for path in files.keys().chain(directories) {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        *tables.entry(parent).or_insert(1) += 1 + (name.encode_utf16().count() as u64).div_ceil(13);
    }
    // The root directory's first cluster is taken when formatting.
    let tables: u64 = tables.values().map(|entries| (entries * ENTRY).next_multiple_of(cluster)).sum();
    contents + tables.saturating_sub(cluster)
}

/// Says 1980-01-01 00:00, always.
#[derive(Debug)]
struct NoClock;

impl TimeProvider for NoClock {
    fn get_current_date(&self) -> Date {
        Date { year: 1980, month: 1, day: 1 }
    }

    fn get_current_date_time(&self) -> DateTime {
        DateTime { date: self.get_current_date(), time: Time { hour: 0, min: 0, sec: 0, millis: 0 } }
    }
}
