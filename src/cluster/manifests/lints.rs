//! What is wrong with a set of manifests that K3s shall apply by itself, before it does so for ever.
//!
//! K3s names an `AddOn` after its file, owns what the file holds, and applies all files again every 15 seconds until
//! each of them has succeeded once (`pkg/deploy/controller.go`). So one bad file keeps all others being put back over
//! what people and `GitOps` changed.

use std::collections::{BTreeMap, BTreeSet};

use super::object::{Manifest, Object};

/// A mistake in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub kind: FlawKind,
    /// The manifest's file name.
    pub manifest: String,
    /// From 1.
    pub line: u64,
    pub message: String,
    pub hint: String,
}

/// Which rule it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// The file's name is none for an `AddOn`, or another file has it.
    AddonName,
    /// A document is no Kubernetes object.
    NoObject,
    /// A definition and what needs it are in one file.
    DefinitionBesideUse,
    /// Nobody defines an object's kind before K3s applies it.
    UndefinedKind,
    /// A Secret or `ConfigMap` is needed that nobody makes.
    NobodyMakes,
    /// A chart that is taken away, with its data, when an upgrade fails.
    FailurePolicy,
    /// A chart in the manifest that is too large for the datastore.
    ChartSize,
    /// An address or API that is gone.
    Gone,
    /// One file has an object twice.
    Twice,
    /// An object is in a namespace that nobody makes.
    NoNamespace,
}

/// Largest object that Kubernetes stores, less room for the rest of the `ConfigMap` (`chart-content-NAME`).
const CHART_LIMIT: usize = 1_000_000;

/// Groups that the API server or K3s itself always serves, beside those that end in `.k8s.io`.
const BUILT_IN: [&str; 8] =
    ["", "apps", "autoscaling", "batch", "policy", "helm.cattle.io", "k3s.cattle.io", "extensions"];

/// Namespaces that a cluster has from its beginning.
const MADE_BY_K3S: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Everything wrong with `manifests`, in their order.
#[must_use]
pub fn lint(manifests: &[Manifest]) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let defined: BTreeSet<(&str, &str)> = objects(manifests).filter_map(|(_, object)| definition(object)).collect();
    let namespaces: BTreeSet<&str> = objects(manifests).filter_map(|(_, object)| namespace(object)).collect();
    let mut addons: BTreeMap<&str, &str> = BTreeMap::new();
    for manifest in manifests {
        let mut seen = BTreeSet::new();
        addon_name(manifest, &mut addons, &mut flaws);
        for object in &manifest.objects {
            let mut flaw = |kind, message: String, hint: String| {
                flaws.push(Flaw { kind, manifest: manifest.name.clone(), line: object.line, message, hint });
            };
            if object.kind().is_empty() || object.name().is_empty() || object.text("/apiVersion").is_none() {
                flaw(
                    FlawKind::NoObject,
                    "a document here is no Kubernetes object".to_owned(),
                    "each needs `apiVersion`, `kind` and `metadata.name`".to_owned(),
                );
                continue;
            }
            kinds(object, manifest, &defined, &mut flaw);
            needs(object, manifests, &mut flaw);
            charts(object, &mut flaw);
            if !seen.insert((object.group(), object.kind(), object.namespace(), object.name())) {
                flaw(
                    FlawKind::Twice,
                    format!("{} is in this file twice", object.spoken()),
                    "give one of them another name, or leave it out".to_owned(),
                );
            }
            if let Some(namespace) = object.text("/metadata/namespace").filter(|name| !namespaces.contains(name))
                && !MADE_BY_K3S.contains(&namespace)
            {
                flaw(
                    FlawKind::NoNamespace,
                    format!("no manifest here makes the namespace `{namespace}` of {}", object.spoken()),
                    "put a Namespace of that name in front of it; a HelmChart makes its `targetNamespace` with \
                     `createNamespace: true`"
                        .to_owned(),
                );
            }
        }
    }
    flaws
}

fn objects(manifests: &[Manifest]) -> impl Iterator<Item = (&Manifest, &Object)> {
    manifests.iter().flat_map(|manifest| manifest.objects.iter().map(move |object| (manifest, object)))
}

/// The namespace that an object makes, or has a chart make.
fn namespace(object: &Object) -> Option<&str> {
    match (object.group(), object.kind()) {
        ("", "Namespace") => Some(object.name()),
        ("helm.cattle.io", "HelmChart") if object.value("/spec/createNamespace")?.as_bool()? => {
            object.text("/spec/targetNamespace")
        }
        _ => None,
    }
}

/// Group and kind that a `CustomResourceDefinition` defines.
fn definition(object: &Object) -> Option<(&str, &str)> {
    let is_definition = object.kind() == "CustomResourceDefinition";
    is_definition.then(|| Some((object.text("/spec/group")?, object.text("/spec/names/kind")?))).flatten()
}

fn addon_name<'m>(manifest: &'m Manifest, addons: &mut BTreeMap<&'m str, &'m str>, flaws: &mut Vec<Flaw>) {
    let Manifest { name, .. } = manifest;
    let mut flaw = |message: String, hint: String| {
        flaws.push(Flaw { kind: FlawKind::AddonName, manifest: name.clone(), line: 1, message, hint });
    };
    let addon = manifest.addon();
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let bytes = addon.as_bytes();
    if !bytes.iter().copied().all(inner) || !edge(bytes.first()) || !edge(bytes.last()) || bytes.len() > 63 {
        flaw(
            format!("K3s cannot name an AddOn `{addon}`"),
            "call the file by lower-case letters, digits and `-`, such as `metallb-10-pool.yaml`".to_owned(),
        );
    } else if name.matches('.').count() > 1 {
        flaw(
            format!("K3s takes the part up to the first period, `{addon}`, for the AddOn's name"),
            format!("use `-` instead of a period: `{}.yaml`", name.trim_end_matches(".yaml").replace('.', "-")),
        );
    }
    if let Some(other) = addons.insert(addon, name) {
        flaw(
            format!("`{other}` is the AddOn `{addon}` too, and the two delete each other's objects"),
            "give one of the files another name".to_owned(),
        );
    }
}

fn kinds(
    object: &Object,
    manifest: &Manifest,
    defined: &BTreeSet<(&str, &str)>,
    flaw: &mut impl FnMut(FlawKind, String, String),
) {
    let (group, kind) = (object.group(), object.kind());
    if group == "traefik.containo.us" {
        flaw(
            FlawKind::Gone,
            format!("{} is of an API group that Traefik 3 does not serve", object.spoken()),
            "write `apiVersion: traefik.io/v1alpha1`".to_owned(),
        );
        return;
    }
    // Traefik's own definitions come with K3s.
    if BUILT_IN.contains(&group) || group.ends_with(".k8s.io") || group == "traefik.io" {
        return;
    }
    if manifest.objects.iter().filter_map(definition).any(|found| found == (group, kind)) {
        flaw(
            FlawKind::DefinitionBesideUse,
            format!("{} is in one file with the definition of its kind", object.spoken()),
            "put the definition into a file of its own that sorts before this one".to_owned(),
        );
    } else if !defined.contains(&(group, kind)) {
        flaw(
            FlawKind::UndefinedKind,
            format!("no manifest here defines the kind of {} ({group})", object.spoken()),
            "K3s applies all files again every 15 seconds until a chart brings the definition; if none surely does, leave \
             this to GitOps"
                .to_owned(),
        );
    }
}

fn needs(object: &Object, manifests: &[Manifest], flaw: &mut impl FnMut(FlawKind, String, String)) {
    for kind in ["Secret", "ConfigMap"] {
        for name in object.needs(kind) {
            let makes = |made: &Object| {
                let same_kind = made.kind() == kind || (kind == "Secret" && made.kind() == "SealedSecret");
                same_kind && made.name() == name && made.namespace() == object.namespace()
            };
            if !objects(manifests).any(|(_, made)| makes(made)) {
                flaw(
                    FlawKind::NobodyMakes,
                    format!(
                        "{} needs the {kind} `{name}` in `{}`, which no manifest makes",
                        object.spoken(),
                        object.namespace()
                    ),
                    "add it to a manifest of an overlay; its values come from `secrets`, so that it goes with the seed"
                        .to_owned(),
                );
            }
        }
    }
}

fn charts(object: &Object, flaw: &mut impl FnMut(FlawKind, String, String)) {
    if object.group() != "helm.cattle.io" || object.kind() != "HelmChart" {
        return;
    }
    if !matches!(object.text("/spec/failurePolicy"), Some("abort" | "retry")) {
        flaw(
            FlawKind::FailurePolicy,
            format!("when {} fails to upgrade, K3s uninstalls it with all its data", object.spoken()),
            "add `failurePolicy: abort` to its `spec`".to_owned(),
        );
    }
    if object.text("/spec/chartContent").is_some_and(|chart| chart.len() > CHART_LIMIT) {
        flaw(
            FlawKind::ChartSize,
            format!("the chart inside {} is too large for an object of Kubernetes", object.spoken()),
            "give `repo` and `chart` instead of `chartContent`".to_owned(),
        );
    }
    if object
        .text("/spec/repo")
        .is_some_and(|repo| repo.trim_end_matches('/') == "https://bitnami-labs.github.io/sealed-secrets")
    {
        flaw(
            FlawKind::Gone,
            format!("the chart repository of {} has moved", object.spoken()),
            "write `repo: https://bitnami.github.io/sealed-secrets`".to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaws(manifests: &[(&str, &str)]) -> Vec<(FlawKind, String)> {
        let read = |(name, text): &(&str, &str)| Manifest::parse(name, text).unwrap();
        let manifests: Vec<Manifest> = manifests.iter().map(read).collect();
        lint(&manifests).into_iter().map(|flaw| (flaw.kind, format!("{}:{}", flaw.manifest, flaw.line))).collect()
    }

    const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

    #[test]
    fn names_that_k3s_would_misread_are_found() {
        assert_eq!(flaws(&[("a-10-b.yaml", CONFIG)]), []);
        for name in ["a_b.yaml", "A.yaml", "-a.yaml", "metallb.crds.yaml"] {
            assert_eq!(flaws(&[(name, CONFIG)]), [(FlawKind::AddonName, format!("{name}:1"))]);
        }
        let twice = flaws(&[("metallb.yaml", CONFIG), ("metallb.json", CONFIG)]);
        assert_eq!(twice, [(FlawKind::AddonName, "metallb.json:1".to_owned())]);
    }

    #[test]
    fn a_definition_and_its_use_do_not_go_together() {
        let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: pools}\n\
                          spec: {group: metallb.io, names: {kind: IPAddressPool}}\n";
        let used = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: lan}\n";
        let both = format!("{definition}---\n{used}");
        assert_eq!(flaws(&[("pool.yaml", &both)]), [(FlawKind::DefinitionBesideUse, "pool.yaml:6".to_owned())]);
        assert_eq!(flaws(&[("pool-1.yaml", definition), ("pool-2.yaml", used)]), []);
        assert_eq!(flaws(&[("pool.yaml", used)]), [(FlawKind::UndefinedKind, "pool.yaml:1".to_owned())]);
    }

    #[test]
    fn what_is_needed_must_be_made_unless_it_is_optional() {
        let pod = |optional: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: n}}\nspec:\n  containers:\n  - envFrom:\n    \
                 - secretRef: {{name: s{optional}}}\n  volumes:\n  - configMap: {{name: c{optional}}}\n"
            )
        };
        let missing = flaws(&[("pod.yaml", &pod(""))]);
        assert_eq!(missing.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [FlawKind::NobodyMakes; 2]);
        assert_eq!(flaws(&[("pod.yaml", &pod(", optional: true"))]), []);
        let made = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n}\n---\napiVersion: v1\nkind: ConfigMap\n\
                    metadata: {name: c, namespace: n}\n";
        assert_eq!(flaws(&[("made.yaml", made), ("pod.yaml", &pod(""))]), []);
    }

    #[test]
    fn charts_must_say_what_happens_when_they_fail_and_come_from_where_they_are() {
        let chart = |spec: &str| {
            format!(
                "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: h, namespace: kube-system}}\nspec:\n{spec}"
            )
        };
        assert_eq!(flaws(&[("h.yaml", &chart("  failurePolicy: abort\n"))]), []);
        assert_eq!(
            flaws(&[("h.yaml", &chart("  version: 1.0.0\n"))]),
            [(FlawKind::FailurePolicy, "h.yaml:1".to_owned())]
        );
        let gone = chart("  failurePolicy: abort\n  repo: https://bitnami-labs.github.io/sealed-secrets\n");
        assert_eq!(flaws(&[("h.yaml", &gone)]), [(FlawKind::Gone, "h.yaml:1".to_owned())]);
        let needs = chart("  failurePolicy: abort\n  valuesSecrets: [{name: v, keys: [k]}]\n");
        assert_eq!(flaws(&[("h.yaml", &needs)]), [(FlawKind::NobodyMakes, "h.yaml:1".to_owned())]);
    }

    #[test]
    fn what_is_no_object_is_found_and_text_that_is_no_yaml_names_its_line() {
        assert_eq!(flaws(&[("a.yaml", "---\njust: text\n")]), [(FlawKind::NoObject, "a.yaml:2".to_owned())]);
        assert_eq!(Manifest::parse("a.yaml", "a: [1\nb: 2\n").unwrap_err().1, "the text is not valid YAML");
    }
}
