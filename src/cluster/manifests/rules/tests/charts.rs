//! Charts, K3s's own and others.

use super::*;

#[test]
fn charts_must_say_what_happens_when_they_fail_and_come_from_where_they_are() {
    let chart = |namespace: &str, spec: &str| {
        format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata:\n  name: h\n  namespace: {namespace}\nspec:\n{spec}"
        )
    };
    let sound = "  failurePolicy: abort\n";
    assert_eq!(one(&chart("kube-system", sound)), []);
    assert_eq!(one(&chart("kube-system", "  version: 1.0.0\n")), [(FlawKind::FailurePolicy, 6)]);
    let needs = format!("{sound}  valuesSecrets:\n  - name: v\n    keys: [k]\n");
    assert_eq!(one(&chart("kube-public", &needs)), []);
    let makes = format!("{sound}  targetNamespace: app\n  createNamespace: true\n");
    assert_eq!(one(&chart("app", &makes)), [(FlawKind::ChartNamespace, 5)]);
    assert_eq!(one(&chart("kube-system", &makes)), []);
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: app}\n---\n";
    assert_eq!(one(&format!("{namespace}{}", chart("app", &makes))), []);
    // Another chart may make it, unless it waits for it too.
    let other = |namespace: &str| chart(namespace, &makes).replace("name: h", "name: other");
    assert_eq!(look(&[("a.yaml", &other("kube-system")), ("b.yaml", &chart("app", &makes))], &[]), []);
    assert_eq!(look(&[("a.yaml", &other("app")), ("b.yaml", &chart("app", &makes))], &[]).len(), 2);
    for (broken, line) in [("  valuesContent: |\n    b: 1\n    a: *b\n", 10), ("  valuesContent: just text\n", 8)] {
        assert_eq!(
            one(&chart("kube-system", &format!("{sound}{broken}"))),
            [(FlawKind::ChartConfig, line)],
            "{broken}"
        );
    }
}

#[test]
fn configurations_of_packaged_charts_are_where_k3s_reads_them_and_as_the_chart_takes_them() {
    let config = |namespace: &str, values: &str| {
        format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata:\n  name: traefik\n  namespace: {namespace}\nspec:\n  \
             valuesContent: |-\n{values}"
        )
    };
    let sound = "    additionalArguments: [--log.level=DEBUG]\n    ports: {web: {http: {redirections: {}}}}\n";
    assert_eq!(one(&config("kube-system", sound)), []);
    assert_eq!(one(&config("default", sound)), [(FlawKind::ChartConfig, 5)]);
    for (dropped, line) in [
        ("    ports: {web: {redirectTo: websecure}}\n", 8),
        ("    providers: {kubernetesIngressNginx: {enabled: true}}\n", 8),
        ("    ports:\n      websecure:\n        tls: {}\n", 10),
    ] {
        assert_eq!(one(&config("kube-system", dropped)), [(FlawKind::ChartConfig, line)], "{dropped}");
    }
}

#[test]
fn a_traefik_of_ones_own_is_taken_where_k3s_brings_none() {
    let own = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: traefik, namespace: kube-system}\nspec: {failurePolicy: \
               abort}\n---\napiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: traefik, namespace: kube-system}\n\
               spec:\n  valuesContent: |\n    globalArguments: []\n";
    assert_eq!(look_without(&["traefik"], &[("app.yaml", own)], &[]), []);
    assert_eq!(one(own), [(FlawKind::ChartConfig, 3), (FlawKind::ChartConfig, 11)]);
}

/// In another namespace than kube-system a chart of the name is its owner's, and takes what its own version takes.
#[test]
fn a_chart_of_ones_own_takes_its_own_values() {
    let own = "apiVersion: v1\nkind: Namespace\nmetadata: {name: traefik}\n---\napiVersion: helm.cattle.io/v1\nkind: HelmChart\n\
               metadata: {name: traefik, namespace: traefik}\nspec: {failurePolicy: abort}\n---\napiVersion: helm.cattle.io/v1\nkind: \
               HelmChartConfig\nmetadata: {name: traefik, namespace: traefik}\nspec:\n  valuesContent: |\n    ports: {web: \
               {redirections: {}}, websecure: {tls: {}}}\n";
    assert_eq!(one(own), []);
}

#[test]
fn what_traefiks_chart_refuses_hangs_on_the_patch_of_k3s() {
    let refused = |release: &str, values: &str| {
        let config = format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {{name: traefik, namespace: kube-system}}\nspec:\n  \
             valuesContent: |\n    {values}\n"
        );
        look_with(release, &[], &[("app.yaml", &config)], &[]).len()
    };
    let small = "providers: {kubernetesIngressNginx: {enabled: true}}";
    let capital = "providers: {kubernetesIngressNGINX: {enabled: true}}";
    for (release, of_small, of_capital) in [
        ("v1.33.13+k3s2", 1, 0),
        ("v1.34.8+k3s1", 0, 1),
        // The notes of these do not say which chart they have.
        ("v1.34.9+k3s1", 0, 0),
        ("v1.35.6+k3s1", 0, 0),
        ("v1.34.10+k3s1", 1, 0),
        ("v1.35.5+k3s1", 0, 1),
        ("v1.35.7+k3s1", 1, 0),
        ("v1.36.0+k3s1", 0, 1),
        ("v1.36.1+k3s1", 0, 1),
        ("v1.36.2+k3s1", 1, 0),
        ("v1.37.0+k3s1", 1, 0),
    ] {
        assert_eq!((refused(release, small), refused(release, capital)), (of_small, of_capital), "{release}");
    }
    for (release, expected) in [("v1.34.5+k3s1", 0), ("v1.34.6+k3s1", 1), ("v1.36.5+k3s1", 1), ("v1.37.0+k3s1", 0)] {
        assert_eq!(refused(release, "accessLog: {enabled: true}"), expected, "{release}");
        assert_eq!(refused(release, "log: {level: DEBUG}"), expected, "{release}");
    }
    for release in ["v1.35.2+k3s1", "v1.35.3+k3s1"] {
        let expected = usize::from(release == "v1.35.3+k3s1");
        assert_eq!(refused(release, "ports: {web: {redirections: {}}}"), expected, "{release}");
    }
}

#[test]
fn a_configuration_whose_name_is_a_slip_is_told() {
    let config = |name: &str| {
        format!(
            "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {{name: {name}, namespace: kube-system}}\nspec: {{}}\n"
        )
    };
    assert_eq!(one(&config("treafik")), [(FlawKind::ChartConfig, 3)]);
    assert!(said(&config("treafik")).contains("did you mean the chart `traefik`?"));
    // Its chart may come from elsewhere.
    assert_eq!(one(&config("longhorn")), []);
}
