//! Why an image from elsewhere is not written, with what helps.

use std::io;
use std::path::Path;

use super::place::Place;
use crate::cmd::manifest;
use crate::exit::{Code, Failure};
use crate::fetch::{Attempt, Cause, FetchError};
use crate::release::{ProofError, VerifyError};

pub(super) const AGAIN: &str =
    "nothing was written; take the image again with all the files of its release, or build it: `--profile`";
const OTHER_RELEASE: &str = "either the server gives another release under this tag, or it was signed without it: \
                             `imgbuild export --sign KEY --tag TAG`; nothing was written";
pub(super) const WHERE: &str =
    "look at the address: the release's tag, and `releases` in imgbuild.toml; nothing was written";

/// What is not proved is not written.
pub(super) fn bad(message: String) -> Failure {
    Failure { code: Code::Download, ..Failure::refused(message) }.hint(AGAIN)
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error)
        .hint("name an image file that you may read")
}

/// What the files at `place` do not prove.
pub(super) fn unproved(error: ProofError, place: &Place) -> Failure {
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
            // Which of the files of this name it is.
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

/// Why there is no image from a server, which is no mirror of Debian's.
pub(super) fn unfetched(error: FetchError) -> Failure {
    let hint = match &error {
        FetchError::Unavailable { attempts, .. } if attempts.iter().any(is_absent) => Some(WHERE),
        FetchError::Unavailable { attempts, .. }
            if attempts.iter().any(|one| matches!(one.cause, Cause::Mismatch { .. } | Cause::TooLong { .. })) =>
        {
            Some("the server's copy is damaged or was tampered with; nothing was written")
        }
        FetchError::Unavailable { .. } => Some(
            "look at the address and the network connection; what has come so far is kept, and nothing was written",
        ),
        _ => None,
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
