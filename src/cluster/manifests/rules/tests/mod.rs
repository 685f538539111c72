//! Rules by what they find: kind and line, in manifests as people write them.

mod charts;
mod kinds;
mod needs;
mod sources;
mod values;

use std::collections::BTreeSet;

use super::*;

/// Kind, line and message of each flaw; the manifests by name and text, held against Kubernetes 1.36.
fn look(manifests: &[(&str, &str)], expects: &[&str]) -> Vec<(FlawKind, usize, String)> {
    look_without(&[], manifests, expects)
}

/// As [`look`], on a server that leaves components of K3s out.
fn look_without(disabled: &[&str], manifests: &[(&str, &str)], expects: &[&str]) -> Vec<(FlawKind, usize, String)> {
    look_at(36, disabled, manifests, expects)
}

/// As [`look_without`], held against Kubernetes 1.`minor`.
fn look_at(
    minor: u32,
    disabled: &[&str],
    manifests: &[(&str, &str)],
    expects: &[&str],
) -> Vec<(FlawKind, usize, String)> {
    look_with(&format!("v1.{minor}.5+k3s1"), disabled, manifests, expects)
}

/// As [`look_without`], on a release of K3s.
fn look_with(
    release: &str,
    disabled: &[&str],
    manifests: &[(&str, &str)],
    expects: &[&str],
) -> Vec<(FlawKind, usize, String)> {
    let release = Tag::parse(release).unwrap();
    let minor = release.line.minor;
    let kubernetes = Kubernetes::new(minor);
    let read: Vec<Manifest> = manifests.iter().map(|(name, text)| Manifest::parse(name, text).unwrap()).collect();
    let rendered: Vec<Rendered<'_>> =
        read.iter().zip(manifests).map(|(manifest, (_, text))| Rendered { manifest, text }).collect();
    let expects: BTreeSet<String> = expects.iter().map(|expected| (*expected).to_owned()).collect();
    let against = Against {
        release: Some(&release),
        minor: Some(minor),
        kubernetes: kubernetes.as_ref(),
        expects: &expects,
        disabled,
    };
    let flaws = lint(&rendered, against);
    let line = |flaw: &Flaw| {
        let (_, text) = manifests.iter().find(|(name, _)| *name == flaw.manifest).unwrap();
        text[..flaw.span.start].matches('\n').count() + 1
    };
    flaws.iter().map(|flaw| (flaw.kind, line(flaw), format!("{} ({})", flaw.message, flaw.hint))).collect()
}

fn one(text: &str) -> Vec<(FlawKind, usize)> {
    look(&[("app.yaml", text)], &[]).into_iter().map(|(kind, line, _)| (kind, line)).collect()
}

fn said(text: &str) -> String {
    look(&[("app.yaml", text)], &[]).into_iter().map(|(.., said)| said).collect::<Vec<_>>().join("\n")
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

fn deployment(labels: &str, container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  selector:\n    matchLabels:\n      app: web\n  \
         template:\n    metadata:\n      labels:\n        {labels}\n    spec:\n      containers:\n      - name: web\n        \
         image: example.org/web:1\n        {container}\n"
    )
}

#[test]
fn names_that_k3s_would_misread_are_found() {
    let names = |files: &[&str]| {
        let manifests: Vec<(&str, &str)> = files.iter().map(|name| (*name, CONFIG)).collect();
        look(&manifests, &[]).into_iter().filter(|(kind, ..)| *kind == FlawKind::AddonName).count()
    };
    assert_eq!(names(&["a-10-b.yaml"]), 0);
    for name in ["a_b.yaml", "A.yaml", "-a.yaml", "metallb.crds.yaml"] {
        assert_eq!(names(&[name]), 1, "{name}");
    }
    assert_eq!(names(&["metallb.yaml", "metallb.json"]), 1);
    for packaged in
        ["traefik", "coredns", "ccm", "rolebindings", "runtimes", "local-storage", "aggregated-metrics-reader"]
    {
        assert_eq!(names(&[&format!("{packaged}.yaml")]), 1, "{packaged}");
        assert_eq!(names(&[&format!("my-{packaged}.yaml")]), 0, "{packaged}");
    }
}

#[test]
fn a_definition_and_its_use_do_not_go_together() {
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: pools.metallb.io}\n\
                      spec: {group: metallb.io, names: {kind: L2Advertisement}}\n";
    let used = "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: lan}\n";
    assert_eq!(one(&format!("{definition}---\n{used}")), [(FlawKind::DefinitionBesideUse, 7)]);
    assert_eq!(look(&[("pool-1.yaml", definition), ("pool-2.yaml", used)], &[]), []);
    assert_eq!(one(used), [(FlawKind::UndefinedKind, 1)]);
}

#[test]
fn a_name_of_another_type_and_one_that_is_made_up_are_told_as_what_they_are() {
    let named = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  {name}\n");
    for (name, message) in
        [("name: 123", "`metadata.name` is a number"), ("name: no", "`metadata.name` is true or false")]
    {
        assert_eq!(one(&named(name)), [(FlawKind::WrongType, 4)], "{name}");
        assert!(
            said(&named(name)).contains(message) && said(&named(name)).contains("quotes"),
            "{}",
            said(&named(name))
        );
    }
    assert_eq!(one(&named("generateName: a-")), [(FlawKind::NoObject, 4)]);
    assert!(said(&named("generateName: a-")).contains("write `name`"));
    assert!(said(&named("labels: {}")).contains("has no `metadata.name`"));
}

#[test]
fn a_document_in_the_line_of_its_separator_is_told_where_k3s_passes_it_over() {
    let flow = "--- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n";
    assert_eq!(one(&format!("{CONFIG}{flow}")), [(FlawKind::NoObject, 4)]);
    assert_eq!(one(&format!("# first\n{flow}")), []);
    assert_eq!(one(&format!("{CONFIG}--- # next\n{}", CONFIG.replace("name: a", "name: b"))), []);
}

#[test]
fn a_key_that_means_true_is_told() {
    assert_eq!(one(&format!("{CONFIG}data:\n  on: \"x\"\n  \"off\": \"x\"\n")), [(FlawKind::ChangedKey, 5)]);
    let numbers = format!("{CONFIG}data:\n  8080: \"x\"\n  010: \"x\"\n  1.10: \"x\"\n  ~: \"x\"\n");
    assert_eq!(one(&numbers)[..3], [(FlawKind::ChangedKey, 6), (FlawKind::ChangedKey, 7), (FlawKind::WrongType, 8)]);
    assert!(said(&numbers).contains("the key `1.10` becomes `1.1`"));
}

#[test]
fn no_message_quotes_a_value() {
    let text = format!(
        "{CONFIG}data:\n  a: 4711\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s, labels: {{a: \"hush hush\"}}}}\ndata: {{a: \"not hush\"}}\n"
    );
    assert_eq!(one(&text).len(), 3);
    assert!(!said(&text).contains("4711") && !said(&text).contains("hush"), "{}", said(&text));
}

#[test]
fn what_is_no_object_and_keys_that_stand_twice_are_found() {
    assert_eq!(one("---\njust: text\n"), [(FlawKind::NoObject, 2)]);
    assert_eq!(one(&format!("{CONFIG}data:\n  a: one\n  a: two\n")), [(FlawKind::DuplicateKey, 6)]);
    assert_eq!(one(&format!("{CONFIG}---\n{CONFIG}")), [(FlawKind::Twice, 7)]);
    assert_eq!(
        one("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: far\n"),
        [(FlawKind::NoNamespace, 5)]
    );
}
