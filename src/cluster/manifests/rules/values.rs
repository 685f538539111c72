//! Values that the API server refuses although they are of their field's type (k8s.io/kubernetes `pkg/apis/*/validation`):
//! words that are none of a list's, ports that there are none of, parts that must be there, and what does not fit together.
//!
//! The lists are those that people get wrong, not all that the server has; docs/overlays.md says so.

use std::ops::Range;

use crate::cluster::manifests::STAND_IN;
use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::Node;
use crate::diagnostic::closest;
use crate::profile::checks::host_name;
use crate::profile::forms::{is_host, schedule_fault};

use super::{FlawKind, Flaws};

/// Type, field and the words that it takes.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("core.v1.ServiceSpec", "type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ("core.v1.ServiceSpec", "externalTrafficPolicy", &["Cluster", "Local"]),
    ("core.v1.ServiceSpec", "internalTrafficPolicy", &["Cluster", "Local"]),
    ("core.v1.ServiceSpec", "sessionAffinity", &["ClientIP", "None"]),
    ("core.v1.ServiceSpec", "ipFamilyPolicy", &["PreferDualStack", "RequireDualStack", "SingleStack"]),
    ("core.v1.ServicePort", "protocol", PROTOCOLS),
    ("core.v1.ContainerPort", "protocol", PROTOCOLS),
    ("networking.v1.NetworkPolicyPort", "protocol", PROTOCOLS),
    ("core.v1.Container", "imagePullPolicy", &["Always", "IfNotPresent", "Never"]),
    ("core.v1.PodSpec", "restartPolicy", ALL_POLICIES),
    ("core.v1.PodSpec", "dnsPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    ("core.v1.Toleration", "operator", &["Equal", "Exists", "Gt", "Lt"]),
    ("core.v1.Toleration", "effect", &["NoExecute", "NoSchedule", "PreferNoSchedule"]),
    ("apps.v1.DeploymentStrategy", "type", &["Recreate", "RollingUpdate"]),
    ("apps.v1.DaemonSetUpdateStrategy", "type", &["OnDelete", "RollingUpdate"]),
    ("apps.v1.StatefulSetUpdateStrategy", "type", &["OnDelete", "RollingUpdate"]),
    ("apps.v1.StatefulSetSpec", "podManagementPolicy", &["OrderedReady", "Parallel"]),
    ("batch.v1.CronJobSpec", "concurrencyPolicy", &["Allow", "Forbid", "Replace"]),
    ("networking.v1.HTTPIngressPath", "pathType", &["Exact", "ImplementationSpecific", "Prefix"]),
    ("storage.v1.StorageClass", "reclaimPolicy", &["Delete", "Retain"]),
    ("storage.v1.StorageClass", "volumeBindingMode", &["Immediate", "WaitForFirstConsumer"]),
    ("core.v1.PersistentVolumeSpec", "persistentVolumeReclaimPolicy", &["Delete", "Recycle", "Retain"]),
    ("core.v1.PersistentVolumeSpec", "accessModes", ACCESS),
    ("core.v1.PersistentVolumeClaimSpec", "accessModes", ACCESS),
];

const ALL_POLICIES: &[&str] = &["Always", "Never", "OnFailure"];
const JOBS: &[&str] = &["Never", "OnFailure"];
const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
const ACCESS: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// Type and field of ports, and the lowest number: 0 stands for none where that may be.
const PORTS: &[(&str, &str, u32)] = &[
    ("core.v1.ServicePort", "port", 1),
    ("core.v1.ServicePort", "nodePort", 0),
    ("core.v1.ContainerPort", "containerPort", 1),
    ("core.v1.ContainerPort", "hostPort", 0),
    ("core.v1.ServicePort", "targetPort", 0),
    ("core.v1.HTTPGetAction", "port", 1),
    ("core.v1.TCPSocketAction", "port", 1),
    ("networking.v1.ServiceBackendPort", "number", 1),
];

/// Type and field of names of ports of containers (IANA's service names, RFC 6335).
const PORT_NAMES: &[(&str, &str)] = &[
    ("core.v1.ContainerPort", "name"),
    ("core.v1.ServicePort", "targetPort"),
    ("core.v1.HTTPGetAction", "port"),
    ("core.v1.TCPSocketAction", "port"),
    ("networking.v1.NetworkPolicyPort", "port"),
    ("networking.v1.ServiceBackendPort", "name"),
];

/// Type and field that must be there, and not be empty.
const NEEDED: &[(&str, &str)] = &[
    ("apps.v1.DaemonSetSpec", "template"),
    ("apps.v1.DeploymentSpec", "template"),
    ("apps.v1.StatefulSetSpec", "template"),
    ("batch.v1.CronJobSpec", "jobTemplate"),
    ("batch.v1.CronJobSpec", "schedule"),
    ("batch.v1.JobSpec", "template"),
    ("core.v1.PodSpec", "containers"),
    ("core.v1.Container", "name"),
    ("core.v1.EnvVar", "name"),
    ("core.v1.Volume", "name"),
    ("core.v1.VolumeMount", "mountPath"),
    ("core.v1.VolumeMount", "name"),
    ("core.v1.ServicePort", "port"),
    ("networking.v1.HTTPIngressPath", "pathType"),
];

/// What is wrong with the value of a field, and what to do about it.
pub(super) fn of_field(of: &str, field: &str, node: &Node, text: &str) -> Option<(Range<usize>, String, String)> {
    if let Some((.., words)) = WORDS.iter().find(|(name, key, _)| (*name, *key) == (of, field)) {
        let values = if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() };
        let is_wrong = |word: &str| !word.is_empty() && !word.contains(STAND_IN) && !words.contains(&word);
        let wrong = values.iter().find_map(|value| Some((value, value.text().filter(|word| is_wrong(word))?)));
        let (value, word) = wrong?;
        let hint = closest(word, words.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
        return Some((
            value.span.clone(),
            format!("is none of {}", words.join(", ")),
            hint.unwrap_or_else(|| "write one of these, letter by letter".to_owned()),
        ));
    }
    let name = node.text().filter(|name| !name.is_empty() && !name.contains(STAND_IN));
    if let Some(name) = name.filter(|_| PORT_NAMES.contains(&(of, field)))
        && !is_port_name(name)
    {
        let hint =
            "use at most 15 lower-case letters, digits and single `-`, one letter at least, none of the `-` at an end";
        return Some((node.span.clone(), "is no name of a port".to_owned(), hint.to_owned()));
    }
    if let Some(name) = name.filter(|_| (of, field) == ("core.v1.ServicePort", "name"))
        && host_name(name).is_err()
    {
        let hint = "use at most 63 lower-case letters, digits and `-`, a letter or digit at both ends";
        return Some((node.span.clone(), "is no name of a Service's port".to_owned(), hint.to_owned()));
    }
    let (.., lowest) = PORTS.iter().find(|(name, key, _)| (*name, *key) == (of, field))?;
    let number: i64 = text.get(node.span.clone())?.trim().parse().ok()?;
    (!(i64::from(*lowest)..=65535).contains(&number)).then(|| {
        (node.span.clone(), "is no port".to_owned(), format!("write a number from {} to 65535", (*lowest).max(1)))
    })
}

/// k8s.io/apimachinery `pkg/util/validation`, `IsValidPortName`.
fn is_port_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 15
        && name.bytes().all(fits)
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Fields of a type that must be there and are not.
pub(super) fn missing<'t>(of: &'t str, node: &'t Node) -> impl Iterator<Item = &'static str> + 't {
    let is_there = |field: &str| {
        node.entry(field).is_some_and(|entry| {
            let is_empty_list = entry.node.is_list() && entry.node.items().is_empty();
            !entry.node.is_null() && !is_empty_list && entry.node.text() != Some("")
        })
    };
    NEEDED.iter().filter(move |(name, _)| *name == of).map(|(_, field)| *field).filter(move |field| !is_there(field))
}

/// What does not fit together in an object.
pub(super) fn check(object: &Object, flaws: &mut Flaws<'_>) {
    let mut bad = |place, message: String, hint: &str| flaws.add(FlawKind::BadValue, place, message, hint);
    let spoken = object.spoken();
    match (object.group(), object.kind()) {
        ("apps", _) => {
            let is_empty = |selector: &Node| {
                ["/matchLabels", "/matchExpressions"].iter().all(|path| {
                    selector.at(path).is_none_or(|part| part.entries().is_empty() && part.items().is_empty())
                })
            };
            if object.at("/spec/selector").is_some_and(|selector| !selector.is_null() && is_empty(selector)) {
                let hint = "add `matchLabels` that its template's labels have";
                bad(object.place("/spec/selector"), format!("the selector of {spoken} is empty"), hint);
            }
        }
        ("batch", "Job") => {
            let is_given = object.at("/spec/selector").is_some_and(|selector| !selector.is_null());
            if is_given && !object.at("/spec/manualSelector").is_some_and(Node::is_true) {
                let hint = "take it out: Kubernetes makes one for each job";
                bad(object.place("/spec/selector"), format!("{spoken} has a selector of its own"), hint);
            }
        }
        ("batch", "CronJob") => {
            // One that is missing or empty is told with all that must be there.
            let schedule = object.text("/spec/schedule").filter(|text| !text.is_empty() && !text.contains(STAND_IN));
            if let Some(fault) = schedule.and_then(schedule_fault) {
                let hint = "write five fields, such as `0 3 * * *`, or `@daily`; the zone stands in `timeZone`";
                bad(object.place("/spec/schedule"), format!("the schedule of {spoken} is none: {fault}"), hint);
            }
        }
        ("", "Service") => {
            let ports = object.at("/spec/ports").map_or(&[][..], Node::items);
            let is_named =
                |port: &&Node| port.at("/name").is_some_and(|name| name.text() != Some("") && !name.is_null());
            if let Some(port) = ports.iter().find(|port| ports.len() > 1 && !is_named(port)) {
                let hint = "add `name` to each of them, such as `http`";
                let place = port.span.start..port.span.start + 1;
                bad(place, format!("a port of {spoken} has no name, and there are several"), hint);
            }
        }
        ("networking.k8s.io", "Ingress") => {
            for rule in object.at("/spec/rules").into_iter().flat_map(Node::items) {
                if let Some(host) = rule.at("/host")
                    && host.text().is_some_and(|text| {
                        !text.is_empty()
                            && !text.contains(STAND_IN)
                            && !is_host(text.strip_prefix("*.").unwrap_or(text))
                    })
                {
                    let hint =
                        "write a name in small letters, `*.` in front for all names in a domain; no address, no port";
                    bad(host.span.clone(), format!("a host of {spoken} is no name"), hint);
                }
            }
        }
        _ => {}
    }
    restart_policy(object, &mut bad);
    let is_built_in = !object.group().contains('.') || object.group().ends_with(".k8s.io");
    let claims: Vec<&str> = names(object.at("/spec/volumeClaimTemplates"), "/metadata/name");
    if !is_built_in {
        return;
    }
    super::names::each_pod(&object.root, &mut |pod| {
        let volumes = names(pod.at("/volumes"), "/name");
        let lists = ["/containers", "/initContainers"].into_iter().filter_map(|list| pod.at(list));
        let mounts = lists.flat_map(Node::items).filter_map(|container| container.at("/volumeMounts"));
        for name in mounts.flat_map(Node::items).filter_map(|mount| mount.at("/name")) {
            let is_known = |text: &str| volumes.contains(&text) || claims.contains(&text) || text.contains(STAND_IN);
            if let Some(text) = name.text().filter(|text| !is_known(text)) {
                let hint = match closest(text, volumes.iter().chain(&claims).copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "add it to the pod's `volumes`".to_owned(),
                };
                bad(
                    name.span.clone(),
                    format!("a container of {spoken} mounts `{text}`, which is no volume of its pod"),
                    &hint,
                );
            }
        }
    });
}

/// Pods of workloads are always started again, those of jobs end some day.
fn restart_policy(object: &Object, bad: &mut impl FnMut(Range<usize>, String, &str)) {
    let (pod, words, hint) = match (object.group(), object.kind()) {
        ("batch", "Job") => ("/spec/template/spec", JOBS, "write `restartPolicy: OnFailure` or `Never`"),
        ("batch", "CronJob") => {
            ("/spec/jobTemplate/spec/template/spec", JOBS, "write `restartPolicy: OnFailure` or `Never`")
        }
        ("apps", _) => ("/spec/template/spec", &["Always"][..], "take it out"),
        _ => return,
    };
    let path = format!("{pod}/restartPolicy");
    let policy = object.at(&path).filter(|policy| !policy.is_null() && policy.text() != Some(""));
    let is_told = |word: &str| !ALL_POLICIES.contains(&word);
    match policy.map(Node::text) {
        None if words == JOBS && object.at(pod).is_some() => {
            let message = format!("the pod of {} has no `restartPolicy`, which stands for `Always`", object.spoken());
            bad(object.place(pod), message, hint);
        }
        Some(Some(word)) if !words.contains(&word) && !is_told(word) => {
            bad(object.place(&path), format!("no pod of a {} can have this `restartPolicy`", object.kind()), hint);
        }
        _ => {}
    }
}

fn names<'n>(list: Option<&'n Node>, path: &str) -> Vec<&'n str> {
    list.into_iter().flat_map(Node::items).filter_map(|item| item.at(path)?.text()).collect()
}
