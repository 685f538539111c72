//! `imgbuild lock`: from profiles and archives to exact packages, with every maintainer script accounted for.
//!
//! ```text
//! profiles ─▶ verified indexes ─▶ selection ─▶ packages downloaded and opened ─▶ ledger, account numbers ─▶ imgbuild.lock
//! ```

use std::fs;
use std::io;
use std::path::Path;

use super::Outcome;
use super::build;
use super::session::{Session, now};
use crate::cli;
use crate::debian::archive;
use crate::effects::ledger::{self, Ledger};
use crate::effects::{self, unpack};
use crate::exit::{Code, Failure};
use crate::lock::{self, Lock, Update};
use crate::output::count;
use crate::profile::{self, Profile};

pub(super) fn run(args: &cli::Lock, session: &Session<'_>) -> Outcome {
    let old = Lock::load(&session.lock_path())?;
    let profiles = profiles(session, args.profile.as_deref(), old.as_ref())?;
    if args.check {
        return check(session, &profiles, old.as_ref());
    }
    let update = match &args.update {
        None => Update::Keep,
        Some(packages) if packages.is_empty() => Update::All,
        Some(packages) => Update::Only(packages.clone()),
    };
    let mut lock = old.clone().unwrap_or_default();
    for profile in &profiles {
        if update != Update::Keep || !lock.fits(profile) {
            lock = locked(session, profile, lock, &update)?;
        }
    }
    lock.save(&session.lock_path())?;
    let changes: Vec<String> =
        lock::changes(&old.unwrap_or_default(), &lock).iter().map(ToString::to_string).collect();
    let mut text = changes.join("\n");
    if changes.is_empty() {
        "nothing changed".clone_into(&mut text);
    }
    session.console.result(&serde_json::json!({"lock": session.lock_path(), "changes": changes}), &text);
    Ok(())
}

/// The lock to build `profile` from: the workspace's, or one written now.
pub(super) fn for_build(session: &Session<'_>, profile: &Profile) -> Result<Lock, Failure> {
    let lock = Lock::load(&session.lock_path())?.unwrap_or_default();
    if lock.fits(profile) {
        return Ok(lock);
    }
    if lock.profiles.contains_key(&profile.name) {
        return Err(Failure {
            code: Code::Verification,
            ..Failure::refused(format!(
                "imgbuild.lock does not fit profile `{}`: its packages, sources or architecture changed",
                profile.name
            ))
            .hint(format!("run `imgbuild lock --profile {}` and look at what changes", profile.name))
        });
    }
    let lock = locked(session, profile, lock, &Update::Keep)?;
    lock.save(&session.lock_path())?;
    Ok(lock)
}

/// `lock` with `profile` chosen anew.
fn locked(session: &Session<'_>, profile: &Profile, lock: Lock, update: &Update) -> Result<Lock, Failure> {
    let progress = session.console.progress();
    let indexes = archive::fetch_indexes(
        &profile.sources,
        profile.board.arch(),
        &session.mirror,
        &session.fetcher,
        now(),
        progress,
    )?;
    progress.begin("resolve", 0);
    let selected = lock::select(profile, &indexes, &lock, update)?;
    progress.finish("resolve", &count(selected.packages.len(), "package"));
    let mut lock = lock;
    lock.insert(selected);

    let chosen: Vec<_> = lock.packages_of(&profile.name)?.into_iter().cloned().collect();
    let packages = build::unpacked(session, &lock, &profile.name, &chosen.iter().collect::<Vec<_>>())?;
    let ledger = workspace_ledger(&session.ledger_path())?;
    for (package, chosen) in packages.iter().zip(&chosen) {
        let verdict = ledger::judge(package, &ledger)?;
        lock.set_verdict(chosen, verdict.as_str());
    }
    let tree = unpack::unpack(&packages)?;
    lock.ids = effects::allocate_ids(&tree, &packages, profile, &lock.ids)?;
    Ok(lock)
}

/// Reviews that the user made, in the form of the embedded ledger.
fn workspace_ledger(path: &Path) -> Result<Ledger, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Ledger::parse(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
        Err(error) => Err(Failure::new(Code::Refused, &error).hint(format!("check {}", path.display()))),
    }
}

/// The one named; else all that a board can boot and that the workspace has itself or locked before.
fn profiles(session: &Session<'_>, name: Option<&str>, lock: Option<&Lock>) -> Result<Vec<Profile>, Failure> {
    if let Some(name) = name {
        return Ok(vec![profile::load(&session.workspace, name)?]);
    }
    let known = profile::list(&session.workspace)?;
    let own = |name: &str| {
        let locked = lock.is_some_and(|lock| lock.profiles.contains_key(name));
        let file = session.workspace.root().map(|root| root.join("profiles").join(format!("{name}.toml")));
        locked || file.is_some_and(|file| file.is_file())
    };
    let names = known.iter().filter(|summary| summary.board.is_some()).map(|summary| summary.name.as_str());
    let chosen: Vec<&str> = names.filter(|name| own(name)).collect();
    if chosen.is_empty() {
        return Err(Failure::refused("this workspace has no profile of its own and none is locked yet")
            .hint("name one of the embedded profiles: `imgbuild lock --profile demo`"));
    }
    chosen.into_iter().map(|name| Ok(profile::load(&session.workspace, name)?)).collect()
}

fn check(session: &Session<'_>, profiles: &[Profile], lock: Option<&Lock>) -> Outcome {
    let stale: Vec<&str> = profiles
        .iter()
        .filter(|profile| !lock.is_some_and(|lock| lock.fits(profile)))
        .map(|profile| profile.name.as_str())
        .collect();
    if stale.is_empty() {
        let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
        session.console.result(&serde_json::json!({"fits": names}), &format!("the lock fits {}", names.join(", ")));
        return Ok(());
    }
    Err(Failure {
        code: Code::Verification,
        ..Failure::refused(format!("imgbuild.lock does not fit {}", stale.join(", "))).hint("run `imgbuild lock`")
    })
}
