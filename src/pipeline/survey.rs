//! What a plan would do now: how much of it lies in the cache already. Looks, and changes nothing.
//!
//! A download counts as there if a file of its name and size is; whether its bytes are right is found out when it is used.

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::images::{self, PlannedImage};
use super::kernel_modules::{self, PlannedModule};
use super::plan::{Artifact, Source};
use super::{PipelineError, Plan, Tools, artifacts};
use crate::debian::deb;
use crate::fetch::Download;
use crate::image;
use crate::lock::LockedKernelModule;
use crate::output::{bytes, count};
use crate::tree::Digest;
use crate::urls::shown;

/// How far a package or an artifact has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It would be downloaded, or copied from a directory of the user's.
    Absent,
    /// Its file is in the cache.
    Downloaded,
    /// A package or another archive whose contents are in the cache.
    Unpacked,
}

/// A package or an artifact, where it would come from, and how far it has come.
#[derive(Debug, Serialize)]
pub(crate) struct Item<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) arch: &'a str,
    /// Bytes of the file, if they are known: not before it is there, if an overlay names it.
    pub(crate) size: Option<u64>,
    pub(crate) sha256: Digest,
    pub(crate) state: State,
    /// URLs, tried in this order, or a path.
    pub(crate) from: Vec<String>,
}

/// A stage of a build.
#[derive(Debug, Serialize)]
pub(crate) struct Step<'a> {
    #[serde(rename = "step")]
    pub(crate) name: &'static str,
    /// In words.
    pub(crate) does: String,
    /// What it takes from outside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) items: Vec<Item<'a>>,
}

/// What [`super::run`] would do for `plan` (with the seed of `node` if there is one), in its order. Files of K3s come from
/// `k3s_dir` if that is given.
pub(crate) fn steps<'p>(
    plan: &'p Plan<'_>,
    node: Option<&str>,
    k3s_dir: Option<&Path>,
    tools: Tools<'_>,
) -> Vec<Step<'p>> {
    let (packages, artifacts) = (packages(plan, tools), artifact_items(plan, k3s_dir, tools));
    let files = count(plan.profile.files.len(), "file");
    let seed = node.map_or_else(|| "an empty seed".to_owned(), |node| format!("the seed of node `{node}`"));
    let outputs = image::file_names(node.unwrap_or(&plan.profile.name)).join(", ");
    let mut steps = vec![
        Step { name: "packages", does: amounts(&packages, "package"), items: packages },
        Step { name: "artifacts", does: amounts(&artifacts, "artifact"), items: artifacts },
    ];
    if !plan.images.is_empty() {
        let images = image_items(plan, tools);
        steps.push(Step { name: "images", does: amounts(&images, "container image"), items: images });
    }
    steps.extend(kernel_modules(plan, tools));
    steps.extend([
        Step {
            name: "tree",
            does: format!("in memory: all of these, what scripts would do, {files} of profile and overlays"),
            items: Vec::new(),
        },
        Step {
            name: "image",
            does: format!(
                "kernel, initrd, root file system (blocks that did not change come from the cache) and {seed}; writes {outputs}"
            ),
            items: Vec::new(),
        },
    ]);
    steps
}

/// Kernel modules, and if one of them must be compiled, with what.
fn kernel_modules<'p>(plan: &'p Plan<'_>, tools: Tools<'_>) -> Option<Step<'p>> {
    let told = |module: &PlannedModule<'_>| {
        let LockedKernelModule { name, version, kernel, .. } = module.locked;
        let state = if is_made(module, tools) { "in the cache" } else { "to be compiled" };
        format!("{name} {version} for {kernel}, {state}")
    };
    let does: Vec<String> = plan.kernel_modules.iter().map(told).collect();
    let items = if must_compile(plan, tools) { items(&plan.toolchain, tools) } else { Vec::new() };
    (!does.is_empty()).then(|| Step { name: "modules", does: does.join("; "), items })
}

fn is_made(module: &PlannedModule<'_>, tools: Tools<'_>) -> bool {
    kernel_modules::from_cache(module, tools.cache).is_some()
}

fn must_compile(plan: &Plan<'_>, tools: Tools<'_>) -> bool {
    plan.kernel_modules.iter().any(|module| !is_made(module, tools))
}

/// Whether [`super::run`] could have all that `plan` takes from outside, as far as that is known without asking anybody.
///
/// # Errors
/// As [`super::run`] offline: what is not in the cache then is out of reach.
pub(crate) fn could_fetch(plan: &Plan<'_>, k3s_dir: Option<&Path>, tools: Tools<'_>) -> Result<(), PipelineError> {
    let packs = tools.cache.packs();
    let toolchain = if must_compile(plan, tools) { &plan.toolchain[..] } else { &[] };
    let packed =
        plan.packages.iter().chain(toolchain).filter(|package| deb::unpacked(package.locked.sha256, &packs).is_none());
    let packed: Vec<Download> = packed.map(|package| package.download.clone()).collect();
    tools.fetcher.could_fetch(&packed)?;
    artifacts::could_fetch(plan, k3s_dir.is_some(), tools)?;
    images::could_fetch(plan, tools)
}

/// How many `items` there are, and how many in each state.
fn amounts(items: &[Item<'_>], noun: &str) -> String {
    let states = [
        (State::Unpacked, "unpacked in the cache"),
        (State::Downloaded, "downloaded before"),
        (State::Absent, "to be fetched"),
    ];
    let parts = states.into_iter().filter_map(|(state, what)| {
        let those: Vec<Option<u64>> = items.iter().filter(|item| item.state == state).map(|item| item.size).collect();
        (!those.is_empty()).then(|| format!("{} {what} ({})", those.len(), amount(&those)))
    });
    let parts: Vec<String> = parts.collect();
    let all = count(items.len(), noun);
    if parts.is_empty() { all } else { format!("{all}: {}", parts.join(", ")) }
}

/// The sum of sizes, in words; what is not known is told.
fn amount(sizes: &[Option<u64>]) -> String {
    let known = bytes(sizes.iter().flatten().fold(0, |sum, size| size.saturating_add(sum)));
    match sizes.iter().filter(|size| size.is_none()).count() {
        0 => known,
        unknown if unknown == sizes.len() => "size unknown".to_owned(),
        unknown => format!("{known} and {unknown} of unknown size"),
    }
}

/// The packages of `plan`, in its order.
fn packages<'a>(plan: &Plan<'a>, tools: Tools<'_>) -> Vec<Item<'a>> {
    items(&plan.packages, tools)
}

/// Packages, and how far each has come.
fn items<'a>(packages: &[super::PlannedPackage<'a>], tools: Tools<'_>) -> Vec<Item<'a>> {
    let packs = tools.cache.packs();
    let item = |package: &super::PlannedPackage<'a>| {
        let locked = package.locked;
        let is_unpacked = deb::unpacked(locked.sha256, &packs).is_some();
        Item {
            name: &locked.name,
            version: &locked.version,
            arch: &locked.arch,
            size: Some(locked.size),
            sha256: locked.sha256,
            state: if is_unpacked { State::Unpacked } else { of_file(&package.download, tools) },
            from: urls(&package.download),
        }
    };
    packages.par_iter().map(item).collect()
}

/// The artifacts of `plan`, in its order; those of K3s come from `k3s_dir` if there is one.
fn artifact_items<'p>(plan: &'p Plan<'_>, k3s_dir: Option<&Path>, tools: Tools<'_>) -> Vec<Item<'p>> {
    let packs = tools.cache.packs();
    let item = |artifact: &'p Artifact| {
        let Artifact { name, version, arch, source, download, install } = artifact;
        let from = match (k3s_dir, source, &download.urls[..]) {
            (Some(dir), Source::Release, [url, ..]) => vec![dir.join(file_name(url)).display().to_string()],
            _ => urls(download),
        };
        let is_unpacked = install.member.is_some() && deb::unpacked_contents(download.sha256, &packs).is_some();
        let state = if is_unpacked { State::Unpacked } else { of_file(download, tools) };
        let (size, sha256) = (download.size.or_else(|| tools.fetcher.cached(download)), download.sha256);
        Item { name, version, arch, size, sha256, state, from }
    };
    plan.artifacts.iter().map(item).collect()
}

/// The container images of `plan`, in its order: there when all parts are.
fn image_items<'p>(plan: &'p Plan<'_>, tools: Tools<'_>) -> Vec<Item<'p>> {
    let item = |planned: &'p PlannedImage<'_>| {
        let parts = &planned.downloads;
        let is_there = parts.iter().all(|part| tools.fetcher.cached(part).is_some());
        Item {
            name: &planned.locked.name,
            version: planned.image.name.tag.as_deref().unwrap_or_default(),
            arch: planned.locked.arch.name(),
            size: Some(planned.locked.size()),
            sha256: planned.image.sha256,
            state: if is_there { State::Downloaded } else { State::Absent },
            from: parts.first().map(urls).unwrap_or_default(),
        }
    };
    plan.images.iter().map(item).collect()
}

fn of_file(download: &Download, tools: Tools<'_>) -> State {
    if tools.fetcher.cached(download).is_some() { State::Downloaded } else { State::Absent }
}

/// The last component of a URL's path, which is the file's name for those of K3s's releases.
fn file_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// Without the passwords that may be in them.
fn urls(download: &Download) -> Vec<String> {
    download.urls.iter().map(|url| shown(url)).collect()
}
