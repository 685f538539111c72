//! What changed between two locks, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Lock;
use crate::tree::Digest;

/// A package or artifact that came, went, or moved to another version, in one or more profiles.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub package: String,
    /// The version before; none if it came.
    pub from: Option<String>,
    /// The version now; none if it went.
    pub to: Option<String>,
    /// Whether only what the workspace's ledger declares beside its scripts is another.
    pub declared: bool,
    /// Names of the profiles that this concerns, sorted.
    pub profiles: Vec<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let package = &self.package;
        match (&self.from, &self.to) {
            (None, Some(to)) => write!(out, "+ {package} {to}")?,
            (Some(from), None) => write!(out, "- {package} {from}")?,
            (Some(from), Some(to)) if from != to => write!(out, "  {package} {from} → {to}")?,
            (_, Some(to)) if self.declared => write!(out, "  {package} {to} has other declared effects")?,
            (_, to) => write!(out, "  {package} {} has other content", to.as_deref().unwrap_or_default())?,
        }
        write!(out, " ({})", self.profiles.join(", "))
    }
}

/// What changed from `old` to `new`, sorted by package.
#[must_use]
pub fn diff(old: &Lock, new: &Lock) -> Vec<Change> {
    let names: BTreeSet<&String> = old.profiles.keys().chain(new.profiles.keys()).collect();
    let mut changes: Vec<Change> = names.into_iter().flat_map(|profile| diff_profile(profile, old, new)).collect();
    changes.sort();
    changes.dedup_by(|next, first| {
        let is_same = (&next.package, &next.from, &next.to, next.declared)
            == (&first.package, &first.from, &first.to, first.declared);
        if is_same {
            first.profiles.append(&mut next.profiles);
        }
        is_same
    });
    changes
}

fn diff_profile(profile: &str, old: &Lock, new: &Lock) -> Vec<Change> {
    let (before, after) = (by_name(old, profile), by_name(new, profile));
    let packages: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let pairs = packages.into_iter().map(|package| (package, before.get(package), after.get(package)));
    pairs
        .filter(|(_, from, to)| from != to)
        .map(|(package, from, to)| Change {
            package: package.to_owned(),
            from: from.map(|locked| locked.version.to_owned()),
            to: to.map(|locked| locked.version.to_owned()),
            declared: from.zip(to).is_some_and(|(from, to)| from.sha256 == to.sha256),
            profiles: vec![profile.to_owned()],
        })
        .collect()
}

/// What tells whether something that is locked is the same as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State<'a> {
    version: &'a str,
    sha256: Digest,
    /// Of what the ledger declares beside a package's scripts.
    declared: Option<Digest>,
}

/// All that a profile is locked to, by name.
fn by_name<'a>(lock: &'a Lock, profile: &'a str) -> BTreeMap<&'a str, State<'a>> {
    let state = |version, sha256| State { version, sha256, declared: None };
    let packages = lock.packages_of(profile).map(|package| {
        (package.name.as_str(), State { declared: package.declared, ..state(&package.version, package.sha256) })
    });
    let artifacts =
        lock.artifacts_of(profile).map(|artifact| (artifact.name.as_str(), state(&artifact.version, artifact.sha256)));
    let modules = lock
        .kernel_modules_of(profile)
        .filter_map(|module| Some((module.name.as_str(), state(&module.version, module.result?))));
    let images = lock.images_of(profile).filter_map(|image| {
        let (name, digest) = image.name.split_once('@')?;
        Some((name, state(digest.get(..19)?, image.digest())))
    });
    let charts = lock.charts_of(profile).map(|chart| (chart.name.as_str(), state(&chart.version, chart.sha256)));
    packages.chain(artifacts).chain(modules).chain(images).chain(charts).collect()
}
