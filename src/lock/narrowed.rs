//! Sources of which a profile takes certain packages or versions only (`only` and `versions` of `[[source]]`): to the resolver
//! the others are not there. Of what is left the highest version counts, as without these keys.

use std::collections::BTreeMap;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::LockError;
use super::upstream::begins_with;
use crate::debian::index::Stanza;
use crate::diagnostic::Mistakes;
use crate::profile::{Profile, Source};

/// Packages that are not let in, and why.
pub(super) type Hidden<'a> = BTreeMap<&'a str, Reason<'a>>;

/// Why a package of a source is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason<'a> {
    /// `only` of that source does not name it.
    Name { source: &'a str },
    /// `versions` of that source does not let this version in.
    Version { source: &'a str, version: &'a str },
}

impl Reason<'_> {
    /// What to do about it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Name { source } => format!("source `{source}` has it, but `only` does not let it in: add it there"),
            Self::Version { source, version } => {
                format!("source `{source}` has {version}, which its `versions` does not let in: change that")
            }
        }
    }
}

/// Takes out of `sources` what `profile` does not let in, and gives that.
///
/// # Errors
/// Patterns that match no package of their source.
pub(super) fn narrow<'a>(
    profile: &Profile,
    sources: &mut [(&'a str, Vec<Stanza<'a>>)],
) -> Result<Hidden<'a>, LockError> {
    let mut hidden = Hidden::new();
    let mut idle = Vec::new();
    for source in narrowed(profile) {
        let Some((name, stanzas)) = sources.iter_mut().find(|(other, _)| *other == source.name) else { continue };
        for pattern in &source.only {
            let matcher = set(std::slice::from_ref(pattern));
            if !stanzas.iter().any(|stanza| matcher.is_match(stanza.name)) {
                idle.push((source, pattern));
            }
        }
        let all = set(&source.only);
        stanzas.retain(|stanza| {
            let is_let_in = all.is_match(stanza.name);
            if !is_let_in {
                hidden.insert(stanza.name, Reason::Name { source: name });
            }
            is_let_in
        });
    }
    for source in &profile.sources {
        let Some(prefix) = &source.versions else { continue };
        let Some((name, stanzas)) = sources.iter_mut().find(|(other, _)| *other == source.name) else { continue };
        stanzas.retain(|stanza| {
            let version = stanza.version.as_str();
            let is_let_in = begins_with(version, prefix);
            if !is_let_in {
                hidden.insert(stanza.name, Reason::Version { source: name, version });
            }
            is_let_in
        });
    }
    match idle.first() {
        None => Ok(hidden),
        Some((source, pattern)) => Err(placed(profile, &idle).map_or_else(
            || LockError::NoMatch { source_name: source.name.clone(), pattern: (*pattern).clone() },
            LockError::Unknown,
        )),
    }
}

/// What keeps packages of sources out, as a sentence names it.
pub(super) fn keepers(profile: &Profile) -> Vec<String> {
    let keys = |source: &Source| {
        let only = (!source.only.is_empty()).then_some("only");
        only.into_iter().chain(source.versions.as_ref().map(|_| "versions"))
    };
    let named = |source: &Source| {
        let name = &source.name;
        keys(source).map(|key| format!("`{key}` of source `{name}`")).collect::<Vec<_>>()
    };
    profile.sources.iter().flat_map(named).collect()
}

/// The sources of which only some packages are taken.
pub(super) fn narrowed(profile: &Profile) -> impl Iterator<Item = &Source> {
    profile.sources.iter().filter(|source| !source.only.is_empty())
}

/// Patterns that match nothing, at the places where files name them.
fn placed(profile: &Profile, idle: &[(&Source, &String)]) -> Option<Mistakes> {
    let place = |(source, pattern): &(&Source, &String)| {
        let error = LockError::NoMatch { source_name: source.name.clone(), pattern: (*pattern).clone() };
        let mistake = profile.marks.mistake("source.only", &format!("{} {pattern}", source.name), error.to_string())?;
        Some(mistake.hint(error.hint().unwrap_or_default()))
    };
    Mistakes::check(idle.iter().map(place).collect::<Option<_>>()?).err()
}

fn set(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).expect("patterns were checked when the profile was loaded"));
    }
    set.build().expect("patterns were checked when the profile was loaded")
}
