//! Charts that manifests have installed (`HelmChart`, k3s-io/helm-controller), and where they come from once an image carries them.
//!
//! A server of K3s gives files of its static directory to whoever asks, and the job that installs a chart puts the server's
//! address in place of `%{KUBERNETES_API}%` (k3s-io/klipper-helm, `entry`).

use std::ops::Range;

use zeroize::Zeroizing;

use super::object::{Manifest, Object};
use super::yaml::{Node, YamlError};

/// The URL of the directory that charts of an image are given from.
const BAKED: &str = "https://%{KUBERNETES_API}%/static/imgbuild";

/// A chart that a manifest has installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChartUse {
    /// Name of the object, which is that of the release too.
    pub release: String,
    /// Where its objects go.
    pub namespace: String,
    /// A name in the repository, `oci://…`, or the URL of a file.
    pub chart: String,
    pub repo: Option<String>,
    pub version: Option<String>,
    /// The values that the manifest sets, as text.
    pub values: String,
}

impl ChartUse {
    /// The name of its file in an image; none for one that cannot be told from others, since it has no version.
    #[must_use]
    pub fn file(&self) -> Option<String> {
        chart_file(&self.chart, self.version.as_deref())
    }
}

/// The charts of a manifest whose text this is: those that come from a server.
///
/// # Errors
/// Text that is no YAML.
pub fn charts(text: &str) -> Result<Vec<ChartUse>, YamlError> {
    let manifest = Manifest::parse("", text)?;
    Ok(manifest.objects.iter().filter_map(|object| chart(object, text)).collect())
}

/// The text of a manifest whose charts come from the image.
///
/// # Errors
/// Text that is no YAML.
pub fn baked(text: &str) -> Result<Zeroizing<String>, YamlError> {
    let manifest = Manifest::parse("", text)?;
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for object in &manifest.objects {
        let Some(file) = chart(object, text).and_then(|chart| chart.file()) else { continue };
        let mut change = |path, with: String| {
            if let Some(node) = object.at(path) {
                changes.push((node.span.clone(), with));
            }
        };
        change("/spec/chart", format!("\"{BAKED}/{file}\""));
        // As if they were not there.
        change("/spec/repo", "\"\"".to_owned());
        change("/spec/version", "\"\"".to_owned());
    }
    changes.sort_by_key(|(span, _)| span.start);
    let mut out = Zeroizing::new(String::with_capacity(text.len() + 256 * changes.len()));
    let mut done = 0;
    for (span, with) in changes {
        out.push_str(&text[done..span.start]);
        out.push_str(&with);
        done = span.end;
    }
    out.push_str(&text[done..]);
    Ok(out)
}

/// The chart of a `HelmChart` that comes from a server.
fn chart(object: &Object, text: &str) -> Option<ChartUse> {
    if !object.is("helm.cattle.io", "HelmChart") || object.at("/spec/chartContent").is_some_and(|node| !node.is_null())
    {
        return None;
    }
    let get = |path: &str| object.at(path).and_then(|node| scalar(node, text)).filter(|text| !text.is_empty());
    let chart = get("/spec/chart")?;
    if chart.contains("%{KUBERNETES_API}%") {
        return None;
    }
    let namespace = get("/spec/targetNamespace").unwrap_or_else(|| object.namespace().to_owned());
    Some(ChartUse {
        release: object.name().to_owned(),
        namespace,
        chart,
        repo: get("/spec/repo"),
        version: get("/spec/version"),
        values: get("/spec/valuesContent").unwrap_or_default(),
    })
}

/// A value as it is written: a version such as `1.10` is a number to YAML.
fn scalar(node: &Node, text: &str) -> Option<String> {
    match node.text() {
        Some(text) => Some(text.to_owned()),
        None if node.is_null() || !node.entries().is_empty() || !node.items().is_empty() => None,
        None => text.get(node.span.clone()).map(|text| text.trim().to_owned()),
    }
}

/// The name of a chart's file in an image.
#[must_use]
pub fn chart_file(chart: &str, version: Option<&str>) -> Option<String> {
    let last = chart.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?;
    let is_file = chart.starts_with("https://") || chart.starts_with("http://");
    let name = if is_file { last.to_owned() } else { format!("{last}-{}.tgz", version?) };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    (name.strip_suffix(".tgz").is_some_and(|stem| !stem.is_empty())
        && !name.starts_with('.')
        && name.bytes().all(is_plain))
    .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: argocd, namespace: kube-system}
spec:
  repo: https://argoproj.github.io/argo-helm
  chart: argo-cd # the server
  version: 10.1
  targetNamespace: argocd
  valuesContent: |-
    chart: mine
---
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: app, namespace: kube-system}
spec: {chart: 'oci://ghcr.io/team/app', version: \"1.2.3+4\"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {chart: x}
";

    #[test]
    fn a_chart_is_told_with_its_place_and_its_values() {
        let found = charts(TEXT).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].chart.as_str(), found[0].version.as_deref()), ("argo-cd", Some("10.1")));
        assert_eq!((found[0].namespace.as_str(), found[0].values.as_str()), ("argocd", "chart: mine"));
        let files: Vec<Option<String>> = found.iter().map(ChartUse::file).collect();
        assert_eq!(files, [Some("argo-cd-10.1.tgz".to_owned()), Some("app-1.2.3+4.tgz".to_owned())]);
    }

    #[test]
    fn a_baked_chart_comes_from_the_server_and_all_else_stays() {
        let text = baked(TEXT).unwrap();
        let expected = TEXT
            .replace("https://argoproj.github.io/argo-helm", "\"\"")
            .replace("argo-cd #", "\"https://%{KUBERNETES_API}%/static/imgbuild/argo-cd-10.1.tgz\" #")
            .replace("10.1\n", "\"\"\n")
            .replace("'oci://ghcr.io/team/app'", "\"https://%{KUBERNETES_API}%/static/imgbuild/app-1.2.3+4.tgz\"")
            .replace("\"1.2.3+4\"}", "\"\"}");
        assert_eq!(*text, expected);
        assert_eq!(*baked(&text).unwrap(), *text, "what comes from the server is left alone");
        assert_eq!(charts(&text).unwrap(), []);
    }

    #[test]
    fn a_file_s_name_is_plain_and_its_own() {
        for (chart, version, file) in [
            ("argo-cd", Some("10.1.1"), Some("argo-cd-10.1.1.tgz")),
            ("oci://h.example/a/b", Some("1"), Some("b-1.tgz")),
            ("https://h.example/x/app-1.0.tgz?a=b", None, Some("app-1.0.tgz")),
            ("argo-cd", None, None),
            ("https://h.example/x/app.zip", None, None),
            ("../..", Some("1"), None),
            ("app", Some("1/../2"), None),
            ("app", Some("{{ x }}"), None),
        ] {
            assert_eq!(chart_file(chart, version).as_deref(), file, "{chart}");
        }
    }
}
