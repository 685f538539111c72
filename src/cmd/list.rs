//! `imgbuild list`: the profiles, nodes and overlays that can be named here; `imgbuild overlay list`: the overlays alone.

use std::fmt::Write as _;

use serde::Serialize;

use super::Outcome;
use super::session::Session;
use crate::cluster::{self, Cluster};
use crate::lock::{Lock, OutdatedError};
use crate::profile::{self, Board, Home, OverlaySummary, ProfileSummary};

pub(super) fn run(session: &Session<'_>) -> Outcome {
    let lock = Lock::load(&session.lock_path())?;
    let row = |summary| profile_row(session, lock.as_ref(), summary);
    let profiles: Vec<ProfileRow> = profile::list(&session.workspace)?.into_iter().map(row).collect();
    let nodes = cluster::load(&session.workspace)?.map_or_else(Vec::new, |cluster| node_rows(&cluster, &profiles));
    let listing = Listing { profiles, nodes, overlays: profile::overlays(&session.workspace)? };
    session.console.result(&listing, &listing.describe());
    Ok(())
}

/// The overlays alone.
pub(super) fn overlays(session: &Session<'_>) -> Outcome {
    let overlays = profile::overlays(&session.workspace)?;
    let mut text = String::new();
    describe_overlays(&mut text, &overlays);
    session.console.result(&serde_json::json!({ "overlays": overlays }), &text);
    Ok(())
}

#[derive(Debug, Serialize)]
struct Listing {
    profiles: Vec<ProfileRow>,
    nodes: Vec<NodeRow>,
    overlays: Vec<OverlaySummary>,
}

#[derive(Debug, Serialize)]
struct ProfileRow {
    name: String,
    /// None for one that can only be extended.
    board: Option<Board>,
    lock: Option<&'static str>,
    from: Home,
    description: String,
}

#[derive(Debug, Serialize)]
struct NodeRow {
    name: String,
    profile: String,
    /// The profile's; none if there is no such profile.
    board: Option<Board>,
    /// With the length of its network's prefix; none if it asks for one by DHCP.
    address: Option<String>,
}

fn profile_row(session: &Session<'_>, lock: Option<&Lock>, summary: ProfileSummary) -> ProfileRow {
    let ProfileSummary { name, description, board, from } = summary;
    let state = board.map(|_| lock_state(session, lock, &name));
    ProfileRow { name, board, lock: state, from, description }
}

fn lock_state(session: &Session<'_>, lock: Option<&Lock>, name: &str) -> &'static str {
    let Some(lock) = lock else { return "not locked" };
    // `check` reports what is wrong with a profile.
    let Ok(profile) = profile::load(&session.workspace, name) else { return "broken" };
    match lock.expect(&profile) {
        Ok(_) => "locked",
        Err(OutdatedError::Missing { .. }) => "not locked",
        Err(_) => "out of date",
    }
}

fn node_rows(cluster: &Cluster, profiles: &[ProfileRow]) -> Vec<NodeRow> {
    let row = |node: &cluster::Node| NodeRow {
        name: node.name.clone(),
        profile: node.profile.clone(),
        board: profiles.iter().find(|profile| profile.name == node.profile).and_then(|profile| profile.board),
        address: node.address.clone(),
    };
    cluster.nodes.values().map(row).collect()
}

impl Listing {
    fn describe(&self) -> String {
        let mut text = String::new();
        title(&mut text, "profiles", &["board", "lock", "from"], self.profiles.len());
        for row in &self.profiles {
            let board = row.board.map_or("any", Board::name);
            let lock = row.lock.unwrap_or("to extend");
            line(&mut text, &row.name, &[board, lock, row.from.name(), &row.description]);
        }
        title(&mut text, "nodes", &["board", "profile", "address"], self.nodes.len());
        for row in &self.nodes {
            let address = row.address.as_deref().unwrap_or("by DHCP");
            line(&mut text, &row.name, &[row.board.map_or("none", Board::name), &row.profile, address]);
        }
        describe_overlays(&mut text, &self.overlays);
        text
    }
}

fn describe_overlays(text: &mut String, overlays: &[OverlaySummary]) {
    if overlays.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let rows: Vec<(&str, String)> = overlays.iter().map(|row| (row.name.as_str(), row.provides.join(", "))).collect();
    let first = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default().max("overlays".len());
    let second = rows.iter().map(|(_, provides)| provides.len()).max().unwrap_or_default().max("provides".len());
    let _ = writeln!(text, "{:<first$} {:<second$} from", "overlays", "provides");
    for ((name, provides), row) in rows.iter().zip(overlays) {
        let line = format!("{name:<first$} {provides:<second$} {:<10} {}", row.from.name(), row.description);
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// Adds the title of a table, unless it has no `rows`.
fn title(text: &mut String, what: &str, columns: &[&str], rows: usize) {
    if rows == 0 {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    line(text, what, columns);
}

fn line(text: &mut String, name: &str, cells: &[&str]) {
    let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
    // A long name takes the room that the cells behind it leave.
    let first = format!("{name:<14} {:<11} {:<11}", cell(0), cell(1));
    let row = format!("{:<38} {:<10} {}", first.trim_end(), cell(2), cell(3));
    let _ = writeln!(text, "{}", row.trim_end());
}
