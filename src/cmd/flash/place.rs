//! Where a foreign image lies.

use std::path::PathBuf;

use crate::urls::WebUrl;

/// Where an image and the files that prove it lie side by side.
pub(super) enum Place {
    Dir(PathBuf),
    /// The URL of any of them: the others are beside it.
    Url(WebUrl),
}

impl Place {
    /// A file there, for messages.
    pub(super) fn shown(&self, name: &str) -> String {
        match self {
            Self::Dir(dir) => dir.join(name).display().to_string(),
            Self::Url(url) => url.beside(name).to_string(),
        }
    }
}
