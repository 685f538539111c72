//! Whether the API server has an object's kind when K3s applies it.

use std::collections::BTreeSet;

use crate::cluster::manifests::kubernetes::{KNOWN, Kubernetes, gone_since, instead, is_stable};
use crate::cluster::manifests::object::{Manifest, Object};
use crate::diagnostic::closest;

use super::{Against, FlawKind, Flaws};

/// Group and kind of each definition.
pub(super) type Defined<'m> = BTreeSet<(&'m str, &'m str)>;

/// Groups of Kubernetes that no version which is known serves any more.
const GONE_GROUPS: [&str; 3] = ["extensions", "settings.k8s.io", "auditregistration.k8s.io"];

/// Groups whose definitions come with K3s.
const BROUGHT: [&str; 2] = ["k3s.cattle.io", "helm.cattle.io"];

/// Groups of Kubernetes' own projects that K3s does not bring.
const NOT_BROUGHT: [&str; 2] = ["snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io"];

/// The group of Traefik 3, and its kinds (Traefik's reference "Kubernetes CRD").
const TRAEFIK: &str = "traefik.io";
const OF_TRAEFIK: [&str; 10] = [
    "IngressRoute",
    "IngressRouteTCP",
    "IngressRouteUDP",
    "Middleware",
    "MiddlewareTCP",
    "ServersTransport",
    "ServersTransportTCP",
    "TLSOption",
    "TLSStore",
    "TraefikService",
];

/// Charts, and the groups whose definitions they bring, each read in the chart's own tree.
const OF_CHARTS: [(&str, &[&str]); 10] = [
    ("argo-cd", &["argoproj.io"]),
    ("cert-manager", &["cert-manager.io", "acme.cert-manager.io"]),
    ("cloudnative-pg", &["postgresql.cnpg.io"]),
    ("kube-prometheus-stack", &["monitoring.coreos.com"]),
    ("longhorn", &["longhorn.io"]),
    ("metallb", &["metallb.io"]),
    ("node-feature-discovery", &["nfd.k8s-sigs.io"]),
    ("plugin-barman-cloud", &["barmancloud.cnpg.io"]),
    ("prometheus-operator-crds", &["monitoring.coreos.com"]),
    ("sealed-secrets", &["bitnami.com"]),
];

/// The API groups whose definitions a chart brings, as far as is known; `chart` is its name alone.
#[must_use]
pub fn groups_of_chart(chart: &str) -> &'static [&'static str] {
    OF_CHARTS.iter().find(|(known, _)| *known == chart).map_or(&[], |(_, groups)| groups)
}

/// What `CustomResourceDefinitions` define.
pub(super) fn definitions<'m>(objects: impl Iterator<Item = &'m Object>) -> Defined<'m> {
    objects.filter_map(definition).collect()
}

/// Group and kind that a `CustomResourceDefinition` defines.
fn definition(object: &Object) -> Option<(&str, &str)> {
    let is_definition = object.kind() == "CustomResourceDefinition";
    is_definition.then(|| Some((object.text("/spec/group")?, object.text("/spec/names/kind")?))).flatten()
}

/// Finds kinds that are not there; says whether it is worth looking at the object's fields.
pub(super) fn check(
    object: &Object,
    manifest: &Manifest,
    defined: &Defined<'_>,
    all: &[&Object],
    against: &Against<'_>,
    flaws: &mut Flaws<'_>,
) -> bool {
    let kubernetes = against.kubernetes;
    let (group, version, kind) = (object.group(), object.version(), object.kind());
    if group == "traefik.containo.us" {
        let message = format!("{} is of an API group that Traefik 3 does not serve", object.spoken());
        flaws.add(FlawKind::Gone, object.place("/apiVersion"), message, "write `apiVersion: traefik.io/v1alpha1`");
        return false;
    }
    if defined.contains(&(group, kind)) {
        if manifest.objects.iter().filter_map(definition).any(|found| found == (group, kind)) {
            flaws.add(
                FlawKind::DefinitionBesideUse,
                object.place("/kind"),
                format!("{} is in one file with the definition of its kind", object.spoken()),
                "put the definition into a file of its own that sorts before this one",
            );
        }
        return true;
    }
    if group == TRAEFIK
        && !OF_TRAEFIK.contains(&kind)
        && let Some(meant) = closest(kind, OF_TRAEFIK)
    {
        let message = format!("Traefik has no kind `{kind}` in `{version}`");
        flaws.add(FlawKind::UnknownKind, object.place("/kind"), message, format!("did you mean `{meant}`?"));
        return false;
    }
    if kubernetes.is_none()
        && let Some(minor) = against.minor
        // What took the place of an API is older than the end of that API, so that the first facts have it.
        && let Some(oldest) = Kubernetes::new(*KNOWN.start())
        && gone(object, minor, &oldest.versions_of(kind), flaws)
    {
        return false;
    }
    let slip = kubernetes.and_then(|kubernetes| slip(group, kubernetes));
    match kubernetes {
        // Groups without a period are Kubernetes' own: a definition's group must have one.
        Some(kubernetes) if !group.contains('.') || kubernetes.has_group(group) || GONE_GROUPS.contains(&group) => {
            built_in(object, kubernetes, flaws)
        }
        None if !group.contains('.') => true,
        // `*.k8s.io` is for Kubernetes' own projects, whose definitions K3s (metrics, gateways) or charts bring.
        _ if slip.is_none() && is_brought(group, all, against) => true,
        _ => {
            let hint = match slip {
                Some(meant) => format!("did you mean the group `{meant}`?"),
                None => {
                    "K3s applies all files again every 15 seconds until a chart brings the definition; if none surely \
                         does, leave this to GitOps"
                        .to_owned()
                }
            };
            let message = format!("no manifest here defines the kind of {} ({version})", object.spoken());
            flaws.add(FlawKind::UndefinedKind, object.place("/apiVersion"), message, hint);
            true
        }
    }
}

/// Whether the definitions of a group that is none of Kubernetes' come with K3s, as far as is known.
fn is_brought(group: &str, all: &[&Object], against: &Against<'_>) -> bool {
    if group == TRAEFIK {
        // A chart of Traefik brings them, be it K3s' own or another.
        let names = |object: &&&Object| {
            let chart = ["/metadata/name", "/spec/chart", "/spec/chart/spec/chart", "/spec/source/chart"];
            chart.iter().filter_map(|path| object.text(path)).any(|text| text.contains("traefik"))
        };
        let charts = ["HelmChart", "HelmRelease", "Application"];
        return super::charts::has_traefik(against)
            || all.iter().filter(|object| charts.contains(&object.kind())).any(|object| names(&object));
    }
    let with_chart = |object: &&&Object| {
        let chart = if object.is("helm.cattle.io", "HelmChart") { object.text("/spec/chart") } else { None };
        let name = chart.and_then(|chart| chart.rsplit('/').next());
        name.is_some_and(|chart| groups_of_chart(chart).contains(&group))
    };
    BROUGHT.contains(&group)
        || all.iter().any(|object| with_chart(&object))
        || (group.ends_with(".k8s.io") && !NOT_BROUGHT.contains(&group))
}

/// A group of Kubernetes that this one was probably meant to be: one slip away.
fn slip(group: &str, kubernetes: &Kubernetes) -> Option<&'static str> {
    let mut groups = kubernetes.groups().into_iter().filter(|known| known.contains('.'));
    groups.find(|known| strsim::damerau_levenshtein(group, known) == 1)
}

/// A kind of Kubernetes' own groups, or of K3s'.
fn built_in(object: &Object, kubernetes: &Kubernetes, flaws: &mut Flaws<'_>) -> bool {
    let (version, kind, minor) = (object.version(), object.kind(), kubernetes.minor);
    if kubernetes.kind(version, kind).is_some() {
        if !is_stable(version) {
            flaws.add(
                FlawKind::SwitchedOff,
                object.place("/apiVersion"),
                format!("{} has `{version}` of {} switched off", kubernetes.spoken(), object.spoken()),
                match kubernetes.versions_of(kind).first().filter(|version| is_stable(version)) {
                    Some(stable) => format!("write `apiVersion: {stable}`"),
                    None => {
                        format!("it takes the API server's option `runtime-config={version}=true` and a feature gate")
                    }
                },
            );
        }
        return true;
    }
    let versions = kubernetes.versions_of(kind);
    if gone(object, minor, &versions, flaws) {
        return false;
    }
    let message = format!("{} has no kind `{kind}` in `{version}`", kubernetes.spoken());
    let later = kubernetes.comes_with(version, kind);
    let later = later.map(|minor| format!("`{version}` {kind} comes with Kubernetes 1.{minor}"));
    let (place, hint) = match (versions.first(), later) {
        (Some(known), None) => ("/apiVersion", format!("write `apiVersion: {known}`")),
        (Some(known), Some(later)) => ("/apiVersion", format!("write `apiVersion: {known}`; {later}")),
        (None, Some(later)) => ("/apiVersion", later),
        (None, None) => match closest(kind, kubernetes.kinds()) {
            Some(meant) => ("/kind", format!("did you mean `{meant}`?")),
            None => ("/kind", "look up the kind and its apiVersion in Kubernetes' API reference".to_owned()),
        },
    };
    // A line that is newer than the facts may have it.
    let flaw = if minor > *KNOWN.end() { FlawKind::UndefinedKind } else { FlawKind::UnknownKind };
    flaws.add(flaw, object.place(place), message, hint);
    false
}

/// Tells of an API that 1.`minor` does not serve any more; `versions` are those that serve the kind.
fn gone(object: &Object, minor: u32, versions: &[&str], flaws: &mut Flaws<'_>) -> bool {
    let (version, kind) = (object.version(), object.kind());
    let Some(since) = gone_since(version, kind).filter(|since| *since <= minor) else { return false };
    let hint = match versions.first() {
        Some(version) => format!("write `apiVersion: {version}`, and look up which fields moved"),
        None => instead(kind).unwrap_or("take it out").to_owned(),
    };
    let message = format!("Kubernetes serves no `{version}` {kind} since 1.{since}, and 1.{minor} is pinned");
    flaws.add(FlawKind::Gone, object.place("/apiVersion"), message, hint);
    true
}
