//! What `imgbuild.lock` holds.
//!
//! One file serves all profiles of a workspace. Packages and suites that several profiles share are stored once, each
//! with the names of the profiles that use it, so that a diff shows a new version once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::fetch::registry::Blob;
use crate::profile::{Arch, Registration};
use crate::tree::Digest;

/// The whole lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Format version, [`Lock::VERSION`].
    pub version: u32,
    /// Locked profiles by name.
    #[serde(default, rename = "profile", skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, LockedProfile>,
    /// Suites as they were when locking, sorted by name, then date.
    #[serde(default, rename = "source", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<LockedSource>,
    /// Values that the cluster keeps for life, by name ([`Lock::record_critical`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cluster: BTreeMap<String, String>,
    /// What nodes registered with, by name ([`Lock::record_node`]).
    #[serde(default, rename = "node", skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, Registration>,
    /// Account numbers that later locks keep.
    #[serde(default)]
    pub ids: IdMap,
    /// Packages of all profiles, sorted by name, architecture, version.
    #[serde(default, rename = "package", skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<LockedPackage>,
    /// Files that are no packages, of all profiles, sorted by name, architecture, version.
    #[serde(default, rename = "artifact", skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<LockedArtifact>,
    /// Container images that images of all profiles carry, sorted by name, architecture.
    #[serde(default, rename = "image", skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<LockedImage>,
    /// Helm's charts that images of all profiles carry, sorted by name, version.
    #[serde(default, rename = "chart", skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<LockedChart>,
    /// Kernel modules that are compiled for images of all profiles, sorted by name, architecture, kernel.
    #[serde(default, rename = "kernel-module", skip_serializing_if = "Vec::is_empty")]
    pub kernel_modules: Vec<LockedKernelModule>,
    /// Packages that these are compiled with and of, sorted by name, architecture, version. None of them goes into an image,
    /// and no script of theirs is run or followed.
    #[serde(default, rename = "toolchain", skip_serializing_if = "Vec::is_empty")]
    pub toolchain: Vec<LockedPackage>,
}

impl Lock {
    /// The format version that is written, and the only one that is read.
    pub const VERSION: u32 = 1;
}

/// One profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedProfile {
    pub arch: Arch,
    /// SHA-256 of everything in the resolved profile that decides which packages are chosen
    /// (architecture, sources, package names, whose recommended ones come along).
    pub config: Digest,
    /// SHA-256 of all that is locked for it, here and below: a lock that lost or changed some of it in a merge or an
    /// edit does not pass.
    pub contents: Digest,
    /// Seconds since 1970: the newest Release date of its sources, and every time stamp in the image.
    pub epoch: u64,
    /// Names of the users and groups whose numbers its image takes from [`IdMap`], sorted. Locks of earlier versions of
    /// imgbuild lack them, and can be read so that locking again keeps their numbers.
    #[serde(default)]
    pub users: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    /// The release of K3s that the profile names, where a newer one of its line is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k3s: Option<String>,
}

/// A suite whose signature was checked when locking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedSource {
    pub name: String,
    pub archive: String,
    pub suite: String,
    /// The Release file's `Date`, RFC 3339 in UTC.
    pub date: String,
    /// SHA-256 of the `InRelease` file.
    pub sha256: Digest,
    /// Fingerprint (upper-case hexadecimal) of the primary key whose signature was good.
    pub signed_by: String,
    /// Globs of the names of packages that may come from it; all may if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Names of the profiles that were locked from this state, sorted.
    pub profiles: Vec<String>,
}

/// One package, enough to fetch and prove it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPackage {
    pub name: String,
    pub version: String,
    /// `amd64`, `arm64` or `all`.
    pub arch: String,
    /// Name of the source it comes from.
    pub source: String,
    /// Path below the archive's base (`pool/main/…`).
    pub path: String,
    /// Bytes.
    pub size: u64,
    pub sha256: Digest,
    /// The script ledger's verdict; empty until it was asked.
    pub scripts: String,
    /// SHA-256 of the scripts that are evaluated: a script that changed is seen in a diff of the lock. None if none is.
    #[serde(default, rename = "scripts-sha256", skip_serializing_if = "Option::is_none")]
    pub scripts_sha256: Option<Digest>,
    /// SHA-256 of what the workspace's ledger declares beside its scripts; none if it declares nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Digest>,
    /// Names of the profiles that use it, sorted.
    pub profiles: Vec<String>,
}

/// A file of a release that is no Debian package: K3s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedArtifact {
    /// `k3s` or `k3s-airgap-images`.
    pub name: String,
    /// The release's tag.
    pub version: String,
    pub arch: Arch,
    /// Path below the mirror of releases.
    pub path: String,
    /// Bytes.
    pub size: u64,
    pub sha256: Digest,
    /// Names of the profiles that use it, sorted.
    pub profiles: Vec<String>,
}

/// A container image, as far as one architecture goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// With registry and digest (`docker.io/library/busybox:1.37.0@sha256:…`).
    pub name: String,
    pub arch: Arch,
    /// Names of the profiles that use it, sorted.
    pub profiles: Vec<String>,
    /// An index and its manifest for the architecture, or a manifest alone; the first has the digest of the name.
    #[serde(rename = "document")]
    pub documents: Vec<Blob>,
    /// The configuration, then layers.
    #[serde(rename = "blob")]
    pub blobs: Vec<Blob>,
}

/// One of Helm's charts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedChart {
    /// As the manifest has it: a name in the repository, `oci://…`, or the URL of a file.
    pub name: String,
    /// Empty for the URL of a file.
    pub version: String,
    /// The URL of the chart repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// Where its file is.
    pub url: String,
    /// Bytes.
    pub size: u64,
    pub sha256: Digest,
    /// Names of the profiles that use it, sorted.
    pub profiles: Vec<String>,
}

/// A kernel module, or several of one source, compiled for a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedKernelModule {
    /// Its name in overlays (`[kernel-module.NAME]`).
    pub name: String,
    /// The release of the kernel that it is for (`6.12.118+deb13-amd64`).
    pub kernel: String,
    pub arch: Arch,
    /// The package with its source, which is part of the toolchain, and that package's version.
    pub package: String,
    pub version: String,
    /// SHA-256 of what was compiled, as one file (`imgbuild modules export`). None where it was locked on a machine that cannot
    /// compile and did not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Digest>,
    /// Names of the profiles that use it, sorted.
    pub profiles: Vec<String>,
}

/// Numbers of system accounts, so that files on a persistent `/var` keep their owners over images.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdMap {
    #[serde(default)]
    pub users: BTreeMap<String, u32>,
    #[serde(default)]
    pub groups: BTreeMap<String, u32>,
}

impl IdMap {
    /// Numbers of people (Debian policy 9.2.2), each of whom has a range of subordinate numbers by it.
    pub const PEOPLE: RangeInclusive<u32> = 1000..=59999;
}
