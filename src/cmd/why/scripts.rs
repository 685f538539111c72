//! `imgbuild why --scripts`: what the maintainer scripts of a package do to the image, line by line.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cmd::lock as locking;
use crate::cmd::session::Session;
use crate::debian::Package;
use crate::diagnostic::closest;
use crate::effects::ledger::{self, Ledger, Verdict};
use crate::exit::Failure;
use crate::lock::{self, Lock, LockedPackage, Update};
use crate::pipeline::scripts::{Ids, Subject, attempt};
use crate::pipeline::{self, PlannedPackage};
use crate::profile::Profile;
use crate::shell::Change;

/// What the scripts of one package do.
pub(super) struct Scripts {
    package: String,
    version: String,
    all: Vec<Script>,
}

struct Script {
    name: &'static str,
    verdict: Verdict,
    /// What its review says.
    note: Option<String>,
    changes: Vec<Change>,
    /// Why it cannot be followed further.
    stop: Option<String>,
}

/// Evaluates the scripts of all packages of `profile`, those that are locked or else those that a lock would have now, and keeps what
/// those of the package `name` do.
pub(super) fn find(
    name: &str,
    profile: &Profile,
    lock: &Lock,
    is_locked: bool,
    session: &Session<'_>,
) -> Result<Scripts, Failure> {
    let (chosen, downloads, epoch) = if is_locked {
        let chosen: Vec<LockedPackage> = lock.packages_of(&profile.name).cloned().collect();
        let epoch = lock.profiles.get(&profile.name).map_or(0, |locked| locked.epoch);
        (chosen, lock.downloads(&profile.name, &session.mirror), epoch)
    } else {
        session.console.note(&format!("`{}` is not locked: this is what the archives have now", profile.name));
        let indexes = locking::indexes(session, profile)?;
        let locked = lock::lock_profile(profile, &indexes, None, Update::Nothing)?;
        let downloads = locked.downloads(&session.mirror);
        (locked.packages, downloads, locked.profile.epoch)
    };
    let planned = PlannedPackage::of(&chosen, downloads);
    let packages = pipeline::unpacked(&planned, session.tools())?;
    let Some(package) = packages.iter().find(|package| package.name == name) else {
        let meant = closest(name, packages.iter().map(|package| package.name.as_str()));
        let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        return Err(Failure::refused(format!("`{}` has no package `{name}`", profile.name))
            .hint(format!("{meant}imgbuild.lock lists the packages of a locked profile")));
    };
    let ledger = locking::workspace_ledger(&session.ledger_path())?;
    let declared = ledger.declared_for(&packages)?;
    let subject = Subject { profile, packages: &packages, declared: &declared, ledger: &ledger, epoch };
    let installed = attempt(subject, Ids { pinned: &lock.ids, may_add: true })?;
    let script = |script: &'static str| {
        let treatment = ledger::treatment(package, script, &ledger);
        let records = installed.records.iter().filter(|record| record.package == name && record.script == script);
        let unfollowed = installed.unfollowed.iter().find(|found| found.package == name && found.script == script);
        let stopped = unfollowed.into_iter().flat_map(|found| &found.changes);
        Script {
            name: script,
            verdict: treatment.verdict,
            note: note(package, script, treatment.verdict, &ledger),
            changes: records.flat_map(|record| &record.changes).chain(stopped).cloned().collect(),
            stop: unfollowed.map(|found| {
                let line = if found.text.is_empty() { String::new() } else { format!(": {}", found.text.trim()) };
                format!("cannot be followed at line {}: {}{line}", found.stop.line, found.stop.reason)
            }),
        }
    };
    let there = ledger::SCRIPTS.into_iter().filter(|script| package.control.contains_key(*script));
    Ok(Scripts { package: name.to_owned(), version: package.version.clone(), all: there.map(script).collect() })
}

fn note(package: &Package, script: &str, verdict: Verdict, ledger: &Ledger) -> Option<String> {
    let ledger = match verdict {
        Verdict::Reviewed => Ledger::embedded(),
        Verdict::Accepted => ledger,
        _ => return None,
    };
    ledger.note(&package.name, script).map(str::to_owned)
}

impl Scripts {
    /// For people.
    pub(super) fn describe(&self) -> String {
        let mut text = format!("{} {}", self.package, self.version);
        if self.all.is_empty() {
            text.push_str("\n  has no script that runs when it is installed");
        }
        for Script { name, verdict, note, changes, stop } in &self.all {
            let says = match verdict {
                Verdict::None => "says nothing that is carried out",
                Verdict::Snippets => "is what debhelper generates; effects do that for all packages at once",
                Verdict::Evaluated => "is evaluated",
                Verdict::Reviewed => "was reviewed by hand",
                Verdict::Accepted => "is accepted by the workspace's ledger.toml",
            };
            let _ = write!(text, "\n  {name} {says}");
            if let Some(note) = note {
                let _ = write!(text, ": {note}");
            }
            for Change { line, what } in changes {
                let _ = write!(text, "\n  {line:5}  {what}");
            }
            match stop {
                Some(stop) => {
                    let _ = write!(text, "\n         {stop}");
                }
                None if changes.is_empty() && *verdict == Verdict::Evaluated => {
                    text.push_str("\n         changes no file on a first installation");
                }
                None => {}
            }
        }
        text
    }

    /// For programs.
    pub(super) fn value(&self) -> Value {
        let script = |script: &Script| {
            let change = |change: &Change| json!({"line": change.line, "what": change.what});
            json!({
                "script": script.name,
                "verdict": script.verdict.as_str(),
                "note": script.note,
                "changes": script.changes.iter().map(change).collect::<Vec<_>>(),
                "stop": script.stop,
            })
        };
        let scripts: Vec<Value> = self.all.iter().map(script).collect();
        json!({"package": self.package, "version": self.version, "scripts": scripts})
    }
}
