//! Fields and their values, as the API server takes them.

use super::*;

#[test]
fn labels_and_annotations_of_custom_objects_are_text_too() {
    let route = |metadata: &str| {
        format!(
            "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata:\n  name: a\n  {metadata}\nspec: {{a: 1}}\n"
        )
    };
    for metadata in ["labels: {a: true}", "annotations: {a: 1.10}", "labels: [a]", "finalizers: a"] {
        assert_eq!(one(&route(metadata)), [(FlawKind::WrongType, 5)], "{metadata}");
    }
    assert!(said(&route("labels: {a: true}")).contains("`metadata.labels.a` of IngressRoute `a`"));
    assert_eq!(one(&route("lables: {a: b}")), [(FlawKind::UnknownField, 5)]);
    assert_eq!(one(&route("labels: {a: \"true\"}")), []);
}

#[test]
fn values_of_another_type_than_the_field_s_are_found_where_they_stand() {
    let env = |value: &str| deployment("app: web", &format!("env:\n        - name: PORT\n          value: {value}"));
    for value in ["8080", "1.10", "true", "yes", "[a]"] {
        assert_eq!(one(&env(value)), [(FlawKind::WrongType, 19)], "{value}");
    }
    for value in ["\"8080\"", "'yes'", "web", "", "null", "1.2.3"] {
        assert_eq!(one(&env(value)), [], "{value}");
    }
    let labels = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    privileged: true\n    version: 1.10\n    port: 80\n";
    assert_eq!(one(labels), [(FlawKind::WrongType, 6), (FlawKind::WrongType, 7), (FlawKind::WrongType, 8)]);
    assert_eq!(
        one(&format!("{CONFIG}data:\n  port: 8080\n  \"on\": yes\n  fine: text\n")),
        [(FlawKind::WrongType, 5), (FlawKind::WrongType, 6)]
    );
    let secret = |data: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata:\n  key: {data}\n");
    assert_eq!(one(&secret("not base64")), [(FlawKind::WrongType, 5)]);
    assert_eq!(one(&secret("|\n    aGVs\n    bG8=\n")), []);
    assert_eq!(one(&secret("notset00")), []);
    // Go takes bits after the end that Rust's reader refuses by itself.
    assert_eq!(one(&secret("aGVsbG9=")), []);
    for (container, expected) in [
        ("ports:\n        - containerPort: \"80\"", Some(18)),
        ("resources: {limits: {memory: 1GB}}", Some(17)),
        (
            "resources: {limits: {memory: 1Gi, cpu: \" 1\", \"nvidia.com/gpu\": 1}, requests: {cpu: 0.5, memory: 1e9}}",
            None,
        ),
        ("livenessProbe: {httpGet: {port: http, path: /}, periodSeconds: 1.5}", Some(17)),
        ("command: sleep", Some(17)),
        ("securityContext: {privileged: \"true\"}", Some(17)),
        ("ports: {containerPort: 80}", Some(17)),
    ] {
        let found = one(&deployment("app: web", container));
        assert_eq!(
            found,
            expected.map(|line| (FlawKind::WrongType, line)).into_iter().collect::<Vec<_>>(),
            "{container}"
        );
    }
}

#[test]
fn fields_that_the_api_server_drops_are_told_with_the_one_that_was_meant() {
    for (container, hint) in [
        ("imagePullpolicy: Always", "did you mean `imagePullPolicy`?"),
        ("enviroment: []", "take it out"),
        ("volumeMount: []", "did you mean `volumeMounts`?"),
    ] {
        let text = deployment("app: web", container);
        assert_eq!(one(&text), [(FlawKind::UnknownField, 17)], "{container}");
        assert!(said(&text).contains(hint), "{}", said(&text));
    }
    let chart = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: a, namespace: kube-system}\nspec:\n  \
                 failurePolicy: abort\n  valueContent: |\n    a: 1\n";
    assert_eq!(one(chart), [(FlawKind::UnknownField, 6)]);
    assert!(said(chart).contains("`valuesContent`"));
}

#[test]
fn names_labels_and_keys_that_kubernetes_refuses_are_found() {
    let named = |kind: &str, name: &str| format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n");
    for (kind, name) in
        [("ConfigMap", "My_Config"), ("Service", "a.b"), ("Namespace", "A"), ("Secret", "a..b"), ("Pod", "-a")]
    {
        assert_eq!(one(&named(kind, name)), [(FlawKind::BadName, 4)], "{kind} {name}");
    }
    for (kind, name) in [("ConfigMap", "kube-root-ca.crt"), ("Service", "web"), ("Secret", "sh.helm.release.v1.a.v1")] {
        assert_eq!(one(&named(kind, name)), [], "{kind} {name}");
    }
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: \"system:auth\"}\n";
    assert_eq!(one(role), []);
    let labelled =
        |labels: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    {labels}\n");
    for bad in ["a: \"two words\"", "a b: c", "example.org/x/y: z", "a: -x"] {
        assert_eq!(one(&labelled(bad)), [(FlawKind::BadName, 6)], "{bad}");
    }
    assert_eq!(one(&labelled("pod-security.kubernetes.io/enforce: privileged")), []);
    assert_eq!(one(&format!("{CONFIG}data:\n  \"a/b\": x\n")), [(FlawKind::BadName, 5)]);
    let container = deployment("app: web", "").replace("name: web", "name: my_web");
    assert_eq!(one(&container), [(FlawKind::BadName, 15)]);
}

#[test]
fn a_selector_finds_the_pods_of_its_own_template() {
    assert_eq!(one(&deployment("app: web", "")), []);
    assert_eq!(one(&deployment("app: other", "")), [(FlawKind::Selector, 8)]);
    assert_eq!(one(&deployment("tier: web", "")), [(FlawKind::Selector, 8)]);
    let none = deployment("app: web", "").replace("  selector:\n    matchLabels:\n      app: web\n", "");
    assert_eq!(one(&none), [(FlawKind::Selector, 5)]);
}

#[test]
fn values_that_the_api_server_refuses_are_found() {
    let wrong = |text: &str| {
        let found = one(text).into_iter().filter(|(kind, _)| *kind == FlawKind::BadValue);
        found.map(|(_, line)| line).collect::<Vec<_>>()
    };
    let service = |spec: &str| format!("apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec:\n  {spec}\n");
    for bad in [
        "type: ClusterIp",
        "ports: [{port: 99999}]",
        "ports: [{port: 80, protocol: tcp}]",
        "ports: [{port: 80, nodePort: 70000}]",
    ] {
        assert_eq!(wrong(&service(bad)), [5], "{bad}");
    }
    assert!(said(&service("type: ClusterIp")).contains("did you mean `ClusterIP`?"));
    for fine in ["type: NodePort", "ports: [{port: 80, nodePort: 0, protocol: UDP}]", "type: \"\""] {
        assert_eq!(wrong(&service(fine)), [0; 0], "{fine}");
    }
    assert_eq!(wrong(&service("ports: [{port: 80, name: a}, {port: 81}]")), [5]);
    assert_eq!(one(&service("ports: [{port: 80, name: a, targetPort: a-very-long-name}]")), [(FlawKind::BadValue, 5)]);
    assert_eq!(one(&service("ports: [{port: 80, name: Web}]")), [(FlawKind::BadValue, 5)]);
    assert_eq!(one(&service("ports: [{port: 80, name: a-long-name-of-a-port, targetPort: http-80}]")), []);
    assert_eq!(
        wrong(&deployment("app: web", "").replace("    spec:\n", "    spec:\n      restartPolicy: Never\n")),
        [14]
    );
    for (container, expected) in [
        ("ports: [{containerPort: 80, name: web_1}]", Some(17)),
        ("ports: [{containerPort: 80, name: \"80\"}]", Some(17)),
        ("livenessProbe: {tcpSocket: {port: a--b}}", Some(17)),
        ("ports: [{containerPort: 80, name: https-alternate}]", None),
        ("imagePullPolicy: always", Some(17)),
        ("volumeMounts: [{name: nope, mountPath: /x}]", Some(17)),
        ("ports: [{containerPort: 0}]", Some(17)),
        ("imagePullPolicy: Always", None),
    ] {
        assert_eq!(wrong(&deployment("app: web", container)), expected.into_iter().collect::<Vec<_>>(), "{container}");
    }
    let empty = deployment("app: web", "").replace("selector:\n    matchLabels:\n      app: web\n", "selector: {}\n");
    assert_eq!(wrong(&empty), [6]);
    let none = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n";
    assert_eq!(wrong(none), [4]);
    let claim = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec:\n  serviceName: a\n  selector: {matchLabels: {a: b}}\n  \
                 template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b, volumeMounts: [{name: data, mountPath: /x}]}]}}\n  \
                 volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: \
                 1Gi}}}}]\n";
    assert_eq!(one(claim), []);
    let cron = |schedule: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: a}}\nspec:\n  schedule: \"{schedule}\"\n  jobTemplate: {{spec: {{template: \
             {{spec: {{restartPolicy: Never, containers: [{{name: a, image: b}}]}}}}}}}}\n"
        )
    };
    for bad in ["every day", "* * * *", "TZ=Europe/Berlin 0 3 * * *", "0 3 * * * *", "60 3 * * *", ""] {
        assert_eq!(wrong(&cron(bad)), [5], "{bad}");
    }
    for fine in ["0 3 * * *", "*/5 1-3,7 * jan-mar MON-FRI", "@daily", "@every 1h30m"] {
        assert_eq!(one(&cron(fine)), [], "{fine}");
    }
    let ingress = |host: &str, path_type: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: a}}\nspec:\n  rules:\n  - host: \"{host}\"\n    http: {{paths: [{{path: \
             /, {path_type}backend: {{service: {{name: a, port: {{number: 80}}}}}}}}]}}\n"
        )
    };
    for bad in ["Foo_bar.lan", "192.168.1.10", "a.lan:80", "a.*.lan"] {
        assert_eq!(wrong(&ingress(bad, "pathType: Prefix, ")), [6], "{bad}");
    }
    for fine in ["a.lan", "*.lan", ""] {
        assert_eq!(one(&ingress(fine, "pathType: Prefix, ")), [], "{fine}");
    }
    assert_eq!(wrong(&ingress("a.lan", "")), [7]);
    let job = |more: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  selector: {{matchLabels: {{a: b}}}}\n  {more}template: {{metadata: \
             {{labels: {{a: b}}}}, spec: {{restartPolicy: Never, containers: [{{name: a, image: b}}]}}}}\n"
        )
    };
    assert_eq!(wrong(&job("")), [5]);
    assert_eq!(one(&job("manualSelector: true\n  ")), []);
    let plain = job("").replace("  selector: {matchLabels: {a: b}}\n", "");
    assert_eq!(one(&plain), []);
    for bad in ["restartPolicy: Always, ", "restartPolicy: \"\", ", ""] {
        assert_eq!(wrong(&plain.replace("restartPolicy: Never, ", bad)), [5], "{bad}");
    }
}
