//! `imgbuild gitops`: the Git repository from which Argo CD applies what the image does not bring.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use super::search::Searcher;
use super::session::Session;
use super::{Outcome, cluster};
use crate::cli::{Gitops, Unlock};
use crate::cluster::lints::{self, Inputs};
use crate::diagnostic::Severity;
use crate::exit::Failure;
use crate::gitops::{self, GitopsError, Kept, Layout, Plan, RECORD, Repository, Step, Systems, Why};
use crate::lock::Lock;
use crate::output::count;
use crate::profile;

pub(super) fn run(verb: &Gitops, session: &Session<'_>) -> Outcome {
    match verb {
        Gitops::Init(args) => {
            let (systems, layout) = layout(session)?;
            let repository = Repository::open(&args.dir)?;
            if repository.record.is_some() {
                return Err(GitopsError::Taken { dir: args.dir.clone() }.into());
            }
            let plan = held_against(&repository, &layout, &[])?;
            write(session, &args.unlock, &repository, &plan)?;
            tell(session, &args.dir, &systems, &plan, false);
            Ok(())
        }
        Gitops::Render(args) => {
            let (systems, layout) = layout(session)?;
            let repository = Repository::open(&args.dir)?;
            if repository.record.is_none() {
                return Err(GitopsError::NotOurs { dir: args.dir.clone(), record: RECORD }.into());
            }
            let plan = held_against(&repository, &layout, &args.ours)?;
            if !args.check {
                write(session, &args.unlock, &repository, &plan)?;
            }
            tell(session, &args.dir, &systems, &plan, args.check);
            if args.check && plan.differs() {
                let news = plan.kept.iter().filter(|kept| kept.is_news).count();
                let message = format!("{} from the overlays", differ(plan.steps.len() + news));
                return Err(Failure::refused(message).hint("the same command without `--check` writes them"));
            }
            Ok(())
        }
    }
}

fn differ(number: usize) -> String {
    format!("{} {}", count(number, "file"), if number == 1 { "differs" } else { "differ" })
}

/// What the overlays of the cluster's servers make of a repository, if `check` finds no errors in what is not one node's. Secrets
/// are not looked at: none gets there, and whether they are set is no matter of the repository.
fn layout(session: &Session<'_>) -> Result<(Systems, Layout), Failure> {
    let (cluster, places) = cluster::load(session)?;
    let lock = Lock::load(&session.lock_path())?;
    let inputs = Inputs::gather(&session.workspace, &cluster, &places, lock.as_ref(), None)?;
    let mut errors = lints::run(&inputs);
    errors.retain(|finding| finding.severity == Severity::Error && finding.node.is_none());
    cluster::refuse(&errors, "the repository cannot be written")?;
    let names: BTreeSet<&String> = cluster.nodes.values().map(|node| &node.profile).collect();
    let mut profiles = BTreeMap::new();
    for name in names {
        profiles.insert(name.clone(), profile::load(&session.workspace, name)?);
    }
    let systems = gitops::systems(&cluster, &profiles)?;
    let layout = gitops::layout(&systems)?;
    Ok((systems, layout))
}

/// What is to do in a repository.
fn held_against(repository: &Repository, layout: &Layout, ours: &[String]) -> Result<Plan, Failure> {
    let nothing = BTreeMap::new();
    let record = repository.record.as_ref().unwrap_or(&nothing);
    let there = repository.digests(&layout.paths(record))?;
    let ours = ours.iter().map(|path| path.trim_start_matches("./").to_owned()).collect();
    Ok(gitops::plan(layout, &there, record, &ours)?)
}

/// Carries a plan out, if no secret of the workspace is in what it writes.
fn write(session: &Session<'_>, unlock: &Unlock, repository: &Repository, plan: &Plan) -> Outcome {
    let secrets = cluster::open_secrets(session, unlock, "the files are not searched for secrets")?;
    let searcher = Searcher::of_workspace(session, secrets.as_ref())?;
    for (path, text) in &plan.texts {
        searcher.search(&format!("the text for {path}"), &mut text.as_bytes())?;
    }
    Ok(repository.write(plan)?)
}

fn tell(session: &Session<'_>, dir: &Path, systems: &Systems, plan: &Plan, is_check: bool) {
    let next = next(dir, plan, is_check);
    let value = json!({
        "directory": dir,
        "repository": systems.controller.repository,
        "systems": systems.by_name,
        "steps": plan.steps,
        "kept": plan.kept,
        "unchanged": plan.unchanged,
        "differs": plan.differs(),
        "next": next,
    });
    let mut lines: Vec<String> = plan.steps.iter().map(|step| step_in_words(step, is_check)).collect();
    lines.extend(plan.kept.iter().map(kept_in_words));
    if lines.is_empty() {
        lines.push(format!("{} up to date", are(plan.unchanged)));
    }
    session.console.result(&value, &lines.join("\n"));
    if session.console.is_for_people() && !next.is_empty() {
        session.console.note(&format!("next: {}", next.join(", ")));
    }
}

fn are(number: usize) -> String {
    format!("{} {}", count(number, "file"), if number == 1 { "is" } else { "are" })
}

fn step_in_words(step: &Step, is_check: bool) -> String {
    let word = match (step, is_check) {
        (Step::Add(_), false) => "added",
        (Step::Add(_), true) => "missing",
        (Step::Change(_), false) => "changed",
        (Step::Change(_), true) => "differs",
        (Step::Remove(_), false) => "removed",
        (Step::Remove(_), true) => "needless",
    };
    format!("{word:<9} {}", step.path())
}

fn kept_in_words(kept: &Kept) -> String {
    let why = match kept.why {
        Why::Changed if kept.is_news => "changed by hand, and left as it is; imgbuild has another version for it since",
        Why::Changed => "changed by hand, and left as it is",
        Why::Foreign => "not from imgbuild, and left as it is",
        Why::Removed if kept.is_news => "removed by hand, and left out; imgbuild has another version for it since",
        Why::Removed => "removed by hand, and left out",
        Why::Obsolete => "changed by hand, and left as it is; imgbuild makes nothing for it any more",
    };
    format!("{:<9} {}: {why}", "yours", kept.path)
}

fn next(dir: &Path, plan: &Plan, is_check: bool) -> Vec<String> {
    let mut next = Vec::new();
    if is_check {
        return next;
    }
    let is_new = !dir.join(".git").exists();
    let dir = super::init::quoted(dir);
    if !plan.steps.is_empty() {
        next.extend(is_new.then(|| format!("git -C {dir} init")));
        next.push(format!("git -C {dir} add --all"));
        next.push(format!("git -C {dir} commit -m \"Systems of the cluster\""));
        next.push(format!("git -C {dir} push"));
    }
    let news = plan.kept.iter().find(|kept| kept.is_news && kept.why != Why::Obsolete);
    next.extend(
        news.map(|kept| format!("to take imgbuild's version: imgbuild gitops render {dir} --ours {}", kept.path)),
    );
    next
}
