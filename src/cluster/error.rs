//! Errors of a cluster file that are found before any lint runs.

use std::io;

use crate::diagnostic::Diagnostic;
use crate::profile::ProfileError;
use crate::profile::error::known_names;

/// Why a `cluster.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A mistake at a known place of the file.
    #[error("{0}")]
    Invalid(Box<Diagnostic>),
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read { path: String, source: io::Error },
    /// A node is named, but there is no cluster.
    #[error("this workspace has no cluster.toml")]
    Absent,
    /// The cluster has no node of this name.
    #[error("there is no node `{name}` in cluster.toml")]
    UnknownNode { name: String, known: Vec<String> },
    /// The workspace itself is broken.
    #[error(transparent)]
    Workspace(ProfileError),
}

impl ClusterError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(diagnostic) => diagnostic.hint.clone(),
            Self::Read { .. } => Some("it must be a plain UTF-8 file that you may read".to_owned()),
            Self::Absent => {
                Some("`imgbuild init DIR` writes one to start from; `--workspace` names another".to_owned())
            }
            Self::UnknownNode { name, known } => Some(known_names("nodes", name, known)),
            Self::Workspace(error) => error.hint(),
        }
    }
}

impl From<Box<Diagnostic>> for ClusterError {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Invalid(diagnostic)
    }
}

impl From<ProfileError> for ClusterError {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Read { path, source } => Self::Read { path, source },
            other => Self::Workspace(other),
        }
    }
}
