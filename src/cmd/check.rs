//! `imgbuild check`: profiles, overlays, lock and, where there is one, the cluster; without building, and without network
//! unless the datastore is asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Outcome;
use super::cluster::open_secrets;
use super::lock as locking;
use super::session::{Session, today};
use crate::cli::Check;
use crate::cluster::lints::{self, Finding, Inputs, online};
use crate::cluster::secrets::{DATASTORE_URL, Vault};
use crate::cluster::{self, Cluster, ClusterError, Places};
use crate::datastore::{self, Endpoint};
use crate::diagnostic::Severity;
use crate::effects::ledger::Ledger;
use crate::exit::Failure;
use crate::lock::{Lock, OutdatedError};
use crate::output::count;
use crate::profile::{self, Profile};

pub(super) fn run(args: &Check, session: &Session<'_>) -> Outcome {
    let lock = Lock::load(&session.lock_path())?;
    let ledger = locking::workspace_ledger(&session.ledger_path())?;
    let mut seen = Seen { lock: lock.as_ref(), ledger, ..Seen::default() };
    // Whoever names a profile is told of that one first.
    if let Some(name) = &args.profile {
        seen.profile(session, &profile::load(&session.workspace, name)?);
    }
    match cluster::load_with_places(&session.workspace) {
        Ok(Some((cluster, places))) => seen.cluster(args, session, &cluster, &places)?,
        Ok(None) if args.node.is_some() || args.online => return Err(Failure::from(ClusterError::Absent)),
        Ok(None) => seen.findings.extend(no_cluster_file(session, lock.as_ref())),
        Err(error) => {
            seen.has_cluster = true;
            seen.findings.push(lints::unreadable(&error).ok_or_else(|| Failure::from(error))?);
        }
    }
    if args.profile.is_none() && args.node.is_none() {
        seen.all_profiles(session)?;
    }
    let spare = std::mem::take(&mut seen.spare).into_iter().filter(|(name, _)| !seen.used.contains(name));
    seen.findings.extend(spare.flat_map(|(_, found)| found));
    seen.tell(session)
}

/// What was looked at, and what was found.
#[derive(Default)]
struct Seen<'l> {
    lock: Option<&'l Lock>,
    /// The workspace's own.
    ledger: Ledger,
    findings: Vec<Finding>,
    /// The profiles that nodes have, which are looked at with them.
    used: BTreeSet<String>,
    /// What was found in each profile by itself.
    spare: BTreeMap<String, Vec<Finding>>,
    nodes: Vec<Value>,
    profiles: Vec<Value>,
    /// One for each node, profile and datastore, for people.
    lines: Vec<String>,
    /// What is wrong with the lock, once for each profile.
    stale: Vec<OutdatedError>,
    /// Locked packages that the ledger no longer accepts, in words.
    unaccepted: BTreeSet<String>,
    has_cluster: bool,
    /// What else was read, in words.
    also: Vec<&'static str>,
    datastore: Option<String>,
}

impl Seen<'_> {
    fn cluster(&mut self, args: &Check, session: &Session<'_>, cluster: &Cluster, places: &Places) -> Outcome {
        self.has_cluster = true;
        self.also.push("cluster.toml");
        let wanted = wanted(args, cluster)?;
        let secrets = open_secrets(session, &args.unlock, "secrets are not checked")?;
        self.also.extend(secrets.as_ref().map(|_| "the secrets"));
        let mut inputs = Inputs::gather(&session.workspace, cluster, places, self.lock, secrets.as_ref())?;
        inputs.today = today();
        self.used.extend(inputs.profiles.keys().cloned());
        let found = lints::run(&inputs);
        let concerns = |finding: &Finding| finding.node.as_ref().is_none_or(|node| wanted.contains(&node.as_str()));
        self.findings.extend(found.into_iter().filter(concerns));
        for (node, profile) in inputs.nodes().filter(|(node, _)| wanted.contains(&node.name.as_str())) {
            let state = self.lock_state(profile);
            let (name, board) = (&node.name, profile.board.name());
            let address = node.address.as_deref().unwrap_or("DHCP");
            self.lines.push(format!("{name:<12} {:<12} {board:<11} {address:<20} {state}", node.profile));
            let address = &node.address;
            self.nodes.push(
                json!({"node": name, "profile": node.profile, "board": board, "address": address, "lock": state}),
            );
        }
        if args.online {
            let (found, note, answers) = ask(session, &inputs)?;
            self.findings.extend(found);
            // What is wrong with it says a finding.
            if answers {
                self.lines.push(format!("{DATASTORE:<12} {note}"));
            }
            self.datastore = Some(note);
        }
        Ok(())
    }

    /// The profiles of the workspace; in one without a cluster those of the program too.
    fn all_profiles(&mut self, session: &Session<'_>) -> Outcome {
        for (name, loaded) in profile::bootable(&session.workspace)? {
            if self.has_cluster && !session.workspace.has_profile(&name) {
                continue;
            }
            match loaded {
                Ok(profile) => self.profile(session, &profile),
                // Told with the node that has it.
                Err(_) if self.used.contains(&name) => {}
                Err(error) => {
                    let finding = lints::broken_profile(&name, &error);
                    // Profiles may have a broken file in common.
                    if self.findings.iter().all(|known| known.diagnostic != finding.diagnostic) {
                        self.findings.push(finding);
                    }
                }
            }
        }
        Ok(())
    }

    fn profile(&mut self, session: &Session<'_>, profile: &Profile) {
        let Profile { name, board, description, .. } = profile;
        // Nobody can mend those of the program.
        if session.workspace.has_profile(name) {
            self.spare.insert(name.clone(), lints::of_profile(profile, today()));
        }
        let state = self.lock_state(profile);
        self.lines.push(format!("{name:<12} {:<11} {state:<20} {description}", board.name()));
        self.profiles.push(json!({"profile": name, "board": board, "lock": state, "description": description}));
    }

    /// The state in a word.
    fn lock_state(&mut self, profile: &Profile) -> &'static str {
        if let Some(lock) = self.lock {
            self.unaccepted.extend(locking::unaccepted(lock, &profile.name, &self.ledger));
        }
        match self.lock.map(|lock| lock.expect(profile)) {
            Some(Ok(_)) if self.lock.is_some_and(|lock| lock.lacks_release(profile)) => {
                let finding = lints::without_k3s(&profile.name);
                if !self.findings.contains(&finding) {
                    self.findings.push(finding);
                }
                "locked without K3s"
            }
            Some(Ok(_)) => "locked",
            None | Some(Err(OutdatedError::Missing { .. })) => "not locked",
            Some(Err(error)) => {
                if !self.stale.contains(&error) {
                    self.stale.push(error);
                }
                "lock is out of date"
            }
        }
    }

    /// Shows the findings and what was looked at, and fails if one of them is an error.
    fn tell(self, session: &Session<'_>) -> Outcome {
        let number = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
        let mut parts: Vec<String> = self.findings.iter().map(|finding| finding.render(true)).collect();
        parts.push(self.lines.join("\n"));
        let looked_at = self.looked_at();
        if errors + warnings == 0 && self.stale.is_empty() && self.unaccepted.is_empty() {
            parts.push(format!("nothing wrong in {looked_at}"));
        }
        let value = json!({
            "findings": self.findings,
            "nodes": self.nodes,
            "profiles": self.profiles,
            "datastore": self.datastore,
            "looked_at": looked_at,
        });
        parts.retain(|part| !part.is_empty());
        session.console.result(&value, &parts.join("\n\n"));
        let more = if warnings > 0 { format!(" and {}", count(warnings, "warning")) } else { String::new() };
        if errors > 0 {
            let message = format!("{}{more} in this workspace", count(errors, "error"));
            return Err(Failure::refused(message).hint("each says how to mend it; `--json` gives them to programs"));
        }
        // Programs count them themselves, and get the result last.
        if warnings > 0 && session.console.is_for_people() {
            session.console.note(&format!("{} in {looked_at}", count(warnings, "warning")));
        }
        locking::fits(&self.stale, self.unaccepted.into_iter().collect())
    }

    /// In words: what a clean answer is about.
    fn looked_at(&self) -> String {
        let mut all: Vec<String> = self.also.iter().map(|what| (*what).to_owned()).collect();
        for (list, what) in [(&self.nodes, "node"), (&self.profiles, "profile")] {
            all.extend((!list.is_empty()).then(|| count(list.len(), what)));
        }
        all.extend(self.datastore.as_ref().map(|_| "the datastore".to_owned()));
        all.push(if self.lock.is_some() { "imgbuild.lock" } else { "no lock: there is none yet" }.to_owned());
        all.join(", ")
    }
}

/// What is to be said of a workspace without a cluster file, if anything.
fn no_cluster_file(session: &Session<'_>, lock: Option<&Lock>) -> Option<Finding> {
    let secrets = Vault::paths(session.root()).into_iter().find(|path| path.exists());
    let secrets = secrets.map(|path| format!("`{}`", path.file_name().unwrap_or_default().display()));
    let locked = lock.filter(|lock| !lock.cluster.is_empty() || !lock.nodes.is_empty());
    let sign = secrets.or_else(|| locked.map(|_| "imgbuild.lock has a cluster's values".to_owned()));
    let entries = std::fs::read_dir(session.root()).into_iter().flatten().flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    lints::no_cluster_file(names.into_iter(), sign.as_deref())
}

/// Goes to the cluster's datastore; gives what is to be said of it, in a few words what is there, and whether no finding says that.
fn ask(session: &Session<'_>, inputs: &Inputs<'_>) -> Result<(Vec<Finding>, String, bool), Failure> {
    let nothing = |why: &str| Ok((Vec::new(), why.to_owned(), true));
    if session.fetcher.is_offline() {
        return Err(Failure::refused("`--online` connects to the datastore, and `--offline` opens no connection")
            .hint("leave one of them out"));
    }
    if inputs.cluster.datastore.is_none() {
        return nothing("none to connect to: the one server keeps its state itself");
    }
    let Some(secrets) = inputs.secrets else {
        return Err(Failure::refused("the datastore's URL cannot be read: the secrets cannot be opened here")
            .hint("give the identity that opens them: `--identity FILE`"));
    };
    // What is missing is a finding of its own.
    let url = secrets.require(DATASTORE_URL).ok().and_then(|url| Endpoint::parse(url.expose()).ok());
    let (Some(endpoint), Some(ca)) = (url, &inputs.datastore_ca) else {
        return nothing("not asked: its URL or CA is missing");
    };
    let progress = session.console.progress();
    progress.begin(DATASTORE, 0);
    let seen = datastore::inspect(&endpoint, ca);
    let note = match &seen {
        Ok(facts) => format!("PostgreSQL {} at {endpoint}", online::redacted(inputs, &facts.answers.version)),
        Err(_) => format!("no answer from {endpoint}"),
    };
    progress.finish(DATASTORE, &note);
    Ok((online::findings(inputs, &seen), note, seen.is_ok()))
}

/// The nodes that are asked about: one, those of a profile, or all.
fn wanted<'a>(args: &Check, cluster: &'a Cluster) -> Result<Vec<&'a str>, Failure> {
    if let Some(name) = &args.node {
        let node = cluster.node(name)?;
        return Ok(vec![&node.name]);
    }
    let nodes = cluster.nodes.values();
    Ok(nodes
        .filter(|node| args.profile.as_ref().is_none_or(|profile| *profile == node.profile))
        .map(|node| node.name.as_str())
        .collect())
}

/// What the datastore is called among the nodes.
const DATASTORE: &str = "datastore";
