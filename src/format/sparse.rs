//! A device in memory that keeps only what was written: partitions of many MiB cost what they hold.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes kept or left out together.
const CHUNK: usize = 64 * 1024;

/// A device of fixed size that reads as zeros where nothing but zeros was written.
#[derive(Clone)]
pub struct Sparse {
    size: u64,
    position: u64,
    /// By their number, from 0.
    chunks: BTreeMap<u64, Box<[u8]>>,
}

impl Sparse {
    /// A device of `size` bytes, all zero.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self { size, position: 0, chunks: BTreeMap::new() }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The parts that hold data, ascending: offset and bytes. Everything between them is zero.
    pub fn extents(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.chunks.iter().filter_map(|(number, chunk)| {
            let start = number * CHUNK as u64;
            let room = usize::try_from(self.size - start).map_or(CHUNK, |room| room.min(CHUNK));
            let bytes = &chunk[..room];
            bytes.iter().any(|&byte| byte != 0).then_some((start, bytes))
        })
    }

    /// The chunk at the current position, the place in it, and how many of `wanted` bytes lie in it.
    fn place(&self, wanted: usize) -> (u64, usize, usize) {
        let left = usize::try_from(self.size.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let at = usize::try_from(self.position % CHUNK as u64).unwrap_or_default();
        (self.position / CHUNK as u64, at, wanted.min(CHUNK - at).min(left))
    }
}

impl fmt::Debug for Sparse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sparse({} bytes)", self.size)
    }
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (number, at, len) = self.place(buffer.len());
        match self.chunks.get(&number) {
            Some(chunk) => buffer[..len].copy_from_slice(&chunk[at..at + len]),
            None => buffer[..len].fill(0),
        }
        self.position += len as u64;
        Ok(len)
    }
}

impl Write for Sparse {
    /// Writes up to the end of the device, then 0 bytes as a full device does.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (number, at, len) = self.place(bytes.len());
        // Zeros over nothing leave nothing: formatting writes whole tables of them.
        if self.chunks.contains_key(&number) || bytes[..len].iter().any(|&byte| byte != 0) {
            let chunk = self.chunks.entry(number).or_insert_with(|| vec![0; CHUNK].into());
            chunk[at..at + len].copy_from_slice(&bytes[..len]);
        }
        self.position += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_holds_data_is_an_extent() {
        let mut device = Sparse::new(10 * CHUNK as u64 + 100);
        device.seek(SeekFrom::Start(3 * CHUNK as u64 - 2)).unwrap();
        device.write_all(b"abcd").unwrap();
        device.seek(SeekFrom::End(-2)).unwrap();
        device.write_all(b"yz").unwrap();
        device.seek(SeekFrom::Start(5 * CHUNK as u64)).unwrap();
        device.write_all(&vec![0; 2 * CHUNK]).unwrap();
        let extents: Vec<(u64, usize)> = device.extents().map(|(offset, bytes)| (offset, bytes.len())).collect();
        let chunk = CHUNK as u64;
        assert_eq!(extents, [(2 * chunk, CHUNK), (3 * chunk, CHUNK), (10 * chunk, 100)]);

        let mut read = [1; 6];
        device.seek(SeekFrom::Start(3 * chunk - 3)).unwrap();
        device.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"\0abcd\0");
    }

    #[test]
    fn memory_does_not_follow_the_size() {
        let mut device = Sparse::new(1 << 60);
        device.seek(SeekFrom::End(-2)).unwrap();
        device.write_all(b"yz").unwrap();
        let extents: Vec<(u64, usize)> = device.extents().map(|(offset, bytes)| (offset, bytes.len())).collect();
        assert_eq!(extents, [((1 << 60) - CHUNK as u64, CHUNK)]);
    }

    #[test]
    fn writing_past_the_end_fails() {
        let mut device = Sparse::new(10);
        assert_eq!(device.write_all(&[1; 11]).unwrap_err().kind(), io::ErrorKind::WriteZero);
        assert_eq!(device.read(&mut [0; 4]).unwrap(), 0);
    }
}
