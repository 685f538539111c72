//! Whether an image that is already there is the one that would be built.
//!
//! The stamp in the cache holds the digest of all inputs and what the outputs looked like when they were written. Its
//! name is that of the output directory, so it never tells of another one.
//!
//! Outputs are searched for secrets, so those are inputs too. Of them the stamp knows which file they were in and when it
//! was changed: a digest of theirs would let anybody who has the cache try whether a guess is right. What comes from the
//! environment leaves no such trace, and secrets that could not be opened were not searched for: then nothing is up to
//! date.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cluster::secrets::{self, Vault};
use crate::cmd::cache::Cache;
use crate::cmd::session::Session;
use crate::format::Store;
use crate::image::Manifest;
use crate::lock::Lock;
use crate::profile::Profile;
use crate::tree::Digest;

/// A build's inputs, and where its outputs are described.
pub(super) struct Stamp {
    inputs: String,
    key: [u8; 32],
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    inputs: String,
    /// Digest of `SHA256SUMS`.
    sums: String,
    /// Of each file that it names.
    files: Vec<Looks>,
}

/// Size, time of the last change in nanoseconds and inode.
type Looks = (u64, i128, u64);

impl Stamp {
    /// None if it cannot be told whether the secrets are what they were.
    pub(super) fn new(session: &Session<'_>, profile: &Profile, lock: &Lock, output: &Path) -> Option<Self> {
        if secrets::are_overridden(std::env::vars_os()) {
            return None;
        }
        // The cluster's nodes too: what is derived for each of them is searched for.
        let files = Vault::paths(session.root()).into_iter().chain([session.root().join("cluster.toml")]);
        let searched: Vec<Option<Looks>> = files.map(|file| Some(state(&fs::metadata(file).ok()?))).collect();
        let inputs = Sha256::new_with_prefix("imgbuild build 2\n")
            .chain_update(format!("{searched:?}\n"))
            .chain_update(program())
            .chain_update(profile.config_digest().0)
            .chain_update(lock.to_text())
            .finalize();
        let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
        let key = Digest::of(format!("imgbuild stamp 1\n{}", output.display()).as_bytes()).0;
        Some(Self { inputs: Digest(inputs.into()).to_string(), key })
    }

    /// The manifest of the image that is there, if it was made of the same inputs and no file was touched since.
    pub(super) fn check(&self, cache: &Cache, output: &Path) -> Option<Manifest> {
        let record: Record = serde_json::from_slice(&cache.get(&self.key)?).ok()?;
        (self.record(output)? == record).then_some(())?;
        Manifest::parse(&fs::read(output.join("manifest.json")).ok()?).ok()
    }

    /// Remembers the outputs that were just written.
    pub(super) fn keep(&self, cache: &Cache, output: &Path) {
        if let Some(bytes) = self.record(output).and_then(|record| serde_json::to_vec(&record).ok()) {
            cache.put(&self.key, &bytes);
        }
    }

    /// The outputs as they are now; none if one is missing.
    fn record(&self, output: &Path) -> Option<Record> {
        let sums = fs::read_to_string(output.join("SHA256SUMS")).ok()?;
        let name = |line: &str| line.split_once("  ").map(|(_, name)| output.join(name));
        let files = sums.lines().map(|line| looks(&name(line)?)).collect::<Option<_>>()?;
        Some(Record { inputs: self.inputs.clone(), sums: Digest::of(sums.as_bytes()).to_string(), files })
    }
}

fn looks(file: &Path) -> Option<Looks> {
    let meta = fs::metadata(file).ok()?;
    let modified = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    Some((meta.len(), modified, meta.ino()))
}

/// What a change of the file or its owner changes, whoever sets its date back.
fn state(meta: &fs::Metadata) -> Looks {
    (meta.len(), i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()), meta.ino())
}

/// This very program: another version may make another image of the same inputs. By BLAKE3, since a build of
/// nothing new hashes nothing else of its size, and SHA-256 is slower.
fn program() -> [u8; 32] {
    std::env::current_exe().and_then(fs::read).map_or([0; 32], |bytes| blake3::hash(&bytes).into())
}
