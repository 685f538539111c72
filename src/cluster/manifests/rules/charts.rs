//! Charts that K3s' helm-controller installs, and the values that are given to packaged ones.

use std::ops::Range;

use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::{Node, Value, documents};

use super::{Against, FlawKind, Flaws};

/// Largest object that Kubernetes stores, less room for the rest of the `ConfigMap` (`chart-content-NAME`).
const CHART_LIMIT: usize = 1_000_000;

/// Charts of K3s itself that a `HelmChartConfig` can configure; all are in kube-system (`manifests/traefik.yaml`).
const PACKAGED: [&str; 2] = ["traefik", "traefik-crd"];

pub(super) fn check(object: &Object, all: &[&Object], against: &Against<'_>, text: &str, flaws: &mut Flaws<'_>) {
    match (object.group(), object.kind()) {
        ("helm.cattle.io", "HelmChart") => chart(object, all, against, text, flaws),
        ("helm.cattle.io", "HelmChartConfig") => config(object, all, against, text, flaws),
        _ => {}
    }
}

/// Whether K3s installs its own Traefik.
fn has_traefik(against: &Against<'_>) -> bool {
    !against.disabled.iter().any(|component| component == "traefik")
}

fn chart(object: &Object, all: &[&Object], against: &Against<'_>, text: &str, flaws: &mut Flaws<'_>) {
    if !matches!(object.text("/spec/failurePolicy"), Some("abort" | "retry")) {
        flaws.add(
            FlawKind::FailurePolicy,
            object.place("/spec/failurePolicy"),
            format!("when {} fails to upgrade, K3s uninstalls it with all its data", object.spoken()),
            "add `failurePolicy: abort` to its `spec`",
        );
    }
    if object.text("/spec/chartContent").is_some_and(|chart| chart.len() > CHART_LIMIT) {
        flaws.add(
            FlawKind::ChartSize,
            object.place("/spec/chartContent"),
            format!("the chart inside {} is too large for an object of Kubernetes", object.spoken()),
            "give `repo` and `chart` instead of `chartContent`",
        );
    }
    let namespace = object.namespace();
    let makes_it = object.text("/spec/targetNamespace") == Some(namespace)
        && object.at("/spec/createNamespace").is_some_and(Node::is_true);
    // A chart that waits for the namespace makes it as little as this one.
    let makes = |other: &Object| {
        super::makes_namespace(other) == Some(namespace)
            && (other.is("", "Namespace") || other.namespace() != namespace)
    };
    let is_there = super::MADE_BY_K3S.contains(&namespace) || all.iter().any(|other| makes(other));
    if makes_it && !is_there {
        flaws.add(
            FlawKind::ChartNamespace,
            object.place("/metadata/namespace"),
            format!("{} is in the namespace `{namespace}` that it shall make", object.spoken()),
            "write `namespace: kube-system` below `metadata`; `targetNamespace` says where the chart goes",
        );
    }
    values(object, text, flaws);
    if object.name() == "traefik" && object.namespace() == "kube-system" && has_traefik(against) {
        let hint =
            "configure K3s' own with a HelmChartConfig of that name, or disable it: `[k3s] disable = [\"traefik\"]`";
        flaws.add(
            FlawKind::ChartConfig,
            object.place("/metadata/name"),
            "K3s has a HelmChart `traefik` in kube-system itself, and each of the two undoes the other",
            hint,
        );
    }
}

fn config(object: &Object, all: &[&Object], against: &Against<'_>, text: &str, flaws: &mut Flaws<'_>) {
    let (name, namespace) = (object.name(), object.namespace());
    let is_chart = |other: &&&Object| other.is("helm.cattle.io", "HelmChart") && other.name() == name;
    let charts: Vec<&str> = all.iter().filter(is_chart).map(|chart| chart.namespace()).collect();
    let is_packaged = PACKAGED.contains(&name) && has_traefik(against);
    let home = if is_packaged { Some("kube-system") } else { charts.first().copied() };
    match home {
        Some(home) if home != namespace && !charts.contains(&namespace) => flaws.add(
            FlawKind::ChartConfig,
            object.place("/metadata/namespace"),
            format!("{} is in `{namespace}`, and its chart in `{home}`: nothing reads it", object.spoken()),
            format!("write `namespace: {home}` below `metadata`"),
        ),
        _ => {}
    }
    let found = values(object, text, flaws);
    if is_packaged {
        let minor = against.kubernetes.map_or(0, |kubernetes| kubernetes.minor);
        for values in &found {
            traefik(values, object, minor, text, flaws);
        }
    }
}

/// The values of a chart; of those that are text in the manifest, the text of that text.
struct Values {
    root: Node,
    inner: Option<String>,
}

fn values(object: &Object, text: &str, flaws: &mut Flaws<'_>) -> Vec<Values> {
    let mut found = Vec::new();
    found.extend(object.at("/spec/values").map(|node| Values { root: node.clone(), inner: None }));
    let Some(inner) = object.text("/spec/valuesContent") else { return found };
    let spoken = object.spoken();
    match documents(inner) {
        Ok(read) => {
            for root in read.into_iter().map(|document| document.root) {
                if matches!(root.value, Value::Map(_)) {
                    found.push(Values { root, inner: Some(inner.to_owned()) });
                } else {
                    let message = format!("the values of {spoken} are no mapping, and Helm takes nothing else");
                    let hint = "write `KEY: VALUE` lines below `valuesContent: |-`";
                    flaws.add(FlawKind::ChartConfig, within(object, text, inner, root.span.start), message, hint);
                }
            }
        }
        Err(fault) => {
            let message = format!("the values of {spoken} are no YAML: {}", fault.message);
            flaws.add(FlawKind::ChartConfig, within(object, text, inner, fault.span.start), message, fault.hint);
        }
    }
    found
}

/// The line of the manifest that holds a place of the text below `valuesContent: |`; of other forms of text all of it.
fn within(object: &Object, text: &str, inner: &str, at: usize) -> Range<usize> {
    let whole = object.place("/spec/valuesContent");
    let number = inner.get(..at).unwrap_or(inner).matches('\n').count();
    let wanted = inner.split('\n').nth(number).unwrap_or_default().trim();
    let first = text[..whole.start].rfind('\n').map_or(0, |end| end + 1);
    let mut start = first;
    for (index, line) in text[first..].split_inclusive('\n').enumerate() {
        if index == number && line.trim() == wanted && !wanted.is_empty() {
            let from = start + line.len() - line.trim_start().len();
            return from..from + wanted.len();
        }
        start += line.len();
    }
    whole
}

/// Keys that the chart of Traefik in K3s takes no more, with the first minor version of K3s that is known to have such a
/// chart (from 39 on its schema is closed, so that one of them fails the whole chart). Found by rendering charts 34 to 41;
/// K3s has chart 40 since v1.36.2.
const DROPPED: [(&str, u32, &str); 6] = [
    ("/ports/web/redirectTo", 0, "write it as `ports.web.http.redirections.entryPoint`, or as `additionalArguments`"),
    (
        "/ports/web/redirections",
        36,
        "write it as `ports.web.http.redirections.entryPoint`, or as `additionalArguments`",
    ),
    ("/ports/websecure/tls", 36, "write it below `ports.websecure.http.tls`"),
    ("/certResolvers", 0, "call it `certificatesResolvers`"),
    ("/globalArguments", 36, "write them as `additionalArguments`"),
    ("/providers/kubernetesIngressNginx", 36, "call it `kubernetesIngressNGINX`"),
];

fn traefik(values: &Values, object: &Object, minor: u32, text: &str, flaws: &mut Flaws<'_>) {
    for (path, since, hint) in DROPPED {
        let (above, last) = path.rsplit_once('/').unwrap_or_default();
        let entry = values.root.at(above).and_then(|node| node.entry(last)).filter(|_| since <= minor);
        let Some(entry) = entry else { continue };
        let place = match &values.inner {
            Some(inner) => within(object, text, inner, entry.place.start),
            None => entry.place.clone(),
        };
        let key = path[1..].replace('/', ".");
        flaws.add(FlawKind::ChartConfig, place, format!("the chart of Traefik in K3s refuses the key `{key}`"), hint);
    }
}
