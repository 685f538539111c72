//! Errors of making and writing an image.

use std::io;
use std::path::PathBuf;

use super::BootError;
use crate::diagnostic::Diagnostic;
use crate::format::fat::FatError;
use crate::format::gpt::GptError;
use crate::profile::Profile;

/// Why no image was written.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// What goes into a partition is larger than the profile makes it.
    #[error("partition `{label}` has {size} bytes (`{key}`), its content needs {needed}")]
    TooSmall { label: &'static str, key: &'static str, needed: u64, size: u64 },
    /// The boot files could not be made.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The boot partition's file system could not be made.
    #[error("cannot fill partition `{label}`")]
    Fat { label: &'static str, source: FatError },
    /// The partition table could not be made.
    #[error(transparent)]
    Table(#[from] GptError),
    /// A part of the image could not be read.
    #[error("cannot read {what}")]
    Read { what: &'static str, source: io::Error },
    /// An output could not be written.
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A secret is where others would see it.
    #[error("{place} holds the secret `{name}`")]
    Leak { name: String, place: String },
}

impl ImageError {
    /// What is wrong with a value of `profile`, at its place; none if that is one of the defaults.
    #[must_use]
    pub fn mistake(&self, profile: &Profile) -> Option<Diagnostic> {
        let (key, value) = match self {
            Self::TooSmall { key, .. } => (*key, ""),
            Self::Boot(BootError::NoOverlay { line, .. }) => ("board.config", line.as_str()),
            _ => return None,
        };
        let mistake = profile.marks.mistake(key, value, self.to_string())?;
        Some(Diagnostic { hint: self.hint(), ..mistake })
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Leak { .. } => Some(
                "nothing was written; take it out of the profile and its overlays: what a node needs of it goes with the seed"
                    .to_owned(),
            ),
            Self::TooSmall { key, needed, .. } => {
                Some(format!("set `{key}` in the profile to at least {} MiB", needed.div_ceil(1 << 20)))
            }
            Self::Boot(error) => error.hint(),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space, or choose another directory with `--output`".to_owned())
            }
            Self::Fat { .. } | Self::Table(_) | Self::Read { .. } | Self::Write { .. } => None,
        }
    }
}

impl From<(PathBuf, io::Error)> for ImageError {
    fn from((path, source): (PathBuf, io::Error)) -> Self {
        Self::Write { path, source }
    }
}
