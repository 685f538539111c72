//! The stage between packages and image: all packages unpacked into one tree, their accounts made, their scripts evaluated.

use super::PipelineError;
use crate::debian::Package;
use crate::diagnostic::Mistakes;
use crate::effects::declared::Declared;
use crate::effects::ledger::{self, Ledger};
use crate::effects::{self, Context, EffectError, Requests, accounts, unpack};
use crate::lock::IdMap;
use crate::profile::Profile;
use crate::scripts::{self, Accounts, Debconf, Installed, UnfollowedScripts};

/// What is installed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub profile: &'a Profile,
    /// Sorted by name.
    pub packages: &'a [Package],
    pub declared: &'a Declared,
    /// The workspace's own.
    pub ledger: &'a Ledger,
    pub epoch: u64,
}

/// Where numbers of accounts come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids<'a> {
    /// Those of the lock.
    pub pinned: &'a IdMap,
    /// Whether others may be given, which is so while locking.
    pub may_add: bool,
}

/// Unpacks packages and evaluates their scripts.
///
/// # Errors
/// Packages that do not go together, accounts without a number, scripts that cannot be followed; an entry of the ledger for a script
/// that it does not fit.
pub(crate) fn install(subject: Subject<'_>, ids: Ids<'_>) -> Result<Installed, PipelineError> {
    let installed = attempt(subject, ids)?;
    if installed.unfollowed.is_empty() { Ok(installed) } else { Err(UnfollowedScripts(installed.unfollowed).into()) }
}

/// As [`install`], with what can be had although some scripts cannot be followed.
///
/// # Errors
/// As there, but for those.
pub(crate) fn attempt(subject: Subject<'_>, ids: Ids<'_>) -> Result<Installed, PipelineError> {
    let Subject { profile, packages, declared, ledger, epoch } = subject;
    packages.iter().try_for_each(|package| ledger::check_claims(package, ledger))?;
    let mut tree = unpack::unpack_diverted(packages, &declared.diverted(packages)?)?;
    let context = Context { profile, packages, ids: ids.pinned, declared, requests: Requests::none(), epoch };
    let mut numbers = ids.pinned.clone();
    let mut given = IdMap::default();
    if ids.may_add {
        given = accounts::allocate_ids(&tree, &context)?;
        numbers.add(&given);
    }
    effects::prepare(&mut tree, &Context { ids: &numbers, ..context })?;
    let debconf = Debconf::new(packages, &profile.debconf);
    check_answers(&debconf, profile)?;
    let accounts = Accounts::new(&tree, &numbers, ids.may_add, epoch)?;
    let input = scripts::Input { packages, arch: profile.board.arch(), ledger, debconf, accounts };
    let mut installed = scripts::install(tree, input);
    installed.ids.add(&given);
    Ok(installed)
}

/// Refuses answers to debconf that no package asks for, or that are none of the choices.
fn check_answers(debconf: &Debconf, profile: &Profile) -> Result<(), EffectError> {
    let mut placed = Vec::new();
    for mistake in debconf.mistakes() {
        match mistake.placed(&profile.marks) {
            Some(diagnostic) => placed.push(diagnostic),
            None => return Err(EffectError::refused("[debconf]", mistake.to_string()).with_hint(mistake.hint())),
        }
    }
    Mistakes::check(placed).map_err(EffectError::Mistakes)
}
