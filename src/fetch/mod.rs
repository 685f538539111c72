//! Downloads into a cache that is addressed by content; the only room with asynchronous code.
//!
//! A wanted object is known by its SHA-256. It is taken from the cache if it lies there whole, else streamed
//! (eight objects at a time) into a partial file, hashed on the way and renamed into place when every byte is
//! proved. What was cut off is resumed, also by the next run. The HTTP client starts with the first
//! object that is not there; an offline fetcher has none at all.
//!
//! ```text
//! CACHE/downloads/sha256/<hex>    whole, proved objects; also those that came from a directory of the user
//! CACHE/downloads/partial/<hex>   the first bytes of objects, each locked by the process that writes it
//! ```

pub mod answer;
pub mod channels;
mod error;
mod http;
pub mod k3s;
mod store;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

pub use error::{Attempt, Cause, FetchError};

use crate::output::Progress;
use crate::tree::Digest;
use crate::urls::shown;
use http::Client;
use store::{Claim, Import, Partial, Store};

/// Objects downloaded at the same time.
const PARALLEL: usize = 8;

/// The phase that downloads report progress under.
const PHASE: &str = "download";

/// An object to have in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Its name in messages (`bash 5.2.37-2 arm64`).
    pub name: String,
    /// Where it may be found, tried in this order.
    pub urls: Vec<String>,
    pub sha256: Digest,
    /// Bytes, if known.
    pub size: Option<u64>,
}

/// How long the network may make us wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection to be made.
    pub connect: Duration,
    /// For the next bytes of an answer.
    pub stall: Duration,
    /// Before the second try; doubled before each further one.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30), pause: Duration::from_millis(500) }
    }
}

/// Gets objects by content from the cache or the network.
#[derive(Debug)]
pub struct Fetcher {
    store: Store,
    /// None means offline.
    patience: Option<Patience>,
    /// Started when it is first needed: it reads all certificates of the host, and a build of nothing new needs none.
    network: OnceLock<Network>,
}

#[derive(Debug)]
struct Network {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Fetcher {
    /// A fetcher whose objects lie in `cache_dir/downloads`; with `offline` it can only find what is there.
    ///
    /// # Errors
    /// When the cache directories cannot be made.
    pub fn new(cache_dir: &Path, offline: bool) -> Result<Self, FetchError> {
        Self::with_patience(cache_dir, (!offline).then(Patience::default))
    }

    /// As [`Fetcher::new`], with other time limits; none means offline.
    ///
    /// # Errors
    /// As [`Fetcher::new`].
    pub fn with_patience(cache_dir: &Path, patience: Option<Patience>) -> Result<Self, FetchError> {
        let store = Store::open(&cache_dir.join("downloads"))?;
        Ok(Self { store, patience, network: OnceLock::new() })
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
    /// Objects in the cache are hashed again, so that a damaged file is never handed out. `progress` sees one
    /// phase `download`, and nothing when everything was there.
    ///
    /// # Errors
    /// The network client cannot start, or the first object that cannot be had. Others may be in the cache by then, and
    /// partial files stay for the next run to resume.
    pub fn fetch_all(&self, wanted: &[Download], progress: &dyn Progress) -> Result<Vec<PathBuf>, FetchError> {
        let missing = self.store.missing(wanted, progress)?;
        if !missing.is_empty() {
            let Some(network) = self.network()? else {
                let names = |damaged| {
                    let those = missing.iter().filter(move |missing| missing.damaged == damaged);
                    those.map(|missing| missing.download.name.clone()).collect::<Vec<_>>()
                };
                return Err(FetchError::Offline { absent: names(false), damaged: names(true) });
            };
            let missing: Vec<&Download> = missing.iter().map(|missing| missing.download).collect();
            // Sizes are an archive's word.
            let known = missing.iter().filter_map(|download| download.size).fold(0, u64::saturating_add);
            progress.begin(PHASE, known);
            let bytes = network.download(&self.store, &missing, progress)?;
            progress.finish(PHASE, &summary(missing.len(), bytes));
        }
        Ok(wanted.iter().map(|download| self.store.object(&download.sha256)).collect())
    }

    /// Bytes of the file that the cache has for this object, by name and size; none if it has none. What they are is looked at
    /// when it is fetched.
    #[must_use]
    pub fn cached(&self, wanted: &Download) -> Option<u64> {
        let found = fs::metadata(self.store.object(&wanted.sha256)).map(|meta| meta.len());
        found.ok().filter(|len| wanted.size.is_none_or(|size| size == *len))
    }

    /// Takes a local file with this digest into the cache; gives where it lies there.
    fn import(&self, path: &Path, sha256: &Digest) -> Result<PathBuf, Import> {
        self.store.import(path, sha256)
    }

    /// The bytes behind `url` as they are now, at most `limit` of them. Nothing is cached: this is for
    /// files that carry their own signature, such as `InRelease`.
    ///
    /// # Errors
    /// When offline, when the network client cannot start, or when no try succeeds.
    pub fn fetch_fresh(&self, name: &str, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
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
            let mut result = self.get_proved(url, download, &mut partial, &mut meter).await;
            // What an earlier run left behind may be the bad part.
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
                // No other place helps against a disk that is full.
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

/// Tells progress how far an object has come, never twice for the same bytes.
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
