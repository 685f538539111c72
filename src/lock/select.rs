//! Locking: which packages of which verified indexes a profile comes down to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lock, Locked, LockedPackage, LockedProfile, LockedSource};
use crate::debian::archive::{FetchedIndex, SourceState};
use crate::debian::date;
use crate::debian::index::{self, IndexError, Stanza};
use crate::debian::resolve::{Candidate, ResolveError, Universe, resolve};
use crate::profile::Profile;

/// Which packages may move to other versions than the locked ones.
///
/// A package stays at its locked version as long as an index still has that version; Debian's indexes drop a
/// version when a security update or point release replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update<'a> {
    /// None: only what the profile newly needs is added.
    Nothing,
    /// This one, and those built from the same source package, which depend on each other's exact versions.
    Package(&'a str),
    /// All.
    Everything,
}

/// Why a profile could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("index of source `{name}`: {source}")]
    Index { name: String, source: Box<IndexError> },
    #[error("profile `{profile}`: {source}")]
    Resolve { profile: String, kept: bool, source: Box<ResolveError> },
    #[error("source `{name}` went back in time: the mirror's state is of {fetched}, the locked one of {locked}")]
    Rollback { name: String, fetched: String, locked: String },
}

impl LockError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Index { .. } => {
                "the archive signed an index that it must not have; tell its maintainers, or leave the source out"
            }
            Self::Resolve { source, kept, .. } => {
                let other = if *kept {
                    "let all packages move with `imgbuild lock --update`"
                } else {
                    "leave out what wants it, or add a source that has what is missing"
                };
                return source.hint().or_else(|| Some(other.to_owned()));
            }
            Self::Rollback { .. } => "the mirror lags behind; try again later, or choose another one with `--mirror`",
        };
        Some(text.to_owned())
    }
}

/// Selects the packages of `profile` from the verified `indexes` of its sources, in its order.
///
/// `previous` is the lock so far: see [`Update`] for what it decides. The packages' script verdicts are left empty, and
/// so are the artifacts, which are found elsewhere.
///
/// # Errors
/// Malformed indexes, dependencies that cannot be fulfilled, and sources older than the locked ones.
pub fn lock_profile(
    profile: &Profile,
    indexes: &[FetchedIndex],
    previous: Option<&Lock>,
    update: Update<'_>,
) -> Result<Locked, LockError> {
    if let Some(previous) = previous {
        refuse_rollback(&profile.name, indexes, previous)?;
    }
    let mut sources = Vec::new();
    for FetchedIndex { state, text } in indexes {
        let stanzas = index::parse(text)
            .map_err(|source| LockError::Index { name: state.name.clone(), source: Box::new(source) })?;
        sources.push((state.name.as_str(), stanzas));
    }
    let pins = previous.map(|previous| pins(&profile.name, &sources, previous, update)).unwrap_or_default();
    for (_, stanzas) in &mut sources {
        stanzas.retain(|stanza| pins.get(stanza.name).is_none_or(|version| *version == stanza.version.as_str()));
    }
    let failed =
        |source| LockError::Resolve { profile: profile.name.clone(), kept: !pins.is_empty(), source: Box::new(source) };
    let universe = Universe::new(profile.board.arch().name(), sources).map_err(failed)?;
    let selection = resolve(&universe, &profile.packages).map_err(failed)?;
    Ok(Locked {
        profile: LockedProfile {
            arch: profile.board.arch(),
            config: profile.selection_digest(),
            epoch: indexes.iter().map(|index| index.state.date).max().unwrap_or(0),
        },
        sources: indexes.iter().map(|index| locked_source(&index.state)).collect(),
        packages: selection.packages().map(locked_package).collect(),
        artifacts: Vec::new(),
    })
}

/// The versions that packages are held at: the locked one where an index still has it, unless it may move.
fn pins<'a>(
    profile: &'a str,
    sources: &[(&str, Vec<Stanza<'_>>)],
    previous: &'a Lock,
    update: Update<'_>,
) -> BTreeMap<&'a str, &'a str> {
    let stanzas = || sources.iter().flat_map(|(_, stanzas)| stanzas);
    let moving: BTreeSet<&str> = match update {
        Update::Everything => return BTreeMap::new(),
        Update::Nothing => BTreeSet::new(),
        Update::Package(name) => stanzas().filter(|stanza| stanza.name == name).map(source_name).collect(),
    };
    let locked: BTreeMap<&str, &str> =
        previous.packages_of(profile).map(|package| (package.name.as_str(), package.version.as_str())).collect();
    let held = stanzas().filter(|stanza| !moving.contains(source_name(stanza))).filter_map(|stanza| {
        locked.get_key_value(stanza.name).filter(|(_, version)| **version == stanza.version.as_str())
    });
    held.map(|(name, version)| (*name, *version)).collect()
}

/// The source package's name, without the version that may follow in parentheses.
fn source_name<'a>(stanza: &Stanza<'a>) -> &'a str {
    stanza.source.split_ascii_whitespace().next().unwrap_or(stanza.name)
}

/// An old state of an archive is signed as well as a new one; suites without an end of validity are only safe
/// from being replayed if what was seen once is remembered.
fn refuse_rollback(profile: &str, indexes: &[FetchedIndex], previous: &Lock) -> Result<(), LockError> {
    for FetchedIndex { state, .. } in indexes {
        let same = |locked: &&LockedSource| (&locked.archive, &locked.suite) == (&state.archive, &state.suite);
        if let Some(locked) = previous.sources_of(profile).find(same)
            && date::parse_rfc3339(&locked.date).is_some_and(|date| state.date < date)
        {
            let fetched = date::display(state.date);
            return Err(LockError::Rollback { name: state.name.clone(), fetched, locked: locked.date.clone() });
        }
    }
    Ok(())
}

fn locked_source(state: &SourceState) -> LockedSource {
    LockedSource {
        name: state.name.clone(),
        archive: state.archive.clone(),
        suite: state.suite.clone(),
        date: date::display(state.date),
        sha256: state.sha256,
        signed_by: state.signed_by.clone(),
        profiles: Vec::new(),
    }
}

fn locked_package(candidate: &Candidate<'_>) -> LockedPackage {
    let stanza = &candidate.stanza;
    LockedPackage {
        name: stanza.name.to_owned(),
        version: stanza.version.to_string(),
        arch: stanza.arch.to_owned(),
        source: candidate.source.to_owned(),
        path: stanza.filename.to_owned(),
        size: stanza.size,
        sha256: stanza.sha256,
        scripts: String::new(),
        profiles: Vec::new(),
    }
}
