//! Releases of K3s: whether their line is still supported, whether servers and agents are compatible, and whether a release is
//! known to fail with this cluster's datastore.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::{Finding, Inputs, Lint, Mistake, Theme};
use crate::cluster::Node;
use crate::cluster::secrets::DATASTORE_URL;
use crate::datastore::Endpoint;
use crate::diagnostic::{Diagnostic, Severity, SourceText};
use crate::profile::{End, Line, Profile, Role, Tag};

pub(super) const THEME: Theme =
    Theme { title: "Releases of K3s", lints: &[DEAD_LINE, UNKNOWN_LINE, VERSION_SKEW, KNOWN_BAD] };

const DEAD_LINE: Lint = Lint {
    code: "C100-dead-line",
    severity: Severity::Warning,
    title: "The pinned release line of Kubernetes is past its end of life",
    why: "it gets no more fixes, not even those of security; components that the cluster runs drop it too. Found by \
          today's date, so `build` does not say it. Manifests are held against no line before 1.33, but for APIs that \
          are gone",
    find: dead_line,
};

const UNKNOWN_LINE: Lint = Lint {
    code: "C101-unknown-line",
    severity: Severity::Warning,
    title: "This program does not know the pinned release line of Kubernetes",
    why: "it was not tested with this program, and APIs that it no longer serves are not checked",
    find: unknown_line,
};

const VERSION_SKEW: Lint = Lint {
    code: "C102-version-skew",
    severity: Severity::Error,
    title: "Servers and agents have incompatible release lines",
    why: "Kubernetes's version skew policy: a kubelet is never newer than the API server and at most three lines older, \
          and servers differ by one line at most; beyond that, nodes stop being Ready in ways that nobody tries",
    find: version_skew,
};

const KNOWN_BAD: Lint = Lint {
    code: "C103-known-bad",
    severity: Severity::Warning,
    title: "The pinned release is known to fail with this cluster's datastore",
    why: "it was reported to K3s: the server exits and starts again endlessly",
    find: known_bad,
};

/// The reports: k3s-io/k3s#14505 (9 August 2026); the release notes of v1.33.13+k3s2 name the same kine, 0.16.3. Later patches compare keys in the same way (kine, `pkg/drivers/generic`),
/// so `check --online` looks at the table itself, whatever the release.
const OF_OLD_TABLES: [Tag; 4] = [Tag::rebuilt(33, 13, 2), Tag::of(34, 10), Tag::of(35, 7), Tag::of(36, 3)];

/// The first release of each line with kine 0.16.1, which ends behind `PgBouncer` (k3s-io/k3s#14525, 15 August 2026); all
/// newer lines have it. Of v1.33 the first that is known to have it or a newer one.
const WITHOUT_PGBOUNCER: [Tag; 4] = [Tag::rebuilt(33, 13, 2), Tag::of(34, 9), Tag::of(35, 6), Tag::of(36, 2)];

/// The default port of `PgBouncer`.
const PGBOUNCER: u16 = 6432;

/// Nodes with K3s, with their role and release.
fn nodes<'a>(inputs: &'a Inputs<'_>) -> Vec<(&'a Node, Role, Tag)> {
    let tag =
        |(node, profile): (&'a Node, &Profile)| Some((node, profile.k3s.as_ref()?.role, inputs.release(profile)?));
    inputs.nodes().filter_map(tag).collect()
}

/// Each release once, with the nodes that have it.
fn releases<'a>(inputs: &'a Inputs<'_>) -> BTreeMap<Tag, Vec<&'a str>> {
    let mut releases: BTreeMap<Tag, Vec<&str>> = BTreeMap::new();
    for (node, _, tag) in nodes(inputs) {
        releases.entry(tag).or_default().push(&node.name);
    }
    releases
}

/// A mistake at the profile of the first of these nodes; it concerns all of them.
fn of_release(inputs: &Inputs<'_>, nodes: &[&str], message: String, hint: String) -> Mistake {
    let first = nodes.first().copied().unwrap_or_default();
    let mistake = inputs.at_value(&format!("node.{first}.profile"), message).hint(hint);
    Mistake { node: mistake.node.filter(|_| nodes.len() == 1), ..mistake }
}

fn dead_line(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(today) = inputs.today else { return Vec::new() };
    let mistake = |(tag, nodes): (Tag, Vec<&str>)| {
        let (message, hint) = ended(&tag, &nodes.join(", "), today)?;
        Some(of_release(inputs, &nodes, message, hint))
    };
    releases(inputs).into_iter().filter_map(mistake).collect()
}

/// The message and hint for a release whose line has ended; `whom` uses it.
fn ended(tag: &Tag, whom: &str, today: Date) -> Option<(String, String)> {
    let when = match tag.line.end() {
        End::On(end) if end < today => format!("ended on {end}"),
        End::LongAgo => "ended long ago".to_owned(),
        End::On(_) | End::Unknown => return None,
    };
    let message = format!("K3s {tag} of {whom} is of Kubernetes {}, which {when}", tag.line);
    Some((message, way_out(tag.line, today)))
}

/// Findings on the release of a profile that no node uses.
pub(super) fn of_profile(profile: &Profile, today: Option<Date>) -> Vec<Finding> {
    let Some(tag) = profile.k3s.as_ref().and_then(|k3s| Tag::parse(&k3s.version)) else { return Vec::new() };
    let whom = format!("profile `{}`", profile.name);
    let dead = today.and_then(|today| ended(&tag, &whom, today)).map(|said| (&DEAD_LINE, said));
    let found = dead.into_iter().chain(newer(&tag, &whom).map(|said| (&UNKNOWN_LINE, said)));
    let finding = |(lint, (message, hint)): (&Lint, (String, String))| {
        let path = format!("profiles/{}.toml", profile.name);
        let source = Arc::new(SourceText { path, text: String::new() });
        let diagnostic = Diagnostic::new(&source, None, message).hint(hint);
        Finding::new(lint, Mistake { node: None, diagnostic })
    };
    found.map(finding).collect()
}

/// The hint for an upgrade, which must not skip a release line.
fn way_out(line: Line, today: Date) -> String {
    let next = Line { minor: line.minor + 1, ..line };
    let is_enough = matches!(next.end(), End::On(end) if end >= today);
    let step = if is_enough { "" } else { ", and so on line by line: a control plane leaves none out" };
    format!(
        "write a release of {next} into the profiles, `[k3s] version = \"{next}.…+k3s1\"`, servers first{step}; \
         <https://update.k3s.io/v1-release/channels> names the newest of each line"
    )
}

fn unknown_line(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mistake = |(tag, nodes): (Tag, Vec<&str>)| {
        let (message, hint) = newer(&tag, &nodes.join(", "))?;
        Some(of_release(inputs, &nodes, message, hint))
    };
    releases(inputs).into_iter().filter_map(mistake).collect()
}

/// The message and hint for a release of an unknown line; `whom` uses it.
fn newer(tag: &Tag, whom: &str) -> Option<(String, String)> {
    let message = format!("K3s {tag} of {whom} is of a line that is newer than this program");
    let hint = "check the number; a newer imgbuild may know the line".to_owned();
    (tag.line.end() == End::Unknown).then_some((message, hint))
}

/// How many lines older a kubelet may be than an API server: two before 1.28, three since.
fn reach(server: Line) -> u32 {
    if server.minor < 28 { 2 } else { 3 }
}

fn version_skew(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let nodes = nodes(inputs);
    let servers = || nodes.iter().filter(|(_, role, _)| *role == Role::Server);
    let by_line = |node: &&(&Node, Role, Tag)| node.2.line;
    let (Some(oldest), Some(newest)) = (servers().min_by_key(by_line), servers().max_by_key(by_line)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let at = |node: &Node, message: String, hint: String| {
        inputs.at_value(&format!("node.{}.profile", node.name), message).hint(hint)
    };
    let is_beyond = |older: Line, newer: Line, reach: u32| {
        older.major != newer.major || older.minor.saturating_add(reach) < newer.minor
    };
    if is_beyond(oldest.2.line, newest.2.line, 1) {
        let message = format!(
            "the servers `{}` ({}) and `{}` ({}) are further apart than one line",
            oldest.0.name, oldest.2, newest.0.name, newest.2
        );
        let hint = format!("bring `{}` one line further at a time", oldest.0.name);
        found.push(at(oldest.0, message, hint));
    }
    for (node, _, tag) in nodes.iter().filter(|(_, role, _)| *role == Role::Agent) {
        if tag.line > oldest.2.line {
            let message = format!(
                "the agent `{}` ({tag}) is newer than the server `{}` ({})",
                node.name, oldest.0.name, oldest.2
            );
            let hint = format!(
                "bring the server to {} first, and write {} into the agent's profile until then",
                tag.line, oldest.2
            );
            found.push(at(node, message, hint));
        } else if is_beyond(tag.line, newest.2.line, reach(newest.2.line)) {
            let reach = reach(newest.2.line);
            let message = format!(
                "the agent `{}` ({tag}) is more than {reach} lines older than the server `{}` ({})",
                node.name, newest.0.name, newest.2
            );
            let hint = format!("write a newer release into its profile, {} at best", newest.2);
            found.push(at(node, message, hint));
        }
    }
    found
}

fn known_bad(inputs: &Inputs<'_>) -> Vec<Mistake> {
    if inputs.cluster.datastore.is_none() {
        return Vec::new();
    }
    let url = inputs.secrets.and_then(|secrets| secrets.require(DATASTORE_URL).ok());
    let endpoint = url.and_then(|url| Endpoint::parse(url.expose()).ok());
    let servers = nodes(inputs).into_iter().filter(|(_, role, _)| *role == Role::Server);
    let mut found = Vec::new();
    for (node, _, tag) in servers {
        let key = format!("node.{}.profile", node.name);
        if OF_OLD_TABLES.contains(&tag) {
            let message = format!(
                "K3s {tag} of `{}` ends again and again where K3s's table in PostgreSQL is from before October 2024",
                node.name
            );
            let hint =
                "`imgbuild check --online` tells whether it is, and how to mend it; a table that is made anew is fine";
            found.push(inputs.at_value(&key, message).hint(hint));
        }
        if endpoint.as_ref().is_some_and(|endpoint| endpoint.port == PGBOUNCER) && tag.is_since(&WITHOUT_PGBOUNCER) {
            let message = format!(
                "K3s {tag} of `{}` ends at its start behind PgBouncer, and the datastore's port is PgBouncer's {PGBOUNCER}",
                node.name
            );
            let hint = "name the PostgreSQL server itself, port 5432: `imgbuild secrets set datastore-url`";
            found.push(inputs.at_value(&key, message).hint(hint));
        }
    }
    found
}
