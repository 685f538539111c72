//! Where an image from elsewhere lies.

use std::path::PathBuf;

use crate::urls::WebUrl;

/// Where an image and the files that verify it lie side by side.
pub(super) enum Location {
    Dir(PathBuf),
    /// The URL of one of these files: the others are beside it.
    Url(WebUrl),
}

impl Location {
    /// The path or URL of one of the files, for messages.
    pub(super) fn shown(&self, name: &str) -> String {
        match self {
            Self::Dir(dir) => dir.join(name).display().to_string(),
            Self::Url(url) => url.beside(name).to_string(),
        }
    }
}
