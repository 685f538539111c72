//! Who brings something into an image.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Board;

/// Who asked for a package or a setting, or gave a file. Shown as `KIND:NAME`, which is also how the listing of an image has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The file `profiles/NAME.toml`: the profile itself, or one that it extends.
    Profile(String),
    /// The folder `overlays/NAME/`.
    Overlay(String),
    /// The board, whose kernel and boot files are in every image for it.
    Board(Board),
}

impl Origin {
    /// `profile`, `overlay` or `board`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Profile(_) => "profile",
            Self::Overlay(_) => "overlay",
            Self::Board(_) => "board",
        }
    }

    /// Its name among those of its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Profile(name) | Self::Overlay(name) => name,
            Self::Board(board) => board.name(),
        }
    }

    /// As a sentence has it: ``overlay `node` ``.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{} `{}`", self.kind(), self.name())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.kind(), self.name())
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
