//! `imgbuild check`: profiles, overlays, lock and, where there is one, the cluster; without network and without building.

use serde_json::json;

use super::Outcome;
use super::cluster::open_secrets;
use super::session::Session;
use crate::cli::Check;
use crate::cluster::lints::{self, Finding, Inputs};
use crate::cluster::{self, Cluster, ClusterError};
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
        if args.node.is_some() {
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
    tell(session, &findings, &lines.join("\n"))?;
    fits(&stale)
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
