//! The packages of a profile: how each comes in, and what it holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::answer::{Asker, Chain};
use crate::cmd::lock as locking;
use crate::cmd::session::Session;
use crate::debian::resolve::{self, Reason, Recommending, Selection, Universe};
use crate::debian::{Package, index};
use crate::exit::{Code, Failure};
use crate::lock::{self, Lock, LockedPackage, Update};
use crate::pipeline::{self, PlannedPackage};
use crate::profile::{Profile, Source};

/// Where systemd looks for units of the system, the first wins (systemd.unit(5)).
const UNITS: [&str; 3] = ["etc/systemd/system/", "usr/local/lib/systemd/system/", "usr/lib/systemd/system/"];

/// The packages that are chosen for a profile.
pub(super) struct Packages<'a> {
    profile: &'a Profile,
    chosen: Vec<LockedPackage>,
    /// With what they hold; none of a profile that is not locked.
    unpacked: Vec<Package>,
    /// Names and texts of indexes that have them.
    indexes: Vec<(String, String)>,
}

impl<'a> Packages<'a> {
    /// Those in `lock`, else those that a lock would have now.
    pub(super) fn choose(
        profile: &'a Profile,
        lock: &Lock,
        is_locked: bool,
        session: &Session<'_>,
    ) -> Result<Self, Failure> {
        if is_locked {
            let locked: Vec<&LockedPackage> = lock.packages_of(&profile.name).collect();
            let downloads = lock.downloads(&profile.name, &session.mirror);
            let planned = PlannedPackage::of(locked.iter().copied(), downloads);
            let unpacked = pipeline::unpacked(&planned, session.tools())?;
            let indexes = vec![("lock".to_owned(), as_index(&unpacked, &locked))];
            return Ok(Self { profile, chosen: locked.into_iter().cloned().collect(), unpacked, indexes });
        }
        session.console.note(&format!("`{}` is not locked: this is what the archives have now", profile.name));
        let indexes = locking::indexes(session, profile)?;
        let chosen = lock::lock_profile(profile, &indexes, None, Update::Nothing)?.packages;
        let indexes = indexes.into_iter().map(|index| (index.state.name, index.text)).collect();
        Ok(Self { profile, chosen, unpacked: Vec::new(), indexes })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.chosen.iter().map(|package| package.name.as_str())
    }

    /// The clean paths of all that they hold.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.unpacked.iter().flat_map(|package| &package.members).map(|member| member.path.as_str())
    }

    /// The package that brings what is at a clean path, which is no directory: those are of many.
    pub(super) fn owner(&self, path: &str) -> Option<&str> {
        let has = |package: &&Package| {
            package.members.iter().any(|member| !member.node.is_dir() && clean(&member.path) == path)
        };
        self.unpacked.iter().find(has).map(|package| package.name.as_str())
    }

    /// Calls `see` with what the chosen packages are to each other.
    fn selection<T>(&self, see: impl FnOnce(&Selection<'_>) -> T) -> Result<T, Failure> {
        let versions: BTreeMap<&str, &str> =
            self.chosen.iter().map(|package| (package.name.as_str(), package.version.as_str())).collect();
        let mut stanzas = Vec::new();
        for (name, text) in &self.indexes {
            let mut all = index::parse(text).map_err(|error| Failure::new(Code::Unexpected, &error))?;
            all.retain(|stanza| versions.get(stanza.name) == Some(&stanza.version.as_str()));
            stanzas.push((name.as_str(), all));
        }
        let universe = Universe::new(self.profile.board.arch().name(), stanzas)?;
        let (wanted, recommends) = lock::wanted(self.profile, &self.chosen);
        Ok(see(&resolve::resolve(&universe, &wanted, &recommends)?))
    }

    /// Why a package that is recommended does not come in; none if nothing recommends it.
    pub(super) fn left_out(&self, package: &str) -> Result<Option<String>, Failure> {
        self.selection(|selection| {
            let all = selection.recommending(package);
            let Recommending { package: by, counts, instead } = all.iter().max_by_key(|found| found.counts)?;
            Some(match instead {
                Some(instead) if *counts => format!("{by} recommends it, or {instead}, which is there"),
                _ if *counts => format!(
                    "{by} recommends it, and it could not be had: no source had it or something that it needs, or it \
                     conflicts with what is there"
                ),
                _ => format!(
                    "{by} recommends it, and recommendations of {by} do not come along: write `{{ name = \"{by}\", \
                     recommends = true }}` into `packages`, or `{package:?}`"
                ),
            })
        })
    }

    /// How a package comes in; none if it does not.
    pub(super) fn chain(&self, package: &str) -> Result<Option<Chain>, Failure> {
        let found = self.selection(|selection| {
            let chain = selection.why(package)?;
            let first = match chain.first() {
                Some(Reason::Wanted { package }) => Some((*package).to_owned()),
                _ => None,
            };
            Some((chain.iter().map(ToString::to_string).collect::<Vec<String>>(), first))
        })?;
        let Some((mut steps, first)) = found else { return Ok(None) };
        let from = self.chosen.iter().find(|chosen| chosen.name == package);
        if let Some(package) = from.filter(|package| is_unusual(&package.source, self.profile)) {
            steps.push(format!("{} {} comes from source `{}`", package.name, package.version, package.source));
        }
        let askers = first.iter().flat_map(|first| self.profile.marks.givers("packages", first)).map(Asker::from);
        let askers = askers.collect();
        Ok(Some(Chain { package: package.to_owned(), steps, askers }))
    }
}

/// Whether it is worth saying that a package comes from a source: one that is not Debian's, or whose packages do not simply
/// compete by their versions.
fn is_unusual(name: &str, profile: &Profile) -> bool {
    let source = profile.sources.iter().find(|source| source.name == name);
    source.is_some_and(|source| {
        source.archive.contains("://") || !source.only.is_empty() || source.priority != Source::PRIORITY
    })
}

/// A path of the image without its first slash, and below `/usr` where that holds what once was beside it.
pub(super) fn clean(path: &str) -> String {
    let path = path.trim_matches('/');
    let is_merged = ["bin", "sbin", "lib", "lib64"].contains(&path.split('/').next().unwrap_or_default());
    if is_merged && path.contains('/') { format!("usr/{path}") } else { path.to_owned() }
}

/// The clean paths that a unit's file may have; an instance (`a@b.service`) is its template's (`a@.service`).
pub(super) fn places_of(unit: &str) -> Vec<String> {
    let template =
        unit.split_once('@').zip(unit.rsplit_once('.')).map(|((name, _), (_, kind))| format!("{name}@.{kind}"));
    let names = std::iter::once(unit.to_owned()).chain(template.filter(|template| template != unit));
    names.flat_map(|name| UNITS.map(|dir| format!("{dir}{name}"))).collect()
}

/// The unit whose file is at a path, if there is one.
pub(super) fn unit_at(path: &str) -> Option<&str> {
    UNITS.iter().find_map(|dir| path.strip_prefix(dir)).filter(|name| !name.contains('/'))
}

/// The packages as an index of an archive that has nothing else.
fn as_index(packages: &[Package], locked: &[&LockedPackage]) -> String {
    let mut text = String::new();
    for (package, locked) in packages.iter().zip(locked) {
        for (name, value) in &package.fields {
            let _ = writeln!(text, "{name}: {}", value.trim());
        }
        let _ = writeln!(text, "Filename: {}\nSize: {}\nSHA256: {}\n", locked.path, locked.size, locked.sha256);
    }
    text
}
