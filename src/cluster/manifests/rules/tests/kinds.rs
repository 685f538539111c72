//! Kinds and versions of APIs that Kubernetes has.

use super::*;

#[test]
fn kinds_that_kubernetes_has_not_are_found_with_what_is_meant() {
    let object = |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: a\n");
    for (version, kind, line, hint) in [
        ("apps/v1", "Deploymnet", 2, "`Deployment`"),
        ("v1", "Deployment", 1, "apiVersion: apps/v1"),
        ("app/v1", "Deployment", 1, "apiVersion: apps/v1"),
        ("networking.k8s.io/v1", "ingress", 2, "`Ingress`"),
        ("helm.cattle.io/v1", "HelmChat", 2, "`HelmChart`"),
    ] {
        let text = object(version, kind);
        assert_eq!(one(&text), [(FlawKind::UnknownKind, line)], "{version} {kind}");
        assert!(said(&text).contains(hint), "{}", said(&text));
    }
    assert_eq!(
        one(&object("storagemigration.k8s.io/v1beta1", "StorageVersionMigration")),
        [(FlawKind::SwitchedOff, 1)]
    );
    // Groups of other projects are theirs, in `k8s.io` too.
    assert_eq!(one(&object("gateway.networking.k8s.io/v1", "Gateway")), []);
    assert_eq!(one(&object("traefik.io/v1alpha1", "Middleware")), []);
    for (version, kind) in
        [("example.org/v1", "Widget"), ("network.k8s.io/v1", "Ingress"), ("networkin.k8s.io/v1", "Ingress")]
    {
        let expected = (version != "network.k8s.io/v1").then_some((FlawKind::UndefinedKind, 1));
        assert_eq!(one(&object(version, kind)), expected.into_iter().collect::<Vec<_>>(), "{version}");
    }
}

#[test]
fn versions_of_apis_that_are_gone_are_told_with_what_to_write() {
    for (version, kind, hint) in [
        ("extensions/v1beta1", "Ingress", "apiVersion: networking.k8s.io/v1"),
        ("extensions/v1beta1", "Deployment", "apiVersion: apps/v1"),
        ("networking.k8s.io/v1beta1", "Ingress", "apiVersion: networking.k8s.io/v1"),
        ("policy/v1beta1", "PodSecurityPolicy", "pod-security.kubernetes.io"),
        ("policy/v1beta1", "PodDisruptionBudget", "apiVersion: policy/v1"),
        ("batch/v1beta1", "CronJob", "apiVersion: batch/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "apiVersion: autoscaling/v"),
        ("rbac.authorization.k8s.io/v1beta1", "ClusterRole", "apiVersion: rbac.authorization.k8s.io/v1"),
        ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "apiVersion: apiextensions.k8s.io/v1"),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "apiVersion: flowcontrol.apiserver.k8s.io/v1"),
        ("traefik.containo.us/v1alpha1", "Middleware", "apiVersion: traefik.io/v1alpha1"),
    ] {
        let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n");
        assert_eq!(one(&text), [(FlawKind::Gone, 1)], "{version} {kind}");
        assert!(said(&text).contains(hint), "{}", said(&text));
    }
}

#[test]
fn versions_that_were_gone_before_the_facts_begin_are_told_too() {
    let object = |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n");
    let at = |minor, version, kind| look_at(minor, &[], &[("app.yaml", &object(version, kind))], &[]);
    for (version, kind, since, hint) in [
        ("extensions/v1beta1", "Ingress", 22, "apiVersion: networking.k8s.io/v1"),
        ("policy/v1beta1", "PodSecurityPolicy", 25, "pod-security.kubernetes.io"),
        ("flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema", 29, "apiVersion: flowcontrol.apiserver.k8s.io/v1"),
    ] {
        let found = at(31, version, kind);
        assert!(matches!(&found[..], [(FlawKind::Gone, 1, said)] if said.contains(hint)), "{found:?}");
        assert_eq!(at(since - 1, version, kind), [], "{version}");
    }
    assert_eq!(at(31, "apps/v1", "Deployment"), []);
}

#[test]
fn a_line_that_is_newer_than_the_facts_may_have_a_kind_that_they_have_not() {
    let object = "apiVersion: apps/v2\nkind: Deployment\nmetadata: {name: a}\n";
    let kinds = |minor| look_at(minor, &[], &[("app.yaml", object)], &[]).into_iter().map(|(kind, ..)| kind);
    assert_eq!(kinds(37).collect::<Vec<_>>(), [FlawKind::UnknownKind]);
    assert_eq!(kinds(38).collect::<Vec<_>>(), [FlawKind::UndefinedKind]);
}

#[test]
fn kinds_of_traefik_and_snapshots_are_there_only_with_what_brings_them() {
    let object = |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n");
    let route = object("traefik.io/v1alpha1", "IngressRoute");
    let kinds = |disabled: &[&str], text: &str| {
        look_without(disabled, &[("app.yaml", text)], &[]).into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[], &object("traefik.io/v1alpha1", "IngresRoute")), [FlawKind::UnknownKind]);
    assert_eq!(kinds(&[], &route), []);
    assert_eq!(kinds(&["traefik"], &route), [FlawKind::UndefinedKind]);
    let own = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: proxy, namespace: kube-system}\nspec: {failurePolicy: \
               abort, chart: traefik}\n---\n";
    assert_eq!(kinds(&["traefik"], &format!("{own}{route}")), []);
    assert_eq!(kinds(&[], &object("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass")), [FlawKind::UndefinedKind]);
    assert_eq!(kinds(&[], &object("metrics.k8s.io/v1beta1", "NodeMetrics")), []);
}

#[test]
fn a_chart_brings_the_kinds_that_it_is_known_to_bring_and_no_others() {
    let chart = |chart: &str| {
        format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: c, namespace: kube-system}}\nspec: {{failurePolicy: abort, \
                 chart: \"{chart}\"}}\n"
        )
    };
    let route = "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: a}\n";
    let kinds = |text: &str| {
        let manifests = [("app-10.yaml", text), ("app-20.yaml", route)];
        look(&manifests, &[]).into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&chart("metallb")), []);
    assert_eq!(kinds(&chart("oci://registry.example.org/charts/metallb")), []);
    assert_eq!(kinds(&chart("longhorn")), [FlawKind::UndefinedKind]);
}

#[test]
fn metallb_beside_the_load_balancer_of_k3s_is_found() {
    let chart = |values: &str| {
        format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: c, namespace: kube-system}}\nspec:\n  failurePolicy: \
                 abort\n  chart: metallb\n{values}"
        )
    };
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: a}\n";
    let kinds = |disabled: &[&str], values: &str| {
        let manifests = [("app-10.yaml", chart(values)), ("app-20.yaml", pool.to_owned())];
        let manifests = manifests.each_ref().map(|(name, text)| (*name, text.as_str()));
        look_without(disabled, &manifests, &[]).into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[], ""), [FlawKind::TwoBalancers]);
    assert_eq!(kinds(&["servicelb"], ""), []);
    assert_eq!(kinds(&[], "  valuesContent: |-\n    loadBalancerClass: metallb\n"), []);
    assert_eq!(kinds(&[], "  values: {loadBalancerClass: metallb}\n"), []);
}
