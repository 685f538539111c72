//! Where images and charts come from.

use super::*;

#[test]
fn sources_that_are_dead_or_dying_are_found() {
    let pod = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: a\n    image: {image}\n"
        )
    };
    for image in [
        "docker.io/bitnami/kubectl:1.30",
        "bitnami/redis",
        "k8s.gcr.io/pause:3.1",
        "registry.k8s.io/ingress-nginx/controller:v1.12.0",
        "thomseddon/traefik-forward-auth:2",
    ] {
        assert_eq!(one(&pod(image)), [(FlawKind::Retired, 7)], "{image}");
    }
    for image in [
        "docker.io/bitnami/sealed-secrets-controller:0.40.0",
        "registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1",
        "redis:8",
    ] {
        assert_eq!(one(&pod(image)), [], "{image}");
    }
    let chart = |spec: &str| {
        format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: h, namespace: kube-system}}\nspec:\n  failurePolicy: abort\n  {spec}\n"
        )
    };
    assert_eq!(one(&chart("repo: https://bitnami-labs.github.io/sealed-secrets")), [(FlawKind::Gone, 6)]);
    assert_eq!(one(&chart("chart: oci://registry-1.docker.io/bitnamicharts/redis")), [(FlawKind::Retired, 6)]);
    assert_eq!(one(&chart("repo: https://kubernetes.github.io/ingress-nginx")), [(FlawKind::Retired, 6)]);
    let database = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec:\n  backup:\n    barmanObjectStore: {}\n";
    assert_eq!(one(database), [(FlawKind::UndefinedKind, 1), (FlawKind::Retired, 6)]);
}

#[test]
fn a_dead_address_is_an_error_only_where_it_is_fetched() {
    let dead = "https://charts.helm.sh/stable";
    let object = |version: &str, kind: &str, spec: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n  {spec}\n")
    };
    let without_definition = |text: &str| {
        let mut found = one(text);
        found.retain(|(kind, _)| *kind != FlawKind::UndefinedKind);
        found
    };
    for (version, kind, spec, expected) in [
        ("source.toolkit.fluxcd.io/v1", "HelmRepository", format!("url: {dead}"), FlawKind::Gone),
        ("argoproj.io/v1alpha1", "Application", format!("source: {{repoURL: {dead}}}"), FlawKind::Gone),
        ("argoproj.io/v1alpha1", "AppProject", format!("sourceRepos: [\"{dead}\"]"), FlawKind::Retired),
    ] {
        assert_eq!(without_definition(&object(version, kind, &spec)), [(expected, 5)], "{kind}");
    }
    assert_eq!(one(&format!("{CONFIG}data:\n  README.md: once {dead}\n  url: {dead}\n")), []);
    // Who forbids an address, or talks of it, fetches nothing from there.
    for spec in [format!("message: never {dead}"), "image: \"!k8s.gcr.io/*\"".to_owned()] {
        assert_eq!(without_definition(&object("kyverno.io/v1", "ClusterPolicy", &spec)), [], "{spec}");
    }
    let talk = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, annotations: {{was: \"{dead}\"}}}}\n");
    assert_eq!(one(&talk), []);
}

#[test]
fn dead_sources_in_a_charts_values_are_found_where_they_stand() {
    let chart = |values: &str| {
        format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: h, namespace: kube-system}}\nspec:\n  failurePolicy: \
             abort\n{values}"
        )
    };
    for (values, line) in [
        ("  valuesContent: |-\n    a: 1\n    image:\n      registry: docker.io\n      repository: bitnami/redis\n", 10),
        ("  valuesContent: |-\n    image: bitnami/kubectl:latest\n", 7),
        ("  values:\n    image: {registry: docker.io, repository: bitnami/redis}\n", 7),
    ] {
        assert_eq!(one(&chart(values)), [(FlawKind::Retired, line)], "{values}");
    }
    for fine in [
        "    # was bitnami/redis at docker.io/bitnami/\n    a: 1\n",
        "    image: {registry: harbor.lan, repository: bitnami/redis}\n",
    ] {
        assert_eq!(one(&chart(&format!("  valuesContent: |-\n{fine}"))), [], "{fine}");
    }
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    helm:\n      \
                       values: |\n        image: k8s.gcr.io/pause:3.1\n";
    assert_eq!(one(application), [(FlawKind::UndefinedKind, 1), (FlawKind::Retired, 8)]);
}
