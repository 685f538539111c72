//! Locking: which packages of which verified indexes a profile comes down to.

use super::kernel::with_kernel;
use super::narrowed::{Hidden, Reason, keepers, narrow, narrowed};
use super::pins::{hold, pins};
use super::priority::prefer;
use super::{Lock, Locked, LockedPackage, LockedProfile, LockedSource};
use crate::debian::archive::{FetchedIndex, SourceState};
use crate::debian::date;
use crate::debian::index::{self, IndexError};
use crate::debian::resolve::{Candidate, ResolveError, Universe, UnknownPackage, resolve};
use crate::diagnostic::Mistakes;
use crate::profile::Profile;
use crate::tree::Digest;

/// Which packages may move to other versions than the locked ones.
///
/// A package stays at its locked version as long as an index still has that version; Debian's indexes drop a
/// version when a security update or point release replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update<'a> {
    /// None: only what the profile newly needs is added.
    Nothing,
    /// These, and what has to move with them: what their new versions depend on, and what does not bear these.
    Packages(&'a [String]),
    /// All.
    Everything,
}

/// Why a profile could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("index of source `{name}`: {source}")]
    Index { name: String, source: Box<IndexError> },
    /// `narrowed` is what keeps packages of sources out, such as `only` of one.
    #[error("profile `{profile}`: {source}")]
    Resolve { profile: String, kept: bool, narrowed: Vec<String>, source: Box<ResolveError> },
    /// A pattern of `only` that is none of a source's packages.
    #[error("source `{source_name}` has no package `{pattern}`")]
    NoMatch { source_name: String, pattern: String },
    /// Packages of the profile that no source has, where its files name them.
    #[error("{0}")]
    Unknown(#[source] Mistakes),
    #[error("profile `{profile}` has kernel modules to compile, and no kernel of Debian's")]
    NoKernel { profile: String },
    #[error("profile `{profile}` asks for kernel {version}, and no source has it")]
    NoSuchKernel { profile: String, version: String, newest: Option<String> },
    #[error("no source has the headers of kernel {kernel}: `{package}` {version}")]
    NoHeaders { kernel: String, package: String, version: String },
    #[error("no source has `{package}`, the source of kernel module `{module}`")]
    NoModuleSource { module: String, package: String },
    /// `newest` is the newest kernel of the sources that it is known to work with.
    #[error("kernel module `{module}` is not known to work with kernel {kernel}, only with {kernels}")]
    UnknownKernel { module: String, kernel: String, kernels: String, newest: Option<String>, origin: String },
    #[error("kernel module `{module}` comes from {source_package}, and {package} must be of the same version")]
    OtherVersion { module: String, source_package: String, package: String },
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
            Self::Resolve { source, kept, narrowed, .. } => {
                let narrowed = narrowed.iter().filter(|_| matches!(**source, ResolveError::Impossible(_)));
                let let_in: String = narrowed.flat_map(|keeper| [", or let it in with ", keeper]).collect();
                let advice = source.hint().map(|advice| advice + &let_in);
                if *kept && !matches!(**source, ResolveError::Unknown(_)) {
                    let or = advice.map(|advice| format!("; if that does not help, {advice}"));
                    return Some(
                        "let all packages move with `imgbuild lock --update`".to_owned() + &or.unwrap_or_default(),
                    );
                }
                return advice.or_else(|| Some("leave out what wants it, or correct its source".to_owned()));
            }
            Self::NoMatch { .. } => {
                "correct or take it out: `only` names the binary packages that may come from this source, `*` stands for any letters"
            }
            Self::Unknown(mistakes) => return mistakes.hint(),
            Self::NoKernel { .. } => {
                "leave the overlay with the kernel module out, or the package that takes the kernel's place"
            }
            Self::NoSuchKernel { newest, .. } => {
                let newest = newest.as_deref().map(|newest| format!(" (the newest is {newest})"));
                return Some(format!(
                    "correct or take out `version` in [kernel]{}, or add a [[source]] that has it",
                    newest.unwrap_or_default()
                ));
            }
            Self::NoHeaders { .. } => {
                "archives keep the headers of few kernels: move to a newer one with `imgbuild lock --update`, or add a \
                 [[source]] that has them"
            }
            Self::NoModuleSource { .. } => {
                "add a [[source]] that has it, let it in with `only` and `versions` of one that has, or correct `package` in the overlay"
            }
            Self::UnknownKernel { newest, origin, .. } => {
                let keep = newest.as_deref().and_then(|release| release.split(['+', '-']).next()).map(|version| {
                    format!("keep to the newest kernel that it is known to work with: `version = \"{version}\"` in [kernel] of the profile; or ")
                });
                return Some(format!(
                    "{}try it: write a wider `kernels` into {origin}, which compiles it and holds its symbols against the kernel",
                    keep.unwrap_or_default()
                ));
            }
            Self::OtherVersion { .. } => {
                "let both move together with `imgbuild lock --update`; if that does not help, narrow `versions` of the [[source]]"
            }
            Self::Rollback { .. } => "the mirror lags behind; try again later, or choose another one with `--mirror`",
        };
        Some(text.to_owned())
    }
}

/// Selects the packages of `profile` from the verified `indexes` of its sources, in its order.
///
/// `previous` is the lock so far: see [`Update`] for what it decides. The packages' script verdicts and the names of
/// accounts are left empty, and so are artifacts and kernel modules, which are locked afterwards.
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
        refuse_rollback(indexes, previous)?;
    }
    let mut sources = Vec::new();
    for FetchedIndex { state, text } in indexes {
        let stanzas = index::parse(text)
            .map_err(|source| LockError::Index { name: state.name.clone(), source: Box::new(source) })?;
        sources.push((state.name.as_str(), stanzas));
    }
    let hidden = narrow(profile, &mut sources)?;
    let arch = profile.board.arch().name();
    prefer(profile, arch, &mut sources);
    let failed = |kept| {
        move |source| LockError::Resolve {
            profile: profile.name.clone(),
            kept,
            narrowed: keepers(profile),
            source: Box::new(source),
        }
    };
    let pins =
        previous.map(|previous| pins(previous.packages_of(&profile.name), arch, &sources, &profile.recommends, update));
    let pins = pins.transpose().map_err(failed(false))?.unwrap_or_default();
    let failed = failed(!pins.is_empty());
    let universe = Universe::new(arch, hold(&sources, &pins)).map_err(&failed)?;
    let (wanted, recommends) = with_kernel(profile, &sources)?;
    let selection =
        resolve(&universe, &wanted, &recommends).map_err(|error| match placed(profile, &hidden, &error) {
            Some(mistakes) => LockError::Unknown(mistakes),
            None => failed(error),
        })?;
    Ok(Locked {
        profile: LockedProfile {
            arch: profile.board.arch(),
            config: profile.selection_digest(),
            // Put where all of them are together, by `Lock::put`.
            contents: Digest([0; 32]),
            epoch: indexes.iter().map(|index| index.state.date).max().unwrap_or(0),
            // Known when the packages are unpacked.
            users: Vec::new(),
            groups: Vec::new(),
            k3s: None,
        },
        sources: indexes.iter().map(|index| locked_source(&index.state, profile)).collect(),
        packages: selection.packages().map(locked_package).collect(),
        artifacts: Vec::new(),
        images: Vec::new(),
        charts: Vec::new(),
        kernel_modules: Vec::new(),
        toolchain: Vec::new(),
    })
}

/// Unknown packages at the places where files name them; none if one of them is the program's own wish.
fn placed(profile: &Profile, hidden: &Hidden<'_>, error: &ResolveError) -> Option<Mistakes> {
    let ResolveError::Unknown(unknown) = error else { return None };
    let names: Vec<&str> = profile.sources.iter().map(|source| source.name.as_str()).collect();
    let advice = format!("correct or leave it out, or add a [[source]] that has it; looked in {}", names.join(", "));
    let place = |unknown: &UnknownPackage| {
        let message = format!("no source has a package `{}`", unknown.name);
        let mistake = profile.marks.mistake("packages", &unknown.name, message)?;
        let let_in = hidden.get(unknown.name.as_str()).map(Reason::hint);
        Some(mistake.hint(let_in.or_else(|| unknown.hint()).unwrap_or_else(|| advice.clone())))
    };
    Mistakes::check(unknown.iter().map(place).collect::<Option<_>>()?).err()
}

/// An old state of an archive is signed as well as a new one; suites without an end of validity are only safe
/// from being replayed if what was seen once, for any profile, is remembered.
fn refuse_rollback(indexes: &[FetchedIndex], previous: &Lock) -> Result<(), LockError> {
    for FetchedIndex { state, .. } in indexes {
        let newer = |locked: &&LockedSource| {
            (&locked.archive, &locked.suite) == (&state.archive, &state.suite)
                && date::parse_rfc3339(&locked.date).is_some_and(|date| state.date < date)
        };
        if let Some(locked) = previous.sources.iter().rev().find(newer) {
            let fetched = date::display(state.date);
            return Err(LockError::Rollback { name: state.name.clone(), fetched, locked: locked.date.clone() });
        }
    }
    Ok(())
}

fn locked_source(state: &SourceState, profile: &Profile) -> LockedSource {
    let only = narrowed(profile).find(|source| source.name == state.name).map(|source| source.only.clone());
    LockedSource {
        name: state.name.clone(),
        archive: state.archive.clone(),
        suite: state.suite.clone(),
        date: date::display(state.date),
        sha256: state.sha256,
        signed_by: state.signed_by.clone(),
        only: only.unwrap_or_default(),
        profiles: Vec::new(),
    }
}

pub(super) fn locked_package(candidate: &Candidate<'_>) -> LockedPackage {
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
        scripts_sha256: None,
        declared: None,
        profiles: Vec::new(),
    }
}
