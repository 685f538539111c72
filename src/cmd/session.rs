//! What every verb that makes something needs: workspace, cache, mirror, network, clock.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::cache::Cache;
use crate::cli::{Global, Unlock};
use crate::cluster::secrets::{Secrets, Vault};
use crate::debian::mirror::{AptMirrors, Mirror};
use crate::exit::{Code, Failure};
use crate::fetch::Fetcher;
use crate::output::Console;
use crate::profile::Workspace;

/// One run's surroundings.
pub(crate) struct Session<'a> {
    pub(crate) console: &'a Console,
    pub(crate) workspace: Workspace,
    pub(crate) cache: Cache,
    pub(crate) fetcher: Fetcher,
    pub(crate) mirror: Mirror,
    root: PathBuf,
}

impl<'a> Session<'a> {
    pub(crate) fn open(global: &Global, console: &'a Console) -> Result<Self, Failure> {
        let root = std::fs::canonicalize(&global.workspace).map_err(|error| {
            Failure::io(Code::Refused, format!("cannot open the workspace `{}`", global.workspace.display()), &error)
                .hint("it must be a directory; `--workspace` names another one")
        })?;
        let workspace = Workspace::open(&root)?;
        let cache = Cache::locate(global.cache_dir.as_deref())?;
        let named = global.mirror.as_deref().or(workspace.mirror());
        let snapshot = std::env::var("IMGBUILD_SNAPSHOT").ok();
        let mirror = Mirror::choose(named, &AptMirrors::of_host(Path::new("/")), snapshot.as_deref())?;
        let fetcher = Fetcher::new(cache.dir(), global.offline)?;
        console.detail(&format!("workspace {}, cache {}", root.display(), cache.dir().display()));
        console.detail(&format!("mirrors {} and {}", mirror.debian, mirror.security));
        Ok(Self { console, workspace, cache, fetcher, mirror, root })
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

/// Seconds since 1970; only signatures and expiry dates are held against it, nothing in an image.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
