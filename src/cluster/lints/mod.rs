//! Lints: find mistakes in well-formed files, before anything is built.
//!
//! ```text
//! workspace, lock → Inputs → each Lint, a pure function → Findings, sorted by place
//! ```
//!
//! A lint is a constant with code, title, reason and function, in the file of its theme; the theme's list goes into
//! [`themes`]. `docs/lints.md` is generated from the same constants, and `tests/fixtures/lints/CODE/{bad,good}` has a workspace
//! with the mistake and one without.
//!
//! `online` interprets the datastore's answers; it does not connect to the datastore either.

mod access;
mod datastore;
mod disks;
mod drivers;
mod finding;
mod handbook;
mod inputs;
mod labels;
mod locked;
mod longhorn;
mod manifests;
mod network;
mod nodes;
pub(crate) mod online;
mod registries;
mod releases;
mod secrets;
mod server;
mod systems;
mod workspace;

pub use finding::{Finding, Lint, Mistake};
pub use handbook::handbook;
pub use inputs::Inputs;
pub use workspace::{no_cluster_file, without_k3s};

use std::sync::Arc;

use jiff::civil::Date;

use super::ClusterError;
use crate::diagnostic::{Diagnostic, Severity, SourceText};
use crate::lock::Lock;
use crate::profile::{Profile, ProfileError, Role};
use crate::urls::masked;

/// A list of lints that belong together, with the heading of its part of the handbook.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    pub title: &'static str,
    pub lints: &'static [Lint],
}

/// All lints, by theme.
#[must_use]
pub fn themes() -> [Theme; 15] {
    [
        Theme { title: "The cluster file", lints: &[CLUSTER_FILE] },
        nodes::THEME,
        server::THEME,
        releases::THEME,
        network::THEME,
        labels::THEME,
        disks::THEME,
        access::THEME,
        registries::THEME,
        locked::THEME,
        secrets::THEME,
        datastore::THEME,
        manifests::THEME,
        systems::THEME,
        drivers::THEME,
    ]
}

/// All findings, in the order of their places in the files.
#[must_use]
pub fn run(inputs: &Inputs<'_>) -> Vec<Finding> {
    let lints = themes().into_iter().flat_map(|theme| theme.lints);
    let mut findings: Vec<Finding> =
        lints.flat_map(|lint| (lint.find)(inputs).into_iter().map(|mistake| Finding::new(lint, mistake))).collect();
    // The sort is stable: findings at one place stay in the order of the lints.
    findings.sort_by_key(|finding| {
        let Diagnostic { source, span, .. } = &finding.diagnostic;
        (source.path.clone(), span.as_ref().map(|span| span.start))
    });
    findings
}

/// Findings in a profile that no node uses: an open console, drivers and, for a server, its release and its manifests, as far as
/// these can be checked without a cluster.
#[must_use]
pub fn of_profile(profile: &Profile, lock: Option<&Lock>, today: Option<Date>) -> Vec<Finding> {
    let mut findings = access::of_profile(profile);
    findings.extend(drivers::of_profile(profile, lock));
    if profile.k3s.as_ref().is_some_and(|k3s| k3s.role == Role::Server) {
        findings.extend(releases::of_profile(profile, today));
        findings.extend(manifests::of_profile(profile));
    }
    findings
}

/// A mistake at a text that has a password or a token in a URL: it is shown without.
fn without_logins(mut diagnostic: Diagnostic) -> Diagnostic {
    let SourceText { path, text } = &*diagnostic.source;
    diagnostic.source = Arc::new(SourceText { path: path.clone(), text: masked(text) });
    diagnostic
}

/// A cluster file that cannot be read as one, as a finding; other errors are none.
#[must_use]
pub fn unreadable(error: &ClusterError) -> Option<Finding> {
    let ClusterError::Invalid(diagnostic) = error else { return None };
    let finding = Finding::new(&CLUSTER_FILE, Mistake { node: None, diagnostic: (**diagnostic).clone() });
    // A syntax error or wrong type needs no further reason.
    let is_of_keys = ["unknown key", "missing key"].iter().any(|start| diagnostic.message.starts_with(start));
    Some(Finding { why: if is_of_keys { finding.why } else { "" }, ..finding })
}

/// A profile that no node names and that cannot be loaded, as a finding.
#[must_use]
pub fn broken_profile(name: &str, error: &ProfileError) -> Finding {
    let diagnostic = match error {
        ProfileError::Invalid(diagnostic) => (**diagnostic).clone(),
        other => {
            let path = format!("profiles/{name}.toml");
            let source = Arc::new(SourceText { path, text: String::new() });
            let diagnostic = Diagnostic::new(&source, None, format!("profile `{name}`: {other}"));
            diagnostic.hint(other.hint().unwrap_or_else(|| "make the file readable".to_owned()))
        }
    };
    Finding::new(&nodes::BROKEN_PROFILE, Mistake { node: None, diagnostic })
}

/// Reported when the file is read: there is no cluster yet for a lint's function.
const CLUSTER_FILE: Lint = Lint {
    code: "C001-cluster-file",
    severity: Severity::Error,
    title: "`cluster.toml` is not a valid cluster file",
    why: "a key that is unknown or missing would be ignored, or break the node at boot",
    find: |_| Vec::new(),
};
