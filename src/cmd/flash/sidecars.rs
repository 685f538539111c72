//! The small files beside an image that verify it, from a directory or a server: checksums, their signature, the manifest.
//! `release` decides what they prove.
//!
//! They are downloaded again each time, since only the server knows whether they have changed. With `--offline` the copies in
//! the cache are used, and verified again.

use std::cell::RefCell;
use std::io::{self, Read as _};

use super::errors::{WHERE, bad_download, fetch_failure, is_absent, proof_failure, read_failure};
use super::location::Location;
use crate::cmd::session::Session;
use crate::exit::Failure;
use crate::fetch::FetchError;
use crate::files;
use crate::format::{Store as _, Sums};
use crate::image::Manifest;
use crate::release::{self, Proof, SIGNATURE, SUMS, SignedBy, Tag};
use crate::tree::Digest;

/// Most bytes of a file beside an image. The manifest is the longest of them.
const LONGEST: u64 = Manifest::LONGEST;

/// The files beside the image `name`.
pub(super) struct Sidecars<'s> {
    session: &'s Session<'s>,
    place: &'s Location,
    name: &'s str,
    /// Downloaded files that are not in the cache yet: key and content.
    fetched: RefCell<Vec<([u8; 32], Vec<u8>)>>,
}

impl<'s> Sidecars<'s> {
    pub(super) fn new(session: &'s Session<'s>, place: &'s Location, name: &'s str) -> Self {
        Self { session, place, name, fetched: RefCell::default() }
    }

    /// The proof of the image, which must be of the release `tag` if one is given.
    pub(super) fn proof(&self, tag: Option<&Tag>) -> Result<Proof, Failure> {
        let sums = self.sums(tag)?;
        let (file, text) = self.manifest(sums.as_ref())?;
        Proof::new(sums.as_ref(), self.name, (&file, &text)).map_err(|error| proof_failure(error, self.place))
    }

    /// The list of checksums. If the workspace names a key, it must be signed with that key.
    fn sums(&self, tag: Option<&Tag>) -> Result<Option<Sums>, Failure> {
        let signed = self.session.workspace.release_key().map(|key| SignedBy { key, tag });
        let Some(text) = self.read(SUMS)? else {
            if signed.is_none() && matches!(self.place, Location::Dir(_)) {
                return Ok(None);
            }
            return Err(self.absent(format!("there is no {}", self.place.shown(SUMS))));
        };
        let signature = if signed.is_some() { self.read(SIGNATURE)? } else { None };
        let sums = release::verified_sums(&text, signature.as_deref(), signed);
        sums.map(Some).map_err(|error| proof_failure(error, self.place))
    }

    /// The image's manifest: file name and bytes. A manifest that the checksums do not list is not used.
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

    /// Puts the downloaded files into the cache, after everything was verified.
    pub(super) fn store_in_cache(&self) {
        for (key, bytes) in self.fetched.borrow().iter() {
            self.session.cache.put(key, bytes);
        }
    }

    /// A small file beside the image, if it is there.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let url = match self.place {
            Location::Dir(dir) => {
                let path = dir.join(name);
                let read = files::open(&path).and_then(|file| {
                    let mut bytes = Vec::new();
                    file.take(LONGEST + 1).read_to_end(&mut bytes).map(|_| bytes)
                });
                return match read {
                    Ok(bytes) if bytes.len() as u64 > LONGEST => {
                        Err(bad_download(format!("{} is too large for such a file of a release", path.display())))
                    }
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(read_failure(&path, &error)),
                };
            }
            Location::Url(url) => url.beside(name),
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
            Err(error) => Err(fetch_failure(error)),
        }
    }

    /// The failure for a file that should be there.
    fn absent(&self, message: String) -> Failure {
        match self.place {
            Location::Dir(_) => bad_download(message),
            Location::Url(_) => bad_download(message).hint(WHERE),
        }
    }
}
