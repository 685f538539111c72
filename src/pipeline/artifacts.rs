//! The second stage: what an image holds that is no Debian package, downloaded, proved and ready to be put into the tree.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::plan::PlannedArtifact;
use super::{PipelineError, Plan, Tools};
use crate::cache::Cache;
use crate::cluster::manifests::{self, Context, Home};
use crate::fetch::Download;
use crate::fetch::k3s::{self, Asset, K3sError};
use crate::format::Store as _;
use crate::image::k3s::Files;
use crate::output::Named;
use crate::profile::Profile;
use crate::tree::{Content, Digest, Hasher, Pack, Slice};

/// Bytes of an artifact read at a time.
const STEP: usize = 1 << 20;

/// K3s for the image of `plan`; none if its profile has no K3s, or is standalone and was locked without it, which is said.
///
/// # Errors
/// Files that cannot be had, are for another machine, or are not all locked.
pub(super) fn fetched(plan: &Plan<'_>, tools: Tools<'_>) -> Result<Option<Files>, PipelineError> {
    let profile = plan.profile;
    let (Some(k3s), Some(release)) = (&profile.k3s, plan.release()) else { return Ok(None) };
    if plan.artifacts.is_empty() && k3s.standalone {
        tools.progress.warn(&format!(
            "`{name}` is built WITHOUT K3s, which was out of reach when it was locked; \
             `imgbuild lock --update k3s --profile {name}` adds it",
            name = profile.name
        ));
        return Ok(None);
    }
    let wanted: Vec<Download> = plan.artifacts.iter().map(|artifact| artifact.download.clone()).collect();
    let unavailable =
        |source| K3sError::Unavailable { version: release.version.to_owned(), arch: release.arch.name(), source };
    let progress = &Named { phase: "k3s", progress: tools.progress };
    let paths = tools.fetcher.fetch_all(&wanted, progress).map_err(unavailable)?;
    let content = |asset: Asset| -> Result<Option<Content>, PipelineError> {
        let mut all = plan.artifacts.iter().zip(&paths);
        let Some((artifact, path)) = all.find(|(artifact, _)| artifact.locked.name == asset.name()) else {
            return Ok(None);
        };
        if asset == Asset::Binary {
            k3s::check_machine(path, &release.file(asset), &release)?;
        }
        let content = content(path, artifact, tools.cache);
        Ok(Some(content.map_err(|source| PipelineError::Artifact { path: path.clone(), source })?))
    };
    let Some(binary) = content(Asset::Binary)? else {
        return Err(PipelineError::NotLocked { profile: profile.name.clone() });
    };
    let (images, manifests) = (content(Asset::AirGap)?, public_manifests(profile)?);
    Ok(Some(Files { release: release.version.to_owned(), binary, images, manifests }))
}

/// The file at `path` as content of a tree.
fn content(path: &Path, artifact: &PlannedArtifact<'_>, cache: &Cache) -> io::Result<Content> {
    let pack = Pack::open(path)?;
    let (len, digest) = (artifact.locked.size, artifact.locked.sha256);
    let chunks = chunks(&pack, len, digest, cache)?;
    Ok(Content::from(Slice { pack, offset: 0, len, digest, chunks }))
}

/// Checksums of a file's chunks, taken once and kept by the digest of the whole.
fn chunks(pack: &Pack, len: u64, digest: Digest, cache: &Cache) -> io::Result<Vec<u64>> {
    let key = Digest::of(format!("imgbuild chunks 2\n{digest}").as_bytes()).0;
    if let Some(known) = cache.get(&key).and_then(|json| serde_json::from_slice(&json).ok()) {
        return Ok(known);
    }
    let mut hasher = Hasher::default();
    for start in (0..len).step_by(STEP) {
        hasher.update(&pack.read(start, (len - start).min(STEP as u64))?);
    }
    let (found, chunks) = hasher.finish();
    if found != digest {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it changed while it was read"));
    }
    cache.put(&key, &serde_json::to_vec(&chunks)?);
    Ok(chunks)
}

/// The manifests that are the same in every cluster.
fn public_manifests(profile: &Profile) -> Result<BTreeMap<String, String>, PipelineError> {
    let context = Context::default().profile(profile.public());
    let mut texts = BTreeMap::new();
    for (name, template) in &profile.manifests {
        if manifests::uses(template)?.home() == Home::Image {
            texts.insert(name.clone(), manifests::render(template, &context)?.to_string());
        }
    }
    Ok(texts)
}
