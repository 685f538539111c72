//! Why an image could not be written.

use std::io;

/// Why an image could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SquashfsError {
    #[error("block size {0} is not a power of two from 4096 to 1048576")]
    BlockSize(u32),
    #[error("zstd level {0} is not from 1 to 22")]
    Level(i32),
    #[error("the entries do not start with the root directory")]
    NoRoot,
    #[error("`/{path}` does not come in byte order of paths, each once")]
    Order { path: String },
    #[error("`/{path}` has no parent directory in the image")]
    NoParent { path: String },
    #[error("`/{path}` has a name that is not 1 to 255 bytes long")]
    Name { path: String },
    #[error("symbolic link `/{path}` has a target of {len} bytes, not of 1 to 4095")]
    Symlink { path: String, len: usize },
    #[error("hard link `/{path}` points at `/{target}`, which is not a regular file in the image")]
    HardLink { path: String, target: String },
    #[error("device `/{path}` has the number {major}:{minor}, but 4095:1048575 is the highest")]
    Device { path: String, major: u32, minor: u32 },
    #[error("`/{path}` has the extended attribute `{name}`, which squashfs cannot hold: {cause}")]
    Xattr { path: String, name: String, cause: &'static str },
    #[error("there are more than {limit} {what}, which squashfs cannot hold")]
    TooMany { what: &'static str, limit: u64 },
    #[error("cannot read the content of `/{path}`")]
    Read { path: String, source: io::Error },
    #[error("the content of `/{path}` gave {found} bytes where {expected} were expected")]
    Length { path: String, expected: u64, found: usize },
    #[error("cannot compress a block")]
    Compress(#[source] io::Error),
    #[error("cannot write the image")]
    Write(#[source] io::Error),
}

/// Numbers as 32 bits, or an error that says of what there are too many.
pub(super) fn count(number: usize, what: &'static str) -> Result<u32, SquashfsError> {
    u32::try_from(number).map_err(|_| SquashfsError::TooMany { what, limit: u64::from(u32::MAX) })
}
