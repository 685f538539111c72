//! Why a container image could not be had, with hints.

use crate::fetch::{Cause, FetchError};

/// Why an image could not be found in a registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("container image `{image}` cannot be had")]
    Unavailable { image: String, source: FetchError },
    /// What the registry gives has the right digest, and is no image that a node can run.
    #[error("container image `{image}`: {flaw}")]
    Wrong { image: String, flaw: Flaw },
}

/// What is wrong with what a registry gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("what the registry has under this digest is no index and no manifest: {reason}")]
    Form { reason: String },
    #[error("its manifest is of Docker's first form, which has no digests")]
    OldForm,
    #[error("`{kind}` is no kind of an image that containers are made from")]
    Kind { kind: String },
    #[error("what the registry has is `{kind}` and no chart")]
    NoChart { kind: String },
    #[error("its index has no manifest for linux/{arch}{}", listed(has))]
    NoPlatform { arch: &'static str, has: Vec<String> },
    #[error("it is for {got}, and the board needs linux/{needed}")]
    Machine { got: String, needed: &'static str },
    #[error("its index names another index where the manifest must be")]
    Nested,
    #[error("`{digest}` is no digest by SHA-256")]
    Digest { digest: String },
    #[error("a part of it has {got} bytes, and the document that names it says {told}")]
    Size { told: u64, got: u64 },
    #[error("its {what} would have {size} bytes, and at most {limit} are taken")]
    TooLarge { what: &'static str, size: u64, limit: u64 },
    #[error("it has {count} layers, more than any container is made from")]
    Layers { count: usize },
    #[error("some of its layers lie outside of the registry")]
    Elsewhere,
}

impl RegistryError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unavailable { source: source @ FetchError::Unavailable { attempts, .. }, .. } => {
                let any = |test: fn(&Cause) -> bool| attempts.iter().any(|attempt| test(&attempt.cause));
                if any(Cause::is_forgery) {
                    "the registry gave other bytes than the digest stands for: something on the way changed them, or the registry \
                     is damaged"
                } else if any(|cause| matches!(cause, Cause::Status { status: 401 | 403 })) {
                    "is the name right? registries say the same of images that there are not and of private ones; images are \
                     asked for without a login, so take a private one from a public place, or let the nodes pull it"
                } else if any(|cause| matches!(cause, Cause::NotFound { .. })) {
                    "is the name right, and the digest one of this image? registries forget what no tag leads to any more: \
                     `imgbuild images --digests` asks for the digest that a tag has now"
                } else if any(|cause| {
                    matches!(cause, Cause::Busy { .. } | Cause::BusyForLong { .. } | Cause::Status { status: 429 })
                }) {
                    "the registry gives only so much an hour to whoever has no login; run it again later, what has come so far is \
                     kept"
                } else {
                    return source.hint().filter(|_| !source.is_out_of_reach()).unwrap_or_else(|| {
                        "check the network connection and the registry's name; what has come so far is kept".to_owned()
                    });
                }
            }
            Self::Unavailable { source, .. } => {
                return source.hint().unwrap_or_else(|| "run it again".to_owned());
            }
            Self::Wrong { flaw, .. } => match flaw {
                Flaw::NoPlatform { .. } | Flaw::Machine { .. } => {
                    "the digest must be that of an index with this platform, or of the manifest for it; take the image out of \
                     `preload` of boards that it is not for"
                }
                Flaw::OldForm => "ask the image's author for one that was pushed since 2016",
                Flaw::Kind { .. } | Flaw::NoChart { .. } => "a chart or another artifact is no image: take it out of `preload`",
                Flaw::Elsewhere | Flaw::Layers { .. } | Flaw::TooLarge { .. } => {
                    "such an image is not carried; let the nodes pull it"
                }
                Flaw::Form { .. } | Flaw::Nested | Flaw::Digest { .. } | Flaw::Size { .. } => {
                    "is it the digest of an image? `docker buildx imagetools inspect NAME:TAG` shows it; if so, the registry is \
                     damaged"
                }
            },
        }
        .to_owned()
    }
}

fn listed(has: &[String]) -> String {
    if has.is_empty() { String::new() } else { format!("; it has {}", has.join(", ")) }
}
