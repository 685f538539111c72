//! `imgbuild check`: profiles, overlays, lock and, where there is one, the cluster; without building, and without network
//! unless the datastore is asked for.

use serde_json::json;

use super::Outcome;
use super::cluster::open_secrets;
use super::session::Session;
use crate::cli::Check;
use crate::cluster::lints::{self, Finding, Inputs, online};
use crate::cluster::secrets::DATASTORE_URL;
use crate::cluster::{self, Cluster, ClusterError};
use crate::datastore::{self, Endpoint};
use crate::exit::{Code, Failure};
use crate::lock::{Lock, OutdatedError};
use crate::output::{Severity, count};
use crate::profile::{self, Profile};

pub(super) fn run(args: &Check, session: &Session<'_>) -> Outcome {
    let lock = Lock::load(&session.lock_path())?;
    let loaded = match cluster::load_with_places(&session.workspace) {
        Ok(loaded) => loaded,
        Err(error) => {
            let finding = lints::unreadable(&error).ok_or_else(|| Failure::from(error))?;
            return tell(session, &[finding], "");
        }
    };
    let Some((cluster, places)) = loaded else {
        if args.node.is_some() || args.online {
            return Err(Failure::from(ClusterError::Absent));
        }
        return profiles(args, session, lock.as_ref());
    };
    let wanted = wanted(args, &cluster)?;
    let secrets = open_secrets(session, &args.unlock, "secrets are not checked")?;
    let inputs = Inputs::gather(&session.workspace, &cluster, &places, lock.as_ref(), secrets.as_ref())?;
    let mut findings = lints::run(&inputs);
    findings.retain(|finding| finding.node.as_ref().is_none_or(|node| wanted.contains(&node.as_str())));

    let mut lines = Vec::new();
    let mut stale = Vec::new();
    for (node, profile) in inputs.nodes().filter(|(node, _)| wanted.contains(&node.name.as_str())) {
        let state = lock_state(lock.as_ref(), profile, &mut stale);
        let (name, address) = (&node.name, node.address.as_deref().unwrap_or("DHCP"));
        lines.push(format!("{name:<12} {:<12} {:<11} {address:<20} {state}", node.profile, profile.board.name()));
    }
    if args.online {
        let (found, line) = ask(session, &inputs)?;
        findings.extend(found);
        lines.push(line);
    }
    tell(session, &findings, &lines.join("\n"))?;
    fits(&stale)
}

/// Goes to the cluster's datastore; gives what is to be said of it, and a line for a person.
fn ask(session: &Session<'_>, inputs: &Inputs<'_>) -> Result<(Vec<Finding>, String), Failure> {
    let nothing = |why: &str| Ok((Vec::new(), format!("{DATASTORE:<12} {why}")));
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
    let url = secrets.require(DATASTORE_URL).ok().and_then(|url| Endpoint::parse(url.expose()));
    let (Some(endpoint), Some(ca)) = (url, &inputs.datastore_ca) else {
        return nothing("not asked: its URL or CA is missing");
    };
    let progress = session.console.progress();
    progress.begin(DATASTORE, 0);
    let seen = datastore::look(&endpoint, ca);
    let note = match &seen {
        Ok(facts) => format!("PostgreSQL {} at {endpoint}", facts.answers.version),
        Err(_) => format!("no answer from {endpoint}"),
    };
    progress.finish(DATASTORE, &note);
    Ok((online::findings(inputs, &seen), format!("{DATASTORE:<12} {note}")))
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

/// Shows the findings and what was looked at, and fails if one of them is an error.
fn tell(session: &Session<'_>, findings: &[Finding], looked_at: &str) -> Outcome {
    let number = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let mut parts: Vec<String> = findings.iter().map(|finding| finding.render(true)).collect();
    parts.push(looked_at.to_owned());
    session.console.result(&findings, &parts.join("\n\n"));
    let more = if warnings > 0 { format!(" and {}", count(warnings, "warning")) } else { String::new() };
    if errors > 0 {
        let message = format!("{}{more} in this workspace", count(errors, "error"));
        return Err(Failure::refused(message).hint("each says how to mend it; `--json` gives them to programs"));
    }
    if warnings > 0 {
        session.console.note(&count(warnings, "warning"));
    }
    Ok(())
}

/// What the datastore is called among the nodes.
const DATASTORE: &str = "datastore";

/// The state in a word; what is wrong with the lock is added to `stale`, once for each profile.
fn lock_state(lock: Option<&Lock>, profile: &Profile, stale: &mut Vec<OutdatedError>) -> &'static str {
    match lock.map(|lock| lock.expect(profile)) {
        Some(Ok(_)) => "locked",
        None | Some(Err(OutdatedError::Missing { .. })) => "not locked",
        Some(Err(error)) => {
            if !stale.contains(&error) {
                stale.push(error);
            }
            "lock is out of date"
        }
    }
}

/// A workspace without a cluster: its profiles.
fn profiles(args: &Check, session: &Session<'_>, lock: Option<&Lock>) -> Outcome {
    let names: Vec<String> = match &args.profile {
        Some(name) => vec![name.clone()],
        None => profile::list(&session.workspace)?
            .into_iter()
            .filter(|summary| summary.board.is_some())
            .map(|summary| summary.name)
            .collect(),
    };
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    let mut stale = Vec::new();
    for name in &names {
        let profile = profile::load(&session.workspace, name)?;
        let state = lock_state(lock, &profile, &mut stale);
        lines.push(format!("{name:<12} {:<11} {state:<20} {}", profile.board.name(), profile.description));
        rows.push(json!({"profile": name, "board": profile.board, "lock": state}));
    }
    session.console.result(&rows, &lines.join("\n"));
    fits(&stale)
}

fn fits(stale: &[OutdatedError]) -> Outcome {
    if stale.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = stale.iter().map(OutdatedError::profile).collect();
    Err(Failure {
        code: Code::Verification,
        causes: stale.iter().map(ToString::to_string).collect(),
        ..Failure::refused(format!("imgbuild.lock does not fit {}", names.join(", "))).hint("run `imgbuild lock`")
    })
}
