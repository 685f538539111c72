//! Secrets and `ConfigMaps` that must be there.

use super::*;

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
