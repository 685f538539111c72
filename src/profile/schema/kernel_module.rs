//! `[kernel-module.NAME]` of an overlay, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::profile::values::{KernelConditions, MakeArgument, ModulePath, Package, PatchName, SourceGlob, Spanned};

/// A kernel module, or several of one source, compiled for exactly the image's kernel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::profile) struct KernelModuleTable {
    /// The Debian package that has the source. It is for the compiler, and does not go into the image.
    pub package: Spanned<Package>,
    /// Glob of what that package has the source in: a directory, such as `usr/src/nvidia-*`, or a tar archive.
    pub source: SourceGlob,
    /// Arguments of `make`, which runs in the source's directory. `{kernel}` stands for the kernel's release, `{source}` for that
    /// directory. `["-C", "/lib/modules/{kernel}/build", "M={source}", "modules"]` unless given.
    pub make: Option<Vec<MakeArgument>>,
    /// Paths of the modules below the source's directory, as `make` leaves them.
    pub modules: Vec<Spanned<ModulePath>>,
    /// Kernels that it is known to work with; any unless given.
    pub kernels: Option<Spanned<KernelConditions>>,
    /// Packages of the image whose upstream version must be that of `package`: the other halves of a driver.
    #[serde(default)]
    pub same_version: Vec<Spanned<Package>>,
    /// Changes to the source, in the order in which they are applied.
    #[serde(default, rename = "patch")]
    pub patches: Vec<ModulePatchEntry>,
}

/// A change to the source that some kernels need.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::profile) struct ModulePatchEntry {
    /// A file below the overlay's `patches/`, in the unified format of `diff -u`.
    pub file: Spanned<PatchName>,
    /// The kernels that need it; all unless given.
    pub kernels: Option<KernelConditions>,
}
