//! The charts that an overlay's manifests install, as its files have them: a template is not rendered for it, since an overlay
//! by itself has no cluster.

use serde::Serialize;

/// A chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ChartRow {
    pub(super) chart: String,
    /// Empty if the newest is taken.
    pub(super) version: String,
    /// Empty for a chart that is named by its whole URL.
    pub(super) repository: String,
}

impl ChartRow {
    /// Name and version.
    pub(super) fn spoken(&self) -> String {
        format!("{} {}", self.chart, self.version).trim_end().to_owned()
    }
}

/// The charts of the `HelmChart`s in a manifest's text.
pub(super) fn charts_of(text: &str) -> Vec<ChartRow> {
    let documents =
        text.split("\n---").filter(|document| document.lines().any(|line| line.trim_end() == "kind: HelmChart"));
    let row = |document: &str| {
        // A key of `spec`, which stands two blanks deep; deeper ones are values of the chart.
        let key = |key: &str| {
            let mut lines =
                document.lines().filter_map(|line| line.strip_prefix("  ")?.strip_prefix(key)?.strip_prefix(": "));
            lines.next().map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
        };
        let (version, repository) = (key("version").unwrap_or_default(), key("repo").unwrap_or_default());
        Some(ChartRow { chart: key("chart")?, version, repository })
    };
    documents.filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_found_beside_other_objects_and_in_templates() {
        let text = "kind: Namespace\n---\nkind: HelmChart\nmetadata:\n  name: a\nspec:\n  repo: https://a.example.org\n  chart: app\n  \
                    version: \"1.2.3\"\n  valuesContent: |-\n    image:\n      version: 9\n    name: {{ params.name }}\n---\nkind: HelmChart\n\
                    spec:\n  chart: oci://b.example.org/charts/other\n";
        let found = charts_of(text);
        assert_eq!(
            found.iter().map(ChartRow::spoken).collect::<Vec<_>>(),
            ["app 1.2.3", "oci://b.example.org/charts/other"]
        );
        assert_eq!(found[0].repository, "https://a.example.org");
        assert!(charts_of("kind: HelmChartConfig\nspec:\n  chart: no\n").is_empty());
    }
}
