//! Longhorn against its nodes: which of them keep data, and whether there are enough of them.

use super::{Inputs, Lint, Mistake};
use crate::cluster::Node;
use crate::diagnostic::Severity;
use crate::profile::{ParamValue, Params, Profile};

pub(super) const NO_DISKS: Lint = Lint {
    code: "C177-longhorn-without-disks",
    severity: Severity::Warning,
    title: "Longhorn comes into a cluster where no node keeps data for it",
    why: "it takes only disks of nodes with the label `node.longhorn.io/create-default-disk`, so claims get no volume and their \
          pods wait for ever",
    find: no_disks,
};

pub(super) const TOO_MANY_COPIES: Lint = Lint {
    code: "C178-longhorn-copies",
    severity: Severity::Warning,
    title: "Longhorn shall keep more copies of a volume than there are nodes that keep data",
    why: "two copies never lie on one node, so each volume stays degraded, and a node that fails takes more with it than it seems",
    find: too_many_copies,
};

pub(super) const UNPREPARED: Lint = Lint {
    code: "C179-longhorn-node-unprepared",
    severity: Severity::Warning,
    title: "Pods on GPU nodes shall use Longhorn's volumes, and a GPU node lacks what mounts them",
    why: "with `gpu = true` Longhorn's manager starts there too, looks for iscsiadm on the host, and exits without it",
    find: unprepared,
};

/// Where it keeps its data unless it is told otherwise.
const PLACE: &str = "/var/lib/longhorn";

/// The label of nodes whose disks it takes.
const DISK_LABEL: &str = "node.longhorn.io/create-default-disk";

/// The taint of nodes with a graphics card.
const GPU_TAINT: &str = "nvidia.com/gpu";

/// The package with iscsiadm, the first thing that it looks for.
const INITIATOR: &str = "open-iscsi";

/// The first node whose profile brings it, with its parameters.
fn installer<'i>(inputs: &'i Inputs<'_>) -> Option<(&'i Node, &'i Params)> {
    inputs.nodes().find_map(|(node, profile)| {
        let overlay = profile.overlays.iter().find(|overlay| overlay.name == "longhorn")?;
        Some((node, &overlay.params))
    })
}

/// Where its disks are mounted on the nodes.
pub(super) fn place<'i>(inputs: &'i Inputs<'_>) -> &'i str {
    installer(inputs).and_then(|(_, params)| params.get("path")?.text()).unwrap_or(PLACE)
}

/// Whether it takes a disk of this node: its label, which the cluster file may give another value than the profile.
pub(super) fn keeps_data(node: &Node, profile: &Profile) -> bool {
    let of_profile = profile.k3s.as_ref().and_then(|k3s| k3s.labels.get(DISK_LABEL));
    // `config` takes those of an annotation, which somebody writes by hand.
    node.labels.get(DISK_LABEL).or(of_profile).is_some_and(|value| ["true", "config"].contains(&value.as_str()))
}

/// The nodes that keep data; none if a profile cannot be read, which may be of one.
fn keepers<'i>(inputs: &'i Inputs<'_>) -> Option<Vec<&'i str>> {
    let all_known = inputs.profiles.values().all(Result::is_ok);
    let keepers =
        inputs.nodes().filter(|(node, profile)| keeps_data(node, profile)).map(|(node, _)| node.name.as_str());
    all_known.then(|| keepers.collect())
}

fn no_disks(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let (Some((server, _)), Some(keepers)) = (installer(inputs), keepers(inputs)) else { return Vec::new() };
    if !keepers.is_empty() {
        return Vec::new();
    }
    let message = format!("`{}` installs Longhorn, and no node has the label `{DISK_LABEL}`", server.name);
    let hint = format!(
        "add a node with `profile = \"storage\"`, or give one that has the overlay `longhorn-node` and a disk at `{}` the label: \
         [node.NAME.labels] with `\"{DISK_LABEL}\" = \"true\"`",
        place(inputs)
    );
    vec![inputs.at_node(server, message).hint(hint)]
}

fn too_many_copies(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let (Some((server, params)), Some(keepers)) = (installer(inputs), keepers(inputs)) else { return Vec::new() };
    let Some(ParamValue::Number(copies)) = params.get("replicas") else { return Vec::new() };
    let count = i64::try_from(keepers.len()).unwrap_or(i64::MAX);
    if count == 0 || *copies <= count {
        return Vec::new();
    }
    let who = if count == 1 { "keeps" } else { "keep" };
    let message = format!(
        "Longhorn, which `{}` installs, shall make {copies} copies of a volume, and only {} {who} data",
        server.name,
        keepers.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    );
    let hint =
        format!("write `replicas = {count}` into [overlay.longhorn] of profile `{}`, or add nodes", server.profile);
    vec![inputs.at_node(server, message).hint(hint)]
}

fn unprepared(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let everywhere = installer(inputs).and_then(|(_, params)| params.get("gpu"));
    if !matches!(everywhere, Some(ParamValue::Flag(true))) {
        return Vec::new();
    }
    let is_key = |taint: &String| taint.split(['=', ':']).next() == Some(GPU_TAINT);
    let is_gpu = |profile: &Profile| profile.k3s.as_ref().is_some_and(|k3s| k3s.taints.iter().any(is_key));
    let lacks = |profile: &Profile| !profile.packages.iter().any(|package| package == INITIATOR);
    let nodes = inputs.nodes().filter(|(_, profile)| is_gpu(profile) && lacks(profile));
    nodes
        .map(|(node, _)| {
            let message =
                format!("pods of `{}` shall use Longhorn's volumes, and the node has no `{INITIATOR}`", node.name);
            let hint = format!(
                "add \"longhorn-node\" to `overlays` of profile `{}`, or take `gpu = true` out of [overlay.longhorn]",
                node.profile
            );
            inputs.at_node(node, message).hint(hint)
        })
        .collect()
}
