//! Downloads into a content-addressed cache. Asynchronous inside; its public functions are not.
//!
//! An object is identified by its SHA-256. It is taken from the cache if it is complete there, else streamed (eight objects at
//! a time) into a partial file, hashed on the way, and renamed into place when the digest is right. An interrupted download is
//! resumed, also by the next run. The HTTP client is started for the first object that is missing; with `--offline` there is
//! none.
//!
//! ```text
//! CACHE/downloads/sha256/<hex>    complete, verified objects; also files imported from a directory of the user
//! CACHE/downloads/partial/<hex>   the first bytes of objects, each locked by the process that writes it
//! ```

pub mod answer;
pub(crate) mod channels;
pub mod charts;
mod error;
mod http;
pub(crate) mod k3s;
pub mod registry;
mod store;
mod tokens;

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

pub use error::{Attempt, Cause, FetchError};

use crate::files;
use crate::output::Progress;
use crate::tree::Digest;
use crate::urls::{local_path, shown};
use http::Client;
use store::{Claim, Import, Missing, Partial, Store};

/// Objects downloaded at the same time.
const PARALLEL: usize = 8;

/// The phase that downloads report progress under.
const PHASE: &str = "download";

/// An object to bring into the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Its name in messages (`bash 5.2.37-2 arm64`).
    pub name: String,
    /// Its URLs, tried in this order.
    pub urls: Vec<String>,
    pub sha256: Digest,
    /// Size in bytes, if known.
    pub size: Option<u64>,
}

/// Time limits of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Limit for opening a connection.
    pub connect: Duration,
    /// Limit for the next bytes of a response.
    pub stall: Duration,
    /// Pause before the second try; it doubles before each further one.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30), pause: Duration::from_millis(500) }
    }
}

/// Gets objects by content from the cache, the network, or directories of this machine (`file:` URLs).
#[derive(Debug)]
pub struct Fetcher {
    store: Store,
    /// None means offline.
    patience: Option<Patience>,
    /// Started when it is first needed: starting reads all certificates of the host, and a build from the cache needs none.
    network: OnceLock<Network>,
}

#[derive(Debug)]
struct Network {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Fetcher {
    /// A fetcher whose objects lie in `cache_dir/downloads`, which is created for the first one. With `offline` it only uses
    /// what is there.
    #[must_use]
    pub fn new(cache_dir: &Path, offline: bool) -> Self {
        Self::with_patience(cache_dir, (!offline).then(Patience::default))
    }

    /// As [`Fetcher::new`], with other time limits; none means offline.
    #[must_use]
    pub fn with_patience(cache_dir: &Path, patience: Option<Patience>) -> Self {
        Self { store: Store::at(&cache_dir.join("downloads")), patience, network: OnceLock::new() }
    }

    /// Makes the directories for objects, so that what is in the way is told before anything is asked for.
    ///
    /// # Errors
    /// A directory that cannot be made.
    pub fn prepare(&self) -> Result<(), FetchError> {
        self.store.prepare()
    }

    /// Whether [`Fetcher::prepare`] could do its work, without doing it.
    ///
    /// # Errors
    /// A directory that could not be made or written.
    pub fn could_prepare(&self) -> Result<(), FetchError> {
        self.store.may_be_filled()
    }

    /// The network; none when offline.
    fn network(&self) -> Result<Option<&Network>, FetchError> {
        let Some(patience) = self.patience else { return Ok(None) };
        if let Some(network) = self.network.get() {
            return Ok(Some(network));
        }
        let network = Network::start(patience)?;
        Ok(Some(self.network.get_or_init(|| network)))
    }

    /// Whether it may not use the network.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.patience.is_none()
    }

    /// Brings all `wanted` objects into the cache; the paths come in the order of `wanted`.
    ///
    /// Objects in the cache are hashed again, so that a damaged file is never returned. `progress` gets one phase `download`, or
    /// nothing if everything was in the cache.
    ///
    /// # Errors
    /// The network client cannot start, or an object cannot be fetched; the first such object is reported. Others may be in
    /// the cache by then, and partial files stay for the next run to resume.
    pub fn fetch_all(&self, wanted: &[Download], progress: &dyn Progress) -> Result<Vec<PathBuf>, FetchError> {
        let missing = self.take_local(self.store.missing(wanted, progress)?)?;
        if !missing.is_empty() {
            let Some(network) = self.network()? else {
                let names = |damaged| {
                    let those = missing.iter().filter(move |missing| missing.damaged == damaged);
                    those.map(|missing| missing.download.name.clone()).collect::<Vec<_>>()
                };
                return Err(FetchError::Offline { absent: names(false), damaged: names(true) });
            };
            let missing: Vec<&Download> = missing.iter().map(|missing| missing.download).collect();
            self.store.prepare()?;
            // The sizes come from an archive and are not trusted.
            let known = missing.iter().filter_map(|download| download.size).fold(0, u64::saturating_add);
            progress.begin(PHASE, known);
            let bytes = network.download(&self.store, &missing, progress)?;
            progress.finish(PHASE, &summary(missing.len(), bytes));
        }
        Ok(wanted.iter().map(|download| self.store.object(&download.sha256)).collect())
    }

    /// Copies what lies in directories of this machine into the cache, which needs no network; gives what is still missing.
    fn take_local<'a>(&self, missing: Vec<Missing<'a>>) -> Result<Vec<Missing<'a>>, FetchError> {
        let mut left = Vec::new();
        for missing in missing {
            if !self.is_taken(missing.download)? {
                left.push(missing);
            }
        }
        Ok(left)
    }

    /// Whether the object was copied from the first of its URLs that are of this machine; not if it is sought elsewhere first.
    fn is_taken(&self, download: &Download) -> Result<bool, FetchError> {
        let mut attempts = Vec::new();
        for url in &download.urls {
            let Some(path) = local_path(url) else { return Ok(false) };
            let cause = match self.store.import(&path, &download.sha256) {
                Ok(_) => return Ok(true),
                Err(Import::Cache(error)) => return Err(error),
                Err(Import::Missing) => Cause::NoFile,
                Err(Import::Read(source)) => Cause::Read { source },
                Err(Import::Other { got }) => Cause::Mismatch { got, expected: download.sha256 },
            };
            let is_forgery = cause.is_forgery();
            attempts.push(Attempt { url: url.clone(), cause });
            if is_forgery {
                break;
            }
        }
        Err(FetchError::Unavailable { name: download.name.clone(), attempts })
    }

    /// Bytes of the file that the cache has for this object, by name and size; none if it has none. Its content is verified
    /// only when it is fetched.
    #[must_use]
    pub fn cached(&self, wanted: &Download) -> Option<u64> {
        let found = fs::metadata(self.store.object(&wanted.sha256)).map(|meta| meta.len());
        found.ok().filter(|len| wanted.size.is_none_or(|size| size == *len))
    }

    /// Whether [`Fetcher::fetch_all`] could get `wanted`, as far as that is known without a connection: offline, objects without
    /// a file of their size in the cache, and without one in a directory of this machine, cannot be had.
    ///
    /// # Errors
    /// The objects that cannot be had.
    pub fn could_fetch(&self, wanted: &[Download]) -> Result<(), FetchError> {
        let lies_here = |url: &String| local_path(url).is_some_and(|path| path.is_file());
        let is_lost = |download: &&Download| {
            self.is_offline() && self.cached(download).is_none() && !download.urls.first().is_some_and(lies_here)
        };
        let lost: Vec<&Download> = wanted.iter().filter(is_lost).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let names = |damaged| {
            let is_there = |download: &Download| self.store.object(&download.sha256).exists();
            let those = lost.iter().filter(move |download| is_there(download) == damaged);
            those.map(|download| download.name.clone()).collect()
        };
        Err(FetchError::Offline { absent: names(false), damaged: names(true) })
    }

    /// Copies a local file with this digest into the cache; returns its path there.
    fn import(&self, path: &Path, sha256: &Digest) -> Result<PathBuf, Import> {
        self.store.import(path, sha256)
    }

    /// The bytes of a small object, at most `limit` of them, from the cache or the first of its URLs; it is in the cache then.
    ///
    /// # Errors
    /// As [`Fetcher::fetch_all`].
    pub fn fetch_small(&self, wanted: &Download, limit: u64) -> Result<Vec<u8>, FetchError> {
        let object = self.store.object(&wanted.sha256);
        if let Ok(bytes) = read_local(&object, limit)
            && Digest::of(&bytes) == wanted.sha256
        {
            return Ok(bytes);
        }
        let url = wanted.urls.first().map(String::as_str).unwrap_or_default();
        let bytes = self.fetch_fresh(&wanted.name, url, limit)?;
        let got = Digest::of(&bytes);
        if got != wanted.sha256 {
            let cause = Cause::Mismatch { got, expected: wanted.sha256 };
            let attempts = vec![Attempt { url: url.to_owned(), cause }];
            return Err(FetchError::Unavailable { name: wanted.name.clone(), attempts });
        }
        self.store.keep(&bytes, &wanted.sha256)?;
        Ok(bytes)
    }

    /// The current bytes at `url`, at most `limit` of them. Nothing is cached: this is for files with a signature of their own,
    /// such as `InRelease`. Those of a directory of this machine are read, offline too.
    ///
    /// # Errors
    /// The fetcher is offline, the network client cannot start, or no try succeeds.
    pub fn fetch_fresh(&self, name: &str, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
        if let Some(path) = local_path(url) {
            return read_local(&path, limit).map_err(|cause| FetchError::Unavailable {
                name: name.to_owned(),
                attempts: vec![Attempt { url: url.to_owned(), cause }],
            });
        }
        let Some(network) = self.network()? else {
            return Err(FetchError::Offline { absent: vec![name.to_owned()], damaged: Vec::new() });
        };
        network.runtime.block_on(network.client.get_fresh(url, limit)).map_err(|cause| FetchError::Unavailable {
            name: name.to_owned(),
            attempts: vec![Attempt { url: url.to_owned(), cause }],
        })
    }
}

impl Network {
    fn start(patience: Patience) -> Result<Self, FetchError> {
        // The second worker decrypts while the calling thread hashes and writes.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|source| FetchError::Start { source: source.into() })?;
        let client = Client::new(patience).map_err(|source| FetchError::Start { source: source.into() })?;
        Ok(Self { client, runtime })
    }

    /// Downloads all of `missing`; returns the bytes that came over the network.
    fn download(&self, store: &Store, missing: &[&Download], progress: &dyn Progress) -> Result<u64, FetchError> {
        let jobs = missing.iter().map(|download| self.download_one(store, download, progress));
        self.runtime.block_on(
            stream::iter(jobs)
                .buffer_unordered(PARALLEL)
                .try_fold(0_u64, async |sum, bytes| Ok(sum.saturating_add(bytes))),
        )
    }

    async fn download_one(
        &self,
        store: &Store,
        download: &Download,
        progress: &dyn Progress,
    ) -> Result<u64, FetchError> {
        let mut partial = match store.claim(download).await? {
            Claim::Done => {
                progress.advance(PHASE, download.size.unwrap_or(0));
                return Ok(0);
            }
            Claim::Partial(partial) => partial,
        };
        let resumed = partial.len();
        let mut meter = Meter { progress, reported: 0 };
        meter.reach(resumed);
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut inherited = resumed > 0;
        for url in &download.urls {
            // It was sought there before.
            if local_path(url).is_some() {
                attempts.push(Attempt { url: url.clone(), cause: Cause::NoFile });
                continue;
            }
            let mut result = self.get_proved(url, download, &mut partial, &mut meter).await;
            // The bytes from an earlier run may be the damaged ones, so start over.
            if inherited && result.as_ref().is_err_and(Cause::is_forgery) {
                inherited = false;
                result = match partial.restart() {
                    Ok(()) => self.get_proved(url, download, &mut partial, &mut meter).await,
                    Err(cause) => Err(cause),
                };
            }
            match result {
                Ok(()) => {
                    if let Some(Attempt { url: first, cause }) = attempts.first() {
                        progress.warn(&format!(
                            "{}: {}: {cause}; taken from {}",
                            download.name,
                            shown(first),
                            shown(url)
                        ));
                    }
                    let fresh = if inherited { partial.len().saturating_sub(resumed) } else { partial.len() };
                    partial.commit()?;
                    return Ok(fresh);
                }
                // Another URL does not help if the disk is full.
                Err(Cause::Write { path, source }) => return Err(FetchError::Cache { path, source }),
                Err(cause) => {
                    let forged = cause.is_forgery();
                    attempts.push(Attempt { url: url.clone(), cause });
                    if forged {
                        partial.discard()?;
                        break;
                    }
                }
            }
        }
        Err(FetchError::Unavailable { name: download.name.clone(), attempts })
    }

    async fn get_proved(
        &self,
        url: &str,
        download: &Download,
        partial: &mut Partial,
        meter: &mut Meter<'_>,
    ) -> Result<(), Cause> {
        self.client.get_object(url, download.size, partial, &mut |len| meter.reach(len)).await?;
        partial.prove(&download.sha256)
    }
}

/// At most `limit` bytes of a file of this machine.
fn read_local(path: &Path, limit: u64) -> Result<Vec<u8>, Cause> {
    let file = files::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Cause::NoFile,
        _ => Cause::Read { source },
    })?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|source| Cause::Read { source })?;
    if bytes.len() as u64 > limit { Err(Cause::TooLong { limit }) } else { Ok(bytes) }
}

/// Reports the progress of one object, and never the same bytes twice.
struct Meter<'a> {
    progress: &'a dyn Progress,
    reported: u64,
}

impl Meter<'_> {
    fn reach(&mut self, len: u64) {
        if let Some(more @ 1..) = len.checked_sub(self.reported) {
            self.progress.advance(PHASE, more);
            self.reported = len;
        }
    }
}

fn summary(objects: usize, bytes: u64) -> String {
    let plural = if objects == 1 { "" } else { "s" };
    format!("{objects} file{plural}, {}", indicatif::BinaryBytes(bytes))
}
