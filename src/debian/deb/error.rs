//! Why a `.deb` was refused.

use std::io;
use std::path::{Path, PathBuf};

use crate::debian::deb822::Deb822Error;
use crate::debian::version::VersionError;
use crate::tree::PathError;

/// Why [`super::open`] failed.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    #[error("cannot read `{}`: {source}", deb.display())]
    Read { deb: PathBuf, source: io::Error },
    /// The file is not a package that can be used.
    #[error("package file `{}`: {flaw}", deb.display())]
    Flawed { deb: PathBuf, flaw: Flaw },
    /// The cache of decompressed packages.
    #[error("cannot write decompressed package `{}`: {source}", path.display())]
    Cache { path: PathBuf, source: io::Error },
}

/// What is wrong with a `.deb`. Members of its archives are named as written there.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    #[error("not a Debian package (no `!<arch>` archive)")]
    NotADeb,
    /// Of a file that may be a package or another archive.
    #[error("it is {0}, and neither a tar archive (plain, or compressed with gzip, xz or zstd) nor a Debian package")]
    NoArchive(&'static str),
    #[error("format version `{0}`, only 2.x is known")]
    Version(String),
    #[error("bad member header at byte {offset}")]
    BadArHeader { offset: u64 },
    #[error("member `{0}` where another was expected (the order is debian-binary, control.tar, data.tar)")]
    Order(String),
    #[error("member `{member}` should have {len} bytes, but only {has} follow")]
    ShortMember { member: String, has: u64, len: u64 },
    #[error("the compression of `{0}` is not supported (xz, gzip, zstd and none are)")]
    Compression(String),
    #[error("`{archive}` cannot be decompressed: {source}")]
    Decompress { archive: String, source: io::Error },
    #[error("`{archive}` ends too early")]
    Truncated { archive: String },
    #[error("`{archive}` has data after its end")]
    Trailing { archive: String },
    #[error("`{archive}` unpacks to more than {limit} bytes")]
    TooLarge { archive: String, limit: u64 },
    #[error("`{archive}` has more than {limit} members, or names and attributes too long for so many")]
    TooMany { archive: String, limit: usize },
    #[error("`{archive}` has a bad header at byte {offset}: {reason}")]
    BadHeader { archive: String, offset: u64, reason: &'static str },
    #[error("member `{member}`: {source}")]
    Path { member: String, source: PathError },
    #[error("member `{0}` is not named in UTF-8")]
    NotUtf8(String),
    #[error("member `{0}` has a name or link target that is empty, too long or holds a NUL byte")]
    BadName(String),
    #[error("member `{member}` has a path or link target of more than {limit} components")]
    TooDeep { member: String, limit: usize },
    #[error("member `{member}` is of type `{kind}`, which packages do not have")]
    Kind { member: String, kind: char },
    #[error("member `{member}` appears twice, with different contents")]
    Duplicate { member: String },
    #[error("member `{member}` lies below `{above}`, which is {kind}, not a directory")]
    BelowNonDirectory { member: String, above: String, kind: &'static str },
    #[error("member `{member}` is a hard link to `{target}`, which is not a regular file before it in the archive")]
    HardLink { member: String, target: String },
    #[error("control member `{0}` is not a regular file at the top")]
    ControlMember(String),
    #[error("no `control` file")]
    NoControl,
    #[error("control file: {0}")]
    Control(#[from] Deb822Error),
    #[error("control file is not UTF-8")]
    ControlNotUtf8,
    #[error("control file has {0} paragraphs instead of one")]
    ControlParagraphs(usize),
    #[error("control file has no usable `{0}` field")]
    ControlField(&'static str),
    #[error("control file: {0}")]
    ControlVersion(#[from] VersionError),
}

/// A failure of reading the `.deb`, of its content, or of writing its pack.
#[derive(Debug)]
pub(super) enum Problem {
    Input(io::Error),
    Output(io::Error),
    Flaw(Flaw),
}

impl<F: Into<Flaw>> From<F> for Problem {
    fn from(flaw: F) -> Self {
        Self::Flaw(flaw.into())
    }
}

impl DebError {
    /// What the user may do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Flawed { .. } => Some(
                "the file has the digest that its archive signed, so the archive itself carries it: leave the package out \
                 or take another version"
                    .to_owned(),
            ),
            Self::Cache { .. } => Some("is there room and permission to write? everything there may be deleted".to_owned()),
        }
    }
}

impl Problem {
    /// Adds the names of the files: `deb` is read, `pack` is written.
    pub(super) fn named(self, deb: &Path, pack: &Path) -> DebError {
        match self {
            Self::Input(source) => DebError::Read { deb: deb.to_owned(), source },
            Self::Output(source) => DebError::Cache { path: pack.to_owned(), source },
            Self::Flaw(flaw) => DebError::Flawed { deb: deb.to_owned(), flaw },
        }
    }
}
