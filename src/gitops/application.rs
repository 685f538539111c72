//! Argo CD's Applications.

use std::fmt::Write as _;

use super::parts::HelmChart;
use super::systems::Controller;
use super::yaml::word;

/// The namespace of Argo CD, where its Applications are.
const ARGOCD: &str = "argocd";

/// What becomes one Application.
#[derive(Debug)]
pub(super) struct Application<'a> {
    pub name: &'a str,
    pub namespace: &'a str,
    pub wave: usize,
    pub charts: Vec<&'a HelmChart>,
    /// The folder of its other objects.
    pub folder: Option<String>,
}

/// The path of a chart's values in the repository.
pub(super) fn values_path(chart: &HelmChart) -> String {
    format!("values/{}.yaml", chart.release)
}

impl Application<'_> {
    /// As it is in the repository. A chart's values are a file of the repository, so that what pins versions and what sets values
    /// are not one file: the first is changed by pull requests, the second by `render`.
    pub(super) fn text(&self, controller: &Controller) -> String {
        let Self { name, namespace, wave, charts, folder } = self;
        let mut text = String::new();
        let mut line = |indent: usize, line: &str| {
            let _ = writeln!(text, "{:indent$}{line}", "");
        };
        line(0, "apiVersion: argoproj.io/v1alpha1");
        line(0, "kind: Application");
        line(0, "metadata:");
        line(2, &format!("name: {}", word(name)));
        line(2, &format!("namespace: {ARGOCD}"));
        line(2, "annotations:");
        line(4, &format!("argocd.argoproj.io/sync-wave: \"{wave}\""));
        line(0, "spec:");
        line(2, "project: default");
        line(2, "sources:");
        for chart in charts {
            for comment in &chart.comment {
                line(4, format!("# {comment}").trim_end());
            }
            line(4, &format!("- repoURL: {}", word(&chart.repository)));
            line(6, &format!("chart: {}", word(&chart.chart)));
            line(6, &format!("targetRevision: {}", word(&chart.version)));
            line(6, "helm:");
            line(8, &format!("releaseName: {}", word(&chart.release)));
            if !chart.values.is_empty() {
                line(8, "valueFiles:");
                line(10, &format!("- $repository/{}", values_path(chart)));
            }
        }
        line(4, &format!("- repoURL: {}", word(&controller.repository)));
        line(6, &format!("targetRevision: {}", word(&controller.revision)));
        if !charts.is_empty() {
            line(6, "ref: repository");
        }
        if let Some(folder) = folder {
            line(6, &format!("path: {}", word(folder)));
            line(6, "directory:");
            line(8, "recurse: true");
        }
        line(2, "destination:");
        line(4, "server: https://kubernetes.default.svc");
        line(4, &format!("namespace: {}", word(namespace)));
        line(2, "syncPolicy:");
        line(4, "automated:");
        line(6, &format!("prune: {}", controller.prune));
        line(6, "selfHeal: true");
        line(4, "syncOptions:");
        line(6, "# A Namespace among the objects wins, with its labels.");
        line(6, "- CreateNamespace=true");
        line(6, "# Some definitions are too large for the annotation of a client-side apply.");
        line(6, "- ServerSideApply=true");
        line(6, "# A definition may come with another Application.");
        line(6, "- SkipDryRunOnMissingResource=true");
        line(4, "# What it needs may come late: it goes on, with the newest commit.");
        line(4, "retry:");
        line(6, "limit: -1");
        line(6, "refresh: true");
        line(6, "backoff:");
        line(8, "duration: 15s");
        line(8, "factor: 2");
        line(8, "maxDuration: 5m");
        text
    }
}
