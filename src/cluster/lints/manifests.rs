//! First-boot manifests: what K3s would trip over, found before it does.

use std::ops::Range;
use std::sync::Arc;

use super::{Inputs, Lint, Mistake, Theme};
use crate::cluster::Cluster;
use crate::cluster::manifests::{Context, FlawKind, Manifest, lint, render, uses};
use crate::cluster::secrets::Secrets;
use crate::output::{Diagnostic, Severity, SourceText};
use crate::profile::Profile;

pub(super) const THEME: Theme = Theme {
    title: "Manifests",
    lints: &[
        TEMPLATE,
        ADDON_NAME,
        NO_OBJECT,
        DEFINITION_BESIDE_USE,
        UNDEFINED_KIND,
        NOBODY_MAKES,
        FAILURE_POLICY,
        CHART_SIZE,
        GONE,
        TWICE,
        NO_NAMESPACE,
    ],
};

const TEMPLATE: Lint = Lint {
    code: "C080-manifest",
    severity: Severity::Error,
    title: "A manifest's template does not become YAML",
    why: "one file that K3s cannot read keeps it applying all others again every 15 seconds, over whatever changed",
    find: |inputs| found(inputs, None),
};

const ADDON_NAME: Lint = Lint {
    code: "C081-addon-name",
    severity: Severity::Error,
    title: "A manifest's file name is none for an AddOn, or another file's",
    why: "K3s names an AddOn after its file, up to the first period, and deletes what a file of the same name does not have",
    find: |inputs| found(inputs, Some(FlawKind::AddonName)),
};

const NO_OBJECT: Lint = Lint {
    code: "C082-no-object",
    severity: Severity::Error,
    title: "A document of a manifest is no Kubernetes object",
    why: "K3s fails on it, and then applies all files again every 15 seconds",
    find: |inputs| found(inputs, Some(FlawKind::NoObject)),
};

const DEFINITION_BESIDE_USE: Lint = Lint {
    code: "C083-definition-beside-use",
    severity: Severity::Error,
    title: "A definition (CRD) and what uses it are in one file",
    why: "the API server knows a new kind only some time after its definition, so the file fails and all are applied again",
    find: |inputs| found(inputs, Some(FlawKind::DefinitionBesideUse)),
};

const UNDEFINED_KIND: Lint = Lint {
    code: "C084-undefined-kind",
    severity: Severity::Warning,
    title: "No manifest defines the kind of an object",
    why: "until something else defines it, all files are applied again every 15 seconds, over whatever GitOps changed",
    find: |inputs| found(inputs, Some(FlawKind::UndefinedKind)),
};

const NOBODY_MAKES: Lint = Lint {
    code: "C085-nobody-makes",
    severity: Severity::Error,
    title: "A Secret or ConfigMap is needed that no manifest makes",
    why: "the pod waits for it for ever",
    find: |inputs| found(inputs, Some(FlawKind::NobodyMakes)),
};

const FAILURE_POLICY: Lint = Lint {
    code: "C086-failure-policy",
    severity: Severity::Error,
    title: "A HelmChart does not say what happens when it fails",
    why: "K3s's default uninstalls a chart whose upgrade fails, and Longhorn or MetalLB take their data along",
    find: |inputs| found(inputs, Some(FlawKind::FailurePolicy)),
};

const CHART_SIZE: Lint = Lint {
    code: "C087-chart-size",
    severity: Severity::Error,
    title: "A chart inside a manifest is too large",
    why: "it becomes a ConfigMap, and the API server refuses objects of more than 1 MiB",
    find: |inputs| found(inputs, Some(FlawKind::ChartSize)),
};

const GONE: Lint = Lint {
    code: "C088-gone",
    severity: Severity::Error,
    title: "A manifest names an address or an API that is no more",
    why: "what it asks for cannot be had",
    find: |inputs| found(inputs, Some(FlawKind::Gone)),
};

const TWICE: Lint = Lint {
    code: "C089-object-twice",
    severity: Severity::Error,
    title: "A manifest has an object twice",
    why: "only one of the two can be in the cluster, and which one is chance",
    find: |inputs| found(inputs, Some(FlawKind::Twice)),
};

const NO_NAMESPACE: Lint = Lint {
    code: "C090-no-namespace",
    severity: Severity::Warning,
    title: "No manifest makes the namespace of an object",
    why: "until something else makes it, all files are applied again every 15 seconds, over whatever GitOps changed",
    find: |inputs| found(inputs, Some(FlawKind::NoNamespace)),
};

/// A mistake in a manifest: none of the rules if it is no manifest at all.
#[derive(Debug)]
pub(super) struct Found {
    kind: Option<FlawKind>,
    diagnostic: Diagnostic,
}

fn found(inputs: &Inputs<'_>, kind: Option<FlawKind>) -> Vec<Mistake> {
    let of_kind = inputs.manifests.iter().filter(|found| found.kind == kind);
    of_kind.map(|found| Mistake { node: None, diagnostic: found.diagnostic.clone() }).collect()
}

/// Everything wrong with the manifests of a server's profile. A secret that is not set is that lint's business; here
/// something else stands for it.
pub(super) fn look(cluster: &Cluster, profile: &Profile, secrets: Option<&Secrets>) -> Vec<Found> {
    let mut all = Vec::new();
    let mut manifests = Vec::new();
    for (name, template) in &profile.manifests {
        let source = &template.source;
        match read(name, source, cluster, profile, secrets) {
            Ok(manifest) => manifests.push(manifest),
            Err(diagnostic) => all.push(Found { kind: None, diagnostic }),
        }
    }
    for flaw in lint(&manifests) {
        let source = &profile.manifests[&flaw.manifest].source;
        let diagnostic = Diagnostic::new(source, Some(line(source, flaw.line)), flaw.message).hint(flaw.hint);
        all.push(Found { kind: Some(flaw.kind), diagnostic });
    }
    all
}

fn read(
    name: &str,
    source: &Arc<SourceText>,
    cluster: &Cluster,
    profile: &Profile,
    secrets: Option<&Secrets>,
) -> Result<Manifest, Diagnostic> {
    let at = |number: u64, message: String| Diagnostic::new(source, Some(line(source, number)), message);
    let template = |error: crate::cluster::manifests::ManifestError| {
        let hint = error.hint().unwrap_or_else(|| "templates are MiniJinja's: `{{ cluster.name }}`".to_owned());
        at(error.line(), error.to_string()).hint(hint)
    };
    let used = uses(name, &source.text).map_err(template)?;
    let value =
        |secret: &str| secrets.and_then(|secrets| secrets.get(secret)).map_or("not-set", |value| value.expose());
    let values: Vec<(&str, &str)> = used.secrets.iter().map(|secret| (secret.as_str(), value(secret))).collect();
    let context = Context::default().profile(profile.public()).cluster(cluster).secrets(values);
    let text = render(name, &source.text, &context).map_err(template)?;
    Manifest::parse(name, &text)
        .map_err(|(number, reason)| at(number, reason).hint("look at quotes and indentation around the values"))
}

/// The bytes of a line, from 1; of the last one if there are fewer.
fn line(source: &SourceText, number: u64) -> Range<usize> {
    let mut start = 0;
    let mut span = 0..source.text.len().min(1);
    for (line, text) in (1..).zip(source.text.split_inclusive('\n')) {
        span = start..start + text.trim_end().len().max(1);
        if line == number {
            break;
        }
        start += text.len();
    }
    span
}
