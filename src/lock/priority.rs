//! Priorities of sources (`priority` of `[[source]]`): to the resolver a package's versions of lower priority are not there.
//!
//! As with apt's pins (`apt_preferences(5)`), of which an image needs no more: nothing is installed yet that could be kept.

use std::collections::BTreeMap;

use crate::debian::index::Stanza;
use crate::profile::{Profile, Source};

/// Takes out of `sources` what a source of higher priority has too, for `arch` or for all.
pub(super) fn prefer<'a>(profile: &Profile, arch: &str, sources: &mut [(&'a str, Vec<Stanza<'a>>)]) {
    let priority = |name: &str| {
        let source = profile.sources.iter().find(|source| source.name == name);
        source.map_or(Source::PRIORITY, |source| source.priority)
    };
    let Some(lowest) = sources.iter().map(|(name, _)| priority(name)).min() else { return };
    let mut highest: BTreeMap<&str, u16> = BTreeMap::new();
    // The others take nothing away from anybody.
    for (name, stanzas) in sources.iter().filter(|(name, _)| priority(name) > lowest) {
        for stanza in stanzas.iter().filter(|stanza| [arch, "all"].contains(&stanza.arch)) {
            let known = highest.entry(stanza.name).or_insert(lowest);
            *known = priority(name).max(*known);
        }
    }
    if highest.is_empty() {
        return;
    }
    for (name, stanzas) in sources {
        stanzas.retain(|stanza| highest.get(stanza.name).is_none_or(|highest| priority(name) >= *highest));
    }
}
