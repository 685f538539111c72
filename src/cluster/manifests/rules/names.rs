//! Names, labels, keys and selectors, as the API server validates them (k8s.io/apimachinery `pkg/util/validation`,
//! k8s.io/kubernetes `pkg/apis/*/validation`).

use std::ops::Range;

use crate::cluster::manifests::STAND_IN;
use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::{Node, Value};
use crate::profile::checks::{host_name, is_qualified_name};

use super::{FlawKind, Flaws};

pub(super) fn check(object: &Object, flaws: &mut Flaws<'_>) {
    own_name(object, flaws);
    if let Some(namespace) = object.text("/metadata/namespace").filter(|name| host_name(name).is_err()) {
        bad(flaws, object.place("/metadata/namespace"), format!("no namespace can be called `{namespace}`"), LABEL);
    }
    labels(object.at("/metadata"), flaws);
    keys(object, flaws);
    let is_built_in = !object.group().contains('.') || object.group().ends_with(".k8s.io");
    if is_built_in {
        each_pod(&object.root, &mut |pod| pod_names(pod, flaws));
        for template in ["/spec/template/metadata", "/spec/jobTemplate/spec/template/metadata"] {
            labels(object.at(template), flaws);
        }
        selector(object, flaws);
    }
}

const LABEL: &str = "use at most 63 lower-case letters, digits and `-`, a letter or digit at both ends (RFC 1123)";
const SUBDOMAIN: &str =
    "use lower-case letters, digits, `-` and `.`, a letter or digit at both ends and around each period (RFC 1123)";

fn bad(flaws: &mut Flaws<'_>, span: Range<usize>, message: impl Into<String>, hint: &str) {
    flaws.add(FlawKind::BadName, span, message, hint);
}

fn is_subdomain(name: &str) -> bool {
    // Unlike a host name's, its parts may each be longer than 63.
    let part = |part: &str| {
        let fits = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        fits && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn own_name(object: &Object, flaws: &mut Flaws<'_>) {
    let name = object.name();
    let wrong = match (object.group(), object.kind()) {
        // A Service's name must begin with a letter before 1.36 (RelaxedServiceNameValidation); that is not told here.
        ("", "Namespace" | "Service") => host_name(name).is_err().then_some(LABEL),
        // They take any segment of a path, such as `system:node`.
        ("rbac.authorization.k8s.io" | "flowcontrol.apiserver.k8s.io" | "certificates.k8s.io", _)
        | (_, "IPAddress") => {
            let is_segment = !name.contains(['/', '%']) && name != "." && name != "..";
            (!is_segment).then_some("use neither `/` nor `%`")
        }
        _ => (!is_subdomain(name)).then_some(SUBDOMAIN),
    };
    if let Some(hint) = wrong {
        bad(flaws, object.place("/metadata/name"), format!("no {} can be called `{name}`", object.kind()), hint);
    }
}

fn labels(metadata: Option<&Node>, flaws: &mut Flaws<'_>) {
    let Some(metadata) = metadata else { return };
    for entry in metadata.at("/labels").map_or(&[][..], Node::entries) {
        key(&entry.key, entry.place.clone(), "label", flaws);
        if let Value::Text(value) = &entry.node.value
            && !is_label_value(value)
            && !value.contains(STAND_IN)
        {
            let message = format!("the value of the label `{}` is none for a label", entry.key);
            let hint = "use at most 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends; longer text is for annotations";
            bad(flaws, entry.node.span.clone(), message, hint);
        }
    }
    for entry in metadata.at("/annotations").map_or(&[][..], Node::entries) {
        key(&entry.key.to_ascii_lowercase(), entry.place.clone(), "annotation", flaws);
    }
}

fn key(key: &str, place: Range<usize>, what: &str, flaws: &mut Flaws<'_>) {
    if !is_qualified_name(key) {
        let message = format!("`{}` is no key of a {what}", key.escape_debug());
        bad(
            flaws,
            place,
            message,
            "use at most 63 letters, digits, `-`, `_`, `.`; before it at most one domain and `/`",
        );
    }
}

fn is_label_value(value: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let edge = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    value.len() <= 63 && value.bytes().all(inner) && edge(value.bytes().next()) && edge(value.bytes().last())
}

/// Keys of a Secret's or `ConfigMap`'s data become file names.
fn keys(object: &Object, flaws: &mut Flaws<'_>) {
    if !object.is("", "Secret") && !object.is("", "ConfigMap") {
        return;
    }
    for list in ["/data", "/stringData", "/binaryData"] {
        for entry in object.at(list).map_or(&[][..], Node::entries) {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let key = entry.key.as_str();
            if key.is_empty() || key.len() > 253 || !key.bytes().all(fits) || key == "." || key.starts_with("..") {
                let message = format!("`{}` is no key of a {}", key.escape_debug(), object.kind());
                bad(flaws, entry.place.clone(), message, "use at most 253 letters, digits, `-`, `_` and `.`");
            }
        }
    }
}

/// The specs of pods in an object: what has `containers`.
pub(super) fn each_pod<'n>(node: &'n Node, look: &mut impl FnMut(&'n Node)) {
    if node.at("/containers").is_some_and(|list| !list.items().is_empty()) {
        look(node);
    }
    for entry in node.entries().iter().filter(|entry| ["spec", "template", "jobTemplate"].contains(&entry.key.as_str()))
    {
        each_pod(&entry.node, look);
    }
}

fn pod_names(pod: &Node, flaws: &mut Flaws<'_>) {
    for (list, what) in [("/containers", "container"), ("/initContainers", "container"), ("/volumes", "volume")] {
        for item in pod.at(list).map_or(&[][..], Node::items) {
            if let Some(name) = item.at("/name")
                && let Some(text) = name.text().filter(|text| host_name(text).is_err())
            {
                bad(flaws, name.span.clone(), format!("no {what} can be called `{text}`"), LABEL);
            }
        }
    }
}

/// A workload's selector must find the pods that its own template makes.
fn selector(object: &Object, flaws: &mut Flaws<'_>) {
    if object.group() != "apps" || object.at("/spec/template").is_none() {
        return;
    }
    let (spoken, kind) = (object.spoken(), object.kind());
    let Some(selector) = object.at("/spec/selector").filter(|selector| !selector.is_null()) else {
        let hint = "add `selector` with `matchLabels` that its template's labels have";
        flaws.add(
            FlawKind::Selector,
            object.place("/spec"),
            format!("{spoken} has no `spec.selector`, which a {kind} needs"),
            hint,
        );
        return;
    };
    let labels = object.at("/spec/template/metadata/labels").map_or(&[][..], Node::entries);
    let same = |left: &Node, right: &Node| match (&left.value, &right.value) {
        (Value::Text(left), Value::Text(right)) => left == right,
        // Another type is told elsewhere.
        _ => true,
    };
    for wanted in selector.at("/matchLabels").map_or(&[][..], Node::entries) {
        let has = labels.iter().any(|label| label.key == wanted.key && same(&label.node, &wanted.node));
        if !has {
            let message = format!(
                "{spoken} selects pods by the label `{}`, which its template gives another value or none",
                wanted.key
            );
            let hint = "write the same label and value below `spec.template.metadata.labels`";
            flaws.add(FlawKind::Selector, wanted.place.start..wanted.node.span.end, message, hint);
        }
    }
}
