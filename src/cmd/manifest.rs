//! Reading a manifest, for all verbs that go by one.

use std::io::{self, Read as _};
use std::path::Path;

use crate::exit::{Code, Failure};
use crate::files;
use crate::image::{Manifest, ManifestError};

/// Most bytes of a manifest: thousands of ranges and packages.
pub(super) const LONGEST: u64 = 32 << 20;

/// What the file has, if it may be one.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    files::open(path)?.take(LONGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long for a manifest"));
    }
    Ok(text)
}

/// The manifest `name`. One that is none has `code` and `hint`, by where it comes from; one of another form is always a wrong
/// input.
pub(super) fn parse(text: &[u8], name: &str, code: Code, hint: &str) -> Result<Manifest, Failure> {
    Manifest::parse(text).map_err(|error| {
        let cure = error.hint().unwrap_or_else(|| hint.to_owned());
        let failure = match &error {
            ManifestError::Json(source) => {
                let message = format!("{name} is not a manifest of imgbuild");
                Failure { code, causes: vec![source.to_string()], ..Failure::refused(message) }
            }
            ManifestError::Format { .. } => Failure::new(Code::Refused, &error).about(name),
            ManifestError::Unfit { .. } => Failure::new(code, &error).about(name),
        };
        failure.hint(cure)
    })
}
