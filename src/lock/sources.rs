//! The locked sources of a profile against those that it names.
//!
//! Signatures are checked when locking, and only then. So a lock that names another archive or key than its profile does
//! would carry packages around all signatures.

use super::LockedSource;
use crate::debian::openpgp;
use crate::profile::{Profile, Source};

/// What the lock says otherwise than the profile of where its packages come from, or of who signed for them.
pub(super) fn foreign<'a>(locked: impl Iterator<Item = &'a LockedSource>, profile: &Profile) -> Option<String> {
    let mut missing: Vec<&str> = profile.sources.iter().map(|source| source.name.as_str()).collect();
    for locked in locked {
        let name = &locked.name;
        let Some(source) = profile.sources.iter().find(|source| source.name == *name) else {
            return Some(format!("the lock has a source `{name}`"));
        };
        missing.retain(|source| source != name);
        if let Some(what) = differs(locked, source) {
            return Some(what);
        }
    }
    missing.first().map(|name| format!("the lock has no source `{name}`"))
}

fn differs(locked: &LockedSource, source: &Source) -> Option<String> {
    let LockedSource { name, archive, suite, signed_by, .. } = locked;
    for (what, is, should) in [("archive", archive, &source.archive), ("suite", suite, &source.suite)] {
        if is != should {
            return Some(format!("the lock has `{is}` for the {what} of source `{name}`, its profile `{should}`"));
        }
    }
    // Keys that cannot be read are told where they are used.
    let pinned = openpgp::fingerprints(&source.key).ok()?;
    (!pinned.contains(signed_by))
        .then(|| format!("the lock says that key {signed_by} signed source `{name}`, which its profile does not pin"))
}
