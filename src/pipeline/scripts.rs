//! The stage between packages and image: all packages unpacked into one tree, their accounts made, their scripts evaluated.

use std::collections::BTreeSet;

use super::PipelineError;
use crate::debian::Package;
use crate::diagnostic::Mistakes;
use crate::effects::declared::Declared;
use crate::effects::ledger::{self, Ledger, Treatment, Verdict};
use crate::effects::unpack::UnpackError;
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
    let mut diverted = declared.diverted(packages)?;
    let mut tree = match unpack::unpack_diverted(packages, &diverted) {
        // One of the two may be moved away by the other's script before that is unpacked.
        Err(UnpackError::TwoOwners { .. }) => {
            let known: BTreeSet<String> = diverted.iter().map(|file| file.path.clone()).collect();
            let found = scripts::diverted(packages, profile.board.arch(), ledger, ids.pinned);
            diverted.extend(found.into_iter().filter(|file| !known.contains(&file.path)));
            unpack::unpack_diverted(packages, &diverted)
        }
        done => done,
    }
    .map_err(|error| with_diversion(error, packages, ledger))?;
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
    // Of what scripts make that could not be followed nothing is known.
    if installed.unfollowed.is_empty() {
        accounts::join_people(&mut installed.tree, profile)?;
    }
    installed.ids.add(&given);
    Ok(installed)
}

/// An error of unpacking, with the words that help where a script diverts the file: what a `preinst` that can be followed diverts is
/// diverted, any other diversion has to be declared.
fn with_diversion(source: UnpackError, packages: &[Package], ledger: &Ledger) -> PipelineError {
    let UnpackError::TwoOwners { path, first, second } = &source else { return source.into() };
    let diverts =
        |package: &Package, script| package.control_text(script).is_some_and(|text: &str| text.contains("dpkg-divert"));
    let owners = packages.iter().filter(|package| [first, second].contains(&&package.name));
    let mut scripts = owners.flat_map(|package| ["preinst", "postinst"].map(|script| (package, script)));
    let Some((package, script)) = scripts.find(|(package, script)| diverts(package, script)) else {
        return source.into();
    };
    let Treatment { verdict, entry, .. } = ledger::treatment(package, script, ledger);
    let name = &package.name;
    let declaration = format!("[[script.diversion]]\npath = \"/{path}\"\n");
    let hint = if verdict == Verdict::Accepted {
        format!(
            "if `{script}` of {name} diverts that file (dpkg-divert(1)), declare it below the entry in ledger.toml:\n{declaration}"
        )
    } else {
        format!(
            "if `{script}` of {name} diverts that file (dpkg-divert(1)), accept the script, your reason in place of `…`, in the \
             workspace's ledger.toml, and declare there what it does:\n{entry}\n{declaration}"
        )
    };
    PipelineError::Diversion { source: Box::new(source), hint }
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
