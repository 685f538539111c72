//! Which packages are held at their locked versions while the others move.

use std::collections::{BTreeMap, BTreeSet};

use super::{LockedPackage, Update};
use crate::debian::index::Stanza;
use crate::debian::resolve::{ResolveError, Universe};
use crate::profile::Recommends;

/// The versions that packages are held at, by name.
pub(super) type Pins<'a> = BTreeMap<&'a str, &'a str>;

/// The stanzas of each source, with its name.
pub(super) type Sources<'a> = [(&'a str, Vec<Stanza<'a>>)];

/// The pins for packages that are `locked`: the version of each that an index still has it of, unless it may move.
///
/// # Errors
/// Relations that cannot be read.
pub(super) fn pins<'a>(
    locked: impl Iterator<Item = &'a LockedPackage>,
    arch: &str,
    sources: &Sources<'a>,
    recommends: &Recommends,
    update: Update<'_>,
) -> Result<Pins<'a>, ResolveError> {
    let named = match update {
        Update::Everything => return Ok(Pins::new()),
        Update::Nothing => &[],
        Update::Packages(named) => named,
    };
    let locked: Pins<'a> = locked.map(|package| (package.name.as_str(), package.version.as_str())).collect();
    let mut pins: Pins<'a> = sources
        .iter()
        .flat_map(|(_, stanzas)| stanzas)
        .filter_map(|stanza| locked.get_key_value(stanza.name).filter(|(_, version)| is(stanza, version)))
        .map(|(name, version)| (*name, *version))
        .collect();
    let mut moving: Vec<&str> = named.iter().map(String::as_str).collect();
    while !moving.is_empty() {
        for name in moving {
            pins.remove(name);
        }
        moving = in_the_way(arch, sources, &pins, recommends, locked.keys().copied().collect())?;
    }
    Ok(pins)
}

/// `sources` without the other versions of what is pinned.
pub(super) fn hold<'a>(sources: &Sources<'a>, pins: &Pins<'_>) -> Vec<(&'a str, Vec<Stanza<'a>>)> {
    let held = |stanza: &&Stanza<'a>| pins.get(stanza.name).is_none_or(|version| is(stanza, version));
    sources.iter().map(|(name, stanzas)| (*name, stanzas.iter().filter(held).cloned().collect())).collect()
}

/// The pinned packages that have to move because others did: what these now depend on, and what does not bear them.
fn in_the_way<'a>(
    arch: &str,
    sources: &Sources<'a>,
    pins: &Pins<'a>,
    recommends: &Recommends,
    installed: BTreeSet<&'a str>,
) -> Result<Vec<&'a str>, ResolveError> {
    let universe = Universe::new(arch, hold(sources, pins))?;
    let mut moving = Vec::new();
    let mut all_broken = Vec::new();
    if !recommends.is_usual() {
        let newest = Universe::new(arch, hold(sources, &Pins::new()))?;
        all_broken = universe.broken_recommendations(&installed, recommends, &newest)?;
    }
    all_broken.extend(universe.broken_relations(installed)?);
    for broken in all_broken {
        let mut pinned = broken.others.into_iter().filter(|name| pins.contains_key(name)).peekable();
        if pinned.peek().is_some() {
            moving.extend(pinned);
        } else if pins.contains_key(broken.package) {
            moving.push(broken.package);
        }
    }
    Ok(moving)
}

fn is(stanza: &Stanza<'_>, version: &str) -> bool {
    stanza.version.as_str() == version
}
