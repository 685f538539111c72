//! What `check` tells of a workspace whether or not it has a cluster file.

use std::sync::Arc;

use super::{Finding, Lint, Mistake, Theme};
use crate::cluster::FILE;
use crate::diagnostic::{Diagnostic, Severity, SourceText, closest};

pub(super) const THEME: Theme = Theme { title: "The workspace", lints: &[NO_CLUSTER_FILE, WITHOUT_K3S] };

const NO_CLUSTER_FILE: Lint = Lint {
    code: "C140-no-cluster-file",
    severity: Severity::Warning,
    title: "There is no `cluster.toml`, where there seems to be a cluster",
    why: "without it there are no nodes, and nothing of them is checked",
    find: |_| Vec::new(),
};

const WITHOUT_K3S: Lint = Lint {
    code: "C141-locked-without-k3s",
    severity: Severity::Warning,
    title: "A profile is locked without the K3s that it asks for",
    why: "K3s was out of reach when it was locked; a node that starts from its image runs no cluster and joins none",
    find: |_| Vec::new(),
};

/// A workspace without a cluster file, in whose directory are these `files`, if there seems to have been one: `sign` is a file
/// that only clusters have.
#[must_use]
pub fn no_cluster_file<'f>(files: impl Iterator<Item = &'f str>, sign: Option<&str>) -> Option<Finding> {
    let others = ["imgbuild.toml", "ledger.toml", "secrets.toml"];
    let meant = closest(FILE, files.filter(|name| !others.contains(name) && *name != "cluster.schema.json"));
    let (message, hint) = match (meant, sign) {
        (Some(meant), _) => (
            format!("there is no `{FILE}`, but `{meant}`"),
            format!("did you mean `{FILE}`? Rename `{meant}`: `mv {meant} {FILE}`"),
        ),
        (None, Some(sign)) => (
            format!("there is no `{FILE}`, but {sign}"),
            "bring it back from your version control or backup; `imgbuild init DIR` writes an example".to_owned(),
        ),
        (None, None) => return None,
    };
    Some(found(&NO_CLUSTER_FILE, FILE, message, hint))
}

/// A profile whose lock has no K3s, though the profile asks for it.
#[must_use]
pub fn without_k3s(profile: &str) -> Finding {
    let hint = format!(
        "lock it again where K3s can be had: `imgbuild lock --update k3s --profile {profile}`, or with `--k3s-dir DIR`"
    );
    found(&WITHOUT_K3S, "imgbuild.lock", format!("profile `{profile}` is locked without K3s"), hint)
}

fn found(lint: &Lint, file: &str, message: String, hint: String) -> Finding {
    let source = Arc::new(SourceText { path: file.to_owned(), text: String::new() });
    Finding::new(lint, Mistake { node: None, diagnostic: Diagnostic::new(&source, None, message).hint(hint) })
}
