//! The small files beside an image that prove it, from a directory or a server: the sums, their signature, the manifest. What
//! they prove, `release` says.
//!
//! Those of a URL are asked for each time, since only the server knows whether they are still the ones. Without a network
//! those of the last time are taken, which prove as much as they did then.

use std::cell::RefCell;
use std::io::{self, Read as _};

use super::errors::{WHERE, bad, is_absent, unfetched, unproved, unreadable};
use super::place::Place;
use crate::cmd::session::Session;
use crate::exit::Failure;
use crate::fetch::FetchError;
use crate::files;
use crate::format::{Store as _, Sums};
use crate::image::Manifest;
use crate::release::{self, Proof, SIGNATURE, SUMS, SignedBy, Tag};
use crate::tree::Digest;

/// Most bytes of a file beside an image: those of the longest, the manifest.
const LONGEST: u64 = Manifest::LONGEST;

/// The files beside the image `name`.
pub(super) struct Sidecars<'s> {
    session: &'s Session<'s>,
    place: &'s Place,
    name: &'s str,
    /// What came over the network.
    fetched: RefCell<Vec<([u8; 32], Vec<u8>)>>,
}

impl<'s> Sidecars<'s> {
    pub(super) fn new(session: &'s Session<'s>, place: &'s Place, name: &'s str) -> Self {
        Self { session, place, name, fetched: RefCell::default() }
    }

    /// What proves the image, as the release of this tag if one is asked for.
    pub(super) fn proof(&self, tag: Option<&Tag>) -> Result<Proof, Failure> {
        let sums = self.sums(tag)?;
        let (file, text) = self.manifest(sums.as_ref())?;
        Proof::new(sums.as_ref(), self.name, (&file, &text)).map_err(|error| unproved(error, self.place))
    }

    /// The list of digests, which the workspace's key must have signed if it names one.
    fn sums(&self, tag: Option<&Tag>) -> Result<Option<Sums>, Failure> {
        let signed = self.session.workspace.release_key().map(|key| SignedBy { key, tag });
        let Some(text) = self.read(SUMS)? else {
            if signed.is_none() && matches!(self.place, Place::Dir(_)) {
                return Ok(None);
            }
            return Err(self.absent(format!("there is no {}", self.place.shown(SUMS))));
        };
        let signature = if signed.is_some() { self.read(SIGNATURE)? } else { None };
        let sums = release::verified_sums(&text, signature.as_deref(), signed);
        sums.map(Some).map_err(|error| unproved(error, self.place))
    }

    /// The image's manifest: its file's name and bytes. One that the sums do not list proves nothing.
    fn manifest(&self, sums: Option<&Sums>) -> Result<(String, Vec<u8>), Failure> {
        let names = release::manifest_names(self.name);
        for file in &names {
            if sums.is_none_or(|sums| sums.get(file).is_some())
                && let Some(text) = self.read(file)?
            {
                return Ok((file.clone(), text));
            }
        }
        let image = self.place.shown(self.name);
        Err(self.absent(format!("there is no manifest for {image}: neither {}", names.join(" nor "))))
    }

    /// Keeps what came over the network, once all was found right.
    pub(super) fn keep(&self) {
        for (key, bytes) in self.fetched.borrow().iter() {
            self.session.cache.put(key, bytes);
        }
    }

    /// A small file beside the image, if it is there.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let url = match self.place {
            Place::Dir(dir) => {
                let path = dir.join(name);
                let read = files::open(&path).and_then(|file| {
                    let mut bytes = Vec::new();
                    file.take(LONGEST + 1).read_to_end(&mut bytes).map(|_| bytes)
                });
                return match read {
                    Ok(bytes) if bytes.len() as u64 > LONGEST => {
                        Err(bad(format!("{} is larger than any such file of a release", path.display())))
                    }
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(unreadable(&path, &error)),
                };
            }
            Place::Url(url) => url.beside(name),
        };
        let key = Digest::of(format!("paper\n{}", url.as_str()).as_bytes()).0;
        if self.session.fetcher.is_offline()
            && let Some(bytes) = self.session.cache.get(&key)
        {
            return Ok(Some(bytes));
        }
        match self.session.fetcher.fetch_fresh(&url.to_string(), url.as_str(), LONGEST) {
            Ok(bytes) => {
                self.fetched.borrow_mut().push((key, bytes.clone()));
                Ok(Some(bytes))
            }
            Err(FetchError::Unavailable { attempts, .. }) if attempts.iter().all(is_absent) => Ok(None),
            Err(error) => Err(unfetched(error)),
        }
    }

    /// A file that should be there.
    fn absent(&self, message: String) -> Failure {
        match self.place {
            Place::Dir(_) => bad(message),
            Place::Url(_) => bad(message).hint(WHERE),
        }
    }
}
