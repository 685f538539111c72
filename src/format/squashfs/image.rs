//! The image under way.

use std::io::Write;

use super::SquashfsError;
use super::metadata::Table;

/// An image's length is a multiple of it, as mksquashfs has it: block devices hold no other lengths.
const PADDING: usize = 4096;

/// A writer that counts.
pub(super) struct Image<'w> {
    out: &'w mut dyn Write,
    len: u64,
}

impl<'w> Image<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        Self { out, len: 0 }
    }

    /// Bytes written: where the next one will lie.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), SquashfsError> {
        self.out.write_all(bytes).map_err(SquashfsError::Write)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Appends zeros up to a multiple of 4 KiB.
    pub(super) fn pad(&mut self) -> Result<(), SquashfsError> {
        let rest = usize::try_from(self.len % PADDING as u64).unwrap_or_default();
        self.append(&[0; PADDING][..(PADDING - rest) % PADDING])
    }

    /// Appends a table and then, as 64-bit positions, where each of its blocks starts; returns where that list is.
    pub(super) fn append_indexed(&mut self, table: &Table, head: &[u8]) -> Result<u64, SquashfsError> {
        let base = self.len;
        self.append(&table.bytes)?;
        let start = self.len;
        self.append(head)?;
        for block in &table.starts {
            self.append(&(base + u64::from(*block)).to_le_bytes())?;
        }
        Ok(start)
    }
}
