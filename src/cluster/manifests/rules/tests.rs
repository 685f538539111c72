//! Rules by what they find: kind and line, in manifests as people write them.

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
                      spec: {group: metallb.io, names: {kind: IPAddressPool}}\n";
    let used = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: lan}\n";
    assert_eq!(one(&format!("{definition}---\n{used}")), [(FlawKind::DefinitionBesideUse, 7)]);
    assert_eq!(look(&[("pool-1.yaml", definition), ("pool-2.yaml", used)], &[]), []);
    assert_eq!(one(used), [(FlawKind::UndefinedKind, 1)]);
}

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
    for (container, expected) in [
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
    for bad in ["every day", "* * * *", "TZ=Europe/Berlin 0 3 * * *", "0 3 * * * *"] {
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
}

#[test]
fn what_is_needed_must_be_made_unless_it_is_optional_or_expected() {
    let pod = |optional: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: default}}\nspec:\n  containers:\n  - name: a\n    envFrom:\n    \
             - secretRef: {{name: s{optional}}}\n  volumes:\n  - name: v\n    configMap: {{name: c{optional}}}\n"
        )
    };
    assert_eq!(one(&pod("")), [(FlawKind::NobodyMakes, 8), (FlawKind::NobodyMakes, 11)]);
    assert_eq!(one(&pod(", optional: true")), []);
    let made = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    assert_eq!(look(&[("made.yaml", made), ("pod.yaml", &pod(""))], &[]), []);
    let expects = ["default/secret/s", "default/configmap/c"];
    assert_eq!(look(&[("pod.yaml", &pod(""))], &expects), []);
    assert_eq!(look(&[("pod.yaml", &pod(""))], &["other/secret/s", "default/configmap/c"]).len(), 1);
}

#[test]
fn entries_of_expects_that_nothing_needs_are_known() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, envFrom: [{secretRef: {name: s}}]}\n";
    let manifest = Manifest::parse("a.yaml", text).unwrap();
    let expects = BTreeSet::from(["default/secret/s".to_owned(), "default/secret/t".to_owned()]);
    assert_eq!(unused(&[Rendered { manifest: &manifest, text }], &expects), ["default/secret/t"]);
}

#[test]
fn what_known_controllers_make_is_there() {
    let needs = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n    envFrom: [{secretRef: {name: made}}]\n";
    let makers = [
        "apiVersion: secretgenerator.mittwald.de/v1alpha1\nkind: StringSecret\nmetadata: {name: made}\nspec: {}\n",
        "apiVersion: ricoberger.de/v1alpha1\nkind: VaultSecret\nmetadata: {name: made}\nspec: {}\n",
        "apiVersion: redhatcop.redhat.io/v1alpha1\nkind: VaultSecret\nmetadata: {name: v}\nspec: {output: {name: made}}\n",
        "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: c}\nspec: {secretName: made}\n",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: made}\nspec: {}\n",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: e}\nspec: {target: {name: made}}\n",
        "apiVersion: external-secrets.io/v1\nkind: ClusterExternalSecret\nmetadata: {name: e}\nspec: {externalSecretName: made}\n",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: made}\nspec: {}\n",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s}\nspec: {template: {metadata: {name: made}}}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: made, namespace: kube-system, annotations: \
         {reflector.v1.k8s.emberstack.com/reflection-auto-enabled: \"true\"}}\n",
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: h, namespace: kube-system}\nspec: {failurePolicy: abort, \
         targetNamespace: default}\n",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: c, args: [create, \
         --secret-name=made]}]}}}\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: [{apiGroups: [\"\"], resources: [secrets], \
         resourceNames: [made], verbs: [update]}]\n",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, annotations: {cert-manager.io/cluster-issuer: le}}\n\
         spec: {tls: [{secretName: made}]}\n",
    ];
    let missing = |manifests: &[(&str, &str)]| {
        look(manifests, &[]).into_iter().filter(|(kind, ..)| *kind == FlawKind::NobodyMakes).count()
    };
    assert_eq!(missing(&[("pod.yaml", needs)]), 1);
    for maker in makers {
        assert_eq!(missing(&[("maker.yaml", maker), ("pod.yaml", needs)]), 0, "{maker}");
        // In another namespace nobody finds it.
        let elsewhere = needs.replace("{name: p}", "{name: p, namespace: other}");
        let is_everywhere = maker.contains("Cluster") || maker.contains("reflect");
        assert_eq!(missing(&[("maker.yaml", maker), ("pod.yaml", &elsewhere)]), usize::from(!is_everywhere), "{maker}");
    }
    let cluster = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec: {}\n";
    for (version, kind, name) in [
        ("k8s.keycloak.org/v2alpha1", "Keycloak", "db-initial-admin"),
        ("grafana.integreatly.org/v1beta1", "Grafana", "db-admin-credentials"),
        ("mongodbcommunity.mongodb.com/v1", "MongoDBCommunity", "db-admin-user"),
    ] {
        let maker = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: db}}\nspec: {{}}\n");
        assert_eq!(missing(&[("db.yaml", &maker), ("pod.yaml", &needs.replace("made", name))]), 0, "{kind}");
    }
    for part in ["app", "superuser", "ca"] {
        let pod = needs.replace("made", &format!("db-{part}"));
        assert_eq!(missing(&[("db.yaml", cluster), ("pod.yaml", &pod)]), 0, "{part}");
    }
}

/// The objects of `MetalLB`'s native manifest that say who makes the speakers' key: the controller, which is told its name.
#[test]
fn metallbs_own_manifest_is_taken() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: metallb-system\n";
    let controller = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: controller, namespace: metallb-system}\nspec:\n  selector: \
                      {matchLabels: {app: metallb}}\n  template:\n    metadata: {labels: {app: metallb}}\n    spec:\n      containers:\n      \
                      - name: controller\n        image: quay.io/metallb/controller:v0.16.1\n        env:\n        - {name: \
                      METALLB_ML_SECRET_NAME, value: memberlist}\n";
    let speaker = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: speaker, namespace: metallb-system}\nspec:\n  selector: \
                   {matchLabels: {app: metallb}}\n  template:\n    metadata: {labels: {app: metallb}}\n    spec:\n      containers:\n      - \
                   name: speaker\n        image: quay.io/metallb/speaker:v0.16.1\n        volumeMounts: [{name: memberlist, mountPath: \
                   /etc/ml_secret_key}]\n      volumes: [{name: memberlist, secret: {secretName: memberlist, defaultMode: 420}}]\n";
    assert_eq!(one(&format!("{namespace}---\n{controller}---\n{speaker}")), []);
    // Without the controller nobody would make it.
    assert_eq!(
        one(&format!("{namespace}---\n{speaker}")).iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
        [FlawKind::NobodyMakes]
    );
}

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
}

#[test]
fn needs_are_looked_up_in_the_namespace_that_they_are_in() {
    let missing = |text: &str| {
        let found = look(&[("app.yaml", text)], &[]).into_iter().filter(|(kind, ..)| *kind == FlawKind::NobodyMakes);
        found.map(|(.., said)| said).collect::<Vec<_>>()
    };
    let secret =
        |namespace: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {namespace}}}\n---\n");
    let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {cephfs: {monitors: [a], secretRef: {name: s, \
                  namespace: kube-public}}}\n";
    assert_eq!(missing(&format!("{}{volume}", secret("kube-public"))), [""; 0]);
    let said = missing(&format!("{}{volume}", secret("default")));
    assert!(said.len() == 1 && said[0].contains("expects = [\"kube-public/secret/s\"]"), "{said:?}");
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r, namespace: kube-system}\nspec: \
                   {targetNamespace: kube-public, values: {env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}}\n";
    assert_eq!(missing(release), [""; 0], "the chart may make it in `kube-public`");
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec: {destination: \
                       {namespace: kube-public}, source: {helm: {valuesObject: {envFrom: [{secretRef: {name: s}}]}}}}\n";
    assert_eq!(missing(application), [""; 0]);
    let projected = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a}], volumes: [{name: v, projected: \
                     {sources: [{secret: {name: s}}, {secret: {name: t, optional: true}}]}}]}\n";
    assert!(matches!(&missing(projected)[..], [said] if said.contains("Secret `s`")), "{:?}", missing(projected));
    let ingress =
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {tls: [{secretName: s}]}\n";
    assert_eq!(missing(ingress).len(), 1);
    assert_eq!(missing(&format!("{}{ingress}", secret("default"))), [""; 0]);
}

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
