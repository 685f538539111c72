//! The second stage: what an image holds that is no Debian package, downloaded, proved and ready to be put into the tree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::plan::{Artifact, Source};
use super::{PipelineError, Plan, Tools, member};
use crate::cache::Cache;
use crate::debian::Member;
use crate::debian::deb::{self, DebError};
use crate::effects::EffectError;
use crate::fetch::charts::ChartError;
use crate::fetch::k3s::{Asset, Release, check_machine};
use crate::fetch::{Download, FetchError};
use crate::format::Store as _;
use crate::output::Named;
use crate::tree::{Content, Digest, Hasher, Pack, Slice};
use crate::urls::{WebUrl, shown};

/// Bytes of an artifact read at a time.
const STEP: usize = 1 << 20;

/// The contents of the artifacts of `plan`, in its order. A profile that was locked without K3s is built without it, which is
/// said.
///
/// # Errors
/// Files that cannot be had or are for another machine; a profile that needs K3s and was locked without.
pub(super) fn fetched(plan: &Plan<'_>, tools: Tools<'_>) -> Result<Vec<Content>, PipelineError> {
    let name = &plan.profile.name;
    if let Some(k3s) = plan.profile.k3s.as_ref().filter(|_| !plan.has_k3s()) {
        if !k3s.standalone {
            return Err(PipelineError::NotLocked { profile: name.clone() });
        }
        tools.progress.warn(&format!(
            "`{name}` is built WITHOUT K3s, which was out of reach when it was locked; \
             `imgbuild lock --update k3s --profile {name}` adds it"
        ));
    }
    let of = |source: Source| plan.artifacts.iter().filter(move |artifact| artifact.source == source);
    let mut files = Vec::new();
    let k3s: Vec<&Artifact> = of(Source::Release).collect();
    if let Some(Artifact { version, .. }) = k3s.first() {
        let release = Release { version, arch: plan.profile.board.arch() };
        files.extend(bring(&k3s, "k3s", tools).map_err(|source| release.unavailable(source))?);
        for (_, path) in k3s.iter().zip(&files).filter(|(artifact, _)| artifact.is(Asset::Binary)) {
            check_machine(path, &release.file(Asset::Binary), &release)?;
        }
    }
    let mut contents = Vec::new();
    for (artifact, path) in k3s.iter().zip(&files) {
        contents.push(content(path, artifact.download.sha256, tools.cache)?);
    }
    let charts: Vec<&Artifact> = of(Source::Chart).collect();
    for (artifact, path) in charts.iter().zip(bring(&charts, "charts", tools).map_err(of_charts)?) {
        contents.push(content(&path, artifact.download.sha256, tools.cache)?);
    }
    contents.extend(of_overlays(plan, &of(Source::Url).collect::<Vec<_>>(), tools)?);
    Ok(contents)
}

/// Charts that cannot be had, each named in the error itself.
fn of_charts(source: FetchError) -> PipelineError {
    ChartError::Unavailable { chart: "a chart of the manifests".to_owned(), source }.into()
}

/// The contents of those that overlays name. An archive that was unpacked before is not downloaded again, nor is its download
/// looked at.
fn of_overlays(plan: &Plan<'_>, artifacts: &[&Artifact], tools: Tools<'_>) -> Result<Vec<Content>, PipelineError> {
    let packs = tools.cache.packs();
    let known: Vec<Option<Vec<Member>>> = artifacts.iter().map(|artifact| unpacked(artifact, tools)).collect();
    let missing = artifacts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(artifact, _)| *artifact);
    let missing: Vec<&Artifact> = missing.collect();
    let mut files = bring(&missing, "artifacts", tools).map_err(PipelineError::OfOverlay)?.into_iter();
    let mut contents = Vec::new();
    for (artifact, known) in artifacts.iter().zip(known) {
        let file = if known.is_none() { files.next().unwrap_or_default() } else { PathBuf::new() };
        contents.push(match &artifact.install.member {
            None => content(&file, artifact.download.sha256, tools.cache)?,
            Some(wanted) => {
                let members = known.map_or_else(|| unpack(plan, artifact, &file, &packs), Ok)?;
                member::content(&members, wanted)
                    .map_err(|error| at_unpack(plan, artifact, &error.to_string(), error.hint()))?
            }
        });
    }
    Ok(contents)
}

/// What an artifact's archive, which lies at `file`, holds.
fn unpack(plan: &Plan<'_>, artifact: &Artifact, file: &Path, packs: &Path) -> Result<Vec<Member>, PipelineError> {
    let Download { name, urls, sha256, .. } = &artifact.download;
    let url = urls.first().and_then(|url| WebUrl::parse(url).ok());
    let archive = url.as_ref().and_then(WebUrl::file_name).unwrap_or("the download");
    deb::contents(file, archive, *sha256, packs).map_err(|error| match error {
        DebError::Flawed { flaw, .. } => {
            let cure = "is `url` that of the right file? what cannot be unpacked goes in as it is without `unpack`, or as a \
                        file of the overlay";
            at_unpack(plan, artifact, &format!("cannot be unpacked: {flaw}"), cure.to_owned())
        }
        source => PipelineError::Package { package: name.clone(), source },
    })
}

/// What is wrong with the archive of an artifact, where the overlay says what to take out of it.
fn at_unpack(plan: &Plan<'_>, artifact: &Artifact, cause: &str, hint: String) -> PipelineError {
    let from = artifact.download.urls.first().map(|url| shown(url)).unwrap_or_default();
    let error = EffectError::refused(&artifact.download.name, format!("{from} {cause}")).with_hint(hint);
    error.at(plan.profile, "artifact.unpack", &artifact.install.path).into()
}

/// Whether [`fetched`] could have the artifacts of `plan`, as far as that is known without asking anybody. Files of K3s come
/// from elsewhere if `has_k3s`.
///
/// # Errors
/// As [`fetched`], of the first artifact that is out of reach.
pub(super) fn could_fetch(plan: &Plan<'_>, has_k3s: bool, tools: Tools<'_>) -> Result<(), PipelineError> {
    let of = |source: Source| plan.artifacts.iter().filter(move |artifact| artifact.source == source);
    if let Some(Artifact { version, .. }) = of(Source::Release).next().filter(|_| !has_k3s) {
        let release = Release { version, arch: plan.profile.board.arch() };
        let wanted: Vec<Download> = of(Source::Release).map(|artifact| artifact.download.clone()).collect();
        tools.fetcher.could_fetch(&wanted).map_err(|source| release.unavailable(source))?;
    }
    let charts: Vec<Download> = of(Source::Chart).map(|artifact| artifact.download.clone()).collect();
    tools.fetcher.could_fetch(&charts).map_err(of_charts)?;
    let packed = of(Source::Url).filter(|artifact| unpacked(artifact, tools).is_none());
    let packed: Vec<Download> = packed.map(|artifact| artifact.download.clone()).collect();
    tools.fetcher.could_fetch(&packed).map_err(PipelineError::OfOverlay)
}

/// What the archive of an artifact holds, if it was unpacked before.
fn unpacked(artifact: &Artifact, tools: Tools<'_>) -> Option<Vec<Member>> {
    artifact.install.member.as_ref()?;
    deb::unpacked_contents(artifact.download.sha256, &tools.cache.packs())
}

/// Fetches what is not in the cache; gives where it lies there.
fn bring(artifacts: &[&Artifact], phase: &'static str, tools: Tools<'_>) -> Result<Vec<PathBuf>, FetchError> {
    let wanted: Vec<Download> = artifacts.iter().map(|artifact| artifact.download.clone()).collect();
    tools.fetcher.fetch_all(&wanted, &Named { phase, progress: tools.progress })
}

/// The file at `path` as content of a tree.
fn content(path: &Path, digest: Digest, cache: &Cache) -> Result<Content, PipelineError> {
    let read = || {
        let (pack, len) = (Pack::open(path)?, fs::metadata(path)?.len());
        let chunks = chunks(&pack, len, digest, cache)?;
        Ok(Content::from(Slice { pack, offset: 0, len, digest, chunks }))
    };
    read().map_err(|source| PipelineError::Artifact { path: path.to_owned(), source })
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
