//! Who makes a Secret or `ConfigMap` that is in no manifest: controllers, by the objects that they act on.
//!
//! Each follows its project's documentation; what is not known here, an overlay says with `expects`.

use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::Node;

use super::need::Need;

/// What every cluster of K3s has: Kubernetes' root CA publisher makes the first in each namespace; the others are in
/// kube-system.
const ALWAYS: [(&str, &str); 6] = [
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "extension-apiserver-authentication"),
    ("ConfigMap", "cluster-dns"),
    ("ConfigMap", "coredns"),
    ("ConfigMap", "local-path-config"),
    ("Secret", "k3s-serving"),
];

/// A Secret or `ConfigMap` that an object has somebody make.
#[derive(Debug)]
struct Made<'o> {
    kind: &'static str,
    /// Any, if there is none.
    namespace: Option<&'o str>,
    name: Name,
}

#[derive(Debug)]
enum Name {
    Is(String),
    /// A chart or a tenant's controller names as it likes.
    Any,
    StartsWith(String),
    EndsWith(String),
}

/// Everything that somebody makes.
#[derive(Debug)]
pub(super) struct Makers<'o>(Vec<Made<'o>>);

impl<'o> Makers<'o> {
    pub fn of(objects: &[&'o Object]) -> Self {
        let mut made = Vec::new();
        for object in objects {
            by_kind(object, &mut made);
            copies(object, &mut made);
            programs(object, &mut made);
        }
        Self(made)
    }

    /// Whether somebody makes what is needed.
    pub fn make(&self, all: &[&Object], need: &Need<'_>) -> bool {
        let is_itself =
            |other: &&&Object| other.is("", need.kind) && other.name() == need.name && need.is_in(other.namespace());
        let fits = |made: &&Made<'_>| {
            let named = match &made.name {
                Name::Any => true,
                Name::Is(name) => name == need.name,
                Name::StartsWith(start) => need.name.starts_with(start.as_str()),
                Name::EndsWith(end) => need.name.ends_with(end.as_str()),
            };
            named && made.kind == need.kind && made.namespace.is_none_or(|made| need.is_in(made))
        };
        ALWAYS.contains(&(need.kind, need.name))
            || all.iter().any(|other| is_itself(&other))
            || self.0.iter().any(|made| fits(&made))
    }
}

/// Group, kind (empty: each of the group), and where it names the Secret that its controller makes.
const NAMED_AT: [(&str, &str, &str); 18] = [
    ("cert-manager.io", "Certificate", "/spec/secretName"),
    ("external-secrets.io", "ExternalSecret", "/metadata/name"),
    ("external-secrets.io", "ExternalSecret", "/spec/target/name"),
    ("bitnami.com", "SealedSecret", "/metadata/name"),
    ("bitnami.com", "SealedSecret", "/spec/template/metadata/name"),
    ("postgresql.cnpg.io", "Pooler", "/metadata/name"),
    ("kafka.strimzi.io", "KafkaUser", "/metadata/name"),
    ("objectbucket.io", "ObjectBucketClaim", "/metadata/name"),
    ("secrets.hashicorp.com", "", "/spec/destination/name"),
    ("onepassword.com", "OnePasswordItem", "/metadata/name"),
    ("k8s.bitwarden.com", "BitwardenSecret", "/spec/secretName"),
    ("secrets.infisical.com", "", "/spec/managedSecretReference/secretName"),
    ("secrets.doppler.com", "DopplerSecret", "/spec/managedSecret/name"),
    ("secretgenerator.mittwald.de", "", "/metadata/name"),
    ("ricoberger.de", "VaultSecret", "/metadata/name"),
    ("maupu.org", "VaultSecret", "/spec/secretName"),
    ("redhatcop.redhat.io", "VaultSecret", "/metadata/name"),
    ("redhatcop.redhat.io", "VaultSecret", "/spec/output/name"),
];

/// Group, kind, and how the names of the Secrets that its controller makes go on after the object's own.
const GOES_ON: [(&str, &str, &str); 14] = [
    ("postgresql.cnpg.io", "Cluster", "-app"),
    ("postgresql.cnpg.io", "Cluster", "-superuser"),
    ("postgresql.cnpg.io", "Cluster", "-ca"),
    ("postgresql.cnpg.io", "Cluster", "-server"),
    ("postgresql.cnpg.io", "Cluster", "-replication"),
    ("rabbitmq.com", "RabbitmqCluster", "-default-user"),
    ("postgres-operator.crunchydata.com", "PostgresCluster", "-*"),
    ("kafka.strimzi.io", "Kafka", "-*"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "-es-*"),
    ("minio.min.io", "Tenant", "-*"),
    ("dragonflydb.io", "Dragonfly", "-*"),
    ("k8s.keycloak.org", "Keycloak", "-initial-admin"),
    ("grafana.integreatly.org", "Grafana", "-admin-credentials"),
    ("mongodbcommunity.mongodb.com", "MongoDBCommunity", "-*"),
];

/// Makers by the kind of object that tells them to.
fn by_kind<'o>(object: &'o Object, made: &mut Vec<Made<'o>>) {
    let (group, kind, name, space) = (object.group(), object.kind(), object.name(), Some(object.namespace()));
    let mut add = |kind, namespace, name| made.push(Made { kind, namespace, name });
    for (_, _, path) in NAMED_AT.iter().filter(|(of, is, _)| *of == group && (is.is_empty() || *is == kind)) {
        if let Some(named) = object.text(path) {
            add("Secret", space, Name::Is(named.to_owned()));
        }
    }
    for (_, _, rest) in GOES_ON.iter().filter(|(of, is, _)| *of == group && *is == kind) {
        let named = match rest.strip_suffix('*') {
            Some(start) => Name::StartsWith(format!("{name}{start}")),
            None => Name::Is(format!("{name}{rest}")),
        };
        add("Secret", space, named);
    }
    match (group, kind) {
        ("external-secrets.io", "ExternalSecret") if object.text("/spec/target/manifest/kind") == Some("ConfigMap") => {
            let named = object.text("/spec/target/name").unwrap_or(name);
            add("ConfigMap", space, Name::Is(named.to_owned()));
        }
        ("external-secrets.io", "ClusterExternalSecret") => {
            let named = ["/spec/externalSecretSpec/target/name", "/spec/externalSecretName", "/metadata/name"];
            let named = named.iter().find_map(|path| object.text(path)).unwrap_or(name);
            add("Secret", None, Name::Is(named.to_owned()));
        }
        ("postgresql.cnpg.io", "Cluster") => {
            add("ConfigMap", space, Name::Is("cnpg-default-monitoring".to_owned()));
        }
        ("acid.zalan.do", "postgresql") => {
            add("Secret", space, Name::EndsWith(format!(".{name}.credentials.postgresql.acid.zalan.do")));
        }
        ("monitoring.coreos.com", "Prometheus" | "Alertmanager" | "ThanosRuler") => {
            for made in ["Secret", "ConfigMap"] {
                add(made, space, Name::StartsWith(format!("{}-{name}", kind.to_ascii_lowercase())));
            }
        }
        ("objectbucket.io", "ObjectBucketClaim") => add("ConfigMap", space, Name::Is(name.to_owned())),
        ("trust.cert-manager.io", "Bundle") => {
            for made in ["Secret", "ConfigMap"] {
                add(made, None, Name::Is(name.to_owned()));
            }
        }
        ("mongodbcommunity.mongodb.com", "MongoDBCommunity") => {
            for user in object.at("/spec/users").into_iter().flat_map(Node::items) {
                for path in ["/connectionStringSecretName", "/scramCredentialsSecretName"] {
                    if let Some(named) = user.at(path).and_then(Node::text) {
                        add("Secret", space, Name::StartsWith(named.to_owned()));
                    }
                }
            }
        }
        // Argo CD puts what a chart makes there.
        ("argoproj.io", "Application") => {
            for made in ["Secret", "ConfigMap"] {
                if let Some(target) = object.text("/spec/destination/namespace") {
                    add(made, Some(target), Name::Any);
                }
            }
        }
        ("isindir.github.com", "SopsSecret") => {
            for template in object.at("/spec/secretTemplates").into_iter().flat_map(Node::items) {
                let named = template.at("/name").and_then(Node::text).unwrap_or_default();
                add("Secret", space, Name::Is(named.to_owned()));
            }
        }
        // A chart makes what it likes where it is installed.
        ("helm.cattle.io", "HelmChart") | ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            for made in ["Secret", "ConfigMap"] {
                add(made, object.text("/spec/targetNamespace").or(space), Name::Any);
            }
        }
        // cert-manager's ingress-shim makes the certificates that annotated ones name.
        ("networking.k8s.io", "Ingress") | ("gateway.networking.k8s.io", "Gateway") => {
            let annotations = object.at("/metadata/annotations").map_or(&[][..], Node::entries);
            let asks = |key: &str| key.starts_with("cert-manager.io/") || key == "kubernetes.io/tls-acme";
            let hosts = object.at("/spec/tls").into_iter().flat_map(Node::items);
            for host in hosts.filter(|_| annotations.iter().any(|entry| asks(&entry.key))) {
                let named = host.at("/secretName").and_then(Node::text).unwrap_or_default();
                add("Secret", space, Name::Is(named.to_owned()));
            }
        }
        _ => {}
    }
}

/// Copies that Reflector and kubernetes-replicator make of an object, or of what is made from it.
fn copies(object: &Object, made: &mut Vec<Made<'_>>) {
    const KEYS: [&str; 4] = [
        "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
        "reflector.v1.k8s.emberstack.com/reflection-allowed",
        "replicator.v1.mittwald.de/replicate-to",
        "replicator.v1.mittwald.de/replicate-to-matching",
    ];
    const PATHS: [&str; 4] = [
        "/metadata/annotations",
        "/spec/secretTemplate/annotations",
        "/spec/template/metadata/annotations",
        "/spec/target/template/metadata/annotations",
    ];
    let asks = |path: &str| {
        object.at(path).is_some_and(|found| found.entries().iter().any(|entry| KEYS.contains(&entry.key.as_str())))
    };
    if !PATHS.iter().any(|path| asks(path)) {
        return;
    }
    let names = ["/metadata/name", "/spec/secretName", "/spec/target/name", "/spec/template/metadata/name"];
    for name in names.iter().filter_map(|path| object.text(path)) {
        for kind in ["Secret", "ConfigMap"] {
            made.push(Made { kind, namespace: None, name: Name::Is(name.to_owned()) });
        }
    }
}

/// What programs in pods make by themselves, as their environment and arguments say.
fn programs<'o>(object: &'o Object, made: &mut Vec<Made<'o>>) {
    let namespace = Some(object.namespace());
    let mut add = |name: &str| made.push(Made { kind: "Secret", namespace, name: Name::Is(name.to_owned()) });
    super::names::each_pod(&object.root, &mut |pod| {
        let lists = ["/containers", "/initContainers"].into_iter().filter_map(|list| pod.at(list));
        for container in lists.flat_map(Node::items) {
            // MetalLB's controller makes the speakers' key.
            for variable in container.at("/env").into_iter().flat_map(Node::items) {
                let name = variable.at("/name").and_then(Node::text);
                if name == Some("METALLB_ML_SECRET_NAME")
                    && let Some(value) = variable.at("/value").and_then(Node::text)
                {
                    add(value);
                }
            }
            let words = ["/command", "/args"].into_iter().filter_map(|list| container.at(list)).flat_map(Node::items);
            let words: Vec<&str> = words.filter_map(Node::text).collect();
            for (index, word) in words.iter().enumerate() {
                // kube-webhook-certgen and its like: the admission jobs of ingress-nginx and kube-prometheus-stack.
                let option = word.trim_start_matches('-');
                match option.split_once('=') {
                    Some(("secret-name" | "webhook-secret-name" | "cert-secret-name" | "ca-secret-name", name)) => {
                        add(name);
                    }
                    None if option == "secret-name" => add(words.get(index + 1).copied().unwrap_or_default()),
                    _ => {}
                }
                // Argo CD's init container for Redis.
                if *word == "redis-initial-password" {
                    add("argocd-redis");
                }
            }
        }
    });
    // Who may write a Secret that a rule names will write it.
    if object.group() == "rbac.authorization.k8s.io" {
        let writes = |list: Option<&Node>| {
            list.into_iter()
                .flat_map(Node::items)
                .filter_map(Node::text)
                .any(|verb| ["create", "update", "patch", "*"].contains(&verb))
        };
        for rule in object.at("/rules").into_iter().flat_map(Node::items).filter(|rule| writes(rule.at("/verbs"))) {
            let names = |path| rule.at(path).into_iter().flat_map(Node::items).filter_map(Node::text);
            for resource in names("/resources") {
                let kind = match resource {
                    "secrets" => "Secret",
                    "configmaps" => "ConfigMap",
                    _ => continue,
                };
                let space = object.is("rbac.authorization.k8s.io", "Role").then(|| object.namespace());
                for name in names("/resourceNames") {
                    made.push(Made { kind, namespace: space, name: Name::Is(name.to_owned()) });
                }
            }
        }
    }
}
