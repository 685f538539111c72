//! Squashfs 4.0 with zstd: a list of entries in, an image out.
//!
//! Data takes this way: [`names`] checks the entries and numbers their inodes; [`plan`] finds equal files, cuts the
//! rest into blocks and packs small ones into fragments; [`pipeline`] brings each block from the store or
//! compresses it on all cores and hands the results back in order, so that the image's bytes do not depend on the
//! number of threads; [`inodes`], [`directories`], [`xattrs`] and [`tables`] describe it all in metadata blocks;
//! the superblock comes last.
//!
//! Cost follows change: a block is known by the digests of what it holds, so an unchanged one is neither
//! read nor compressed, and a changed small file touches the fragment block it lies in, not all later ones.
//!
//! The format follows the kernel's `Documentation/filesystems/squashfs.rst` and `fs/squashfs/squashfs_fs.h`.

mod blocks;
mod directories;
mod entry;
mod error;
mod image;
mod inode_table;
mod inodes;
mod metadata;
mod names;
mod pipeline;
mod plan;
mod superblock;
mod tables;
mod xattrs;

pub use entry::{Entry, EntryKind, FileData};
pub use error::SquashfsError;

use std::io::{Seek, SeekFrom, Write};
use std::num::NonZero;
use std::thread;

use super::Store;
use blocks::Codec;
use image::Image;
use names::Names;
use plan::Plan;
use superblock::Superblock;

/// Most threads that are used unasked: each takes up to 16 MiB at high levels.
const MAX_THREADS: usize = 16;

/// How an image is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Bytes per data block: a power of two from 4 KiB to 1 MiB.
    pub block_size: u32,
    /// The zstd level, 1 to 22.
    pub level: i32,
    /// Modification time of every inode and of the image, in seconds since 1970.
    pub mtime: u32,
    /// How many threads compress; `None` is one per core, but at most 16. The bytes do not depend on it.
    pub threads: Option<NonZero<usize>>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Bytes from the superblock's first to the last one that belongs to the file system.
    pub bytes_used: u64,
    /// The same, rounded up to 4 KiB: what was written.
    pub image_len: u64,
    /// Inodes in the image.
    pub inodes: u32,
    /// Fragment blocks in the image.
    pub fragments: u32,
}

/// Writes the image that holds `entries` to `out`, from its current position on.
///
/// The entries come in byte order of their paths and start with the root directory `""`.
///
/// # Errors
/// Entries that cannot be represented or break the order, a file that cannot be read, an `out` that cannot be written.
pub fn write(
    entries: &[Entry<'_>],
    options: &Options,
    store: &dyn Store,
    out: &mut (impl Write + Seek),
) -> Result<Summary, SquashfsError> {
    let codec = Codec::new(options.block_size, options.level)?;
    let names = Names::new(entries)?;
    let plan = Plan::new(entries, options.block_size);
    let cores = || thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    let threads = options.threads.map_or_else(cores, NonZero::get);

    let base = out.stream_position().map_err(SquashfsError::Write)?;
    let mut image = Image::new(out);
    image.append(&[0; superblock::LEN])?;
    image.append(&superblock::compressor_options(options.level))?;
    let data = plan.write(codec, store, threads, &mut image)?;
    let tables = tables::write(&names, &plan, &data, options.mtime, &mut image)?;
    let bytes_used = image.len();
    image.pad()?;
    let image_len = image.len();

    let fragments = error::count(data.fragments.len(), "fragment blocks")?;
    let superblock = Superblock {
        inodes: names.inodes(),
        mtime: options.mtime,
        block_size: options.block_size,
        fragments,
        bytes_used,
        tables,
    };
    out.seek(SeekFrom::Start(base))
        .and_then(|_| out.write_all(&superblock.encode()))
        .and_then(|()| out.seek(SeekFrom::Start(base + image_len)))
        .map_err(SquashfsError::Write)?;
    Ok(Summary { bytes_used, image_len, inodes: names.inodes(), fragments })
}
