//! The content-addressed directory of downloads.
//!
//! A partial file is locked while it is written; a second process that wants the same object waits, then finds
//! it whole, or goes on where the first one stopped.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{Cause, Download, FetchError};
use crate::files;
use crate::output::Progress;
use crate::tree::Digest;

/// Pause between checks whether another process has finished its download.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// Paths of the cache.
#[derive(Debug)]
pub(super) struct Store {
    objects: PathBuf,
    partials: PathBuf,
}

/// An object that the cache lacks.
pub(super) struct Missing<'a> {
    pub download: &'a Download,
    /// Whether it was in the cache, but damaged.
    pub damaged: bool,
}

/// The state of an object in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Absent,
    Damaged,
}

/// What [`Store::claim`] found.
pub(super) enum Claim {
    /// Another process has completed the object in the meantime.
    Done,
    Partial(Partial),
}

/// Why a local file did not become an object of the cache.
pub(super) enum Import {
    Missing,
    /// Its bytes have another digest.
    Other {
        got: Digest,
    },
    Read(io::Error),
    Cache(FetchError),
}

/// The first bytes of an object, in a file that this process has locked.
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    object: PathBuf,
    len: u64,
    hasher: Sha256,
}

impl Store {
    /// The directory `root`, which need not be there yet.
    pub(super) fn at(root: &Path) -> Self {
        Self { objects: root.join("sha256"), partials: root.join("partial") }
    }

    /// Makes its directories, if they are missing.
    pub(super) fn prepare(&self) -> Result<(), FetchError> {
        for path in [&self.objects, &self.partials] {
            fs::create_dir_all(path).map_err(|source| cache_error(path, source))?;
        }
        Ok(())
    }

    /// Whether its directories are there or could be made.
    pub(super) fn may_be_filled(&self) -> Result<(), FetchError> {
        for path in [&self.objects, &self.partials] {
            files::may_fill(path).map_err(|source| cache_error(path, source))?;
        }
        Ok(())
    }

    /// The path of a complete object.
    pub(super) fn object(&self, sha256: &Digest) -> PathBuf {
        self.objects.join(sha256.to_string())
    }

    /// Those of `wanted` that are not in the cache. A damaged object is removed with a warning and counts as missing.
    pub(super) fn missing<'a>(
        &self,
        wanted: &'a [Download],
        progress: &dyn Progress,
    ) -> Result<Vec<Missing<'a>>, FetchError> {
        let states: Vec<State> =
            wanted.par_iter().map(|download| self.state(download, progress)).collect::<Result<_, FetchError>>()?;
        let missing = wanted.iter().zip(states).filter(|(_, state)| *state != State::Whole);
        Ok(missing.map(|(download, state)| Missing { download, damaged: state == State::Damaged }).collect())
    }

    fn state(&self, download: &Download, progress: &dyn Progress) -> Result<State, FetchError> {
        let path = self.object(&download.sha256);
        let mut file = match files::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Absent),
            Err(error) => return Err(cache_error(&path, error)),
        };
        let mut hasher = Sha256::new();
        hash_rest(&mut file, &mut hasher).map_err(|source| cache_error(&path, source))?;
        if Digest(hasher.finalize().into()) == download.sha256 {
            return Ok(State::Whole);
        }
        progress.warn(&format!("{}: the cached copy {} is damaged and was removed", download.name, path.display()));
        fs::remove_file(&path).map_err(|source| cache_error(&path, source))?;
        Ok(State::Damaged)
    }

    /// Copies the file at `path` into the cache if it has this digest.
    pub(super) fn import(&self, path: &Path, sha256: &Digest) -> Result<PathBuf, Import> {
        let mut file = prove(path, sha256)?;
        self.prepare().map_err(Import::Cache)?;
        let object = self.object(sha256);
        if object.exists() {
            return Ok(object);
        }
        file.rewind().map_err(Import::Read)?;
        let fail = |source| Import::Cache(cache_error(&object, source));
        // If the file changes while it is copied, the object's digest is found wrong before it is used.
        let mut copy = tempfile::NamedTempFile::new_in(&self.partials).map_err(fail)?;
        io::copy(&mut file, &mut copy).map_err(fail)?;
        copy.persist(&object).map_err(|error| fail(error.error))?;
        Ok(object)
    }

    /// Puts an object into the cache that is in memory and proved.
    pub(super) fn keep(&self, bytes: &[u8], sha256: &Digest) -> Result<(), FetchError> {
        self.prepare()?;
        let object = self.object(sha256);
        let write = || {
            let mut copy = tempfile::NamedTempFile::new_in(&self.partials)?;
            copy.write_all(bytes)?;
            copy.persist(&object).map(drop).map_err(|error| error.error)
        };
        write().map_err(|source| cache_error(&object, source))
    }

    /// Opens and locks the partial file of an object, waiting for another process that holds it.
    pub(super) async fn claim(&self, download: &Download) -> Result<Claim, FetchError> {
        let object = self.object(&download.sha256);
        let path = self.partials.join(download.sha256.to_string());
        let fail = |source| cache_error(&path, source);
        loop {
            let Some(mut file) = open_partial(&path).map_err(fail)? else {
                // It cannot be resumed from.
                fs::remove_file(&path).map_err(fail)?;
                continue;
            };
            loop {
                match file.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
                    Err(TryLockError::Error(source)) => return Err(fail(source)),
                }
            }
            // The process that held the lock has renamed the file, removed it, or left it to be resumed.
            let ours = file.metadata().map_err(fail)?;
            let is_current =
                fs::symlink_metadata(&path).is_ok_and(|now| (now.dev(), now.ino()) == (ours.dev(), ours.ino()));
            if object.exists() {
                if is_current {
                    fs::remove_file(&path).map_err(fail)?;
                }
                return Ok(Claim::Done);
            }
            if !is_current {
                continue;
            }
            let mut hasher = Sha256::new();
            let len = hash_rest(&mut file, &mut hasher).map_err(fail)?;
            return Ok(Claim::Partial(Partial { file, path, object, len, hasher }));
        }
    }
}

/// Opens the file at `path`, provided that it has this digest.
pub(super) fn prove(path: &Path, sha256: &Digest) -> Result<File, Import> {
    let mut file = match files::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Import::Missing),
        Err(error) => return Err(Import::Read(error)),
    };
    let mut hasher = Sha256::new();
    hash_rest(&mut file, &mut hasher).map_err(Import::Read)?;
    let got = Digest(hasher.finalize().into());
    if got == *sha256 { Ok(file) } else { Err(Import::Other { got }) }
}

impl Partial {
    /// Number of bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        self.file.write_all(bytes).map_err(|source| self.write_error(source))?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Starts over.
    pub(super) fn restart(&mut self) -> Result<(), Cause> {
        let result = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        result.map_err(|source| self.write_error(source))?;
        self.hasher = Sha256::new();
        self.len = 0;
        Ok(())
    }

    /// Compares the digest of all bytes.
    pub(super) fn prove(&self, expected: &Digest) -> Result<(), Cause> {
        let got = Digest(self.hasher.clone().finalize().into());
        if got == *expected { Ok(()) } else { Err(Cause::Mismatch { got, expected: *expected }) }
    }

    /// Renames it to its place among the complete objects.
    ///
    /// It is not synced to disk: if a power failure damages it, its digest tells.
    pub(super) fn commit(self) -> Result<(), FetchError> {
        fs::rename(&self.path, &self.object).map_err(|source| cache_error(&self.object, source))
    }

    /// Removes it.
    pub(super) fn discard(self) -> Result<(), FetchError> {
        fs::remove_file(&self.path).map_err(|source| cache_error(&self.path, source))
    }

    fn write_error(&self, source: io::Error) -> Cause {
        Cause::Write { path: self.path.clone(), source }
    }
}

/// The partial file at `path`, created if it is missing; none if something else than a file is there. A link is not followed,
/// since its target would be overwritten, and opening does not wait for the writer of a pipe.
fn open_partial(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::OFlags;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).custom_flags(flags).open(path);
    match (opened, fs::symlink_metadata(path)) {
        (Ok(file), _) => Ok(file.metadata()?.is_file().then_some(file)),
        (Err(_), Ok(other)) if !other.is_file() && !other.is_dir() => Ok(None),
        (Err(error), _) => Err(error),
    }
}

/// Hashes the rest of `file`; returns its length.
fn hash_rest(file: &mut File, hasher: &mut Sha256) -> io::Result<u64> {
    let mut buffer = vec![0; 256 * 1024];
    let mut len = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(len),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                len += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn cache_error(path: &Path, source: io::Error) -> FetchError {
    FetchError::Cache { path: path.to_owned(), source }
}
