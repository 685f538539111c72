//! The third stage: the node's whole root file system, as a value in memory.

use std::collections::BTreeMap;

use super::charts;
use super::images::Archive;
use super::kernel_modules::{self, Modules};
use super::module_needs;
use super::plan::Artifact;
use super::{PipelineError, Plan, Tools};
use crate::cluster::manifests::{self, Home, ManifestError};
use crate::debian::Package;
use crate::effects::declared::Declared;
use crate::effects::{self, Context, files};
use crate::image::{ImageError, SecretSearch, initrd, k3s, layout, node};
use crate::output::count;
use crate::profile::Profile;
use crate::scripts::Installed;
use crate::tree::{Content, Kind, Node, Tree};

/// What is in an image beside packages, each in the plan's order.
pub(super) struct Brought {
    pub(super) artifacts: Vec<Content>,
    pub(super) images: Vec<Archive>,
    pub(super) modules: Vec<Modules>,
}

/// Packages, artifacts, kernel modules, effects, files of overlays, and what makes it an immutable node.
///
/// # Errors
/// Packages that do not go together, an effect that fails, modules that the kernel does not have.
pub(super) fn tree(
    plan: &Plan<'_>,
    packages: &[Package],
    declared: &Declared,
    Installed { mut tree, requests, .. }: Installed,
    Brought { artifacts, images, modules }: Brought,
    tools: Tools<'_>,
) -> Result<Tree, PipelineError> {
    const PHASE: &str = "effects";
    let Plan { profile, ids, epoch, .. } = *plan;
    tools.progress.begin(PHASE, 0);
    // Before effects, which let files of overlays win.
    for (Artifact { install, .. }, content) in plan.artifacts.iter().zip(artifacts) {
        files::put(&mut tree, &install.path, Node::file(install.mode, content).from(&install.origin))
            .map_err(|error| error.at(profile, "artifact.path", &install.path))?;
    }
    kernel_modules::install(&mut tree, plan, modules)?;
    if profile.k3s.is_some() && plan.has_k3s() {
        k3s::install(&mut tree, profile, &public_manifests(profile)?)?;
        for Archive { path, content } in images {
            tree.put(&path, Node::file(0o644, content).from(k3s::ORIGIN))?;
        }
    }
    let context = Context { profile, packages, ids, declared, requests: &requests, epoch };
    effects::apply(&mut tree, &context, tools.cache)?;
    node::install(&mut tree, layout::STATE, profile.led.as_deref())?;
    tree.check()?;
    initrd::check_modules(&tree, profile)?;
    module_needs::check(&tree, profile)?;
    tools.progress.finish(PHASE, &count(tree.len(), "path"));
    Ok(tree)
}

/// The manifests that are the same in every cluster.
fn public_manifests(profile: &Profile) -> Result<BTreeMap<String, String>, ManifestError> {
    let context = manifests::Context::default().profile(profile.public());
    let mut texts = BTreeMap::new();
    for (name, template) in &profile.manifests {
        if manifests::uses(template)?.home(template.via) == Home::Image {
            let text = manifests::render(template, &context)?;
            // What is no YAML is told by lints, and stays as it is.
            let text = if charts::are_baked(profile) { manifests::baked(&text).unwrap_or(text) } else { text };
            texts.insert(name.clone(), text.to_string());
        }
    }
    Ok(texts)
}

/// Looks for secrets in what this program or the user wrote: packages and artifacts are public, and locked by their digests.
///
/// # Errors
/// A secret that is there.
pub(super) fn search(tree: &Tree, search: &SecretSearch<'_>) -> Result<(), ImageError> {
    for (path, node) in tree.iter() {
        if let Kind::File(Content::Bytes(bytes)) = &node.kind {
            search(&format!("file `/{path}` ({})", node.origin), &mut &bytes[..])?;
        }
    }
    Ok(())
}
