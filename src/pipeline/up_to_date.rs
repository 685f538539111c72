//! Whether an image that is already there is the one that would be made, and if not, why.
//!
//! A record in the cache holds the digest of each input and what the outputs looked like when they were written. Its key is
//! made of the output directory's name, so it is never that of another directory.
//!
//! Outputs are searched for secrets, so those are inputs too. Of them the record knows which file they were in and when it
//! was changed: a digest of theirs would let anybody who has the cache try whether a guess is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Plan;
use super::plan::Source;
use crate::cache::Cache;
use crate::format::{Store, sums};
use crate::image::Manifest;
use crate::lock::Lock;
use crate::profile::Profile;
use crate::tree::Digest;

/// The list of the digests of all other outputs.
const SUMS: &str = "SHA256SUMS";

/// Everything that an image depends on: what it is, in words, and its state.
type Inputs = BTreeMap<String, String>;

/// A build's inputs, and where its outputs are.
#[derive(Debug)]
pub(crate) struct Check {
    inputs: Inputs,
    dir: PathBuf,
    key: [u8; 32],
}

/// What [`Check::state`] found.
#[derive(Debug)]
pub(crate) enum State {
    /// The image is there; this is its manifest.
    UpToDate(Box<Manifest>),
    /// It has to be made, for these reasons.
    Stale(Vec<String>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    inputs: Inputs,
    /// Digest of `SHA256SUMS`.
    sums: String,
    /// The files that it names.
    files: BTreeMap<String, FileStat>,
}

/// Size, time of the last change in nanoseconds and inode.
type FileStat = (u64, i128, u64);

impl Check {
    /// The inputs are `plan`, the whole `lock` that it was made from, the reviews of the workspace's `ledger` if it has any, this
    /// program, and the state of the files `watched`.
    pub(crate) fn new(plan: &Plan<'_>, lock: &Lock, ledger: Option<&str>, watched: &[PathBuf], dir: &Path) -> Self {
        let mut inputs = Inputs::new();
        inputs.extend(ledger.map(|text| ("ledger.toml".to_owned(), Digest::of(text.as_bytes()).to_string())));
        for file in watched {
            let state = fs::metadata(file).ok().map(|meta| changed(&meta));
            inputs.insert(format!("`{}`", file.file_name().unwrap_or_default().display()), format!("{state:?}"));
        }
        inputs.insert("imgbuild itself".to_owned(), program());
        inputs.insert("imgbuild.lock".to_owned(), Digest::of(lock.to_text().as_bytes()).to_string());
        let packages = plan.packages.iter().map(|package| (&package.locked.name, package.locked.sha256));
        inputs.extend(packages.map(|(name, sha256)| (format!("package `{name}`"), sha256.to_string())));
        // Those of overlays are the profile's.
        let artifacts = plan.artifacts.iter().filter(|artifact| artifact.source == Source::Release);
        let artifacts = artifacts.map(|artifact| (&artifact.name, artifact.download.sha256));
        inputs.extend(artifacts.map(|(name, sha256)| (format!("artifact `{name}`"), sha256.to_string())));
        let images = plan.images.iter().map(|planned| (planned.image.tagged(), planned.image.sha256));
        inputs.extend(images.map(|(name, sha256)| (format!("container image `{name}`"), sha256.to_string())));
        inputs.extend(of_profile(plan.profile));
        let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        let key = Digest::of(format!("imgbuild outputs 1\n{}", absolute.display()).as_bytes()).0;
        Self { inputs, dir: dir.to_owned(), key }
    }

    /// The manifest of the image that is there, if it was made of the same inputs and no file was touched since.
    pub(crate) fn state(&self, cache: &Cache) -> State {
        let known = cache.get(&self.key).and_then(|json| serde_json::from_slice::<Record>(&json).ok());
        let Some(known) = known else {
            return State::Stale(vec![format!("no build into `{}` is remembered in the cache", self.dir.display())]);
        };
        let mut reasons = changes(&known.inputs, &self.inputs);
        reasons.extend(self.touched(&known));
        if !reasons.is_empty() {
            return State::Stale(reasons);
        }
        let manifest = fs::read(self.dir.join("manifest.json")).ok().and_then(|json| Manifest::parse(&json).ok());
        manifest.map_or_else(
            || State::Stale(vec!["the output `manifest.json` cannot be read".to_owned()]),
            |manifest| State::UpToDate(Box::new(manifest)),
        )
    }

    /// Remembers the outputs that were just written.
    pub(crate) fn keep(&self, cache: &Cache) {
        if let Some(bytes) = self.record().and_then(|record| serde_json::to_vec(&record).ok()) {
            cache.put(&self.key, &bytes);
        }
    }

    /// The outputs as they are now; none if one is missing.
    fn record(&self) -> Option<Record> {
        let sums = fs::read_to_string(self.dir.join(SUMS)).ok()?;
        let names = sums.lines().map(|line| sums::parse_line(line).map(|(name, _)| name));
        let files = names.map(|name| Some((name?.to_owned(), stat(&self.dir.join(name?))?))).collect::<Option<_>>()?;
        Some(Record { inputs: self.inputs.clone(), sums: Digest::of(sums.as_bytes()).to_string(), files })
    }

    /// Which outputs are not what they were.
    fn touched(&self, known: &Record) -> Vec<String> {
        let sums = fs::read(self.dir.join(SUMS)).ok().map(|sums| Digest::of(&sums).to_string());
        let of_sums = (SUMS, sums.map(|sums| sums == known.sums));
        let of_files = known.files.iter().map(|(name, then)| {
            let now = stat(&self.dir.join(name));
            (name.as_str(), now.map(|now| now == *then))
        });
        let told = std::iter::once(of_sums).chain(of_files).filter_map(|(name, same)| match same {
            Some(true) => None,
            Some(false) => Some(format!("the output `{name}` was changed since it was written")),
            None => Some(format!("the output `{name}` is missing")),
        });
        told.collect()
    }
}

/// What differs, in words.
fn changes(before: &Inputs, now: &Inputs) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let told = names.into_iter().filter_map(|name| match (before.get(name), now.get(name)) {
        (Some(before), Some(now)) if before == now => None,
        (Some(_), Some(_)) => Some(format!("{name} changed")),
        (None, _) => Some(format!("{name} is new")),
        (_, None) => Some(format!("{name} is gone")),
    });
    told.collect()
}

/// A profile's parts: its files and manifests one by one, all else by its key.
fn of_profile(profile: &Profile) -> Inputs {
    let files = profile.files.iter().map(|(path, file)| (format!("file `/{path}` of {}", file.origin), json(file)));
    let manifests = profile.manifests.iter();
    let manifests = manifests.map(|(name, found)| (format!("manifest `{name}` of {}", found.origin), json(found)));
    let artifacts = profile.artifacts.iter().map(|(path, it)| (format!("file `/{path}` of {}", it.origin), json(it)));
    let mut parts: BTreeMap<String, serde_json::Value> = files.chain(artifacts).chain(manifests).collect();
    // Manifest and SBOM tell it, and the profile's digest does not.
    let wanted_by = profile.packages.iter().map(|package| (package, profile.wanted_by(package)));
    parts.insert("who asks for its packages".to_owned(), json(&wanted_by.collect::<BTreeMap<_, _>>()));
    let serde_json::Value::Object(keys) = json(profile) else { return Inputs::new() };
    let others = keys.into_iter().filter(|(key, _)| !["files", "artifacts", "manifests"].contains(&key.as_str()));
    parts.extend(others.map(|(key, value)| (format!("`{key}` of the profile"), value)));
    parts.into_iter().map(|(name, value)| (name, Digest::of(value.to_string().as_bytes()).to_string())).collect()
}

/// JSON of plain structs and sorted maps has one spelling, so its digest is stable.
fn json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).expect("a profile is plain data")
}

fn stat(file: &Path) -> Option<FileStat> {
    let meta = fs::metadata(file).ok()?;
    let modified = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    Some((meta.len(), modified, meta.ino()))
}

/// As [`stat`], with the time of the last change of content or owner (ctime), which no program can set back.
fn changed(meta: &fs::Metadata) -> FileStat {
    (meta.len(), i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()), meta.ino())
}

/// This very program: another version may make another image of the same inputs. By BLAKE3, since a build of
/// nothing new hashes nothing else of its size, and SHA-256 is slower.
fn program() -> String {
    std::env::current_exe().and_then(fs::read).map_or_else(|_| String::new(), |bytes| blake3::hash(&bytes).to_string())
}
