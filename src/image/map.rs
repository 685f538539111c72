//! What of an image holds data: extents in memory or in a file, from which the image is written and hashed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::ManifestRange;
use crate::format::spans::{Span, minus};
use crate::tree::Digest;

/// Longest range of the manifest: what a flash writer can verify and write again on its own, and what it waits for before its
/// first write.
pub const RANGE: u64 = 4 << 20;
/// Bytes handled at a time.
const STEP: usize = 1 << 20;
/// Zeros to hash holes from.
static ZEROS: [u8; STEP] = [0; STEP];

/// Where an extent's bytes come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bytes<'a> {
    Memory(&'a [u8]),
    /// A file's first bytes.
    File {
        file: &'a File,
        len: u64,
    },
    /// So many zeros that are written, because a reader looks at them: what is in no extent may be left out.
    Zeros(u64),
}

/// Bytes at a place of the image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent<'a> {
    pub offset: u64,
    pub bytes: Bytes<'a>,
}

impl Extent<'_> {
    fn len(&self) -> u64 {
        match self.bytes {
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::File { len, .. } | Bytes::Zeros(len) => len,
        }
    }

    fn end(&self) -> u64 {
        self.offset + self.len()
    }

    /// Calls `take` with the bytes between `start` and `end` of the image, and with their offset in it.
    fn each(&self, start: u64, end: u64, take: &mut impl FnMut(u64, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let (mut at, end) = (start.max(self.offset), end.min(self.end()));
        let mut buffer = Vec::new();
        while at < end {
            let (from, len) = (at - self.offset, (end - at).min(STEP as u64));
            let size = usize::try_from(len).map_err(io::Error::other)?;
            match self.bytes {
                Bytes::Memory(bytes) => {
                    let from = usize::try_from(from).map_err(io::Error::other)?;
                    take(at, &bytes[from..from + size])?;
                }
                Bytes::File { file, .. } => {
                    buffer.resize(size, 0);
                    file.read_exact_at(&mut buffer, from)?;
                    take(at, &buffer)?;
                }
                Bytes::Zeros(_) => take(at, &ZEROS[..size])?,
            }
            at += len;
        }
        Ok(())
    }
}

/// The whole image: its size, and its extents in ascending order without overlap.
#[derive(Debug)]
pub(super) struct Map<'a> {
    size: u64,
    extents: Vec<Extent<'a>>,
    /// Offsets, ascending, that no range crosses.
    borders: Vec<u64>,
}

impl<'a> Map<'a> {
    /// A map of an image of `size` bytes. Each byte of `always` is in a range of it, as zero where no extent holds it, and none of
    /// its ranges crosses one of `borders`.
    pub(super) fn new(size: u64, mut extents: Vec<Extent<'a>>, always: &[Span], mut borders: Vec<u64>) -> Self {
        extents.retain(|extent| extent.len() > 0);
        let zeros = minus(always.iter().copied(), extents.iter().map(|extent| (extent.offset, extent.end())));
        extents.extend(zeros.into_iter().map(|(offset, end)| Extent { offset, bytes: Bytes::Zeros(end - offset) }));
        extents.sort_by_key(|extent| extent.offset);
        borders.sort_unstable();
        Self { size, extents, borders }
    }

    /// Bytes that hold data.
    pub(super) fn mapped(&self) -> u64 {
        self.extents.iter().map(Extent::len).sum()
    }

    /// Start and end of each range: extents that touch are one, cut at borders and after [`RANGE`].
    fn ranges(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for extent in &self.extents {
            match runs.last_mut() {
                Some((_, end)) if *end == extent.offset => *end = extent.end(),
                _ => runs.push((extent.offset, extent.end())),
            }
        }
        let mut ranges = Vec::new();
        for (mut start, end) in runs {
            while start < end {
                let border = self.borders[self.borders.partition_point(|&border| border <= start)..].first();
                let stop = end.min(start + RANGE).min(border.copied().unwrap_or(end));
                ranges.push((start, stop));
                start = stop;
            }
        }
        ranges
    }

    /// Writes all data to `image`, ranges in parallel, and gives the ranges with their digests. `advance` gets the
    /// number of bytes done.
    pub(super) fn write(&self, image: &File, advance: impl Fn(u64) + Sync) -> io::Result<Vec<ManifestRange>> {
        let write = |(start, end): (u64, u64)| {
            let mut hash = Sha256::new();
            let first = self.extents.partition_point(|extent| extent.end() <= start);
            for extent in self.extents[first..].iter().take_while(|extent| extent.offset < end) {
                extent.each(start, end, &mut |at, bytes| {
                    hash.update(bytes);
                    image.write_all_at(bytes, at)
                })?;
            }
            advance(end - start);
            let sha256 = Digest(hash.finalize().into());
            Ok(ManifestRange { offset: start, length: end - start, sha256 })
        };
        self.ranges().into_par_iter().map(write).collect()
    }

    /// SHA-256 of the whole image, holes included. `advance` gets the number of bytes done.
    pub(super) fn digest(&self, advance: impl Fn(u64)) -> io::Result<Digest> {
        let mut hash = Sha256::new();
        let mut at = 0;
        let hole = |hash: &mut Sha256, len: u64| {
            for start in (0..len).step_by(ZEROS.len()) {
                let size = usize::try_from(len - start).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
                hash.update(&ZEROS[..size]);
                advance(size as u64);
            }
        };
        for extent in &self.extents {
            hole(&mut hash, extent.offset - at);
            extent.each(extent.offset, extent.end(), &mut |_, bytes| {
                hash.update(bytes);
                advance(bytes.len() as u64);
                Ok(())
            })?;
            at = extent.end();
        }
        hole(&mut hash, self.size - at);
        Ok(Digest(hash.finalize().into()))
    }
}

/// Reads ranges of an image one after the other, as if they touched.
pub(super) struct Ranges<'a> {
    image: &'a File,
    /// Start and end of what is still to be read, the next one last.
    left: Vec<(u64, u64)>,
}

impl<'a> Ranges<'a> {
    pub(super) fn new<'r>(image: &'a File, ranges: impl DoubleEndedIterator<Item = &'r ManifestRange>) -> Self {
        Self { image, left: ranges.rev().map(|range| (range.offset, range.offset + range.length)).collect() }
    }
}

impl io::Read for Ranges<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((start, end)) = self.left.last_mut() else { return Ok(0) };
        let most = usize::try_from(*end - *start).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.image.read_at(&mut buffer[..most], *start)?;
        *start += read as u64;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if start == end {
            self.left.pop();
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn ranges_join_what_touches_and_stop_at_borders() {
        let (a, b) = ([1_u8; 100], vec![2_u8; usize::try_from(RANGE).unwrap()]);
        let extents = vec![
            Extent { offset: 300, bytes: Bytes::Memory(&b) },
            Extent { offset: 0, bytes: Bytes::Memory(&a) },
            Extent { offset: 100, bytes: Bytes::Memory(&a) },
            Extent { offset: 250, bytes: Bytes::Memory(&[]) },
        ];
        let map = Map::new(RANGE + 1000, extents, &[], vec![150]);
        assert_eq!(map.ranges(), [(0, 150), (150, 200), (300, 300 + RANGE)]);
        assert_eq!(map.mapped(), 200 + RANGE);
    }

    #[test]
    fn what_must_always_be_mapped_is_zero_where_no_extent_holds_it() {
        let bytes = [7_u8; 100];
        let extents = || vec![Extent { offset: 200, bytes: Bytes::Memory(&bytes) }];
        let map = Map::new(1000, extents(), &[(100, 250), (280, 400), (700, 800)], Vec::new());
        assert_eq!(map.ranges(), [(100, 400), (700, 800)]);
        let image = tempfile::tempfile().unwrap();
        image.write_all_at(&[0xff; 1000], 0).unwrap();
        let ranges = map.write(&image, |_| {}).unwrap();
        let mut held = vec![1; 300];
        image.read_exact_at(&mut held, 100).unwrap();
        assert_eq!(held, [&[0; 100][..], &bytes, &[0; 100]].concat());
        assert_eq!(ranges[0].sha256, Digest::of(&held));
        let digest = |map: &Map<'_>| map.digest(|_| {}).unwrap();
        assert_eq!(digest(&map), digest(&Map::new(1000, extents(), &[], Vec::new())));
    }

    #[test]
    fn what_is_written_has_the_digest_that_was_promised() {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(&vec![7; 3_000_000]).unwrap();
        let extents = vec![
            Extent { offset: 10, bytes: Bytes::Memory(b"start") },
            Extent { offset: 5_000_000, bytes: Bytes::File { file: &source, len: 3_000_000 } },
        ];
        let map = Map::new(9_000_000, extents, &[], Vec::new());
        let image = tempfile::tempfile().unwrap();
        image.set_len(9_000_000).unwrap();
        let ranges = map.write(&image, |_| {}).unwrap();
        let mut bytes = vec![0; 9_000_000];
        image.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(map.digest(|_| {}).unwrap(), Digest::of(&bytes));
        assert_eq!(ranges.len(), 2);
        assert_eq!(ranges[1].sha256, Digest::of(&bytes[5_000_000..8_000_000]));
        assert!(bytes[8_000_000..].iter().all(|&byte| byte == 0));
    }
}
