//! The cache directory: downloads, unpacked packages, and derived blocks by key.
//!
//! ```text
//! downloads/   what came over the network, by SHA-256 (see `fetch`)
//! packs/       decompressed packages and archives, by the SHA-256 of their files (see `debian::deb`)
//! modules/     compiled kernel modules, by the digest of all that went into them (see `pipeline::kernel_modules`)
//! derived/     compressed blocks, module indexes, initrds, by the digest of their inputs
//! ```
//! Everything but `downloads/` may be deleted at any time.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::files;
use crate::format::Store;
use crate::tree::{Digest, checksum};

/// How the names of files begin that are being written (`tempfile`).
const UNFINISHED: &[u8] = b".tmp";

/// A directory of the cache that somebody else may put files into.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForeignCache {
    #[error("the cache directory `{}` belongs to another user (number {owner})", dir.display())]
    Owner { dir: PathBuf, owner: u32 },
    #[error("everybody may write to the cache directory `{}`", dir.display())]
    Everybody { dir: PathBuf, is_shared: bool },
}

impl ForeignCache {
    /// What the user can do.
    pub(crate) fn hint(&self) -> String {
        let cure = match self {
            // A user's own directory is not to become root's.
            Self::Owner { .. } if rustix::process::geteuid().is_root() => "name one of root's own with `--cache-dir`",
            Self::Owner { .. } => "make it yours with `chown -R`, or name another with `--cache-dir`",
            Self::Everybody { is_shared: true, .. } => "name one of your own below it with `--cache-dir`",
            Self::Everybody { .. } => "take that away with `chmod o-w`, or name another with `--cache-dir`",
        };
        format!("who can write there decides what images are made of: {cure}")
    }
}

/// The cache directory.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    dir: PathBuf,
    /// Whether nobody but its owner gets to what is below, whatever the modes there; looked at once.
    closed: OnceLock<bool>,
}

impl Cache {
    /// The directory given, else the user's cache directory (XDG Base Directory Specification); none if the environment
    /// tells of no such.
    pub(crate) fn locate(given: Option<&Path>) -> Option<Self> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let dir = given
            .map(Path::to_owned)
            .or_else(|| absolute("XDG_CACHE_HOME").map(|dir| dir.join("imgbuild")))
            .or_else(|| absolute("HOME").map(|dir| dir.join(".cache/imgbuild")))?;
        Some(Self { dir, closed: OnceLock::new() })
    }

    /// Makes the directory for this user alone if it is missing. What cannot be made is told by who needs it first.
    ///
    /// # Errors
    /// As [`Cache::check`].
    pub(crate) fn prepare(&self) -> Result<(), ForeignCache> {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
        self.check()
    }

    /// Looks at who may write to the directory, before anything in it is believed.
    ///
    /// # Errors
    /// A directory that somebody else may put files into: what lies there is believed, but for downloads.
    pub(crate) fn check(&self) -> Result<(), ForeignCache> {
        let inside = ["downloads", "downloads/sha256", "downloads/partial", "packs", "modules", "derived"];
        for dir in std::iter::once(self.dir.clone()).chain(inside.map(|name| self.dir.join(name))) {
            let Ok(metadata) = fs::metadata(&dir) else { continue };
            let owner = metadata.uid();
            if ![rustix::process::geteuid().as_raw(), 0].contains(&owner) {
                return Err(ForeignCache::Owner { dir, owner });
            }
            if metadata.mode() & 0o002 != 0 {
                // As /tmp is: others may put files there, and take none away.
                return Err(ForeignCache::Everybody { dir, is_shared: metadata.mode() & 0o1000 != 0 });
            }
            if metadata.mode() & 0o011 == 0 {
                // Nobody else gets to what is below, whatever its modes: some have a umask that lets all write.
                break;
            }
        }
        Ok(())
    }

    /// The cache directory itself; `fetch` keeps `downloads/` in it.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where decompressed packages are kept.
    pub(crate) fn packs(&self) -> PathBuf {
        self.dir.join("packs")
    }

    /// Where compiled kernel modules are kept.
    pub(crate) fn modules(&self) -> PathBuf {
        self.dir.join("modules")
    }

    /// To be held while something is written to the cache: other runs do not take its unfinished files for abandoned. If
    /// no other run writes, what killed ones left goes first. None where the file system knows no locks.
    pub(crate) fn guard(&self) -> Option<File> {
        fs::create_dir_all(self.packs()).ok()?;
        let guard = File::open(self.packs()).ok()?;
        if guard.try_lock().is_ok() {
            self.sweep();
        }
        guard.lock_shared().ok()?;
        Some(guard)
    }

    /// Takes unfinished files away. What cannot be removed costs room alone.
    fn sweep(&self) {
        let inside = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let derived = inside(&self.dir.join("derived")).flat_map(|dir| inside(&dir).collect::<Vec<_>>());
        for path in inside(&self.packs()).chain(inside(&self.modules())).chain(derived) {
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(UNFINISHED)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn is_closed(&self) -> bool {
        let look = || fs::metadata(&self.dir).is_ok_and(|dir| files::is_own(&dir) && dir.mode() & 0o011 == 0);
        *self.closed.get_or_init(look)
    }

    fn entry(&self, key: &[u8; 32]) -> PathBuf {
        let name = Digest(*key).to_string();
        self.dir.join("derived").join(&name[..2]).join(&name[2..])
    }
}

impl Store for Cache {
    /// What others may have written is as good as none.
    fn get(&self, key: &[u8; 32]) -> Option<Vec<u8>> {
        let path = self.entry(key);
        let mut file = files::open(&path).ok()?;
        let is_own = || {
            file.metadata().is_ok_and(|file| files::is_own(&file))
                && path.parent().and_then(|dir| fs::metadata(dir).ok()).is_some_and(|dir| files::is_own(&dir))
        };
        // Thousands of files are asked for: in a cache of one's own their modes need no look.
        if !self.is_closed() && !is_own() {
            return None;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let end = bytes.len().checked_sub(size_of::<u64>())?;
        if checksum(&bytes[..end]).to_le_bytes() != bytes[end..] {
            // A power cut left it damaged, which is as good as none.
            return None;
        }
        bytes.truncate(end);
        Some(bytes)
    }

    /// The value is followed by its checksum. A full disk here costs time later, not this build.
    fn put(&self, key: &[u8; 32], value: &[u8]) {
        let path = self.entry(key);
        let Some(dir) = path.parent() else { return };
        let written = tempfile::NamedTempFile::new_in(dir).or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            // Whatever the umask: a directory that others may write to is not believed.
            DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
            tempfile::NamedTempFile::new_in(dir)
        });
        let written = written.and_then(|mut file| {
            file.write_all(value)?;
            file.write_all(&checksum(value).to_le_bytes())?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        });
        // Nothing depends on it: the next build computes the value again.
        drop(written);
    }
}
