//! The repository as a value: the text of each file, by its path.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::application::{Application, values_path};
use super::path::{RECORD, is_clean};
use super::systems::{Chart, System, Systems};
use super::{GitopsError, report};
use crate::profile::Via;
use crate::tree::Digest;

/// The files of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Texts by path, with `/` between its steps.
    pub files: BTreeMap<String, String>,
    /// The folder of Applications that are on.
    pub enabled: String,
    /// The folder where an owner puts those that shall be off.
    pub disabled: String,
}

/// Texts by path, each path once and below the repository's top.
#[derive(Default)]
struct Files(BTreeMap<String, String>);

impl Files {
    fn add(&mut self, path: String, text: String) -> Result<(), GitopsError> {
        if !is_clean(&path) {
            return Err(GitopsError::BadStep { path });
        }
        match self.0.entry(path) {
            Entry::Vacant(entry) => {
                entry.insert(text);
                Ok(())
            }
            Entry::Occupied(entry) => Err(GitopsError::TwoFiles { path: entry.key().clone() }),
        }
    }
}

/// Makes the repository.
///
/// # Errors
/// Two Applications or two files of one name; Applications in a folder that the repository has for something else.
pub fn layout(systems: &Systems) -> Result<Layout, GitopsError> {
    let controller = &systems.controller;
    let enabled = controller.path.clone();
    let disabled = match enabled.rsplit_once('/') {
        Some((above, _)) => format!("{above}/disabled"),
        None => "disabled".to_owned(),
    };
    if enabled == disabled {
        return Err(GitopsError::BadPath { overlay: controller.overlay.clone(), path: enabled });
    }
    let mut files = Files::default();
    // The one that has all others.
    let mut names = BTreeSet::from(["root".to_owned()]);
    for (name, system) in systems.by_name.iter().filter(|(_, system)| system.is_of_git()) {
        let applications = applications(name, system);
        let texts: Vec<String> = applications.iter().map(|application| application.text(controller)).collect();
        for application in &applications {
            if !names.insert(application.name.to_owned()) {
                return Err(GitopsError::TwoApplications { name: application.name.to_owned() });
            }
        }
        files.add(format!("{enabled}/{name}.yaml"), format!("{HEAD}{}", texts.join("---\n")))?;
        for (file, text) in &system.objects {
            files.add(format!("modules/{name}/{file}"), with_lasting_namespaces(text))?;
        }
        files.add(format!("modules/{name}/sealed/README.md"), sealed(name))?;
        for chart in system.helm.iter().filter(|chart| !chart.values.is_empty()) {
            files.add(
                values_path(chart),
                format!("# Values of the chart {}.\n{}\n", chart.chart, chart.values.trim_end()),
            )?;
        }
    }
    // Git has no empty folders, and Argo CD must find them.
    files.add(format!("{enabled}/README.md"), "Argo CD applies the Applications here.\n".to_owned())?;
    files.add(
        format!("{disabled}/README.md"),
        format!("Applications that are off: moved here from `{enabled}`, they stay here and are kept up to date.\n"),
    )?;
    files.add("README.md".to_owned(), readme(systems, &enabled, &disabled))?;
    files.add("renovate.json5".to_owned(), renovate(&enabled, &disabled))?;
    files.add("report.html".to_owned(), report::html(systems))?;
    let Files(files) = files;
    // The folder's name may be that of a file.
    let is_file = |path: &str| path == RECORD || files.contains_key(path);
    let steps = |path: &str| path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
    if files.keys().any(|path| path == RECORD || steps(path).iter().any(|folder| is_file(folder))) {
        return Err(GitopsError::BadPath { overlay: controller.overlay.clone(), path: enabled });
    }
    Ok(Layout { files, enabled, disabled })
}

impl Layout {
    /// Every path that a plan asks about: of its files, where Applications may have been moved to, and of a record.
    #[must_use]
    pub fn paths(&self, record: &BTreeMap<String, Digest>) -> BTreeSet<String> {
        let known = self.files.keys().chain(record.keys());
        known.flat_map(|path| [Some(path.clone()), self.twin(path)]).flatten().collect()
    }

    /// Where an Application would be if it were off instead of on, or on instead of off.
    pub(super) fn twin(&self, path: &str) -> Option<String> {
        let (folder, file) = path.rsplit_once('/')?;
        file.strip_suffix(".yaml")?;
        let other = match folder {
            folder if folder == self.enabled => &self.disabled,
            folder if folder == self.disabled => &self.enabled,
            _ => return None,
        };
        Some(format!("{other}/{file}"))
    }
}

/// What an Application's file begins with.
const HEAD: &str = "# Made by `imgbuild gitops render`. Changed by hand it is yours, and stays as it is.\n";

impl System {
    /// Whether Git delivers anything of it.
    pub(super) fn is_of_git(&self) -> bool {
        self.via == Via::Gitops && !(self.helm.is_empty() && self.objects.is_empty())
    }
}

/// The Applications of an overlay: one of its own name, with its objects, and one more for charts that go into further
/// namespaces.
fn applications<'a>(name: &'a str, system: &'a System) -> Vec<Application<'a>> {
    let own = system.helm.first().map(|chart| chart.namespace.as_str()).or(system.namespace.as_deref());
    let own = own.unwrap_or("default");
    let wave = system.wave;
    let (first, others): (Vec<_>, Vec<_>) = system.helm.iter().partition(|chart| chart.namespace == own);
    let folder = Some(format!("modules/{name}"));
    let mut all = vec![Application { name, namespace: own, wave, charts: first, folder }];
    for chart in others {
        // Past the overlay's own, which is of another namespace.
        match all.iter_mut().skip(1).find(|known| known.namespace == chart.namespace) {
            Some(known) => known.charts.push(chart),
            None => {
                let (name, namespace) = (chart.release.as_str(), chart.namespace.as_str());
                all.push(Application { name, namespace, wave, charts: vec![chart], folder: None });
            }
        }
    }
    all
}

/// Objects as text, with Namespaces that Argo CD leaves in the cluster when they go from Git, since all that is in one goes with
/// it: one that moves to a server's seed must not take volumes along. One with annotations of its own is left as it is.
fn with_lasting_namespaces(text: &str) -> String {
    let mark = "\nmetadata:\n  annotations:\n    argocd.argoproj.io/sync-options: Prune=false\n";
    let lasting = |document: &str| {
        let is_namespace = document.lines().any(|line| line.trim_end() == "kind: Namespace");
        let is_plain = !document.lines().any(|line| line.trim_start().starts_with("annotations:"));
        if is_namespace && is_plain { document.replacen("\nmetadata:\n", mark, 1) } else { document.to_owned() }
    };
    text.split("\n---\n").map(lasting).collect::<Vec<_>>().join("\n---\n")
}

fn sealed(name: &str) -> String {
    format!(
        "The place for SealedSecrets of `{name}`: each file `*.yaml` here is applied with it.\n\n```sh\n\
         kubectl create secret generic NAME -n NAMESPACE --from-literal=KEY=VALUE --dry-run=client -o yaml \\\n  \
         | kubeseal --format yaml > modules/{name}/sealed/NAME.yaml\n```\n"
    )
}

fn readme(systems: &Systems, enabled: &str, disabled: &str) -> String {
    let mut table = String::new();
    for (name, system) in &systems.by_name {
        let charts: Vec<String> = system.charts.iter().map(Chart::in_words).collect();
        let way = if system.is_of_git() { "Git" } else { "image" };
        let _ = writeln!(table, "| `{name}` | {} | {way} | {} |", system.description, charts.join(", "));
    }
    include_str!("../../workspace/gitops/README.md")
        .replace("CLUSTER", &systems.cluster)
        .replace("ENABLED", enabled)
        .replace("DISABLED", disabled)
        .replace("SYSTEMS\n", &table)
}

fn renovate(enabled: &str, disabled: &str) -> String {
    include_str!("../../workspace/gitops/renovate.json5").replace("ENABLED", enabled).replace("DISABLED", disabled)
}

impl Chart {
    /// Name and version.
    pub(super) fn in_words(&self) -> String {
        format!("{} {}", self.name, self.version).trim_end().to_owned()
    }
}
