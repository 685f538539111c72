//! Whether what the workspace's ledger declares is what a profile was locked with.

use crate::effects::ledger::Ledger;
use crate::lock::{LockedPackage, OutdatedError};
use crate::profile::Profile;

/// Compares what `ledger` declares beside the scripts of `packages`, those that are locked for `profile`, with what it declared
/// when they were locked: accounts got their numbers by that, and an image must be what its lock says.
///
/// # Errors
/// Of the first package for which it is something else.
pub(crate) fn expect<'l>(
    profile: &Profile,
    mut packages: impl Iterator<Item = &'l LockedPackage>,
    ledger: &Ledger,
) -> Result<(), OutdatedError> {
    match packages.find(|package| package.declared != ledger.declared_digest(&package.name)) {
        Some(package) => Err(OutdatedError::Declared { profile: profile.name.clone(), package: package.name.clone() }),
        None => Ok(()),
    }
}
