//! How a file is compressed, by its first bytes: its name may be wrong.

/// A way to compress a single file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Zstd,
    Gzip,
    Xz,
}

impl Packing {
    /// How many of its first bytes decide.
    pub const MAGIC: u64 = 6;

    /// By the first [`Packing::MAGIC`] bytes of a file.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        match first {
            // A frame, or a skippable one before it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }
}
