//! What is wrong with a set of manifests that K3s shall apply by itself, before it does so for ever.
//!
//! K3s names an `AddOn` after its file, owns what the file holds, and applies all files again every 15 seconds until
//! each of them has succeeded once (`pkg/deploy/controller.go`). So one bad file keeps all others being put back over
//! what people and `GitOps` changed.
//!
//! Each rule is as strict as what it stands for: what the deploy controller or the API server refuses is an error, what
//! they drop or wait for is a warning. No message quotes a value, for it may be a secret; names and keys are quoted.

mod addons;
mod balancers;
mod charts;
mod inner;
mod kinds;
mod makers;
mod names;
mod need;
mod needs;
mod sources;
#[cfg(test)]
mod tests;
mod types;
mod values;

pub use kinds::groups_of_chart;

use std::collections::BTreeSet;
use std::ops::Range;

use super::kubernetes::Kubernetes;
use super::object::{Manifest, Object};
use super::yaml::{ChangedKey, Node, Value};
use crate::profile::Tag;

/// A mistake in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub kind: FlawKind,
    /// The manifest's file name.
    pub manifest: String,
    /// Bytes of the rendered text.
    pub span: Range<usize>,
    pub message: String,
    pub hint: String,
}

/// Which rule it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// The file's name is none for an `AddOn`, or another file has it, or K3s itself.
    AddonName,
    /// A document is no Kubernetes object.
    NoObject,
    /// A definition and what needs it are in one file.
    DefinitionBesideUse,
    /// Nobody defines an object's kind before K3s applies it.
    UndefinedKind,
    /// A Secret or `ConfigMap` is needed that nobody makes.
    NobodyMakes,
    /// A chart that is taken away, with its data, when an upgrade fails.
    FailurePolicy,
    /// A chart in the manifest that is too large for the datastore.
    ChartSize,
    /// An address or API that is gone.
    Gone,
    /// One file has an object twice.
    Twice,
    /// An object is in a namespace that nobody makes.
    NoNamespace,
    /// Kubernetes has no such kind.
    UnknownKind,
    /// A value of another type than the field's, which the API server refuses.
    WrongType,
    /// A field that the API server drops.
    UnknownField,
    /// A name, label or key that the API server refuses.
    BadName,
    /// A selector that does not fit its own template.
    Selector,
    /// A value of the right type that the API server refuses, or one that must be there and is not.
    BadValue,
    /// A `HelmChart` in the namespace that it shall make.
    ChartNamespace,
    /// A `HelmChartConfig` that nothing reads, or that its chart refuses.
    ChartConfig,
    /// A second program that gives Services their addresses.
    TwoBalancers,
    /// A key that stands twice in one mapping.
    DuplicateKey,
    /// A key that YAML takes for true, false or a number, and spells in another way.
    ChangedKey,
    /// A source that gets no more fixes, or one that is gone where nothing is known to be fetched from it.
    Retired,
    /// A version of an API that is off unless it is switched on.
    SwitchedOff,
    /// A password or a token in a URL.
    UrlLogin,
}

impl FlawKind {
    /// Whether it says that no manifest has something, which is known only if all can be read.
    #[must_use]
    pub fn is_absence(self) -> bool {
        matches!(self, Self::UndefinedKind | Self::NobodyMakes | Self::NoNamespace)
    }
}

/// What manifests are held against.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The release of K3s; none if it has none of its own name.
    pub release: Option<&'a Tag>,
    /// The minor version of Kubernetes that K3s brings; none if K3s has no release of its own name.
    pub minor: Option<u32>,
    /// The facts of that version; none if they do not reach back to it.
    pub kubernetes: Option<&'a Kubernetes>,
    /// `namespace/secret/name` and `namespace/configmap/name` that something in the cluster makes.
    pub expects: &'a BTreeSet<String>,
    /// Components of K3s that the server leaves out.
    pub disabled: &'a [&'a str],
}

/// A manifest and its text.
#[derive(Debug, Clone, Copy)]
pub struct Rendered<'a> {
    pub manifest: &'a Manifest,
    pub text: &'a str,
}

/// Collects what is wrong with one manifest.
struct Flaws<'a> {
    manifest: &'a str,
    list: &'a mut Vec<Flaw>,
}

impl Flaws<'_> {
    fn add(&mut self, kind: FlawKind, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let (message, hint) = (message.into(), hint.into());
        self.list.push(Flaw { kind, manifest: self.manifest.to_owned(), span, message, hint });
    }
}

/// Namespaces that a cluster has from its beginning.
const MADE_BY_K3S: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Everything wrong with `manifests`, in their order.
#[must_use]
pub fn lint(manifests: &[Rendered<'_>], against: Against<'_>) -> Vec<Flaw> {
    let mut list = Vec::new();
    let all: Vec<&Object> = manifests.iter().flat_map(|rendered| &rendered.manifest.objects).collect();
    let namespaces: BTreeSet<&str> = all.iter().filter_map(|object| makes_namespace(object)).collect();
    let defined = kinds::definitions(all.iter().copied());
    let makers = makers::Makers::of(&all);
    addons::names(manifests, &mut list);
    for Rendered { manifest, text } in manifests {
        let mut flaws = Flaws { manifest: &manifest.name, list: &mut list };
        for (key, span) in &manifest.twice {
            let message = format!("the key `{key}` stands here for the second time");
            flaws.add(
                FlawKind::DuplicateKey,
                span.clone(),
                message,
                "keep one of the two: K3s takes the last, and drops the rest",
            );
        }
        for ChangedKey { key, becomes, span } in &manifest.changed {
            let hint = format!("put it into quotes: `\"{key}\":`");
            match becomes {
                Some(becomes) => {
                    flaws.add(FlawKind::ChangedKey, span.clone(), format!("the key `{key}` becomes `{becomes}`"), hint);
                }
                None => {
                    let message = format!("the key `{key}` is nothing, and must be text");
                    flaws.add(FlawKind::WrongType, span.clone(), message, hint);
                }
            }
        }
        separators(text, &mut flaws);
        let mut seen = BTreeSet::new();
        for object in &manifest.objects {
            if object.kind().is_empty() || object.name().is_empty() || object.version().is_empty() {
                no_object(object, &mut flaws);
                continue;
            }
            if kinds::check(object, manifest, &defined, &all, &against, &mut flaws) {
                types::check(object, against.kubernetes, text, &mut flaws);
                names::check(object, &mut flaws);
                values::check(object, &mut flaws);
            }
            needs::check(object, &all, &makers, against.expects, &mut flaws);
            charts::check(object, &all, &against, text, &mut flaws);
            balancers::check(object, &all, &against, &mut flaws);
            sources::check(object, text, &mut flaws);
            if !seen.insert((object.group(), object.kind(), object.namespace(), object.name())) {
                let hint = "give one of them another name, or leave it out";
                let message = format!("{} is in this file twice", object.spoken());
                flaws.add(FlawKind::Twice, object.place("/metadata/name"), message, hint);
            }
            if let Some(namespace) = object.text("/metadata/namespace").filter(|name| !namespaces.contains(name))
                && !MADE_BY_K3S.contains(&namespace)
            {
                flaws.add(
                    FlawKind::NoNamespace,
                    object.place("/metadata/namespace"),
                    format!("no manifest here makes the namespace `{namespace}` of {}", object.spoken()),
                    "put a Namespace of that name in front of it; a HelmChart makes its `targetNamespace` with \
                     `createNamespace: true`",
                );
            }
        }
    }
    list
}

/// Says what a document lacks that should be an object.
fn no_object(object: &Object, flaws: &mut Flaws<'_>) {
    const HINT: &str = "each needs `apiVersion`, `kind` and `metadata.name`";
    const KEYS: [&str; 3] = ["/apiVersion", "/kind", "/metadata/name"];
    let spell = |path: &str| path[1..].replace('/', ".");
    let mut is_told = false;
    for path in KEYS {
        let Some(node) = object.at(path) else { continue };
        let (found, hint) = match &node.value {
            Value::Number { .. } => ("a number", "put it into quotes"),
            Value::Bool(_) => {
                ("true or false", "put it into quotes: without them YAML takes `no`, `on` and `y` for one of the two")
            }
            Value::List(_) | Value::Map(_) => ("no text", "write one word behind the key"),
            Value::Null | Value::Text(_) => continue,
        };
        let message = format!("`{}` is {found}, and must be text", spell(path));
        flaws.add(FlawKind::WrongType, object.place(path), message, hint);
        is_told = true;
    }
    if let Some(entry) = object.at("/metadata").and_then(|metadata| metadata.entry("generateName")) {
        let message = "`generateName` asks for a new object each time, and K3s applies a file again and again";
        let hint = "write `name`, by which K3s finds the object again";
        flaws.add(FlawKind::NoObject, entry.place.clone(), message, hint);
        is_told = true;
    }
    if is_told {
        return;
    }
    let is_missing = |path: &&str| object.at(path).and_then(Node::text).is_none_or(str::is_empty);
    let missing: Vec<String> =
        KEYS.iter().copied().filter(is_missing).map(|path| format!("`{}`", spell(path))).collect();
    let message = match missing.len() {
        3 => "a document here is no Kubernetes object".to_owned(),
        _ => format!("an object here has no {}", missing.join(" and no ")),
    };
    flaws.add(FlawKind::NoObject, object.root.span.start..object.root.span.start + 1, message, HINT);
}

/// Finds documents that begin in the line of their `---`. K3s takes documents apart at lines of `---` alone
/// (k8s.io/apimachinery `pkg/util/yaml`, `YAMLReader`), and of what it then has together reads the first only.
fn separators(text: &str, flaws: &mut Flaws<'_>) {
    let mut start = 0;
    let mut is_first = true;
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("--- ").map(str::trim).filter(|rest| !rest.is_empty() && !rest.starts_with('#'));
        if rest.is_some() && !is_first {
            flaws.add(
                FlawKind::NoObject,
                start..start + line.trim_end().len(),
                "K3s does not read a document that begins in the line of its `---`",
                "write `---` on a line of its own",
            );
        }
        let blank = line.trim().is_empty() || line.starts_with('#') || line.trim_end() == "---";
        is_first = is_first && blank || line.trim_end() == "---";
        start += line.len();
    }
}

/// Which of `expects` no manifest needs.
#[must_use]
pub fn unused<'e>(manifests: &[Rendered<'_>], expects: &'e BTreeSet<String>) -> Vec<&'e str> {
    let objects = manifests.iter().flat_map(|rendered| &rendered.manifest.objects);
    let needed: Vec<need::Need<'_>> = objects.flat_map(needs::of).collect();
    let is_unused = |expected: &&String| !needed.iter().any(|need| need.is(expected));
    expects.iter().filter(is_unused).map(String::as_str).collect()
}

/// The namespace that an object makes, or has a chart make.
fn makes_namespace(object: &Object) -> Option<&str> {
    if object.is("", "Namespace") {
        return Some(object.name());
    }
    let makes = object.is("helm.cattle.io", "HelmChart") && object.at("/spec/createNamespace")?.is_true();
    makes.then(|| object.text("/spec/targetNamespace")).flatten()
}
