//! The device as the writer sees it, and aligned buffers for it.

use std::io;
use std::ops::{Deref, DerefMut, Range};

use super::error::{Action, WriteError, is_gone};

/// Addresses and lengths of buffers are multiples of this, as direct I/O on any disk requires.
pub const ALIGN: usize = 4096;

/// How often one operation is tried before its error is returned. The kernel itself repeats commands; this is for card
/// readers that drop one.
const TRIES: u32 = 4;

/// An open disk. Calls may come from several threads; offsets and lengths are multiples of a sector.
pub trait Target: Sync {
    /// Size in bytes.
    fn size(&self) -> u64;
    /// Bytes of a logical sector.
    fn sector(&self) -> u32;
    /// Reads some bytes from the medium itself, bypassing the host's caches.
    ///
    /// # Errors
    /// The error of the device.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes some bytes.
    ///
    /// # Errors
    /// The error of the device.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;
    /// Waits until everything that was written is on the medium.
    ///
    /// # Errors
    /// The error of the device.
    fn sync(&self) -> io::Result<()>;
    /// Discards a range, which then reads as zeros.
    ///
    /// # Errors
    /// The device cannot do that. Its content is then unchanged.
    fn discard(&self, range: Range<u64>) -> io::Result<()>;
}

/// Bytes on the heap that start at a multiple of [`ALIGN`].
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// Zeros.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let bytes = vec![0; len + ALIGN];
        let start = bytes.as_ptr().align_offset(ALIGN);
        Self { bytes, start, len }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

/// Where an operation failed, and why.
pub(super) type Failed = (u64, io::Error);

/// Writes all of `bytes`, however few the device takes at a time.
pub(super) fn write_all(target: &dyn Target, bytes: &[u8], at: u64) -> Result<(), Failed> {
    each(bytes.len(), at, |done| target.write_at(&bytes[done..], at + done as u64), io::ErrorKind::WriteZero)
}

/// Fills `buffer`.
pub(super) fn read_exact(target: &dyn Target, buffer: &mut [u8], at: u64) -> Result<(), Failed> {
    let len = buffer.len();
    each(len, at, |done| target.read_at(&mut buffer[done..], at + done as u64), io::ErrorKind::UnexpectedEof)
}

/// Fills `bytes` from offset `at` on, which need not be a multiple of a sector.
pub(super) fn read_anywhere(target: &dyn Target, bytes: &mut [u8], at: u64) -> io::Result<()> {
    let start = at / ALIGN as u64 * ALIGN as u64;
    let end = (at + bytes.len() as u64).next_multiple_of(ALIGN as u64).min(target.size());
    let size = |len: u64| usize::try_from(len).map_err(io::Error::other);
    let mut buffer = Buffer::new(size(end.saturating_sub(start))?);
    read_exact(target, &mut buffer, start).map_err(|(_, error)| error)?;
    let from = size(at - start)?;
    let read = buffer.get(from..from + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
    bytes.copy_from_slice(read);
    Ok(())
}

fn each(
    len: usize,
    at: u64,
    mut step: impl FnMut(usize) -> io::Result<usize>,
    at_end: io::ErrorKind,
) -> Result<(), Failed> {
    let (mut done, mut tries) = (0, 0);
    while done < len {
        match step(done) {
            Ok(0) => return Err((at + done as u64, at_end.into())),
            Ok(some) => (done, tries) = (done + some, 0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tries += 1;
                if tries == TRIES || is_gone(&error) {
                    return Err((at + done as u64, error));
                }
            }
        }
    }
    Ok(())
}

/// Waits until all that was written is on the medium.
pub(super) fn sync(target: &dyn Target) -> Result<(), WriteError> {
    target.sync().map_err(|error| WriteError::Sync { source: error.into() })
}

/// Why an operation on `part` of the device failed.
pub(super) fn io_error(action: Action, part: &str, (at, error): Failed) -> WriteError {
    WriteError::Io { action, part: part.to_owned(), at, source: error.into() }
}

/// A length in memory. Ranges and buffers are far shorter than an address space.
pub(super) fn size(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
