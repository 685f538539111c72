//! Reading a manifest, for all commands that need one.

use std::io::{self, Read as _};
use std::path::Path;

use crate::exit::{Code, Failure};
use crate::files;
use crate::image::{Manifest, ManifestError};

/// The content of the file, limited to one byte more than a manifest may have.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    files::open(path)?.take(Manifest::LONGEST + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Parses the manifest `name`. The failure of a malformed one has `code` and `hint`, which depend on where it comes from; a manifest
/// of another format version is always a wrong input.
pub(super) fn parse(text: &[u8], name: &str, code: Code, hint: &str) -> Result<Manifest, Failure> {
    Manifest::parse(text).map_err(|error| failure(&error, name, code, hint))
}

/// The failure for a manifest `name` that cannot be used, as in [`parse`].
pub(super) fn failure(error: &ManifestError, name: &str, code: Code, hint: &str) -> Failure {
    let cure = error.hint().unwrap_or_else(|| hint.to_owned());
    let failure = match error {
        ManifestError::Json(source) => {
            let message = format!("{name} is not a manifest of imgbuild");
            Failure { code, causes: vec![source.to_string()], ..Failure::refused(message) }
        }
        ManifestError::Format { .. } => Failure::new(Code::Refused, error).about(name),
        ManifestError::TooLong | ManifestError::UnsafeText { .. } | ManifestError::Invalid { .. } => {
            Failure::new(code, error).about(name)
        }
    };
    failure.hint(cure)
}
