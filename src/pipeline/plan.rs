//! What an image will be made of: everything that is locked for it, and where it is fetched from.

use std::collections::BTreeMap;

use super::charts;
use super::images::{self, PlannedImage};
use super::kernel_modules::PlannedModule;
use crate::cluster::manifests;
use crate::debian::mirror::Mirror;
use crate::fetch::{Download, k3s};
use crate::image;
use crate::lock::{IdMap, Lock, LockedArtifact, LockedChart, LockedPackage, OutdatedError};
use crate::profile::{Arch, Profile, ProfileArtifact};
use crate::tree::Digest;
use crate::urls::WebUrl;

/// One image to be made, as its profile and lock say. The same two always give the same plan.
#[derive(Debug, Clone)]
pub(crate) struct Plan<'a> {
    pub(crate) profile: &'a Profile,
    /// Numbers of accounts.
    pub(crate) ids: &'a IdMap,
    /// Seconds since 1970: every time stamp in the image.
    pub(crate) epoch: u64,
    /// Sorted by name.
    pub(crate) packages: Vec<PlannedPackage<'a>>,
    /// What is no package: first K3s, then charts, then what overlays name, by path.
    pub(crate) artifacts: Vec<Artifact>,
    /// Container images that it carries for its node, by name.
    pub(crate) images: Vec<PlannedImage<'a>>,
    /// What is compiled for its kernel, by name.
    pub(crate) kernel_modules: Vec<PlannedModule<'a>>,
    /// What these are compiled with and of.
    pub(crate) toolchain: Vec<PlannedPackage<'a>>,
}

/// A locked package, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct PlannedPackage<'a> {
    pub(crate) locked: &'a LockedPackage,
    pub(crate) download: Download,
}

/// What an image holds that is no Debian package: what it is, where it comes from and what proves it, and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    pub(crate) name: String,
    pub(crate) version: String,
    /// `amd64`, `arm64` or `all`.
    pub(crate) arch: &'static str,
    pub(crate) source: Source,
    pub(crate) download: Download,
    pub(crate) install: Install,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A project's release, which the lock has.
    Release,
    /// Any server: an overlay has its URL and digest.
    Url,
    /// A chart repository or a registry, which the lock has.
    Chart,
}

/// The file of the tree that an artifact becomes; its owner is root.
#[derive(Debug, Clone)]
pub(crate) struct Install {
    /// Clean path.
    pub(crate) path: String,
    pub(crate) mode: u16,
    /// What it is in the downloaded archive, by clean path there; none if it is the download itself.
    pub(crate) member: Option<String>,
    /// What brought it, as the tree's nodes tell it.
    pub(crate) origin: String,
}

impl<'a> Plan<'a> {
    /// The plan for `profile`, with packages from `mirror` and releases of K3s from `k3s_mirror`.
    ///
    /// # Errors
    /// A lock that does not fit the profile.
    pub(crate) fn new(
        profile: &'a Profile,
        lock: &'a Lock,
        mirror: &Mirror,
        k3s_mirror: &WebUrl,
    ) -> Result<Self, OutdatedError> {
        let epoch = lock.expect(profile)?.epoch;
        charts::expect(profile, lock)?;
        let toolchain =
            PlannedPackage::of(lock.toolchain_of(&profile.name), lock.toolchain_downloads(&profile.name, mirror));
        let modules = lock.kernel_modules_of(&profile.name);
        let modules = modules.filter_map(|locked| Some((locked, profile.kernel_modules.get(&locked.name)?)));
        Ok(Self {
            profile,
            ids: &lock.ids,
            epoch,
            packages: PlannedPackage::of(lock.packages_of(&profile.name), lock.downloads(&profile.name, mirror)),
            artifacts: artifacts(profile, lock, k3s_mirror),
            images: images::planned(profile, lock),
            kernel_modules: modules.map(|(locked, recipe)| PlannedModule::new(locked, recipe, &toolchain)).collect(),
            toolchain,
        })
    }

    /// Everything that is kept unpacked in the cache, each once: several artifacts may be of one archive.
    pub(crate) fn packs(&self) -> Vec<&Download> {
        let packages = self.packages.iter().map(|package| &package.download);
        let archives = self.artifacts.iter().filter(|artifact| artifact.install.member.is_some());
        let all = packages.chain(archives.map(|artifact| &artifact.download));
        let by_digest: BTreeMap<Digest, &Download> = all.map(|download| (download.sha256, download)).collect();
        by_digest.into_values().collect()
    }

    /// Whether K3s's program is in the lock.
    pub(crate) fn has_k3s(&self) -> bool {
        self.artifacts.iter().any(|artifact| artifact.is(k3s::Asset::Binary))
    }
}

impl Artifact {
    /// Whether it is this file of a release of K3s.
    pub(crate) fn is(&self, asset: k3s::Asset) -> bool {
        self.source == Source::Release && self.name == asset.name()
    }
}

/// The files of K3s that are locked for `profile`, and those that its overlays name, but for what `drop` leaves out.
fn artifacts(profile: &Profile, lock: &Lock, k3s_mirror: &WebUrl) -> Vec<Artifact> {
    let locked = lock.artifacts_of(&profile.name).filter_map(|locked| of_k3s(locked, k3s_mirror));
    let dropped = profile.dropped();
    let named = profile.artifacts.iter().filter(|(path, _)| !dropped.is_match(path.as_str()));
    let named = named.map(|(path, artifact)| of_overlay(path, artifact, profile.board.arch()));
    let charts = lock.charts_of(&profile.name).filter_map(of_chart);
    locked.chain(charts).chain(named).collect()
}

/// A file of a release of K3s; none if this program does not know what becomes of it.
fn of_k3s(locked: &LockedArtifact, mirror: &WebUrl) -> Option<Artifact> {
    let LockedArtifact { name, version, arch, path, size, sha256, .. } = locked;
    let (file, mode) = image::k3s::place_of(name, version, *arch, sha256)?;
    Some(Artifact {
        name: name.clone(),
        version: version.clone(),
        arch: arch.name(),
        source: Source::Release,
        download: Download {
            name: format!("{name} {version}"),
            urls: vec![k3s::url(mirror, path)],
            sha256: *sha256,
            size: Some(*size),
        },
        install: Install { path: file, mode, member: None, origin: image::k3s::ORIGIN.to_owned() },
    })
}

/// A chart for the server; none if the lock was edited to something else.
fn of_chart(locked: &LockedChart) -> Option<Artifact> {
    let version = Some(locked.version.as_str()).filter(|version| !version.is_empty());
    let file = manifests::chart_file(&locked.name, version)?;
    Some(Artifact {
        name: file.trim_end_matches(".tgz").trim_end_matches(&format!("-{}", locked.version)).to_owned(),
        version: version.map_or_else(|| locked.sha256.to_string()[..12].to_owned(), str::to_owned),
        arch: "all",
        source: Source::Chart,
        download: locked.download(),
        install: Install {
            path: format!("{}/{file}", image::k3s::CHARTS),
            mode: 0o644,
            member: None,
            origin: image::k3s::ORIGIN.to_owned(),
        },
    })
}

/// A file that an overlay names. It has no version but its digest.
fn of_overlay(path: &str, artifact: &ProfileArtifact, arch: Arch) -> Artifact {
    let ProfileArtifact { url, sha256, mode, unpack, for_architecture, origin } = artifact;
    Artifact {
        name: path.to_owned(),
        version: sha256.to_string()[..12].to_owned(),
        arch: if *for_architecture { arch.name() } else { "all" },
        source: Source::Url,
        download: Download {
            name: format!("`/{path}` of {origin}"),
            urls: vec![url.clone()],
            sha256: *sha256,
            size: None,
        },
        install: Install { path: path.to_owned(), mode: *mode, member: unpack.clone(), origin: origin.to_string() },
    }
}

impl<'a> PlannedPackage<'a> {
    /// Packages with their `downloads`, which come in the same order.
    pub(crate) fn of(
        locked: impl IntoIterator<Item = &'a LockedPackage>,
        downloads: impl IntoIterator<Item = Download>,
    ) -> Vec<Self> {
        locked.into_iter().zip(downloads).map(|(locked, download)| Self { locked, download }).collect()
    }
}
