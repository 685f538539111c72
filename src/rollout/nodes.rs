//! Which nodes let which pods in: taints and tolerations, labels and selectors, as Kubernetes holds them against each other
//! (kubernetes.io, "Taints and Tolerations" and "Assigning Pods to Nodes").

use std::collections::BTreeMap;

use super::Node;
use crate::cluster::manifests::Object;
use crate::cluster::{self, manifests};
use crate::profile::{Profile, Role};

/// What a group of pods says of the nodes that it wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pods {
    /// What they are called in the values or the object; empty for all that say nothing else.
    pub(super) part: String,
    pub(super) tolerations: Vec<Toleration>,
    pub(super) selector: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Toleration {
    key: Option<String>,
    /// None if any value will do.
    value: Option<String>,
    effect: Option<String>,
}

/// A node of the cluster with what Kubernetes will know of it.
pub(super) fn node_of(node: &cluster::Node, profile: &Profile) -> Node {
    let k3s = profile.k3s.as_ref();
    let arch = profile.board.arch().name();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    if let Some(k3s) = k3s {
        for (label, value) in
            [("kubernetes.io/arch", arch), ("kubernetes.io/os", "linux"), ("kubernetes.io/hostname", &*node.name)]
        {
            labels.insert(label.to_owned(), value.to_owned());
        }
        if k3s.role == Role::Server {
            labels.insert("node-role.kubernetes.io/control-plane".to_owned(), "true".to_owned());
        }
        labels.extend(k3s.labels.clone());
        labels.extend(node.labels.clone());
    }
    Node {
        name: node.name.clone(),
        role: k3s.map(|k3s| k3s.role.name()),
        profile: profile.name.clone(),
        board: profile.board.name(),
        arch,
        address: node.address.clone(),
        taints: k3s.map(|k3s| k3s.taints.clone()).unwrap_or_default(),
        labels,
    }
}

impl Node {
    /// Whether pods without any toleration stay away.
    pub(super) fn is_tainted(&self) -> bool {
        !self.lets_in(&Pods::default())
    }

    /// Whether pods of this group can run here.
    pub(super) fn lets_in(&self, pods: &Pods) -> bool {
        let Pods { tolerations, selector, .. } = pods;
        let is_tolerated = |taint: &String| {
            let (taint, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
            let (key, value) = taint.split_once('=').unwrap_or((taint, ""));
            effect == "PreferNoSchedule" || tolerations.iter().any(|toleration| toleration.meets(key, value, effect))
        };
        self.role.is_some()
            && self.taints.iter().all(is_tolerated)
            && selector.iter().all(|(label, value)| self.labels.get(label) == Some(value))
    }
}

impl Toleration {
    fn meets(&self, key: &str, value: &str, effect: &str) -> bool {
        let is = |own: &Option<String>, other: &str| own.as_ref().is_none_or(|own| own == other);
        is(&self.key, key) && is(&self.value, value) && is(&self.effect, effect)
    }
}

/// A key and what lies below it, of YAML.
type Yaml = manifests::YamlNode;

/// The groups of pods that values of a chart or an object name: one for all that say nothing else, and one for each part with
/// tolerations or a selector of its own.
pub(super) fn pods_of(root: &Object) -> Vec<Pods> {
    let mut all = Pods::default();
    for top in [Some(&root.root), root.at("/global")].into_iter().flatten() {
        own(top, &mut all);
    }
    let mut found = Vec::new();
    below(&root.root, "", &all, &mut found);
    found.insert(0, all);
    found
}

/// Takes what a mapping says itself; whether that is anything.
fn own(node: &Yaml, pods: &mut Pods) -> bool {
    let (tolerations, selector) = (node.at("/tolerations"), node.at("/nodeSelector"));
    for entry in tolerations.into_iter().flat_map(Yaml::items) {
        let text = |key: &str| entry.at(key).and_then(Yaml::text).map(str::to_owned);
        let exists = text("/operator").as_deref() == Some("Exists");
        let value = if exists { None } else { Some(text("/value").unwrap_or_default()) };
        pods.tolerations.push(Toleration { key: text("/key"), value, effect: text("/effect") });
    }
    for entry in selector.into_iter().flat_map(Yaml::entries) {
        pods.selector.extend(entry.node.text().map(|value| (entry.key.clone(), value.to_owned())));
    }
    tolerations.is_some() || selector.is_some()
}

fn below(node: &Yaml, path: &str, all: &Pods, found: &mut Vec<Pods>) {
    for entry in node.entries().iter().filter(|entry| path.is_empty() && entry.key != "global" || !path.is_empty()) {
        let part = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        let mut pods = Pods { part: part.clone(), ..all.clone() };
        if own(&entry.node, &mut pods) {
            found.push(pods);
        }
        below(&entry.node, &part, all, found);
    }
    for item in node.items() {
        below(item, if path.is_empty() { "-" } else { path }, all, found);
    }
}
