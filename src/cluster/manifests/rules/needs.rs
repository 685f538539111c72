//! Secrets and `ConfigMaps` that objects need, and whether anybody makes them.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::Node;

use super::makers::Makers;
use super::{FlawKind, Flaws};

/// What an object cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need<'o> {
    /// `Secret` or `ConfigMap`.
    pub kind: &'static str,
    pub name: &'o str,
    /// Where it is named.
    pub place: Range<usize>,
}

impl Need<'_> {
    /// Whether `namespace/secret/name` means it.
    pub fn is(&self, object: &Object, expected: &str) -> bool {
        expected == format!("{}/{}/{}", object.namespace(), self.kind.to_ascii_lowercase(), self.name)
    }
}

pub(super) fn check(
    object: &Object,
    all: &[&Object],
    makers: &Makers<'_>,
    expects: &BTreeSet<String>,
    flaws: &mut Flaws<'_>,
) {
    let mut told = BTreeSet::new();
    for need in of(object) {
        let is_expected = expects.iter().any(|expected| need.is(object, expected));
        if is_expected || makers.make(all, object, &need) || !told.insert((need.kind, need.name)) {
            continue;
        }
        let (kind, name, namespace) = (need.kind, need.name, object.namespace());
        flaws.add(
            FlawKind::NobodyMakes,
            need.place,
            format!("{} needs the {kind} `{name}` in `{namespace}`, which no manifest makes", object.spoken()),
            format!(
                "add it to a manifest of an overlay, with values from `secrets`; if something in the cluster makes it, say so in \
                 overlay.toml: `expects = [\"{namespace}/{}/{name}\"]`",
                kind.to_ascii_lowercase()
            ),
        );
    }
}

/// What an object needs.
pub(super) fn of(object: &Object) -> Vec<Need<'_>> {
    let mut needs = Vec::new();
    // A definition describes fields, and names nothing.
    if object.kind() == "CustomResourceDefinition" {
        return needs;
    }
    collect(&object.root, &mut needs);
    if object.group() == "helm.cattle.io" {
        for path in ["/spec/authSecret/name", "/spec/dockerRegistrySecret/name"] {
            needs.extend(object.at(path).and_then(|name| need("Secret", name)));
        }
        let values = object.at("/spec/valuesSecrets").into_iter().flat_map(Node::items);
        needs.extend(values.filter_map(|entry| need("Secret", entry.at("/name")?)));
        needs.extend(object.at("/spec/repoCAConfigMap/name").and_then(|name| need("ConfigMap", name)));
    }
    needs
}

fn need<'o>(kind: &'static str, name: &'o Node) -> Option<Need<'o>> {
    Some(Need { kind, name: name.text()?, place: name.span.clone() })
}

/// Where a pod's parts name what they need (`core/v1`): environment, volumes, pull secrets.
fn collect<'o>(node: &'o Node, needs: &mut Vec<Need<'o>>) {
    for item in node.items() {
        collect(item, needs);
    }
    for entry in node.entries() {
        let inner = &entry.node;
        let named = match entry.key.as_str() {
            "secretRef" | "secretKeyRef" => inner.at("/name").and_then(|name| need("Secret", name)),
            "configMapRef" | "configMapKeyRef" | "configMap" => {
                inner.at("/name").and_then(|name| need("ConfigMap", name))
            }
            "secret" => inner.at("/secretName").and_then(|name| need("Secret", name)),
            _ => None,
        };
        let is_optional = inner.at("/optional").is_some_and(Node::is_true);
        needs.extend(named.filter(|_| !is_optional));
        // Kubernetes does without a pull secret that is not there; images of public registries come all the same. Who
        // names one means it.
        if entry.key == "imagePullSecrets" {
            needs.extend(inner.items().iter().filter_map(|item| need("Secret", item.at("/name")?)));
        }
        collect(inner, needs);
    }
}
