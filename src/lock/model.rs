//! What `imgbuild.lock` holds.
//!
//! One file serves all profiles of a workspace: packages are stored once per architecture with the list of profiles
//! that use them left to the profile entries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::profile::Arch;

/// The whole lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Format version, 1.
    pub version: u32,
    /// Suites as they were when locking, by source name and architecture order of the profiles.
    #[serde(default, rename = "source")]
    pub sources: Vec<LockedSource>,
    /// uid and gid numbers that later locks keep, by name.
    #[serde(default)]
    pub ids: IdMap,
    /// Locked profiles by name.
    #[serde(default, rename = "profile")]
    pub profiles: BTreeMap<String, LockedProfile>,
    /// Packages of all profiles, sorted by name, architecture, version.
    #[serde(default, rename = "package")]
    pub packages: Vec<LockedPackage>,
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
    /// SHA-256 of the InRelease file.
    pub sha256: String,
    /// Fingerprint (upper-case hex) of the primary key whose signature was good.
    pub signed_by: String,
}

/// One profile's selection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedProfile {
    pub arch: Option<Arch>,
    /// SHA-256 of everything in the resolved profile that decides which packages are chosen
    /// (architecture, sources, package names).
    pub config: String,
    /// Seconds since 1970: the newest Release date; every time stamp in the image.
    pub epoch: u64,
    /// Names of the selected packages, sorted.
    pub packages: Vec<String>,
}

/// One package, enough to fetch and prove it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPackage {
    pub name: String,
    pub version: String,
    /// `amd64`, `arm64` or `all`.
    pub arch: String,
    /// Which architecture's selection it belongs to: the same as `arch`, or the architecture whose index named an `all` package.
    pub source: String,
    /// Path below the archive's base (`pool/main/…`).
    pub path: String,
    /// Bytes.
    pub size: u64,
    pub sha256: String,
    /// The script ledger's verdict: `none`, `snippets`, `reviewed` or `ignored`.
    #[serde(default)]
    pub scripts: String,
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
