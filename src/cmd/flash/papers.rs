//! What lies beside an image and proves it: the sums, their signature, the manifest.
//!
//! Those of a URL are asked for each time, since only the server knows whether they are still the ones. Without a network
//! those of the last time are taken, which prove as much as they did then.

use std::cell::RefCell;
use std::io::{self, Read as _};
use std::path::PathBuf;

use url::Url;

use super::artifact::{AGAIN, bad, unreadable};
use crate::cmd::manifest;
use crate::cmd::session::Session;
use crate::exit::{Code, Failure};
use crate::fetch::{self, Attempt, Cause, FetchError};
use crate::files;
use crate::format::Store as _;
use crate::image::Manifest;
use crate::release::{self, SIGNATURE, SUMS, Sums, Tag, VerifyError};
use crate::tree::Digest;

/// Most bytes of a paper.
const PAPER: u64 = manifest::LONGEST;

/// Where an image and its papers lie side by side.
pub(super) enum Place {
    Dir(PathBuf),
    /// That of any of them.
    Url(Url),
}

impl Place {
    /// A file there.
    fn url(url: &Url, name: &str) -> Url {
        let mut url = url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop().push(name);
        }
        url
    }

    /// A file there, for messages.
    pub(super) fn shown(&self, name: &str) -> String {
        match self {
            Self::Dir(dir) => dir.join(name).display().to_string(),
            Self::Url(url) => shown(&Self::url(url, name)),
        }
    }
}

/// A URL without what gives access to it.
pub(super) fn shown(url: &Url) -> String {
    fetch::shown(url.as_str())
}

/// The papers of the image `name`.
pub(super) struct Papers<'s> {
    session: &'s Session<'s>,
    place: &'s Place,
    name: &'s str,
    /// What came over the network.
    fetched: RefCell<Vec<([u8; 32], Vec<u8>)>>,
}

impl<'s> Papers<'s> {
    pub(super) fn new(session: &'s Session<'s>, place: &'s Place, name: &'s str) -> Self {
        Self { session, place, name, fetched: RefCell::default() }
    }

    /// The list of digests, which the workspace's key has signed for the release of this tag, if it names one.
    pub(super) fn sums(&self, tag: Option<&Tag>) -> Result<Option<Sums>, Failure> {
        let key = self.session.workspace.release_key();
        let shown = self.place.shown(SUMS);
        let Some(text) = self.paper(SUMS)? else {
            if key.is_none() && matches!(self.place, Place::Dir(_)) {
                return Ok(None);
            }
            return Err(self.absent(format!("there is no {shown}")));
        };
        if let Some(key) = key {
            let signature = self
                .paper(SIGNATURE)?
                .ok_or_else(|| self.absent(format!("{shown} is not signed: there is no {SIGNATURE} beside it")))?;
            let said =
                release::verify(key, &text, &String::from_utf8_lossy(&signature)).map_err(|error| match error {
                    VerifyError::Key(_) => Failure::new(Code::Refused, &error)
                        .about("`release_key` in imgbuild.toml")
                        .hint("it is the line `RW…` of minisign's public key file"),
                    VerifyError::Form | VerifyError::Wrong(_) => Failure {
                        causes: vec![error.to_string()],
                        ..bad(format!("{} is not by the workspace's `release_key`", self.place.shown(SIGNATURE)))
                    },
                })?;
            if let Some(tag) = tag
                && said != tag.comment()
            {
                let message = format!("{shown} is signed, but not as release `{}`", tag.as_str());
                return Err(Failure { causes: vec![format!("its signature says `{said}`")], ..bad(message) }.hint(
                    "either the server gives another release under this tag, or it was signed without it: \
                     `imgbuild export --sign KEY --tag TAG`; nothing was written",
                ));
            }
        }
        let sums = Sums::parse(&String::from_utf8_lossy(&text));
        sums.map(Some).map_err(|line| bad(format!("{shown} is no list of SHA-256 sums: line {line}")))
    }

    /// What the image is, by the paper that the sums prove.
    pub(super) fn manifest(&self, sums: Option<&Sums>) -> Result<Manifest, Failure> {
        let name = self.name;
        let stem = [".zst", ".gz", ".xz"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let stem = stem.strip_suffix(".img").unwrap_or(stem);
        let mut absent = Vec::new();
        for file in [release::manifest_name(stem), "manifest.json".to_owned()] {
            let expected = sums.map(|sums| sums.get(&file));
            if expected == Some(None) {
                absent.push(file);
                continue;
            }
            let Some(text) = self.paper(&file)? else {
                absent.push(file);
                continue;
            };
            if expected.flatten().is_some_and(|sha256| Digest::of(&text) != sha256) {
                let shown = self.place.shown(&file);
                return Err(bad(format!("{shown} does not have the SHA-256 that {SUMS} says")));
            }
            return manifest::parse(&text, &self.place.shown(&file), Code::Download, AGAIN);
        }
        let absent = absent.join(" nor ");
        Err(self.absent(format!("there is no manifest for {}: neither {absent}", self.place.shown(name))))
    }

    /// Keeps what came over the network, once all was found right.
    pub(super) fn keep(&self) {
        for (key, bytes) in self.fetched.borrow().iter() {
            self.session.cache.put(key, bytes);
        }
    }

    /// A small file beside the image, if it is there.
    fn paper(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let url = match self.place {
            Place::Dir(dir) => {
                let path = dir.join(name);
                let read = files::open(&path).and_then(|file| {
                    let mut bytes = Vec::new();
                    file.take(PAPER).read_to_end(&mut bytes).map(|_| bytes)
                });
                return match read {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(unreadable(&path, &error)),
                };
            }
            Place::Url(url) => Place::url(url, name),
        };
        let key = Digest::of(format!("paper\n{url}").as_bytes()).0;
        if self.session.fetcher.is_offline()
            && let Some(bytes) = self.session.cache.get(&key)
        {
            return Ok(Some(bytes));
        }
        match self.session.fetcher.fetch_fresh(&shown(&url), url.as_str(), PAPER) {
            Ok(bytes) => {
                self.fetched.borrow_mut().push((key, bytes.clone()));
                Ok(Some(bytes))
            }
            Err(FetchError::Unavailable { attempts, .. }) if attempts.iter().all(is_absent) => Ok(None),
            Err(error) => Err(unfetched(error)),
        }
    }

    /// A paper that should be there.
    fn absent(&self, message: String) -> Failure {
        match self.place {
            Place::Dir(_) => bad(message),
            Place::Url(_) => bad(message).hint(WHERE),
        }
    }
}

const WHERE: &str = "look at the address: the release's tag, and `releases` in imgbuild.toml; nothing was written";

fn is_absent(attempt: &Attempt) -> bool {
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
