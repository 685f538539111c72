//! `imgbuild check`: checks profiles, overlays, the lock and the cluster, if there is one. It builds nothing, and uses the network
//! only for `--online`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Outcome;
use super::cluster::open_secrets;
use super::lock as locking;
use super::session::{Session, today};
use crate::cli::Check;
use crate::cluster::lints::{self, Finding, Inputs, online};
use crate::cluster::manifests::{Home, uses};
use crate::cluster::secrets::{DATASTORE_URL, Vault};
use crate::cluster::{self, Cluster, ClusterError, SourceSpans};
use crate::datastore::{self, Endpoint};
use crate::diagnostic::Severity;
use crate::effects::ledger::Ledger;
use crate::exit::Failure;
use crate::lock::{Lock, OutdatedError};
use crate::output::count;
use crate::pipeline::declared;
use crate::profile::{self, ManifestTemplate, Profile, Role};

pub(super) fn run(args: &Check, session: &Session<'_>) -> Outcome {
    let lock = Lock::load(&session.lock_path())?;
    let ledger = locking::workspace_ledger(&session.ledger_path())?;
    let mut report = CheckReport { lock: lock.as_ref(), ledger, ..CheckReport::default() };
    // A profile that the command line names is checked first.
    if let Some(name) = &args.profile {
        report.profile(session, &profile::load(&session.workspace, name)?);
    }
    match cluster::load_with_places(&session.workspace) {
        Ok(Some((cluster, places))) => report.cluster(args, session, &cluster, &places)?,
        Ok(None) if args.node.is_some() || args.online => return Err(Failure::from(ClusterError::Absent)),
        Ok(None) => report.findings.extend(no_cluster_file(session, lock.as_ref())),
        Err(error) => {
            report.has_cluster = true;
            report.findings.push(lints::unreadable(&error).ok_or_else(|| Failure::from(error))?);
        }
    }
    if args.profile.is_none() && args.node.is_none() {
        report.all_profiles(session)?;
    }
    let spare = std::mem::take(&mut report.spare).into_iter().filter(|(name, _)| !report.used.contains(name));
    report.findings.extend(spare.flat_map(|(_, found)| found));
    report.tell(session)
}

/// What was checked, and what was found.
#[derive(Default)]
struct CheckReport<'l> {
    lock: Option<&'l Lock>,
    /// The workspace's own ledger.
    ledger: Ledger,
    findings: Vec<Finding>,
    /// Profiles that nodes use; these are checked with their nodes.
    used: BTreeSet<String>,
    /// Findings in each profile by itself.
    spare: BTreeMap<String, Vec<Finding>>,
    nodes: Vec<Value>,
    profiles: Vec<Value>,
    /// Where the manifests of each server's profile go, by their files' names: `image`, `seed` or `git`.
    manifests: BTreeMap<String, BTreeMap<String, &'static str>>,
    /// The text output: one line for each node, profile and datastore.
    lines: Vec<String>,
    /// Profiles that the lock does not match.
    stale: Vec<OutdatedError>,
    /// Descriptions of locked packages that the ledger no longer accepts.
    unaccepted: BTreeSet<String>,
    has_cluster: bool,
    /// Names of other things that were checked.
    also: Vec<&'static str>,
    datastore: Option<String>,
}

impl CheckReport<'_> {
    fn cluster(&mut self, args: &Check, session: &Session<'_>, cluster: &Cluster, places: &SourceSpans) -> Outcome {
        self.has_cluster = true;
        self.also.push("cluster.toml");
        let wanted = wanted(args, cluster)?;
        let secrets = open_secrets(session, &args.unlock, "secrets are not checked")?;
        self.also.extend(secrets.as_ref().map(|_| "the secrets"));
        let mut inputs = Inputs::gather(&session.workspace, cluster, places, self.lock, secrets.as_ref())?;
        inputs.today = today();
        self.used.extend(inputs.profiles.keys().cloned());
        let servers: BTreeMap<&str, &Profile> =
            inputs.nodes().map(|(_, profile)| (profile.name.as_str(), profile)).collect();
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
        for profile in servers.into_values() {
            self.note_manifests(profile);
        }
        if args.online {
            let (found, note, answers) = ask(session, &inputs)?;
            self.findings.extend(found);
            // If it does not answer, a finding says so.
            if answers {
                self.lines.push(format!("{DATASTORE:<12} {note}"));
            }
            self.datastore = Some(note);
        }
        Ok(())
    }

    /// Checks the profiles of the workspace, and in a workspace without a cluster the embedded ones too.
    fn all_profiles(&mut self, session: &Session<'_>) -> Outcome {
        for (name, loaded) in profile::bootable(&session.workspace)? {
            if self.has_cluster && !session.workspace.has_profile(&name) {
                continue;
            }
            match loaded {
                Ok(profile) => self.profile(session, &profile),
                // Reported with the node that uses it.
                Err(_) if self.used.contains(&name) => {}
                Err(error) => {
                    let finding = lints::broken_profile(&name, &error);
                    // Several profiles may share one broken file.
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
        // Users cannot change embedded profiles, so findings in them are not shown.
        if session.workspace.has_profile(name) {
            self.spare.insert(name.clone(), lints::of_profile(profile, self.lock, today()));
        }
        let state = self.lock_state(profile);
        self.lines.push(format!("{name:<12} {:<11} {state:<20} {description}", board.name()));
        self.profiles.push(json!({"profile": name, "board": board, "lock": state, "description": description}));
        self.note_manifests(profile);
    }

    /// Notes where the manifests of a server go, with a line on what Git delivers. Templates that cannot be read are findings.
    fn note_manifests(&mut self, profile: &Profile) {
        let is_noted = self.manifests.contains_key(&profile.name);
        if is_noted || profile.manifests.is_empty() || profile.k3s.as_ref().is_none_or(|k3s| k3s.role != Role::Server) {
            return;
        }
        let home = |template: &ManifestTemplate| Some(uses(template).ok()?.home(template.via));
        let homes: BTreeMap<&String, (Home, &ManifestTemplate)> =
            profile.manifests.iter().filter_map(|(name, it)| Some((name, (home(it)?, it)))).collect();
        let by_git = homes.values().filter(|(home, _)| *home == Home::Git);
        let by_git: BTreeSet<String> = by_git.map(|(_, template)| template.origin.name().to_owned()).collect();
        if !by_git.is_empty() {
            let overlays: Vec<String> = by_git.into_iter().collect();
            self.lines.push(format!("{GIT:<12} {:<12} {}", profile.name, overlays.join(", ")));
        }
        let names = homes.into_iter().map(|(name, (home, _))| (name.clone(), home.name()));
        self.manifests.insert(profile.name.clone(), names.collect());
    }

    /// The profile's state in the lock, as one short text.
    fn lock_state(&mut self, profile: &Profile) -> &'static str {
        if let Some(lock) = self.lock {
            self.unaccepted.extend(locking::unaccepted(lock, &profile.name, &self.ledger));
        }
        let fits = |lock: &Lock| {
            lock.expect(profile)?;
            declared::expect(profile, lock.packages_of(&profile.name), &self.ledger)
        };
        match self.lock.map(fits) {
            Some(Ok(())) if self.lock.is_some_and(|lock| lock.lacks_release(profile)) => {
                let finding = lints::without_k3s(&profile.name);
                if !self.findings.contains(&finding) {
                    self.findings.push(finding);
                }
                "locked without K3s"
            }
            Some(Ok(())) => "locked",
            None | Some(Err(OutdatedError::Missing { .. })) => "not locked",
            Some(Err(error)) => {
                if !self.stale.contains(&error) {
                    self.stale.push(error);
                }
                "lock is out of date"
            }
        }
    }

    /// Prints the findings and what was checked, and fails if a finding is an error.
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
            "manifests": self.manifests,
            "datastore": self.datastore,
            "looked_at": looked_at,
        });
        parts.retain(|part| !part.is_empty());
        session.console.result(&value, &parts.join("\n\n"));
        let more = if warnings > 0 { format!(" and {}", count(warnings, "warning")) } else { String::new() };
        if errors > 0 {
            let message = format!("{}{more} in this workspace", count(errors, "error"));
            return Err(
                Failure::refused(message).hint("each one says how to fix it; `--json` prints them for programs")
            );
        }
        // With `--json` the result must be the last line, and programs can count the warnings themselves.
        if warnings > 0 && session.console.is_for_people() {
            session.console.note(&format!("{} in {looked_at}", count(warnings, "warning")));
        }
        locking::fits(&self.stale, self.unaccepted.into_iter().collect())
    }

    /// Describes what was checked.
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

/// A finding for a workspace without a cluster file, if it seems to have a cluster.
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

/// Queries the cluster's datastore. Returns the findings, a short description, and whether the description should be shown: it is
/// not if a finding says the same.
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
        return Err(Failure::refused("the datastore's URL cannot be read: the secrets cannot be decrypted here")
            .hint("name the identity that decrypts them: `--identity FILE`"));
    };
    // A missing secret is reported as a finding of its own.
    let url = secrets.require(DATASTORE_URL).ok().and_then(|url| Endpoint::parse(url.expose()).ok());
    let (Some(endpoint), Some(ca)) = (url, &inputs.datastore_ca) else {
        return nothing("not asked: its URL or CA is missing");
    };
    let progress = session.console.progress();
    progress.begin(DATASTORE, 0);
    let found = datastore::inspect(&endpoint, ca);
    let note = match &found {
        Ok(facts) => format!("PostgreSQL {} at {endpoint}", online::redacted(inputs, &facts.answers.version)),
        Err(_) => format!("no answer from {endpoint}"),
    };
    progress.finish(DATASTORE, &note);
    Ok((online::findings(inputs, &found), note, found.is_ok()))
}

/// The nodes to check: one, those of a profile, or all.
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

/// What stands before the overlays that Git delivers.
const GIT: &str = "by Git";
/// The datastore's name in the list of nodes.
const DATASTORE: &str = "datastore";
