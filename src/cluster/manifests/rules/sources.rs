//! Images, charts and repositories that were discontinued, according to their projects' own announcements.

use std::ops::Range;

use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::{Node, Value, documents};

use super::inner::within;
use super::{FlawKind, Flaws};

/// A discontinued source: the text that names it, whether it still answers, what became of it, and the replacement.
struct Source {
    text: &'static str,
    kind: FlawKind,
    what: &'static str,
    cure: &'static str,
}

const fn gone(text: &'static str, what: &'static str, cure: &'static str) -> Source {
    Source { text, kind: FlawKind::Gone, what, cure }
}

const fn retired(text: &'static str, what: &'static str, cure: &'static str) -> Source {
    Source { text, kind: FlawKind::Retired, what, cure }
}

const SOURCES: [Source; 11] = [
    gone(
        "bitnami-labs.github.io/sealed-secrets",
        "the chart repository of sealed-secrets has moved",
        "write `https://bitnami.github.io/sealed-secrets`",
    ),
    gone(
        "kubernetes-charts.storage.googleapis.com",
        "Helm's `stable` charts ended in 2020",
        "take the chart from its project's own repository",
    ),
    gone(
        "charts.helm.sh/stable",
        "Helm's `stable` charts ended in 2020",
        "take the chart from its project's own repository",
    ),
    retired("k8s.gcr.io/", "k8s.gcr.io is frozen since April 2023", "write `registry.k8s.io/` instead"),
    retired("registry-1.docker.io/bitnamicharts", BITNAMI, BITNAMI_CURE),
    retired("charts.bitnami.com", BITNAMI, BITNAMI_CURE),
    retired("docker.io/bitnami/", BITNAMI, BITNAMI_CURE),
    retired("kubernetes.github.io/ingress-nginx", NGINX, NGINX_CURE),
    retired("ingress-nginx/controller", NGINX, NGINX_CURE),
    retired("quay.io/kubernetes-ingress-controller/", NGINX, NGINX_CURE),
    retired(
        "thomseddon/traefik-forward-auth",
        "thomseddon/traefik-forward-auth gets no more fixes",
        "take a maintained one, such as `ghcr.io/italypaleale/traefik-forward-auth` or oauth2-proxy",
    ),
];

const BITNAMI: &str = "Bitnami gives its images and charts no more free updates since August 2025";
const BITNAMI_CURE: &str = "take the project's own image and chart";
const NGINX: &str = "ingress-nginx was retired in March 2026 and gets no more fixes";
const NGINX_CURE: &str = "take Traefik, which K3s brings, or another controller";

/// A project of Bitnami's that is maintained, with its image and chart.
const ALIVE: &str = "sealed-secrets";

pub(super) fn check(object: &Object, text: &str, flaws: &mut Flaws<'_>) {
    if object.kind() == "CustomResourceDefinition" {
        return;
    }
    // The data of a ConfigMap is for a program that is not known here; annotations and policies talk of addresses, and
    // fetch none.
    let is_talk = |key: &str| match key {
        "metadata" => true,
        "data" | "binaryData" => object.is("", "ConfigMap"),
        _ => object.group() == "kyverno.io",
    };
    for entry in object.root.entries().iter().filter(|entry| !is_talk(&entry.key)) {
        let mut walk = SourceFinder { text, inner: None, flaws };
        walk.node(&entry.node, &entry.key, None);
    }
    // CloudNativePG 1.26 to 1.30 warn of it.
    if object.group() == "postgresql.cnpg.io" {
        let inside = object.at("/spec/externalClusters").into_iter().flat_map(Node::items);
        let places = object.at("/spec/backup").into_iter().chain(inside);
        for entry in places.filter_map(|node| node.entry("barmanObjectStore")) {
            flaws.add(
                FlawKind::Retired,
                entry.place.clone(),
                format!("CloudNativePG 1.31 takes no `barmanObjectStore` in {} any more", object.spoken()),
                "use the Barman Cloud plugin: an ObjectStore, and `plugins` in the Cluster",
            );
        }
    }
}

/// Keys whose value is fetched. In other places an address may be prose, or in a list that allows or forbids it.
const FETCHED: [&str; 6] = ["repo", "repoURL", "url", "repository", "chart", "image"];

/// Keys whose value is a chart's values as text: of a `HelmChart` or its configuration, and of Argo CD's `helm`.
const VALUES: [&str; 2] = ["valuesContent", "values"];

struct SourceFinder<'w, 'f> {
    text: &'w str,
    /// Of values that are text: that text, and where it stands.
    inner: Option<(&'w str, Range<usize>)>,
    flaws: &'w mut Flaws<'f>,
}

impl SourceFinder<'_, '_> {
    /// `registry` is what stands beside the key for the registry of an image.
    fn node(&mut self, node: &Node, key: &str, registry: Option<&str>) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.node(item, key, None)),
            Value::Map(entries) => {
                let registry = node.at("/registry").and_then(Node::text);
                for entry in entries {
                    self.node(&entry.node, &entry.key, registry);
                }
            }
            Value::Text(value) if VALUES.contains(&key) && value.contains(':') && self.inner.is_none() => {
                for document in documents(value).unwrap_or_default() {
                    let inner = Some((value.as_str(), node.span.clone()));
                    SourceFinder { text: self.text, inner, flaws: self.flaws }.node(&document.root, "", None);
                }
            }
            Value::Text(value) => self.text(value, node, key, registry),
            _ => {}
        }
    }

    fn text(&mut self, value: &str, node: &Node, key: &str, registry: Option<&str>) {
        // Prose and patterns name an address that is not fetched.
        if value.trim().contains(char::is_whitespace) || value.contains(['!', '*']) {
            return;
        }
        let is_docker = registry.is_none_or(|registry| registry.is_empty() || registry.ends_with("docker.io"));
        let is_image = ["image", "repository"].contains(&key) && value.starts_with("bitnami/") && is_docker;
        let named = |text: &str| SOURCES.iter().find(|source| source.text == text);
        let source = SOURCES.iter().find(|source| value.contains(source.text));
        let source = source.or_else(|| is_image.then(|| named("docker.io/bitnami/")).flatten());
        let Some(source) = source.filter(|source| source.what != BITNAMI || !value.contains(ALIVE)) else { return };
        let span = match &self.inner {
            Some((inner, whole)) => within(whole.clone(), self.text, inner, node.span.start),
            None => {
                let shown = self.text.get(node.span.clone()).and_then(|shown| shown.find(source.text));
                shown.map_or(node.span.clone(), |at| node.span.start + at..node.span.start + at + source.text.len())
            }
        };
        let kind = if FETCHED.contains(&key) { source.kind } else { FlawKind::Retired };
        self.flaws.add(kind, span, source.what, source.cure);
    }
}
