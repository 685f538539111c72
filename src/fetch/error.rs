//! Errors of downloads, with hints.

use std::io;
use std::path::PathBuf;

use crate::tree::Digest;
use crate::urls::shown;

/// Why an object could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("cannot start the network client: {}", chain(source.as_ref()))]
    Start { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("cannot use {} in the cache", path.display())]
    Cache { path: PathBuf, source: io::Error },
    /// Objects that the cache lacks, and objects that were damaged there and have been removed.
    #[error("offline, and {}", lacking(absent, damaged))]
    Offline { absent: Vec<String>, damaged: Vec<String> },
    #[error("cannot download {name}: {}", attempts.iter().map(Attempt::to_string).collect::<Vec<_>>().join("; "))]
    Unavailable { name: String, attempts: Vec<Attempt> },
}

/// One URL from which an object could not be fetched, after all tries.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", shown(url))]
pub struct Attempt {
    pub url: String,
    pub cause: Cause,
}

/// Why an object could not be fetched from one URL.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    #[error("not found (HTTP status {status})")]
    NotFound { status: u16 },
    #[error("HTTP status {status}")]
    Status { status: u16 },
    /// A server that says when to come again.
    #[error("HTTP status {status}, again and again; it asks to wait for {seconds} s")]
    Busy { status: u16, seconds: u64 },
    /// One that says so of a time that nobody waits for.
    #[error("HTTP status {status}; it asks to come again in {seconds} s")]
    BusyForLong { status: u16, seconds: u64 },
    #[error("it wants a token, and its answer to whoever asks for one has none")]
    NoToken,
    /// Of a directory of this machine.
    #[error("there is no such file")]
    NoFile,
    #[error("{source}")]
    Read { source: io::Error },
    #[error("{}", innermost(.0))]
    Network(reqwest::Error),
    #[error("no bytes for {seconds} s")]
    Stalled { seconds: u64 },
    #[error("ended after {got} of {expected} bytes")]
    Cut { got: u64, expected: u64 },
    #[error("the server sent other bytes than the missing ones")]
    WrongRange,
    #[error("larger than {limit} bytes")]
    TooLong { limit: u64 },
    #[error("its SHA-256 is {got}, expected {expected}")]
    Mismatch { got: Digest, expected: Digest },
    /// An error of this machine's disk: it ends the download as [`FetchError::Cache`].
    #[error("writing {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl From<reqwest::Error> for Cause {
    /// Without the URL, which [`Attempt`] shows already.
    fn from(error: reqwest::Error) -> Self {
        Self::Network(error.without_url())
    }
}

impl Cause {
    /// Whether trying the same server again may help.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Network(error) => !error.is_builder() && !error.is_redirect(),
            Self::Status { status } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Stalled { .. } | Self::Cut { .. } | Self::WrongRange | Self::Busy { .. } => true,
            Self::NotFound { .. }
            | Self::BusyForLong { .. }
            | Self::NoToken
            | Self::NoFile
            | Self::Read { .. }
            | Self::TooLong { .. }
            | Self::Mismatch { .. }
            | Self::Write { .. } => false,
        }
    }

    /// Whether the server sent bytes with another digest. Other URLs are not tried then, so that a tampered mirror does not go
    /// unnoticed.
    #[must_use]
    pub fn is_forgery(&self) -> bool {
        matches!(self, Self::TooLong { .. } | Self::Mismatch { .. })
    }
}

impl FetchError {
    /// Whether no server could be reached, as opposed to a damaged copy or an error of this machine.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Offline { damaged, .. } => damaged.is_empty(),
            Self::Unavailable { attempts, .. } => attempts.iter().all(|attempt| {
                let cause = &attempt.cause;
                !cause.is_forgery() && !matches!(cause, Cause::Write { .. })
            }),
            Self::Start { .. } | Self::Cache { .. } => false,
        }
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Start { .. } => "are the system's certificates installed (Debian: `apt install ca-certificates`)?",
            Self::Cache { .. } => "is the cache directory writable, and the disk not full?",
            Self::Offline { damaged, .. } if !damaged.is_empty() => {
                "run once without `--offline` to download it anew; if that happens again, the disk under the cache loses data"
            }
            Self::Offline { .. } => "run once without `--offline` to download it",
            Self::Unavailable { attempts, .. } => {
                let any = |test: fn(&Cause) -> bool| attempts.iter().any(|attempt| test(&attempt.cause));
                if any(Cause::is_forgery) {
                    "the server's copy is damaged or was tampered with; try another mirror with `--mirror`"
                } else if any(|cause| matches!(cause, Cause::Read { .. })) {
                    "the archive is a directory of this machine: let it hold plain files that you may read"
                } else if any(|cause| matches!(cause, Cause::NotFound { .. } | Cause::NoFile)) {
                    "the mirror does not have it (any more); a locked package that is gone is replaced by \
                     `imgbuild lock --update`, another mirror is chosen with `--mirror`"
                } else {
                    "check the network connection, or choose another mirror with `--mirror`; \
                     what has come so far is kept"
                }
            }
        };
        Some(text.to_owned())
    }
}

/// The innermost cause of a network error: the outer ones only say that something failed.
fn innermost(error: &reqwest::Error) -> String {
    let first: &dyn std::error::Error = error;
    let last = std::iter::successors(Some(first), |error| error.source()).last().unwrap_or(first);
    if error.is_connect() { format!("no connection: {last}") } else { last.to_string() }
}

/// An error with its causes, as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn lacking(absent: &[String], damaged: &[String]) -> String {
    let said = [("damaged in the cache", damaged), ("not in the cache", absent)];
    let said = said.iter().filter(|(_, names)| !names.is_empty());
    said.map(|(how, names)| format!("{how}: {}", listing(names))).collect::<Vec<_>>().join("; ")
}

/// At most three names, and the number of the others.
fn listing(names: &[String]) -> String {
    let shown = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=3 => shown,
        many => format!("{shown} and {} more", many - 3),
    }
}
