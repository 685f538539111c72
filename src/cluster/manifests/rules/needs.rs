//! Secrets and `ConfigMaps` that objects need, and whether anything creates them.

use std::collections::BTreeSet;

use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::Node;

use super::makers::Makers;
use super::need::Need;
use super::{FlawKind, Flaws};

pub(super) fn check(
    object: &Object,
    all: &[&Object],
    makers: &Makers<'_>,
    expects: &BTreeSet<String>,
    flaws: &mut Flaws<'_>,
) {
    let mut told = BTreeSet::new();
    for need in of(object) {
        let is_expected = expects.iter().any(|expected| need.is(expected));
        if is_expected || makers.make(all, &need) || !told.insert((need.kind, need.name, need.namespace)) {
            continue;
        }
        let Need { kind, name, namespace, place } = need;
        let (within, wanted) = match namespace {
            Some(namespace) => (format!(" in `{namespace}`"), namespace),
            None => (String::new(), "NAMESPACE"),
        };
        flaws.add(
            FlawKind::NobodyMakes,
            place,
            format!("{} needs the {kind} `{name}`{within}, which no manifest makes", object.spoken()),
            format!(
                "add it to a manifest of an overlay, with values from `secrets`; if something in the cluster makes it, say so in \
                 overlay.toml: `expects = [\"{wanted}/{}/{name}\"]`",
                kind.to_ascii_lowercase()
            ),
        );
    }
}

/// Paths of values that a chart's objects get, and where the namespace is named that the chart goes to.
const VALUES: [(&str, &str, &str); 2] = [
    ("helm.cattle.io", "/spec/values", "/spec/targetNamespace"),
    ("helm.toolkit.fluxcd.io", "/spec/values", "/spec/targetNamespace"),
];

/// The needs of an object.
pub(super) fn of(object: &Object) -> Vec<Need<'_>> {
    let mut needs = Vec::new();
    // A definition describes fields, and names nothing.
    if object.kind() == "CustomResourceDefinition" {
        return needs;
    }
    let own = own_namespace(object);
    let elsewhere = VALUES.iter().find(|(group, ..)| *group == object.group());
    let elsewhere = elsewhere.and_then(|(_, values, target)| Some((object.at(values)?, object.text(target).or(own))));
    collect(&object.root, own, elsewhere, &mut needs);
    let texts: Vec<(&'static str, &Node)> = match (object.group(), object.kind()) {
        ("helm.cattle.io", _) => {
            let secrets = ["/spec/authSecret/name", "/spec/dockerRegistrySecret/name"];
            let secrets = secrets.iter().filter_map(|path| object.at(path));
            let values = object.at("/spec/valuesSecrets").into_iter().flat_map(Node::items);
            let secrets = secrets.chain(values.filter_map(|entry| entry.at("/name"))).map(|name| ("Secret", name));
            secrets.chain(object.at("/spec/repoCAConfigMap/name").map(|name| ("ConfigMap", name))).collect()
        }
        ("networking.k8s.io", "Ingress") => {
            let hosts = object.at("/spec/tls").into_iter().flat_map(Node::items);
            hosts.filter_map(|host| Some(("Secret", host.at("/secretName")?))).collect()
        }
        _ => Vec::new(),
    };
    needs.extend(texts.into_iter().filter_map(|(kind, name)| need(kind, name, own)));
    needs
}

/// The namespace that an object's names are looked up in; none if it is not known.
fn own_namespace(object: &Object) -> Option<&str> {
    let named = object.text("/metadata/namespace");
    match (object.group(), object.kind()) {
        // An application's chart goes to where it says, and the object itself stays with Argo CD.
        ("argoproj.io", "Application" | "ApplicationSet") => {
            let paths = ["/spec/destination/namespace", "/spec/template/spec/destination/namespace"];
            paths.into_iter().find_map(|path| object.text(path)).filter(|name| !name.contains("{{"))
        }
        // A volume looks in the namespace of its claim.
        ("", "PersistentVolume") => named,
        // The controller of an object that is in no namespace looks in one of its own.
        (group, _) if group.contains('.') && !group.ends_with(".k8s.io") && group != "helm.cattle.io" => named,
        _ => Some(object.namespace()),
    }
}

fn need<'o>(kind: &'static str, name: &'o Node, namespace: Option<&'o str>) -> Option<Need<'o>> {
    let text = name.text().filter(|text| !text.is_empty())?;
    Some(Need { kind, name: text, namespace, place: name.span.clone() })
}

/// Where a pod's parts name what they need (`core/v1`): environment, volumes, pull secrets. `elsewhere` are the values of a
/// chart, and the namespace that it goes to.
fn collect<'o>(
    node: &'o Node,
    namespace: Option<&'o str>,
    elsewhere: Option<(&'o Node, Option<&'o str>)>,
    needs: &mut Vec<Need<'o>>,
) {
    let namespace = match elsewhere {
        Some((values, target)) if std::ptr::eq(values, node) => target,
        _ => namespace,
    };
    for item in node.items() {
        collect(item, namespace, elsewhere, needs);
    }
    for entry in node.entries() {
        let inner = &entry.node;
        // A reference may name the namespace beside the name.
        let space = inner.at("/namespace").and_then(Node::text).or(namespace);
        let found = |kind, path: &str| inner.at(path).and_then(|name| need(kind, name, space));
        let named = match entry.key.as_str() {
            "secretRef" | "secretKeyRef" => found("Secret", "/name"),
            "configMapRef" | "configMapKeyRef" | "configMap" => found("ConfigMap", "/name"),
            "secret" => found("Secret", "/secretName"),
            _ => None,
        };
        let is_optional = |node: &Node| node.at("/optional").is_some_and(Node::is_true);
        needs.extend(named.filter(|_| !is_optional(inner)));
        match entry.key.as_str() {
            // Kubernetes does without a pull secret that is not there; images of public registries come all the same. Who
            // names one means it.
            "imagePullSecrets" => {
                needs.extend(inner.items().iter().filter_map(|item| need("Secret", item.at("/name")?, namespace)));
            }
            "projected" => {
                let sources = inner.at("/sources").into_iter().flat_map(Node::items);
                let secrets = sources.filter_map(|source| source.at("/secret")).filter(|secret| !is_optional(secret));
                needs.extend(secrets.filter_map(|secret| need("Secret", secret.at("/name")?, namespace)));
            }
            _ => {}
        }
        collect(inner, namespace, elsewhere, needs);
    }
}
