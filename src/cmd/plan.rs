//! `imgbuild build --plan`: what a build would fetch and make, and why. Nothing is fetched, made or written; what a build
//! would refuse before it does any of that is refused with the same words.

use std::path::Path;

use serde_json::{Value, json};

use super::lock as locking;
use super::search::Searcher;
use super::session::Session;
use super::{Outcome, cluster, image};
use crate::cli::Build;
use crate::exit::Failure;
use crate::image::file_names;
use crate::lock::{CriticalChangeError, Lock};
use crate::output::bytes;
use crate::pipeline::survey::{self, Item, State};
use crate::pipeline::{Moves, Plan, declared, up_to_date};
use crate::profile::{self, Profile};

/// Why images are made that may be there already.
const OVERRIDDEN: &str = "secrets come from the environment, which does not tell whether they are what they were";
const ALWAYS_ANEW: &str =
    "a node's image is made anew each time: what it is made of is nothing that the cache should know";

pub(super) fn run(args: &Build, session: &Session<'_>) -> Outcome {
    match (&args.node, &args.profile) {
        (Some(node), _) => of_node(args, node, session),
        (None, Some(profile)) => of_profile(args, profile, session),
        (None, None) => Err(image::nothing_named()),
    }
}

fn of_profile(args: &Build, name: &str, session: &Session<'_>) -> Outcome {
    session.look_at_cache()?;
    let output = image::output_of_profile(args, name, session);
    let profile = profile::load(&session.workspace, name)?;
    image::check_place(&output)?;
    let lock = locking::load(session)?;
    let subject = Subject { profile: name, node: None, output: &output, k3s_dir: args.k3s.k3s_dir.as_deref() };
    let plan = plan_if_locked(&subject, session, &profile, &lock)?;
    let check = plan.as_ref().map(|plan| image::check(session, plan, &lock, &output)).transpose()?.flatten();
    let why = match check.map(|check| check.state(&session.cache)) {
        Some(up_to_date::State::UpToDate(_)) => {
            subject.tell_up_to_date(session);
            return Ok(());
        }
        Some(up_to_date::State::Stale(why)) => why,
        None => vec![OVERRIDDEN.to_owned()],
    };
    // What cannot be opened is told by the search itself.
    Searcher::of_workspace(session, Searcher::open(session, &args.unlock)?.as_ref())?;
    subject.tell_or_refuse(session, plan.as_ref(), &why)
}

fn of_node(args: &Build, name: &str, session: &Session<'_>) -> Outcome {
    session.look_at_cache()?;
    let member = cluster::resolve_node(session, name, &args.unlock)?;
    let output = image::output_of_node(args, &member.name, session);
    image::check_place(&output)?;
    let lock = locking::load(session)?;
    let profile = &member.profile;
    let k3s_dir = args.k3s.k3s_dir.as_deref();
    let subject = Subject { profile: &profile.name, node: Some(&member.name), output: &output, k3s_dir };
    let plan = plan_if_locked(&subject, session, profile, &lock)?;
    let changes = lock.critical_changes(&member.critical);
    if plan.is_some() && !changes.is_empty() {
        return Err(CriticalChangeError(changes).into());
    }
    subject.tell_or_refuse(session, plan.as_ref(), &[ALWAYS_ANEW.to_owned()])
}

/// The plan for `profile`; none if a build would have to lock it first. What a build refuses is refused.
fn plan_if_locked<'a>(
    subject: &Subject<'_>,
    session: &Session<'_>,
    profile: &'a Profile,
    lock: &'a Lock,
) -> Result<Option<Plan<'a>>, Failure> {
    let is_locked = locking::is_locked(lock, profile)?;
    let releases = session.releases(subject.k3s_dir);
    releases.look_at_dir(profile, lock)?;
    if is_locked {
        return image::plan(session, profile, lock).map(Some);
    }
    if session.fetcher.is_offline() {
        // Neither writes anything, nor can it succeed without a connection but where there is nothing to choose from.
        if subject.k3s_dir.is_none() {
            releases.choose(profile, lock, &Moves::new())?;
        }
        locking::indexes(session, profile)?;
    }
    Ok(None)
}

/// A build that is asked about.
struct Subject<'a> {
    profile: &'a str,
    /// The node whose seed goes in.
    node: Option<&'a str>,
    output: &'a Path,
    k3s_dir: Option<&'a Path>,
}

impl Subject<'_> {
    fn tell_up_to_date(&self, session: &Session<'_>) {
        let text = format!("{} is up to date: nothing would be done", self.image());
        session.console.result(&self.json(true, &[], 0, &[]), &text);
    }

    /// Of a profile that is not locked: what it comes down to only its lock tells.
    fn tell_unlocked(&self, session: &Session<'_>) {
        let why = format!("profile `{}` is not in imgbuild.lock", self.profile);
        let does = "choose exact packages from the archives, look at their scripts, and write imgbuild.lock";
        let text = format!(
            "{} would be made\n  because {why}\n\n1. lock: {does}\n\nwhat comes then is known when that is done: `imgbuild \
             lock --profile {}`",
            self.image(),
            self.profile
        );
        let step = json!({"step": "lock", "does": does});
        session.console.result(&self.json(false, &[why], 0, &[step]), &text);
    }

    /// Of an image that would be made for the reasons `why`, unless what it takes is out of reach; without a plan its profile
    /// is not locked.
    fn tell_or_refuse(&self, session: &Session<'_>, plan: Option<&Plan<'_>>, why: &[String]) -> Outcome {
        let ledger = locking::workspace_ledger(&session.ledger_path())?;
        match plan {
            Some(plan) => {
                let packages = plan.packages.iter().map(|package| package.locked);
                declared::expect(plan.profile, packages, &ledger)?;
                survey::could_fetch(plan, self.k3s_dir, session.tools())?;
                self.tell_stale(session, plan, why);
            }
            None => self.tell_unlocked(session),
        }
        Ok(())
    }

    /// Of an image that would be made for the reasons `why`.
    fn tell_stale(&self, session: &Session<'_>, plan: &Plan<'_>, why: &[String]) {
        let steps = survey::steps(plan, self.node, self.k3s_dir, session.tools());
        let absent = steps.iter().flat_map(|step| &step.items).filter(|item| item.state == State::Absent);
        let download = absent.filter_map(|item| item.size).sum();
        let mut lines = vec![format!("{} would be made", self.image())];
        lines.extend(why.iter().map(|why| format!("  because {why}")));
        lines.push(String::new());
        for (number, step) in (1..).zip(&steps) {
            lines.push(format!("{number}. {}: {}", step.name, step.does));
            lines.extend(step.items.iter().filter_map(line));
        }
        let steps: Vec<Value> = steps.iter().map(|step| json!(step)).collect();
        session.console.result(&self.json(false, why, download, &steps), &lines.join("\n"));
    }

    /// What its files are called by.
    fn name(&self) -> &str {
        self.node.unwrap_or(self.profile)
    }

    fn image(&self) -> String {
        let [image, ..] = file_names(self.name());
        self.output.join(image).display().to_string()
    }

    fn json(&self, up_to_date: bool, why: &[String], download: u64, steps: &[Value]) -> Value {
        json!({
            "profile": self.profile,
            "node": self.node,
            "image": self.image(),
            "up_to_date": up_to_date,
            "why": why,
            "download": download,
            "steps": steps,
        })
    }
}

/// What is not ready, a line each.
fn line(item: &Item<'_>) -> Option<String> {
    let Item { name, version, arch, size, from, .. } = item;
    let from = from.first().map_or(String::new(), |from| format!(" from {from}"));
    match item.state {
        State::Absent => {
            let size = size.map_or(", size unknown".to_owned(), |size| format!(", {}", bytes(size)));
            Some(format!("   fetch {name} {version} {arch}{size}{from}"))
        }
        State::Unpacked | State::Downloaded => None,
    }
}
