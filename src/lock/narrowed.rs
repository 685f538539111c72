//! Sources of which a profile takes certain packages only (`only` of `[[source]]`): to the resolver the others are not
//! there. Of what is left the highest version counts, as without `only`.

use std::collections::BTreeMap;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::LockError;
use crate::debian::index::Stanza;
use crate::diagnostic::Mistakes;
use crate::profile::{Profile, Source};

/// Packages that are not let in, and the source that has them.
pub(super) type Hidden<'a> = BTreeMap<&'a str, &'a str>;

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
                hidden.insert(stanza.name, *name);
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
