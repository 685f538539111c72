//! What goes into which data block: equal files once, large files in blocks, small files packed into fragments.

use std::borrow::Cow;
use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::blocks::{Block, Codec, Part};
use super::error::count;
use super::image::Image;
use super::{Entry, EntryKind, FileData, SquashfsError, pipeline};
use crate::format::Store;

/// The distinct contents and where they go.
pub(super) struct Plan<'a> {
    block_size: u64,
    files: Vec<Content<'a>>,
    /// For each entry that is a regular file, its content's index in `files`.
    of_entry: Vec<Option<usize>>,
    /// Which files lie in each fragment block, one after the other.
    fragments: Vec<Vec<usize>>,
}

/// A distinct content, under the path that showed it first.
struct Content<'a> {
    path: &'a str,
    data: &'a dyn FileData,
    digest: [u8; 32],
    len: u64,
}

/// Where contents lie in the image.
pub(super) struct Data {
    files: Vec<Location>,
    /// Position and size word of each fragment block.
    pub fragments: Vec<(u64, u32)>,
}

/// Where one content lies.
#[derive(Debug, Clone, Default)]
pub(super) struct Location {
    pub len: u64,
    /// Position of the first block.
    pub start: u64,
    /// Size word of each block.
    pub blocks: Vec<u32>,
    /// How many bytes are in holes.
    pub sparse: u64,
    /// Number of the fragment block that holds it, and offset therein.
    pub fragment: Option<(u32, u32)>,
}

/// One block to be made.
enum Job<'p> {
    Block { file: usize, start: u64, len: u64 },
    Fragment { files: &'p [usize] },
}

impl<'a> Plan<'a> {
    pub(super) fn new(entries: &[Entry<'a>], block_size: u32) -> Self {
        let block_size = u64::from(block_size);
        let mut files: Vec<Content<'a>> = Vec::new();
        let mut known = HashMap::new();
        let of_entry = entries
            .iter()
            .map(|entry| {
                let EntryKind::File(data) = entry.kind else { return None };
                let digest = data.digest();
                Some(*known.entry(digest).or_insert_with(|| {
                    files.push(Content { path: entry.path, data, digest, len: data.len() });
                    files.len() - 1
                }))
            })
            .collect();
        let small: Vec<usize> = (0..files.len()).filter(|file| (1..block_size).contains(&files[*file].len)).collect();
        let fragments = pack(&small, block_size, |file| (files[file].len, priority(files[file].path)));
        Self { block_size, files, of_entry, fragments }
    }

    /// Where the content of an entry lies that is a regular file.
    pub(super) fn location<'d>(&self, data: &'d Data, entry: usize) -> &'d Location {
        let file = self.of_entry[entry].expect("only regular files have a content");
        &data.files[file]
    }

    /// Appends all data and fragment blocks to `image`.
    pub(super) fn write(
        &self,
        codec: Codec,
        store: &dyn Store,
        threads: usize,
        image: &mut Image<'_>,
    ) -> Result<Data, SquashfsError> {
        let compressors = (0..threads).map(|_| codec.compressor()).collect::<Result<Vec<_>, _>>()?;
        let locate = |file: &Content<'_>| Location { len: file.len, ..Location::default() };
        let mut data = Data { files: self.files.iter().map(locate).collect(), fragments: Vec::new() };
        pipeline::ordered(
            compressors,
            self.jobs(),
            |compressor, job| {
                let block = match job {
                    Job::Block { file, start, len } => {
                        codec.block(&[self.files[file].part(start, len)], true, store, compressor, || {
                            self.files[file].read(start, len)
                        })
                    }
                    Job::Fragment { files } => {
                        let parts: Vec<Part> = files.iter().map(|file| self.files[*file].whole()).collect();
                        codec.block(&parts, false, store, compressor, || self.gather(files).map(Cow::Owned))
                    }
                }?;
                Ok((job, block))
            },
            |(job, block)| self.place(&job, &block, &mut data, image),
        )?;
        Ok(data)
    }

    /// All blocks in the order in which the image holds them.
    fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        let large = self.files.iter().enumerate().filter(|(_, file)| file.len >= self.block_size);
        let blocks = large.flat_map(move |(file, content)| {
            (0..content.len.div_ceil(self.block_size)).map(move |index| {
                let start = index * self.block_size;
                Job::Block { file, start, len: self.block_size.min(content.len - start) }
            })
        });
        blocks.chain(self.fragments.iter().map(|files| Job::Fragment { files }))
    }

    /// Writes a finished block and notes where it lies.
    fn place(&self, job: &Job<'_>, block: &Block, data: &mut Data, image: &mut Image<'_>) -> Result<(), SquashfsError> {
        let position = image.len();
        image.append(block.bytes())?;
        match job {
            Job::Block { file, len, .. } => {
                let location = &mut data.files[*file];
                if location.blocks.is_empty() {
                    location.start = position;
                }
                location.blocks.push(block.size_word());
                if block.size_word() == 0 {
                    location.sparse += len;
                }
            }
            Job::Fragment { files } => {
                let number = count(data.fragments.len(), "fragment blocks")?;
                let mut offset = 0;
                for &file in *files {
                    data.files[file].fragment = Some((number, offset));
                    // All contents of one fragment block together are at most 1 MiB.
                    offset += u32::try_from(self.files[file].len).unwrap_or_default();
                }
                data.fragments.push((position, block.size_word()));
            }
        }
        Ok(())
    }

    /// The contents of a fragment block, one after the other.
    fn gather(&self, files: &[usize]) -> Result<Vec<u8>, SquashfsError> {
        let mut bytes = Vec::new();
        for &file in files {
            bytes.extend_from_slice(&self.files[file].read(0, self.files[file].len)?);
        }
        Ok(bytes)
    }
}

impl Content<'_> {
    fn part(&self, start: u64, len: u64) -> Part {
        Part { digest: self.digest, start, len }
    }

    fn whole(&self) -> Part {
        self.part(0, self.len)
    }

    fn read(&self, start: u64, len: u64) -> Result<Cow<'_, [u8]>, SquashfsError> {
        let bytes = self
            .data
            .read_range(start, len)
            .map_err(|source| SquashfsError::Read { path: self.path.to_owned(), source })?;
        if bytes.len() as u64 == len {
            Ok(bytes)
        } else {
            Err(SquashfsError::Length { path: self.path.to_owned(), expected: len, found: bytes.len() })
        }
    }
}

/// A number that stays with a file however its content changes.
fn priority(path: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(path).into();
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Groups `files` into fragment blocks of at most `block_size` bytes; `facts` gives a file's length and priority.
///
/// A full block would end wherever the sum of the lengths before it says, so that one longer file moved all later
/// blocks' borders and had them compressed again. Instead a block ends with the file of lowest priority among those
/// that end in its upper half: after a change the borders soon fall on the same files again.
fn pack(files: &[usize], block_size: u64, facts: impl Fn(usize) -> (u64, u64)) -> Vec<Vec<usize>> {
    let mut groups = Vec::new();
    let mut rest = files;
    while !rest.is_empty() {
        let mut fill = 0;
        let mut fitting = 0;
        let mut lowest = None;
        for &file in rest {
            let (len, priority) = facts(file);
            fill += len;
            if fill > block_size {
                break;
            }
            fitting += 1;
            if fill > block_size / 2 && lowest.is_none_or(|(least, _)| priority < least) {
                lowest = Some((priority, fitting));
            }
        }
        // The last files of all fit as they are; else, if none ends in the upper half, the next one is large.
        let end = match lowest {
            Some((_, end)) if fitting < rest.len() => end,
            _ => fitting,
        };
        let (group, later) = rest.split_at(end);
        groups.push(group.to_vec());
        rest = later;
    }
    groups
}
