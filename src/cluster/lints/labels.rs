//! Labels of nodes.

use super::{Inputs, Lint, Mistake, Theme};
use crate::diagnostic::Severity;

pub(super) const THEME: Theme = Theme { title: "Labels", lints: &[RESERVED_LABEL, FALSE_LABEL] };

const RESERVED_LABEL: Lint = Lint {
    code: "C030-reserved-label",
    severity: Severity::Error,
    title: "A label is in a name space that is reserved for Kubernetes",
    why: "the kubelet exits when it is started with a label of `kubernetes.io` or `k8s.io` that is not among the few it \
          may set on itself, so K3s never comes up",
    find: reserved_label,
};

const FALSE_LABEL: Lint = Lint {
    code: "C031-false-label",
    severity: Severity::Error,
    title: "A label that the kubelet sets itself is given another value",
    why: "the kubelet takes the given value instead of its own (`initialNode` in `pkg/kubelet/kubelet_node_status.go`): \
          volumes and pods that ask for the node by name, machine or system then find another one, or none",
    find: false_label,
};

/// Labels that a kubelet may set on itself besides [`FAMILIES`] (Kubernetes, `pkg/apis/core` and
/// `kubelet/pkg/apis/well_known_labels.go`).
const ALLOWED: [&str; 11] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

const FAMILIES: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];

fn reserved_label(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for node in inputs.cluster.nodes.values() {
        for label in node.labels.keys().filter(|label| is_reserved(label)) {
            let message = format!("the label `{label}` of `{}` is reserved", node.name);
            let hint = if label.starts_with("node-role.kubernetes.io/") {
                "roles can only be set with `kubectl label node`; here, use a name of your own such as `node-type`"
            } else {
                "use a name of your own, such as `node-type` or `example.org/node-type`"
            };
            found.push(inputs.at_key(&format!("node.{}.labels.{label}", node.name), message).hint(hint));
        }
    }
    found
}

fn false_label(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (node, profile) in inputs.nodes() {
        for (label, value) in &node.labels {
            let truth = match label.as_str() {
                "kubernetes.io/hostname" => Some(node.name.as_str()),
                "kubernetes.io/os" | "beta.kubernetes.io/os" => Some("linux"),
                "kubernetes.io/arch" | "beta.kubernetes.io/arch" => Some(profile.board.arch().name()),
                _ => None,
            };
            if let Some(truth) = truth.filter(|truth| truth != value) {
                let message = format!("the label `{label}` of `{}` is `{value}`, the node is `{truth}`", node.name);
                let key = format!("node.{}.labels.{label}", node.name);
                found.push(inputs.at_key(&key, message).hint("remove it: the kubelet sets it itself"));
            }
        }
    }
    found
}

/// Whether the kubelet refuses to start with this label.
fn is_reserved(label: &str) -> bool {
    let Some((prefix, _)) = label.split_once('/') else { return false };
    let below = |domain: &str| prefix.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    ["kubernetes.io", "k8s.io"].into_iter().any(below) && !ALLOWED.contains(&label) && !FAMILIES.into_iter().any(below)
}
