//! The cluster file, and the profiles of its nodes, against the lock.

use super::{Inputs, Lint, Mistake, Theme};
use crate::cluster::Node;
use crate::diagnostic::Severity;
use crate::profile::Registration;

pub(super) const THEME: Theme = Theme { title: "The lock", lints: &[CRITICAL_CHANGE, TAINT_CHANGE, LABEL_GONE] };

const CRITICAL_CHANGE: Lint = Lint {
    code: "C060-critical-change",
    severity: Severity::Error,
    title: "A critical value differs from the one that the cluster was made with",
    why: "K3s reads these values at every start but keeps what they once made: addresses in use, encrypted Secrets, the \
          datastore itself; it does not notice a change and works wrongly",
    find: critical_change,
};

const TAINT_CHANGE: Lint = Lint {
    code: "C061-taint-change",
    severity: Severity::Warning,
    title: "A node's taints differ from those that it registered with",
    why: "K3s sets taints when a node registers for the first time and never again: a new image does not change them",
    find: taint_change,
};

const LABEL_GONE: Lint = Lint {
    code: "C062-label-gone",
    severity: Severity::Warning,
    title: "A label was removed from a node",
    why: "K3s sets the configured labels but removes none: the node keeps it, whatever the new image says",
    find: label_gone,
};

const ACCEPT: &str = "then `imgbuild lock --accept-critical-change`; a node that never started needs the latter alone";

/// The nodes that were built before: the values that they registered with, and the current ones.
fn registered<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = (&'a Node, &'a Registration, Registration)> {
    let known = |name: &str| inputs.lock?.nodes.get(name);
    inputs.nodes().filter_map(move |(node, profile)| Some((node, known(&node.name)?, node.registration(profile))))
}

/// The entries of `list` that `other` lacks.
fn beyond<'a>(list: &'a [String], other: &[String]) -> Vec<&'a str> {
    list.iter().filter(|entry| !other.contains(entry)).map(String::as_str).collect()
}

fn taint_change(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (node, then, now) in registered(inputs) {
        let (new, gone) = (beyond(&now.taints, &then.taints), beyond(&then.taints, &now.taints));
        if new.is_empty() && gone.is_empty() {
            continue;
        }
        let told = [("new", &new), ("gone", &gone)].into_iter().filter(|(_, taints)| !taints.is_empty());
        let told: Vec<String> = told.map(|(what, taints)| format!("{what}: {}", taints.join(", "))).collect();
        let steps: Vec<String> =
            new.iter().map(|taint| (*taint).to_owned()).chain(gone.iter().map(|taint| format!("{taint}-"))).collect();
        let message = format!("the taints of `{}` changed since it was first built ({})", node.name, told.join("; "));
        let hint = format!("`kubectl taint node {} {}`, {ACCEPT}", node.name, steps.join(" "));
        found.push(inputs.at_value(&format!("node.{}.profile", node.name), message).hint(hint));
    }
    found
}

fn label_gone(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (node, then, now) in registered(inputs) {
        let gone = beyond(&then.labels, &now.labels);
        if !gone.is_empty() {
            let steps: Vec<String> = gone.iter().map(|label| format!("{label}-")).collect();
            let message = format!("`{}` had a label that is gone: {}", node.name, gone.join(", "));
            let hint = format!("`kubectl label node {} {}`, {ACCEPT}", node.name, steps.join(" "));
            found.push(inputs.at_node(node, message).hint(hint));
        }
    }
    found
}

fn critical_change(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(lock) = inputs.lock else { return Vec::new() };
    let changes = lock.critical_changes(&inputs.cluster.critical_values());
    changes
        .into_iter()
        .map(|change| {
            let key = if change.name == "datastore" { change.name.clone() } else { format!("k3s.{}", change.name) };
            let hint = format!(
                "write it as it was: {}; for a cluster that is made anew, `imgbuild lock --accept-critical-change`",
                change.locked
            );
            inputs.at_value(&key, change.to_string()).hint(hint)
        })
        .collect()
}
