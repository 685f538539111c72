//! Failures of taking an image from elsewhere, with hints.

use std::io;
use std::path::Path;

use super::location::Location;
use crate::cmd::manifest;
use crate::exit::{Code, Failure};
use crate::fetch::{Attempt, Cause, FetchError};
use crate::release::{ProofError, VerifyError};

pub(super) const AGAIN: &str =
    "nothing was written; download the image again with all the files of its release, or build it: `--profile`";
const OTHER_RELEASE: &str = "either the server has another release under this tag, or it was signed without the tag: \
                             `imgbuild export --sign KEY --tag TAG`; nothing was written";
pub(super) const WHERE: &str = "check the URL: the release's tag, and `releases` in imgbuild.toml; nothing was written";

/// The failure of an image that is not verified.
pub(super) fn bad_download(message: String) -> Failure {
    Failure { code: Code::Download, ..Failure::refused(message) }.hint(AGAIN)
}

pub(super) fn read_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error)
        .hint("name an image file that you may read")
}

/// The failure for files at `place` that do not verify.
pub(super) fn proof_failure(error: ProofError, place: &Location) -> Failure {
    match error {
        ProofError::Signature(error @ VerifyError::Key(_)) => Failure::new(Code::Refused, &error)
            .about("`release_key` in imgbuild.toml")
            .hint("it is the line `RW…` of minisign's public key file"),
        ProofError::Manifest { file, source } => manifest::failure(&source, &place.shown(&file), Code::Download, AGAIN),
        error => {
            let mut failure = Failure::new(Code::Download, &error).hint(match error {
                ProofError::OtherRelease { .. } => OTHER_RELEASE,
                _ => AGAIN,
            });
            // Show the whole path or URL in place of the bare file name.
            if let Some(rest) = failure.message.strip_prefix(error.file()) {
                failure.message = place.shown(error.file()) + rest;
            }
            failure
        }
    }
}

pub(super) fn is_absent(attempt: &Attempt) -> bool {
    matches!(attempt.cause, Cause::NotFound { .. })
}

/// The failure of a download of an image. Its hints differ from those for Debian's mirrors.
pub(super) fn fetch_failure(error: FetchError) -> Failure {
    let hint = match &error {
        FetchError::Unavailable { attempts, .. } if attempts.iter().any(is_absent) => Some(WHERE),
        FetchError::Unavailable { attempts, .. }
            if attempts.iter().any(|one| matches!(one.cause, Cause::Mismatch { .. } | Cause::TooLong { .. })) =>
        {
            Some("the server's copy is damaged or was tampered with; nothing was written")
        }
        FetchError::Unavailable { .. } => Some(
            "check the URL and the network connection; what was downloaded so far is kept, and nothing was written",
        ),
        _ => None,
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
