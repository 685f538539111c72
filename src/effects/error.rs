//! Why an effect could not be done.

use std::io;

use crate::diagnostic::{Diagnostic, Mistakes, closest};
use crate::profile::Profile;
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
    /// Something that a file of the profile says at a known place.
    #[error("{0}")]
    Mistakes(#[source] Mistakes),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Advice about an unknown name: the likely one of `known`, and what helps in any case.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match closest(name, known) {
        Some(meant) => format!("did you mean `{meant}`? {otherwise}"),
        None => otherwise.to_owned(),
    }
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

    /// The same error shown at the place where the profile's files say it: what `key` says of `value`.
    pub(crate) fn at(self, profile: &Profile, key: &str, value: &str) -> Self {
        let Self::Refused { object, cause, hint } = self else { return self };
        match profile.marks.mistake(key, value, format!("{object}: {cause}")) {
            Some(mistake) => Self::Mistakes(Diagnostic { hint, ..mistake }.into()),
            None => Self::Refused { object, cause, hint },
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } => hint.clone(),
            Self::Mistakes(mistakes) => mistakes.hint(),
            Self::Unpinned { .. } => Some("run `imgbuild lock`, which gives new accounts their numbers".to_owned()),
            Self::Read { .. } | Self::Line { .. } | Self::Tree(_) => None,
        }
    }
}
