//! Why an effect could not be done.

use std::io;

use crate::tree::TreeError;

/// An effect's failure: what it was about, what is wrong, and where known what helps.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    #[error("cannot read `/{path}`")]
    Read { path: String, source: io::Error },
    /// A line of a file that some package, overlay or profile brought.
    #[error("`/{path}`, line {line}: {cause}")]
    Line { path: String, line: usize, cause: String },
    #[error("{object}: {cause}")]
    Refused { object: String, cause: String, hint: Option<String> },
    /// An account that the lock gives no number.
    #[error("the lock pins no number for {kind} `{name}`")]
    Unpinned { kind: &'static str, name: String },
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl EffectError {
    /// An error about `object` without a hint.
    pub(crate) fn refused(object: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Refused { object: object.into(), cause: cause.into(), hint: None }
    }

    /// The same error with a hint, where its kind carries one.
    pub(crate) fn with_hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Refused { object, cause, .. } => Self::Refused { object, cause, hint: Some(text.into()) },
            other => other,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } => hint.clone(),
            Self::Unpinned { .. } => Some("run `imgbuild lock`, which gives new accounts their numbers".to_owned()),
            Self::Read { .. } | Self::Line { .. } | Self::Tree(_) => None,
        }
    }
}
