//! First-boot manifests: mistakes on which K3s would fail.

use std::collections::BTreeMap;
use std::ops::Range;

use zeroize::Zeroizing;

use super::{Finding, Inputs, Lint, Mistake, Theme, without_logins};
use crate::cluster::Cluster;
use crate::cluster::leaks::redact;
use crate::cluster::manifests::kubernetes::Kubernetes;
use crate::cluster::manifests::{
    Against, Context, FlawKind, Manifest, Rendered, STAND_IN, TemplateSpans, Uses, lint, render, unused, uses,
};
use crate::cluster::secrets::Secrets;
use crate::diagnostic::{Diagnostic, Severity, SourceText};
use crate::profile::{Profile, Tag};

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
        UNKNOWN_KIND,
        WRONG_TYPE,
        UNKNOWN_FIELD,
        BAD_NAME,
        SELECTOR,
        BAD_VALUE,
        CHART_NAMESPACE,
        CHART_CONFIG,
        TWO_BALANCERS,
        DUPLICATE_KEY,
        CHANGED_KEY,
        RETIRED,
        SWITCHED_OFF,
        URL_LOGIN,
        UNUSED_EXPECTS,
    ],
};

const TEMPLATE: Lint = Lint {
    code: "C080-manifest",
    severity: Severity::Error,
    title: "A manifest's template does not render to valid YAML",
    why: "as long as K3s cannot read one file, it applies all others again every 15 seconds, over any changes in the cluster",
    find: |inputs| found(inputs, None),
};

const ADDON_NAME: Lint = Lint {
    code: "C081-addon-name",
    severity: Severity::Error,
    title: "A manifest's file name is invalid for an AddOn, or used by another file or by K3s itself",
    why: "K3s names an AddOn after its file, up to the first period, and deletes objects that another file of this name lacks",
    find: |inputs| found(inputs, Some(FlawKind::AddonName)),
};

const NO_OBJECT: Lint = Lint {
    code: "C082-no-object",
    severity: Severity::Error,
    title: "A document of a manifest is not a Kubernetes object",
    why: "K3s fails on it, and then applies all files again every 15 seconds",
    find: |inputs| found(inputs, Some(FlawKind::NoObject)),
};

const DEFINITION_BESIDE_USE: Lint = Lint {
    code: "C083-definition-beside-use",
    severity: Severity::Error,
    title: "A definition (CRD) and an object of its kind are in one file",
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
    severity: Severity::Warning,
    title: "A Secret or ConfigMap is needed that neither a manifest nor a known controller creates",
    why: "the pod waits until it exists; without a pull secret only images that are not public are missing, and an Ingress \
          uses the controller's own certificate meanwhile",
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
    title: "A manifest uses an address or an API that no longer exists",
    why: "what it names cannot be fetched or applied",
    find: |inputs| found(inputs, Some(FlawKind::Gone)),
};

const TWICE: Lint = Lint {
    code: "C089-object-twice",
    severity: Severity::Error,
    title: "An object is in the manifests twice",
    why: "only one of the two can be in the cluster, and it is random which one",
    find: |inputs| found(inputs, Some(FlawKind::Twice)),
};

const NO_NAMESPACE: Lint = Lint {
    code: "C090-no-namespace",
    severity: Severity::Warning,
    title: "No manifest creates the namespace of an object",
    why: "until something else makes it, all files are applied again every 15 seconds, over whatever GitOps changed",
    find: |inputs| found(inputs, Some(FlawKind::NoNamespace)),
};

const UNKNOWN_KIND: Lint = Lint {
    code: "C120-unknown-kind",
    severity: Severity::Error,
    title: "Kubernetes has no such kind",
    why: "the file fails, and K3s applies all files again every 15 seconds, over whatever GitOps changed",
    find: |inputs| found(inputs, Some(FlawKind::UnknownKind)),
};

const WRONG_TYPE: Lint = Lint {
    code: "C122-wrong-type",
    severity: Severity::Error,
    title: "A value has another type than its field",
    why: "the API server refuses the object, and K3s applies all files again every 15 seconds",
    find: |inputs| found(inputs, Some(FlawKind::WrongType)),
};

const UNKNOWN_FIELD: Lint = Lint {
    code: "C123-unknown-field",
    severity: Severity::Warning,
    title: "A field does not exist in its kind of object",
    why: "the API server drops it, so that it has no effect",
    find: |inputs| found(inputs, Some(FlawKind::UnknownField)),
};

const BAD_NAME: Lint = Lint {
    code: "C124-bad-name",
    severity: Severity::Error,
    title: "A name, label or key is invalid in Kubernetes",
    why: "the API server refuses the object, and K3s applies all files again every 15 seconds",
    find: |inputs| found(inputs, Some(FlawKind::BadName)),
};

const SELECTOR: Lint = Lint {
    code: "C125-selector",
    severity: Severity::Error,
    title: "A workload's selector does not match its own pods",
    why: "the API server refuses the object, and K3s applies all files again every 15 seconds",
    find: |inputs| found(inputs, Some(FlawKind::Selector)),
};

const BAD_VALUE: Lint = Lint {
    code: "C126-bad-value",
    severity: Severity::Error,
    title: "A value is not allowed in its field, or a required one is missing",
    why: "the API server refuses the object, and K3s applies all files again every 15 seconds",
    find: |inputs| found(inputs, Some(FlawKind::BadValue)),
};

const CHART_NAMESPACE: Lint = Lint {
    code: "C127-chart-namespace",
    severity: Severity::Error,
    title: "A HelmChart is in the namespace that it is to create",
    why: "the object cannot be created before the namespace, nor the namespace before the object's job has run",
    find: |inputs| found(inputs, Some(FlawKind::ChartNamespace)),
};

const CHART_CONFIG: Lint = Lint {
    code: "C128-chart-config",
    severity: Severity::Error,
    title: "A HelmChartConfig belongs to no chart, or the chart refuses its values",
    why: "the chart is installed without them, or not at all",
    find: |inputs| found(inputs, Some(FlawKind::ChartConfig)),
};

const TWO_BALANCERS: Lint = Lint {
    code: "C135-two-balancers",
    severity: Severity::Error,
    title: "Both MetalLB and K3s give Services their addresses",
    why: "each writes its own address into every Service of type LoadBalancer, over the other's, and K3s' takes the ports \
          of all nodes",
    find: |inputs| found(inputs, Some(FlawKind::TwoBalancers)),
};

const DUPLICATE_KEY: Lint = Lint {
    code: "C130-duplicate-key",
    severity: Severity::Warning,
    title: "A key appears twice in one mapping",
    why: "K3s uses the last one, and the first has no effect",
    find: |inputs| found(inputs, Some(FlawKind::DuplicateKey)),
};

const CHANGED_KEY: Lint = Lint {
    code: "C134-changed-key",
    severity: Severity::Warning,
    title: "YAML reads a key without quotes as another one",
    why: "K3s reads YAML 1.1, where `on`, `yes` and `y` mean true, `off`, `no` and `n` false, and `010`, `1.10` and `1_000` are \
          numbers, also as keys; programs that look for the key do not find it",
    find: |inputs| found(inputs, Some(FlawKind::ChangedKey)),
};

const RETIRED: Lint = Lint {
    code: "C131-retired",
    severity: Severity::Warning,
    title: "A manifest uses an image or chart of a discontinued project, or an address that no longer exists",
    why: "it gets no more fixes, and may have disappeared when a node is set up again",
    find: |inputs| found(inputs, Some(FlawKind::Retired)),
};

const SWITCHED_OFF: Lint = Lint {
    code: "C132-switched-off",
    severity: Severity::Warning,
    title: "A version of an API is disabled by default",
    why: "the file fails, and K3s applies all files again every 15 seconds, over whatever GitOps changed",
    find: |inputs| found(inputs, Some(FlawKind::SwitchedOff)),
};

const URL_LOGIN: Lint = Lint {
    code: "C136-url-login",
    severity: Severity::Error,
    title: "The URL of a chart has a user name or a password in it",
    why: "it would be in the image or in the Git repository, where everybody reads it who reads that",
    find: |inputs| found(inputs, Some(FlawKind::UrlLogin)),
};

const UNUSED_EXPECTS: Lint = Lint {
    code: "C133-unused-expects",
    severity: Severity::Warning,
    title: "No manifest needs what an overlay expects",
    why: "the entry has no effect now, and could hide a real mistake later",
    find: |inputs| {
        inputs.unused_expects.iter().map(|diagnostic| Mistake { node: None, diagnostic: diagnostic.clone() }).collect()
    },
};

/// A mistake in a manifest. The kind is none if the text is not a manifest at all.
#[derive(Debug)]
pub(super) struct ManifestMistake {
    kind: Option<FlawKind>,
    diagnostic: Diagnostic,
}

fn found(inputs: &Inputs<'_>, kind: Option<FlawKind>) -> Vec<Mistake> {
    let of_kind = inputs.manifests.iter().filter(|found| found.kind == kind);
    of_kind.map(|found| Mistake { node: None, diagnostic: found.diagnostic.clone() }).collect()
}

/// The mistakes in the manifests of a server's profile, and the entries of `expects` that none of them needs.
#[derive(Debug, Default)]
pub(super) struct ManifestCheck {
    pub found: Vec<ManifestMistake>,
    pub unused: Vec<Diagnostic>,
}

/// Findings in the manifests of a profile that no node uses, as far as they can be checked without a cluster.
pub(super) fn of_profile(profile: &Profile) -> Vec<Finding> {
    let release = profile.k3s.as_ref().and_then(|k3s| Tag::parse(&k3s.version));
    let ManifestCheck { found, unused } = look(None, profile, release.as_ref(), None);
    let found =
        found.into_iter().map(|ManifestMistake { kind, diagnostic }| (kind.map_or(&TEMPLATE, lint_of), diagnostic));
    let all = found.chain(unused.into_iter().map(|diagnostic| (&UNUSED_EXPECTS, diagnostic)));
    all.map(|(lint, diagnostic)| Finding::new(lint, Mistake { node: None, diagnostic })).collect()
}

fn lint_of(kind: FlawKind) -> &'static Lint {
    match kind {
        FlawKind::AddonName => &ADDON_NAME,
        FlawKind::NoObject => &NO_OBJECT,
        FlawKind::DefinitionBesideUse => &DEFINITION_BESIDE_USE,
        FlawKind::UndefinedKind => &UNDEFINED_KIND,
        FlawKind::NobodyMakes => &NOBODY_MAKES,
        FlawKind::FailurePolicy => &FAILURE_POLICY,
        FlawKind::ChartSize => &CHART_SIZE,
        FlawKind::Gone => &GONE,
        FlawKind::Twice => &TWICE,
        FlawKind::NoNamespace => &NO_NAMESPACE,
        FlawKind::UnknownKind => &UNKNOWN_KIND,
        FlawKind::WrongType => &WRONG_TYPE,
        FlawKind::UnknownField => &UNKNOWN_FIELD,
        FlawKind::BadName => &BAD_NAME,
        FlawKind::Selector => &SELECTOR,
        FlawKind::BadValue => &BAD_VALUE,
        FlawKind::ChartNamespace => &CHART_NAMESPACE,
        FlawKind::ChartConfig => &CHART_CONFIG,
        FlawKind::TwoBalancers => &TWO_BALANCERS,
        FlawKind::DuplicateKey => &DUPLICATE_KEY,
        FlawKind::ChangedKey => &CHANGED_KEY,
        FlawKind::Retired => &RETIRED,
        FlawKind::SwitchedOff => &SWITCHED_OFF,
        FlawKind::UrlLogin => &URL_LOGIN,
    }
}

/// A rendered and parsed manifest.
struct Read {
    name: String,
    text: Zeroizing<String>,
    used: Uses,
    manifest: Manifest,
}

/// Checks the manifests of a server's profile. A placeholder stands for a secret that is not set, since another lint reports
/// that. Without a cluster, templates that need one are skipped.
pub(super) fn look(
    cluster: Option<&Cluster>,
    profile: &Profile,
    release: Option<&Tag>,
    secrets: Option<&Secrets>,
) -> ManifestCheck {
    let mut seen = ManifestCheck::default();
    let context = |used: &Uses| {
        let value = |name: &str| secrets.and_then(|secrets| secrets.get(name)).map_or(STAND_IN, |value| value.expose());
        let values: Vec<(String, &str)> = used.secrets.iter().map(|name| (name.clone(), value(name))).collect();
        let context = Context::default().profile(profile.public()).secrets(values);
        match cluster {
            Some(cluster) => context.cluster(cluster).overlays(&cluster.overlays),
            None => context,
        }
    };
    let mut all = Vec::new();
    for (name, template) in &profile.manifests {
        let at = |span, message: String, hint: String| ManifestMistake {
            kind: None,
            diagnostic: Diagnostic::new(&template.source, Some(span), message).hint(hint),
        };
        if cluster.is_none() && uses(template).is_ok_and(|used| used.cluster) {
            continue;
        }
        let rendered = uses(template).and_then(|used| render(template, &context(&used)).map(|text| (used, text)));
        let (used, text) = match rendered {
            Ok(rendered) => rendered,
            Err(error) => {
                let line = line(&template.source, error.line());
                seen.found.push(at(line, error.reason(), error.hint().unwrap_or_default()));
                continue;
            }
        };
        match Manifest::parse(name, &text) {
            Ok(manifest) => all.push(Read { name: name.clone(), text, used, manifest }),
            Err(fault) => {
                let context = context(&used).with_params_of(template);
                let span = TemplateSpans::of(&template.source.text, &text, &used, &context).find(&fault.span);
                let [message, hint] = [&fault.message, &fault.hint].map(|text| hide(text, &used, secrets));
                seen.found.push(at(span, message, hint));
            }
        }
    }
    let rendered: Vec<Rendered<'_>> =
        all.iter().map(|read| Rendered { manifest: &read.manifest, text: &read.text }).collect();
    let minor = profile.k3s.as_ref().and_then(|k3s| Kubernetes::minor_of(&k3s.version));
    let kubernetes = minor.and_then(Kubernetes::new);
    // What a server leaves out, cluster file and profile say together (`seed/k3s.rs`).
    let of_profile = profile.k3s.iter().flat_map(|k3s| k3s.disable.iter().map(String::as_str));
    let of_cluster =
        cluster.into_iter().flat_map(|cluster| cluster.k3s.disable.iter().map(|component| component.name()));
    let disabled: Vec<&str> = of_profile.chain(of_cluster).collect();
    let against =
        Against { release, minor, kubernetes: kubernetes.as_ref(), expects: &profile.expects, disabled: &disabled };
    // A manifest that could not be read may create or need something.
    let is_whole = all.len() == profile.manifests.len();
    let mut places = BTreeMap::new();
    for flaw in lint(&rendered, against).into_iter().filter(|flaw| is_whole || !flaw.kind.is_absence()) {
        let template = &profile.manifests[&flaw.manifest];
        let source = &template.source;
        let Some(read) = all.iter().find(|read| read.name == flaw.manifest) else { continue };
        let places = places.entry(&read.name).or_insert_with(|| {
            let context = context(&read.used).with_params_of(template);
            TemplateSpans::of(&source.text, &read.text, &read.used, &context)
        });
        let (message, hint) = (hide(&flaw.message, &read.used, secrets), hide(&flaw.hint, &read.used, secrets));
        let mut diagnostic = Diagnostic::new(source, Some(places.find(&flaw.span)), message).hint(hint);
        if flaw.kind == FlawKind::UrlLogin {
            diagnostic = without_logins(diagnostic);
        }
        seen.found.push(ManifestMistake { kind: Some(flaw.kind), diagnostic });
    }
    if is_whole {
        for expected in unused(&rendered, &profile.expects) {
            let mistake = profile.marks.mistake("expects", expected, format!("no manifest needs `{expected}`"));
            seen.unused.extend(
                mistake.map(|mistake| mistake.hint("take the entry out, or write what is needed as the manifest does")),
            );
        }
    }
    seen
}

/// Rules quote names and keys. If a template puts a secret there, it is replaced by the secret's name.
fn hide(text: &str, used: &Uses, secrets: Option<&Secrets>) -> String {
    redact(text, used.secrets.iter().filter_map(|name| Some((name.as_str(), secrets?.get(name)?))))
}

/// The bytes of a line, from 1; of the last one if there are fewer.
fn line(source: &SourceText, number: usize) -> Range<usize> {
    let mut start = 0;
    let mut span = 0..source.text.len().min(1);
    for (line, text) in (1..).zip(source.text.split_inclusive('\n')) {
        let blank = text.len() - text.trim_start().len();
        span = start + blank..start + text.trim_end().len().max(blank + 1);
        if line == number {
            break;
        }
        start += text.len();
    }
    span
}
