//! What the servers' overlays bring, sorted: which charts and other objects Git delivers, what waits for what, and which secrets each
//! needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::GitopsError;
use super::parts::{HelmChart, parts};
use super::path::is_clean;
use crate::cluster::Cluster;
use crate::cluster::manifests::{Context, Home, Manifest, ManifestError, STAND_IN, render, uses};
use crate::profile::{ManifestTemplate, Overlay, ParamValue, Profile, Role, Via};
use crate::rollout::{self, Rollout, Stage};
use crate::urls::{login, shown};

/// The role of what reads the repository.
const ROLE: &str = "gitops";

/// All of them, and what reads the repository.
#[derive(Debug, Clone)]
pub struct Systems {
    /// The cluster's name.
    pub cluster: String,
    pub controller: Controller,
    /// By name.
    pub by_name: BTreeMap<String, System>,
    /// What happens at a first boot, in order.
    pub rollout: Rollout,
}

/// What the overlay of Argo CD says of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Controller {
    pub overlay: String,
    /// Its URL.
    pub repository: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// The folder of the Applications that are on.
    pub path: String,
    /// Whether what goes from the repository goes from the cluster.
    pub prune: bool,
}

/// An overlay with manifests.
#[derive(Debug, Clone, Serialize)]
pub struct System {
    pub description: String,
    pub via: Via,
    /// Its charts, by whatever way they come.
    pub charts: Vec<Chart>,
    /// Names of the secrets that its manifests use.
    pub secrets: BTreeSet<String>,
    /// Overlays that it needs.
    pub waits_for: BTreeSet<String>,
    /// Its place in Argo CD's order.
    pub wave: usize,
    /// The namespace of its first object.
    #[serde(skip)]
    pub(super) namespace: Option<String>,
    /// The charts that Git delivers.
    #[serde(skip)]
    pub(super) helm: Vec<HelmChart>,
    /// The other objects that Git delivers, by file name.
    #[serde(skip)]
    pub(super) objects: BTreeMap<String, String>,
}

/// A chart, as it is pinned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Chart {
    pub name: String,
    pub version: String,
    /// Its repository; none if the manifest has the chart in it.
    pub repository: Option<String>,
}

/// Sorts what the overlays of the cluster's servers bring; `profiles` are those of all its nodes, by name.
///
/// # Errors
/// A manifest that cannot be rendered, or that Argo CD cannot apply; nothing that reads the repository; two servers that differ.
pub fn systems(cluster: &Cluster, profiles: &BTreeMap<String, Profile>) -> Result<Systems, GitopsError> {
    let is_server = |profile: &&Profile| profile.k3s.as_ref().is_some_and(|k3s| k3s.role == Role::Server);
    let servers: Vec<&Profile> = profiles.values().filter(is_server).collect();
    let Some(first) = servers.first() else { return Err(GitopsError::NoServer) };
    let mut found = Found::default();
    for profile in &servers {
        found.add(cluster, profile)?;
    }
    let provider = |profile: &Profile| profile.overlays.iter().find(|overlay| overlay.provides.contains(ROLE)).cloned();
    let Some(overlay) = servers.iter().copied().find_map(provider) else {
        return Err(GitopsError::NoController { profile: first.name.clone() });
    };
    let mut systems = found.systems;
    // Without the secrets: whether they are set is no matter of the repository.
    let rollout = rollout::plan(rollout::Inputs { cluster, profiles, secrets: None });
    for step in rollout.steps.iter().filter(|step| step.stage == Stage::Git) {
        if let Some(system) = systems.get_mut(&step.name) {
            system.wave = step.wave.unwrap_or_default();
        }
    }
    Ok(Systems { rollout, cluster: cluster.name.clone(), controller: controller(cluster, &overlay)?, by_name: systems })
}

fn controller(cluster: &Cluster, overlay: &Overlay) -> Result<Controller, GitopsError> {
    let of_cluster = cluster.overlays.get(&overlay.name);
    let value = |name: &str| of_cluster.and_then(|params| params.get(name)).or_else(|| overlay.params.get(name));
    let text = |name: &str| value(name).and_then(ParamValue::text).map(str::to_owned);
    let missing = GitopsError::NoRepository { overlay: overlay.name.clone(), param: "repository" };
    let path = text("path").unwrap_or_else(|| "apps/enabled".to_owned());
    let path = path.trim_end_matches('/').to_owned();
    let top = path.split('/').next().unwrap_or_default();
    let is_option = path.split('/').any(|step| step.starts_with('-'));
    if !is_clean(&path) || is_option || ["modules", "values"].contains(&top) {
        return Err(GitopsError::BadPath { overlay: overlay.name.clone(), path });
    }
    let repository = text("repository").ok_or(missing)?;
    if login(&repository).is_some() {
        return Err(GitopsError::Login { place: format!("`repository` of [overlay.{}]", overlay.name) });
    }
    Ok(Controller {
        overlay: overlay.name.clone(),
        repository,
        revision: text("revision").unwrap_or_else(|| "HEAD".to_owned()),
        path,
        prune: value("prune") != Some(&ParamValue::Flag(false)),
    })
}

/// What was found in the profiles so far.
#[derive(Default)]
struct Found {
    systems: BTreeMap<String, System>,
    /// The texts of manifests, each with the profile that it was first rendered for.
    texts: BTreeMap<String, (String, String)>,
}

impl Found {
    fn add(&mut self, cluster: &Cluster, profile: &Profile) -> Result<(), GitopsError> {
        let provides = |overlay: &Overlay, role: &String| overlay.provides.contains(role);
        for (file, template) in &profile.manifests {
            let name = template.origin.name().to_owned();
            let Some(overlay) = profile.overlays.iter().find(|overlay| overlay.name == name) else { continue };
            let needed = |role| profile.overlays.iter().filter(move |other| provides(other, role));
            let waits_for = overlay.needs.iter().flat_map(needed).filter(|other| !other.manifests.is_empty());
            let system = self.systems.entry(name).or_insert_with(|| System {
                description: overlay.description.clone(),
                via: overlay.via,
                charts: Vec::new(),
                secrets: BTreeSet::new(),
                waits_for: BTreeSet::new(),
                wave: 0,
                namespace: None,
                helm: Vec::new(),
                objects: BTreeMap::new(),
            });
            system.waits_for.extend(waits_for.map(|other| other.name.clone()));
            let used = uses(template)?;
            system.secrets.extend(used.secrets.iter().cloned());
            let text = text_of(cluster, profile, template)?;
            match self.texts.get(file) {
                // The image and the seed are each server's own.
                Some((_, first)) if used.home(template.via) == Home::Git && *first != text => {
                    let (file, second) = (file.clone(), profile.name.clone());
                    let first = self.texts[&file].0.clone();
                    return Err(GitopsError::Differs { file, first, second });
                }
                Some(_) => continue,
                None => {}
            }
            system.charts.extend(charts(file, &text));
            if used.home(template.via) == Home::Git {
                let parts = parts(file, &text)?;
                system.helm.extend(parts.charts);
                system.namespace = system.namespace.take().or(parts.namespace);
                if !parts.objects.is_empty() {
                    system.objects.insert(file.clone(), parts.objects);
                }
            }
            self.texts.insert(file.clone(), (profile.name.clone(), text));
        }
        Ok(())
    }
}

/// A manifest as it is rendered, with a stand-in for each secret: none of its own gets here.
fn text_of(cluster: &Cluster, profile: &Profile, template: &ManifestTemplate) -> Result<String, ManifestError> {
    let used = uses(template)?;
    let stand_ins = used.secrets.into_iter().map(|name| (name, STAND_IN));
    let context =
        Context::default().profile(profile.public()).cluster(cluster).overlays(&cluster.overlays).secrets(stand_ins);
    Ok(render(template, &context)?.to_string())
}

/// The charts of a manifest; none of one that cannot be read.
fn charts(file: &str, text: &str) -> Vec<Chart> {
    let Ok(manifest) = Manifest::parse(file, text) else { return Vec::new() };
    let charts = manifest.objects.iter().filter(|object| object.is("helm.cattle.io", "HelmChart"));
    let word = |text: Option<&str>| text.unwrap_or_default().to_owned();
    charts
        .map(|chart| {
            let name = word(chart.text("/spec/chart"));
            let oci = name.strip_prefix("oci://").and_then(|rest| rest.rsplit_once('/'));
            let oci = oci.map(|(registry, name)| (format!("oci://{registry}"), name.to_owned()));
            let (repository, name) = match oci {
                Some((registry, name)) => (Some(registry), name),
                None => (chart.text("/spec/repo").map(shown), name),
            };
            Chart { name, version: word(chart.text("/spec/version")), repository }
        })
        .collect()
}
