//! Charts that K3s' helm-controller installs, and the values that are given to packaged ones.

use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::{Node, Value, documents};
use crate::diagnostic::closest;
use crate::profile::Tag;
use crate::urls::login;

use super::inner::within;
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
pub(super) fn has_traefik(against: &Against<'_>) -> bool {
    !against.disabled.contains(&"traefik")
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
    for key in ["repo", "chart"] {
        let path = format!("/spec/{key}");
        if object.text(&path).is_some_and(|url| login(url).is_some()) {
            flaws.add(
                FlawKind::UrlLogin,
                object.place(&path),
                format!("`spec.{key}` of {} has a user name or a password in its URL", object.spoken()),
                "take it out, up to and with the `@`; a login goes into a Secret that `authSecret` names",
            );
        }
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
        _ if charts.contains(&namespace) => {}
        Some(home) if home != namespace => flaws.add(
            FlawKind::ChartConfig,
            object.place("/metadata/namespace"),
            format!("{} is in `{namespace}`, and its chart in `{home}`: nothing reads it", object.spoken()),
            format!("write `namespace: {home}` below `metadata`"),
        ),
        None => {
            // A chart of another name may come from elsewhere.
            let known = PACKAGED.iter().copied().filter(|_| has_traefik(against));
            let own = all.iter().filter(|other| other.is("helm.cattle.io", "HelmChart")).map(|chart| chart.name());
            if let Some(meant) = closest(name, known.chain(own)).filter(|meant| slips(name, meant)) {
                let message = format!("there is no chart `{name}`: nothing reads {}", object.spoken());
                flaws.add(
                    FlawKind::ChartConfig,
                    object.place("/metadata/name"),
                    message,
                    format!("did you mean the chart `{meant}`?"),
                );
            }
        }
        Some(_) => {}
    }
    let found = values(object, text, flaws);
    // A chart of one's own may have the name in another namespace.
    if let Some(release) = against.release.filter(|_| is_packaged && namespace == "kube-system") {
        for values in &found {
            traefik(values, object, release, text, flaws);
        }
    }
}

/// Whether a name is one that somebody who meant another may have typed: as long, but for one letter or two.
fn slips(name: &str, meant: &str) -> bool {
    name.len() > 3 && strsim::damerau_levenshtein(name, meant) <= 2
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
                    flaws.add(
                        FlawKind::ChartConfig,
                        within(object.place("/spec/valuesContent"), text, inner, root.span.start),
                        message,
                        hint,
                    );
                }
            }
        }
        Err(fault) => {
            let message = format!("the values of {spoken} are no YAML: {}", fault.message);
            flaws.add(
                FlawKind::ChartConfig,
                within(object.place("/spec/valuesContent"), text, inner, fault.span.start),
                message,
                fault.hint,
            );
        }
    }
    found
}

/// A key that the chart of Traefik in K3s refuses, in which releases, and what to write.
struct Refused {
    path: &'static str,
    /// The first release of each line that refuses it.
    since: &'static [Tag],
    /// The first release of each line that is not known to refuse it any more.
    until: &'static [Tag],
    hint: &'static str,
}

const ALWAYS: &[Tag] = &[Tag::of(0, 0)];
const NEVER: &[Tag] = &[];
/// The first releases with chart 39, whose schema is closed: any key that it does not know fails the whole chart
/// (k3s-io/k3s#13805 of March 2026 and its backports).
const CHART_39: &[Tag] = &[Tag::of(33, 10), Tag::of(34, 6), Tag::of(35, 3), Tag::of(36, 0)];
/// The first releases that are known to have chart 40, by K3s's release notes.
const CHART_40: &[Tag] = &[Tag::rebuilt(33, 13, 2), Tag::of(34, 10), Tag::of(35, 7), Tag::of(36, 2)];
/// The first releases that may have it: those with Traefik 3.7, which chart 40 brings, but whose notes do not name the chart.
const MAYBE_40: &[Tag] = &[Tag::of(33, 13), Tag::of(34, 9), Tag::of(35, 6), Tag::of(36, 2)];
/// What chart they have is not known; chart 41 takes again what 39 and 40 refuse.
const MAYBE_41: &[Tag] = &[Tag::of(37, 0)];

const REDIRECTIONS: &str = "write it as `ports.web.http.redirections.entryPoint`, or as `additionalArguments`";
const ARGUMENTS: &str = "write them as `additionalArguments`";

/// Found by rendering the charts 34 to 41.
const REFUSED: [Refused; 9] = [
    Refused { path: "/ports/web/redirectTo", since: ALWAYS, until: NEVER, hint: REDIRECTIONS },
    Refused { path: "/ports/web/redirections", since: CHART_39, until: NEVER, hint: REDIRECTIONS },
    Refused {
        path: "/ports/websecure/tls",
        since: CHART_39,
        until: NEVER,
        hint: "write it below `ports.websecure.http.tls`",
    },
    Refused { path: "/certResolvers", since: ALWAYS, until: NEVER, hint: "call it `certificatesResolvers`" },
    Refused { path: "/globalArguments", since: CHART_39, until: NEVER, hint: ARGUMENTS },
    Refused {
        path: "/providers/kubernetesIngressNginx",
        since: CHART_40,
        until: NEVER,
        hint: "call it `kubernetesIngressNGINX`",
    },
    Refused {
        path: "/providers/kubernetesIngressNGINX",
        since: ALWAYS,
        until: MAYBE_40,
        hint: "call it `kubernetesIngressNginx`, as the chart of this release does",
    },
    Refused {
        path: "/accessLog",
        since: CHART_39,
        until: MAYBE_41,
        hint: "write `logs.access.enabled`, or `--accesslog=true` below `additionalArguments`",
    },
    Refused {
        path: "/log",
        since: CHART_39,
        until: MAYBE_41,
        hint: "write `logs.general.level`, or `--log.level=…` below `additionalArguments`",
    },
];

fn traefik(values: &Values, object: &Object, release: &Tag, text: &str, flaws: &mut Flaws<'_>) {
    let is_refused = |key: &Refused| {
        let is_over = !key.until.is_empty() && release.is_since(key.until);
        release.is_since(key.since) && !is_over
    };
    for Refused { path, hint, .. } in REFUSED.iter().filter(|key| is_refused(key)) {
        let (above, last) = path.rsplit_once('/').unwrap_or_default();
        let Some(entry) = values.root.at(above).and_then(|node| node.entry(last)) else { continue };
        let place = match &values.inner {
            Some(inner) => within(object.place("/spec/valuesContent"), text, inner, entry.place.start),
            None => entry.place.clone(),
        };
        let key = path[1..].replace('/', ".");
        let message = format!("the chart of Traefik in K3s {release} refuses the key `{key}`");
        flaws.add(FlawKind::ChartConfig, place, message, *hint);
    }
}
