//! What an image will be made of: everything that is locked for it, and where it is fetched from.

use crate::debian::mirror::Mirror;
use crate::fetch::{Download, k3s};
use crate::lock::{IdMap, Lock, LockedArtifact, LockedPackage, OutdatedError};
use crate::profile::Profile;

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
    /// What is no package, sorted by name.
    pub(crate) artifacts: Vec<PlannedArtifact<'a>>,
}

/// A locked package, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct PlannedPackage<'a> {
    pub(crate) locked: &'a LockedPackage,
    pub(crate) download: Download,
}

/// A locked artifact, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct PlannedArtifact<'a> {
    pub(crate) locked: &'a LockedArtifact,
    pub(crate) download: Download,
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
        k3s_mirror: &str,
    ) -> Result<Self, OutdatedError> {
        let epoch = lock.expect(profile)?.epoch;
        let artifact = |locked: &'a LockedArtifact| PlannedArtifact {
            locked,
            download: Download {
                name: format!("{} {}", locked.name, locked.version),
                urls: vec![k3s::url(k3s_mirror, &locked.path)],
                sha256: locked.sha256,
                size: Some(locked.size),
            },
        };
        Ok(Self {
            profile,
            ids: &lock.ids,
            epoch,
            packages: PlannedPackage::of(lock.packages_of(&profile.name), lock.downloads(&profile.name, mirror)),
            artifacts: lock.artifacts_of(&profile.name).map(artifact).collect(),
        })
    }

    /// The release of K3s that is locked; the profile's where none is.
    pub(crate) fn release(&self) -> Option<k3s::Release<'a>> {
        let named = &self.profile.k3s.as_ref()?.version;
        let locked = self.artifact(k3s::Asset::Binary).map(|program| &program.locked.version);
        Some(k3s::Release { version: locked.unwrap_or(named), arch: self.profile.board.arch() })
    }

    /// The file of that release.
    pub(crate) fn artifact(&self, asset: k3s::Asset) -> Option<&PlannedArtifact<'a>> {
        self.artifacts.iter().find(|artifact| artifact.locked.name == asset.name())
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
