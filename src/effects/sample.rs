//! A small profile and context for the tests of single effects.

use super::declared::Declared;
use super::{Context, Requests};
use crate::lock::IdMap;
use crate::profile::{self, Profile, Workspace};

/// The embedded demo profile without files of its own.
pub(super) fn profile() -> Profile {
    let mut profile = profile::load(&Workspace::embedded(), "demo").expect("the embedded demo profile is valid");
    profile.files.clear();
    profile
}

/// A context without packages.
pub(super) fn context(profile: &Profile) -> Context<'_> {
    static IDS: IdMap = IdMap { users: std::collections::BTreeMap::new(), groups: std::collections::BTreeMap::new() };
    Context {
        profile,
        packages: &[],
        ids: &IDS,
        declared: Declared::none(),
        requests: Requests::none(),
        epoch: 1_700_000_000,
    }
}
