//! What can be wrong with a profile.

use std::io;

use super::Origin;
use super::checks::INSTEAD_OF_HIDDEN;
use crate::diagnostic::{Diagnostic, closest};

/// Why a profile cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A mistake at a known place of a file.
    #[error("{0}")]
    Invalid(Box<Diagnostic>),
    /// Nobody has a profile of this name.
    #[error("there is no profile `{name}`")]
    Unknown { name: String, known: Vec<String> },
    /// Nobody has an overlay of this name.
    #[error("there is no overlay `{name}`")]
    UnknownOverlay { name: String, known: Vec<String> },
    /// A profile's file whose name is none for a profile.
    #[error("`{path}` is no usable name for a profile")]
    Misnamed { path: String, hint: String },
    /// A file of the workspace cannot be read.
    #[error("cannot read {path}")]
    Read { path: String, source: io::Error },
    /// Two overlays give one thing differently.
    #[error("{what} comes from both {} and {}", first.in_words(), second.in_words())]
    Conflict { what: String, first: Origin, second: Origin },
    /// Two overlays that have kernel modules of one name compiled.
    #[error("{what} comes from both {} and {}", first.in_words(), second.in_words())]
    TwoModules { what: String, first: Origin, second: Origin },
    /// A file where another path needs a directory.
    #[error("{} has no directory at `/{file}`, yet {} puts `/{path}` below it", first.in_words(), second.in_words())]
    FileAbove { file: String, first: Origin, path: String, second: Origin },
    /// An overlay's folder holds what cannot go into an image.
    #[error("{path} is {kind}, which an overlay cannot hold")]
    OddFile { path: String, kind: &'static str, hint: &'static str },
    /// An overlay's file in a place that a node mounts something over.
    #[error("{path} would be hidden: `{top}` is mounted at boot")]
    Hidden { path: String, top: String },
    /// An overlay's folder of manifests holds something else.
    #[error("{path} is no manifest's file")]
    OddManifest { path: String },
    /// A patch of an overlay that is applied to nothing.
    #[error("no kernel module of the overlay names {path}")]
    IdlePatch { path: String, file: String },
}

impl ProfileError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(diagnostic) => diagnostic.hint.clone(),
            Self::Unknown { name, known } => Some(known_names("profiles", name, known)),
            Self::UnknownOverlay { name, known } => Some(known_names("overlays", name, known)),
            Self::Misnamed { hint, .. } => Some(format!("rename the file: {hint}")),
            Self::Read { .. } => Some("it must be a plain UTF-8 file that you may read".to_owned()),
            Self::FileAbove { file, .. } => Some(format!("rename `/{file}`, or leave one of the two out")),
            Self::Conflict { .. } => {
                Some("use only one of the two overlays, or decide it in the profile, which wins over both".to_owned())
            }
            Self::TwoModules { .. } => {
                Some("use only one of the two overlays: a kernel knows a module by its name".to_owned())
            }
            Self::IdlePatch { file, .. } => Some(format!(
                "remove the file, or write into `overlay.toml`: `[[kernel-module.NAME.patch]]`, and below it `file = \"{file}\"`"
            )),
            Self::Hidden { .. } => Some(INSTEAD_OF_HIDDEN.to_owned()),
            Self::OddManifest { .. } => {
                Some("manifests lie side by side in `manifests/` and are called NAME.yaml".to_owned())
            }
            Self::OddFile { hint, .. } => Some((*hint).to_owned()),
        }
    }

    /// Several lines for a person; those of a mistake in a file quote it. No line break at the end.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        use annotate_snippets::{Group, Level, Renderer};
        if let Self::Invalid(diagnostic) = self {
            return diagnostic.render(color);
        }
        let cause = std::error::Error::source(self).map(|cause| format!(": {cause}")).unwrap_or_default();
        let mut group = Group::with_title(Level::ERROR.primary_title(format!("{self}{cause}")));
        if let Some(hint) = self.hint() {
            group = group.element(Level::HELP.message(hint));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl From<Box<Diagnostic>> for ProfileError {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Invalid(diagnostic)
    }
}

impl From<Diagnostic> for ProfileError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Invalid(Box::new(diagnostic))
    }
}

/// The hint after an unknown name: the likely one and the list.
pub(crate) fn known_names(what: &str, name: &str, known: &[String]) -> String {
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match closest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}
