//! What is wrong with a set of manifests that K3s shall apply by itself, before it does so for ever.
//!
//! K3s names an `AddOn` after its file, owns what the file holds, and applies all files again every 15 seconds until
//! each of them has succeeded once (`pkg/deploy/controller.go`). So one bad file keeps all others being put back over
//! what people and `GitOps` changed.
//!
//! Each rule is as strict as what it stands for: what the deploy controller or the API server refuses is an error, what
//! they drop or wait for is a warning. No message quotes a value, for it may be a secret; names and keys are quoted.

mod addons;
mod charts;
mod kinds;
mod makers;
mod names;
mod needs;
mod sources;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeSet;
use std::ops::Range;

use super::kubernetes::Kubernetes;
use super::object::{Manifest, Object};

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
    /// A `HelmChart` in the namespace that it shall make.
    ChartNamespace,
    /// A `HelmChartConfig` that nothing reads, or that its chart refuses.
    ChartConfig,
    /// A key that stands twice in one mapping.
    DuplicateKey,
    /// A source that gets no more fixes, or one that is gone where nothing is known to be fetched from it.
    Retired,
    /// A version of an API that is off unless it is switched on.
    SwitchedOff,
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
    /// The minor version of Kubernetes that K3s brings; none if K3s has no release of its own name.
    pub minor: Option<u32>,
    /// The facts of that version; none if they do not reach back to it.
    pub kubernetes: Option<&'a Kubernetes>,
    /// `namespace/secret/name` and `namespace/configmap/name` that something in the cluster makes.
    pub expects: &'a BTreeSet<String>,
    /// Components of K3s that the server leaves out.
    pub disabled: &'a [String],
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
        let mut seen = BTreeSet::new();
        for object in &manifest.objects {
            if object.kind().is_empty() || object.name().is_empty() || object.version().is_empty() {
                let place = object.root.span.start..object.root.span.start + 1;
                let hint = "each needs `apiVersion`, `kind` and `metadata.name`";
                flaws.add(FlawKind::NoObject, place, "a document here is no Kubernetes object", hint);
                continue;
            }
            if kinds::check(object, manifest, &defined, &against, &mut flaws) {
                types::check(object, against.kubernetes, text, &mut flaws);
                names::check(object, &mut flaws);
            }
            needs::check(object, &all, &makers, against.expects, &mut flaws);
            charts::check(object, &all, &against, text, &mut flaws);
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

/// Which of `expects` no manifest needs.
#[must_use]
pub fn unused<'e>(manifests: &[Rendered<'_>], expects: &'e BTreeSet<String>) -> Vec<&'e str> {
    let objects = manifests.iter().flat_map(|rendered| &rendered.manifest.objects);
    let needed: Vec<(&Object, needs::Need<'_>)> =
        objects.flat_map(|object| needs::of(object).into_iter().map(move |need| (object, need))).collect();
    let is_unused = |expected: &&String| !needed.iter().any(|(object, need)| need.is(object, expected));
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
