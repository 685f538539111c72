//! What every verb that makes something needs: workspace, cache, mirror, network, clock.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Outcome;
use crate::cache::{Cache, ForeignCache};
use crate::cli::{Global, Unlock};
use crate::cluster::secrets::{Secrets, Vault};
use crate::debian::mirror::{AptMirrors, Mirror};
use crate::exit::{Code, Failure};
use crate::fetch::channels::CHANNELS;
use crate::fetch::{FetchError, Fetcher, k3s};
use crate::output::Console;
use crate::pipeline::{Releases, Tools};
use crate::profile::Workspace;
use crate::urls::{WebUrl, shown};

/// One run's surroundings.
pub(crate) struct Session<'a> {
    pub(crate) console: &'a Console,
    pub(crate) workspace: Workspace,
    pub(crate) cache: Cache,
    pub(crate) fetcher: Fetcher,
    pub(crate) mirror: Mirror,
    /// The URL that K3s's releases lie below.
    pub(crate) k3s_mirror: WebUrl,
    /// The URL of K3s's release channels.
    pub(crate) k3s_channels: WebUrl,
    root: PathBuf,
}

impl<'a> Session<'a> {
    pub(crate) fn open(global: &Global, console: &'a Console) -> Result<Self, Failure> {
        let root = std::fs::canonicalize(&global.workspace).map_err(|error| {
            Failure::io(Code::Refused, format!("cannot open the workspace `{}`", global.workspace.display()), &error)
                .hint("it must be a directory; `--workspace` names another one")
        })?;
        if !root.is_dir() {
            return Err(Failure::refused(format!("the workspace `{}` is not a directory", global.workspace.display()))
                .hint("name the directory that cluster.toml and profiles/ lie in"));
        }
        // By the path that was typed: so messages name its files.
        let workspace = Workspace::open(&global.workspace)?;
        let cache = Cache::locate(global.cache_dir.as_deref()).ok_or_else(|| {
            Failure::refused("no place for the cache: neither HOME nor XDG_CACHE_HOME is set")
                .hint("name a directory with --cache-dir")
        })?;
        let named = global.mirror.as_deref().or(workspace.mirror());
        let snapshot = std::env::var("IMGBUILD_SNAPSHOT").ok().filter(|address| !address.is_empty());
        let mirror = Mirror::choose(named, &AptMirrors::of_host(Path::new("/")), snapshot.as_deref())?;
        let k3s_mirror = global.k3s_mirror.as_deref().or(workspace.k3s_mirror()).unwrap_or(k3s::GITHUB);
        let k3s_mirror = http(k3s_mirror, "a mirror of K3s's releases", k3s::GITHUB)?;
        let k3s_channels = global.k3s_channels.as_deref().or(workspace.k3s_channels()).unwrap_or(CHANNELS);
        let k3s_channels = http(k3s_channels, "K3s's release channels", CHANNELS)?;
        let fetcher = Fetcher::new(cache.dir(), global.offline);
        console.detail(&format!("workspace {}, cache {}", root.display(), cache.dir().display()));
        console.detail(&format!("mirrors {} and {}", mirror.debian, mirror.security));
        Ok(Self { console, workspace, cache, fetcher, mirror, k3s_mirror, k3s_channels, root })
    }

    /// Makes the cache's directory if it is missing. To be called before the first thing is taken from the cache or put there.
    pub(crate) fn open_cache(&self) -> Outcome {
        self.cache.prepare().map_err(|error| foreign(&error))?;
        self.fetcher.prepare().map_err(|error| unusable(&self.cache, error))
    }

    /// Refuses the cache that [`Session::open_cache`] would refuse, and changes nothing.
    pub(crate) fn look_at_cache(&self) -> Outcome {
        self.cache.check().map_err(|error| foreign(&error))?;
        self.fetcher.could_prepare().map_err(|error| unusable(&self.cache, error))
    }

    /// What the stages of a build work with.
    pub(crate) fn tools(&self) -> Tools<'_> {
        Tools { cache: &self.cache, fetcher: &self.fetcher, progress: self.console.progress() }
    }

    /// Releases of K3s: those of the mirror, or with `dir` the one whose files lie there.
    pub(crate) fn releases<'s>(&'s self, dir: Option<&'s Path>) -> Releases<'s> {
        Releases { mirror: &self.k3s_mirror, channels: &self.k3s_channels, dir, tools: self.tools() }
    }

    /// Keeps other runs of the program from changing the lock file, until the guard goes. The workspace's directory is
    /// what is locked: the lock file itself is another one after each change. Where the file system cannot do that,
    /// there is no guard, but a warning.
    pub(crate) fn guard_lock(&self) -> Option<File> {
        let guard = File::open(&self.root).and_then(|root| match root.try_lock() {
            Err(TryLockError::WouldBlock) => {
                self.console.note("waiting for another run that changes imgbuild.lock");
                root.lock().map(|()| root)
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(root),
        });
        let warn = |error: &std::io::Error| {
            let message = format!("cannot keep other runs from changing imgbuild.lock at the same time: {error}");
            self.console.progress().warn(&message);
        };
        guard.inspect_err(warn).ok()
    }

    /// Whether the workspace is the current directory, so that a verb finds it without being told.
    pub(crate) fn is_here(&self) -> bool {
        std::env::current_dir().is_ok_and(|here| here == self.root)
    }

    /// The workspace's directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The workspace's secrets file; an encrypted one is opened as the command line says.
    pub(crate) fn vault(&self, unlock: &Unlock) -> Vault {
        Vault::at(&self.root, unlock.identity.as_deref())
    }

    /// All secrets: the file's, and over them those of the environment.
    pub(crate) fn secrets(&self, unlock: &Unlock) -> Result<Secrets, Failure> {
        Ok(self.vault(unlock).load(std::env::vars_os())?)
    }

    /// The lock file's path.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.root.join("imgbuild.lock")
    }

    /// Where a profile's image goes unless the user says otherwise.
    pub(crate) fn output_dir(&self, profile: &str) -> PathBuf {
        self.root.join("build").join(profile)
    }

    /// A file of the workspace that adds to the script ledger.
    pub(crate) fn ledger_path(&self) -> PathBuf {
        self.root.join("ledger.toml")
    }
}

/// Of a cache that somebody else may write to.
fn foreign(error: &ForeignCache) -> Failure {
    Failure::new(Code::Refused, error).hint(error.hint())
}

/// Of a cache directory that cannot be made or written.
fn unusable(cache: &Cache, error: FetchError) -> Failure {
    let FetchError::Cache { path, source } = error else { return error.into() };
    let message = format!("cannot make the cache directory `{}`", cache.dir().display());
    let failure = Failure::io(Code::Refused, message, &source);
    let causes = vec![format!("{}: {source}", path.display())];
    Failure { causes, ..failure }
        .maybe_hint(Some("name a directory that you may write to: `--cache-dir DIR`, or `IMGBUILD_CACHE`".to_owned()))
}

/// A URL that can be asked; `example` is the real one.
fn http(url: &str, what: &str, example: &str) -> Result<WebUrl, Failure> {
    WebUrl::base(url).map_err(|error| {
        let message = format!("`{}` is not the URL of {what}", shown(url));
        Failure { causes: vec![error.to_string()], ..Failure::refused(message) }
            .hint(format!("write one such as {example}; for local files of a release there is `--k3s-dir`"))
    })
}

/// The day in UTC, for what ends on a day; none if the clock is out of all bounds.
pub(crate) fn today() -> Option<Date> {
    let now = Timestamp::from_second(i64::try_from(now()).ok()?).ok()?;
    Some(now.to_zoned(TimeZone::UTC).date())
}

/// Seconds since 1970; only signatures and expiry dates are held against it, nothing in an image.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
