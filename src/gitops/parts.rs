//! A manifest taken apart: its charts, and its other objects as text.

use super::GitopsError;
use crate::cluster::manifests::{Manifest, Object};
use crate::profile::checks::host_name;
use crate::urls::login;

/// A Helm chart with the values that an overlay gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HelmChart {
    /// The release: the `HelmChart`'s own name.
    pub release: String,
    /// Where the chart comes from; for an OCI registry without `oci://` and without the chart's name.
    pub repository: String,
    pub chart: String,
    pub version: String,
    /// The namespace of what it installs.
    pub namespace: String,
    /// Its values, as YAML.
    pub values: String,
    /// Lines of comment above it, without their `#`.
    pub comment: Vec<String>,
}

/// What a manifest is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub charts: Vec<HelmChart>,
    /// Everything else; empty if there is nothing.
    pub objects: String,
    /// The namespace of its first object that is in one, or is one.
    pub namespace: Option<String>,
}

/// What says how K3s installs a chart; Argo CD does it in its own way.
const OF_THE_JOB: [&str; 13] = [
    "backOffLimit",
    "bootstrap",
    "createNamespace",
    "driver",
    "failurePolicy",
    "forceConflicts",
    "helmVersion",
    "jobImage",
    "podSecurityContext",
    "securityContext",
    "serverSide",
    "takeOwnership",
    "timeout",
];
/// What [`helm_chart`] reads.
const READ: [&str; 5] = ["chart", "repo", "targetNamespace", "valuesContent", "version"];

/// Takes the text of a manifest apart.
///
/// # Errors
/// Text that is no YAML; a chart that Argo CD cannot install as K3s does.
pub(super) fn parts(file: &str, text: &str) -> Result<Parts, GitopsError> {
    let mut parts = Parts::default();
    let mut kept = Vec::new();
    for document in documents(text) {
        let manifest = Manifest::parse(file, document)
            .map_err(|error| GitopsError::NoManifest { file: file.to_owned(), why: error.message })?;
        let is_chart = |object: &&Object| object.is("helm.cattle.io", "HelmChart");
        let charts: Vec<&Object> = manifest.objects.iter().filter(is_chart).collect();
        if charts.is_empty() {
            if !manifest.objects.is_empty() {
                kept.push(document.trim_end().to_owned());
            }
            for object in &manifest.objects {
                let own =
                    if object.is("", "Namespace") { Some(object.name()) } else { object.text("/metadata/namespace") };
                parts.namespace = parts.namespace.or_else(|| own.map(str::to_owned));
            }
            continue;
        }
        if charts.len() != manifest.objects.len() {
            let chart = charts[0].name().to_owned();
            let why = "it stands in a list with other objects".to_owned();
            return Err(GitopsError::Chart { file: file.to_owned(), chart, why });
        }
        let comment: Vec<String> =
            document.lines().map_while(|line| line.strip_prefix('#')).map(|line| line.trim().to_owned()).collect();
        for chart in charts {
            parts.charts.push(helm_chart(file, chart, comment.clone())?);
        }
    }
    if !kept.is_empty() {
        parts.objects = kept.join("\n---\n") + "\n";
    }
    Ok(parts)
}

/// The documents of a text, as K3s takes them apart: at lines of `---`.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(&text[start..at]);
            start = at + line.len();
        }
        at += line.len();
    }
    documents.push(&text[start..]);
    documents
}

fn helm_chart(file: &str, object: &Object, comment: Vec<String>) -> Result<HelmChart, GitopsError> {
    let release = object.name().to_owned();
    // Files of the repository have its name.
    if release.len() > 253 || !release.split('.').all(|label| host_name(label).is_ok()) {
        return Err(GitopsError::BadName { file: file.to_owned(), chart: release });
    }
    let wrong = |why: String| GitopsError::Chart { file: file.to_owned(), chart: release.clone(), why };
    for entry in object.at("/spec").into_iter().flat_map(|spec| spec.entries().iter()) {
        let key = entry.key.as_str();
        if !OF_THE_JOB.contains(&key) && !READ.contains(&key) {
            return Err(wrong(format!("`spec.{key}` has no counterpart there")));
        }
    }
    let text = |key: &str| object.text(&format!("/spec/{key}")).filter(|text| !text.is_empty());
    let version = text("version").ok_or_else(|| wrong("`spec.version` is missing, so nothing pins it".to_owned()))?;
    let chart = text("chart").ok_or_else(|| wrong("`spec.chart` is missing".to_owned()))?;
    let (repository, chart) = match (text("repo"), chart.strip_prefix("oci://").and_then(|rest| rest.rsplit_once('/')))
    {
        (_, Some((registry, name))) => (registry, name),
        (Some(repo), None) => (repo, chart),
        (None, None) => return Err(wrong("`spec.repo` is missing".to_owned())),
    };
    if [text("repo"), text("chart")].into_iter().flatten().any(|url| login(url).is_some()) {
        return Err(GitopsError::Login { place: format!("{file}, HelmChart `{release}`") });
    }
    Ok(HelmChart {
        release: release.clone(),
        repository: repository.to_owned(),
        chart: chart.to_owned(),
        version: version.to_owned(),
        namespace: text("targetNamespace").unwrap_or_else(|| object.namespace()).to_owned(),
        values: text("valuesContent").unwrap_or_default().to_owned(),
        comment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str =
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata:\n  name: app\n  namespace: kube-system\nspec:\n";

    fn chart(spec: &str) -> Result<HelmChart, String> {
        let parts = parts("app-10-chart.yaml", &format!("{CHART}{spec}"));
        parts.map(|parts| parts.charts[0].clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn charts_are_taken_out_and_all_else_stays_as_it_is_written() {
        let text = format!(
            "# Why it is there.\nkind: Namespace\napiVersion: v1\nmetadata: {{name: app}}  # ours\n---\n# From there.\n{CHART}  \
             repo: https://example.org\n  chart: app\n  version: 1.2.3\n  targetNamespace: app\n  valuesContent: |-\n    a: 1\n    b: 2\n---\n\
             # nothing\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {{name: more, namespace: other}}\n"
        );
        let parts = parts("app-10-chart.yaml", &text).unwrap();
        assert_eq!(
            parts.objects,
            "# Why it is there.\nkind: Namespace\napiVersion: v1\nmetadata: {name: app}  # ours\n---\nkind: ConfigMap\n\
             apiVersion: v1\nmetadata: {name: more, namespace: other}\n"
        );
        assert_eq!(parts.namespace.as_deref(), Some("app"));
        let [chart] = &parts.charts[..] else { panic!("{:?}", parts.charts) };
        assert_eq!((chart.values.as_str(), &chart.comment[..]), ("a: 1\nb: 2", &["From there.".to_owned()][..]));
    }

    #[test]
    fn a_chart_of_a_registry_is_named_as_argo_cd_does() {
        let chart = chart("  chart: oci://ghcr.io/org/charts/app\n  version: 1.2.3\n").unwrap();
        assert_eq!((chart.repository.as_str(), chart.chart.as_str()), ("ghcr.io/org/charts", "app"));
        assert_eq!(chart.namespace, "kube-system");
    }

    #[test]
    fn a_chart_whose_name_is_a_path_is_refused() {
        for name in ["../../evil", "a/b", "..", ".git", "A", "/etc/passwd", "a..b"] {
            let text = format!("{CHART}  repo: https://example.org\n  chart: app\n  version: 1.2.3\n");
            let error = parts("app.yaml", &text.replace("name: app\n", &format!("name: {name}\n"))).unwrap_err();
            assert!(matches!(&error, GitopsError::BadName { chart, .. } if chart == name), "{error}");
        }
    }

    #[test]
    fn what_argo_cd_cannot_do_is_refused() {
        let of = |more: &str| {
            chart(&format!("  repo: https://example.org\n  chart: app\n  version: 1.2.3\n{more}")).unwrap_err()
        };
        assert!(of("  valuesSecrets: [{name: a}]\n").contains("`spec.valuesSecrets` has no counterpart"));
        assert!(of("  set: {a: 1}\n").contains("app-10-chart.yaml: the HelmChart `app`"));
        assert!(
            chart("  repo: https://example.org\n  chart: app\n").unwrap_err().contains("`spec.version` is missing")
        );
        assert!(chart("  chart: app\n  version: 1.2.3\n").unwrap_err().contains("`spec.repo` is missing"));
    }
}
