//! Findings in a workspace with or without a cluster file.

use std::sync::Arc;

use super::{Finding, Lint, Mistake, Theme};
use crate::cluster::FILE;
use crate::diagnostic::{Diagnostic, Severity, SourceText, closest};

pub(super) const THEME: Theme = Theme { title: "The workspace", lints: &[NO_CLUSTER_FILE, WITHOUT_K3S] };

const NO_CLUSTER_FILE: Lint = Lint {
    code: "C140-no-cluster-file",
    severity: Severity::Warning,
    title: "There is no `cluster.toml`, although there seems to be a cluster",
    why: "without it there are no nodes, so that none are checked",
    find: |_| Vec::new(),
};

const WITHOUT_K3S: Lint = Lint {
    code: "C141-locked-without-k3s",
    severity: Severity::Warning,
    title: "A profile is locked without the K3s that it needs",
    why: "K3s could not be downloaded when it was locked; a node that starts from its image runs no cluster and joins none",
    find: |_| Vec::new(),
};

/// The finding for a workspace without a cluster file that seems to have had one. `files` are the files of its directory; `sign`
/// describes something that only a cluster has.
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

/// The finding for a profile with K3s whose lock has none.
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
