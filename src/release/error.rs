//! Why there is no release set.

use std::io;
use std::path::PathBuf;

/// Why a release set was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot compress `{}`", path.display())]
    Pack { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("`{}` is not a list of SHA-256 sums: line {line}", path.display())]
    Sums { path: PathBuf, line: usize },
    /// It could lead elsewhere.
    #[error("`{}` is not the tag of a release", text.escape_debug())]
    Tag { text: String },
    #[error("`{}` is not what the sums beside it say of it", path.display())]
    OtherProfile { path: PathBuf },
    #[error("`{}` is not a secret key of minisign", path.display())]
    Key { path: PathBuf },
    #[error("the secret key `{}` is encrypted, and no password opened it", path.display())]
    Locked { path: PathBuf },
    #[error("cannot sign: {0}")]
    Sign(String),
}

impl ReleaseError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Write { source, .. } => {
                use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
                let cure = match source.kind() {
                    PermissionDenied | ReadOnlyFilesystem => {
                        "choose a directory that you may write to, with `--output`"
                    }
                    _ => "choose another directory with `--output`",
                };
                Some(cure.to_owned())
            }
            Self::Pack { path, .. } => Some(format!(
                "if the disk under it is sound, remove {} and export again: it is built anew",
                path.display()
            )),
            Self::Tag { .. } => Some("write it as it is called there, such as `v1.2`".to_owned()),
            Self::OtherProfile { path } => Some(format!(
                "it is another profile's, and would get a sum that is wrong: export that profile again, or remove {}",
                path.display()
            )),
            Self::Sums { path, .. } => {
                Some(format!("it is of another program: remove {} or choose another directory", path.display()))
            }
            Self::Key { .. } => {
                Some("make a pair with `minisign -G`; the secret key is the file `minisign.key`".to_owned())
            }
            Self::Locked { .. } => {
                Some(format!("give its password in the environment variable {}", super::sign::PASSWORD))
            }
            Self::Read { path, .. } => Some(format!("look whether {} is there and yours to read", path.display())),
            Self::Sign(_) => None,
        }
    }
}

impl From<(PathBuf, io::Error)> for ReleaseError {
    fn from((path, source): (PathBuf, io::Error)) -> Self {
        Self::Write { path, source }
    }
}
