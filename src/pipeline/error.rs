//! Why no image was made. Errors of other rooms keep their own words and hints.

use std::io;
use std::path::PathBuf;

use crate::cluster::manifests::ManifestError;
use crate::debian::deb::DebError;
use crate::effects::depmod::DepmodError;
use crate::effects::ledger::LedgerError;
use crate::effects::unpack::UnpackError;
use crate::effects::{ApplyError, EffectError};
use crate::fetch::FetchError;
use crate::fetch::charts::ChartError;
use crate::fetch::k3s::K3sError;
use crate::fetch::registry::RegistryError;
use crate::format::kmod::{FitError, ModuleError, SymversError};
use crate::format::module_signature::ModuleSignatureError;
use crate::format::squashfs::SquashfsError;
use crate::image::ImageError;
use crate::image::initrd::InitrdError;
use crate::kernel_module::CompileError;
use crate::lock::OutdatedError;
use crate::scripts::UnfollowedScripts;
use crate::tree::{Digest, TreeError};

/// Why a stage failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PipelineError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A package's file is damaged or could do harm.
    #[error("{package}: {source}")]
    Package { package: String, source: DebError },
    /// A package's file is not of the package that it is locked as.
    #[error("the lock calls a package {locked}, but its file says {found}")]
    OtherPackage { locked: String, found: String },
    #[error("cannot remove damaged files from `{}`", dir.display())]
    Repair { dir: PathBuf, source: io::Error },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Unfollowed(#[from] UnfollowedScripts),
    #[error(transparent)]
    Outdated(#[from] OutdatedError),
    #[error(transparent)]
    K3s(#[from] K3sError),
    /// The profile has K3s, and the lock not all of it.
    #[error("the lock of `{profile}` has no K3s, and a build reads nothing outside it")]
    NotLocked { profile: String },
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A chart that cannot be locked.
    #[error("{manifest}: chart `{chart}` cannot be locked: {reason}")]
    UnclearChart { manifest: String, chart: String, reason: &'static str },
    #[error("cannot write the archive of container image `{image}` into `{}`", dir.display())]
    PackImage { image: String, dir: PathBuf, source: io::Error },
    /// A file that an overlay names.
    #[error("{0}")]
    OfOverlay(#[source] FetchError),
    /// A file that lies in the cache.
    #[error("cannot read {}", path.display())]
    Artifact { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Compile(Box<CompileError>),
    /// Compiled modules that would not load.
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error(transparent)]
    Symvers(#[from] SymversError),
    #[error(transparent)]
    Module(#[from] ModuleError),
    #[error("the image has no modules of kernel {kernel}, for which kernel modules were compiled")]
    NoKernel { kernel: String },
    #[error("kernel module {module} is for `{found}`, and the image's kernel is `{expected}`")]
    OtherKernel { module: String, found: String, expected: String },
    /// A module that the kernel would refuse for what `drop` leaves out.
    #[error("kernel module `{module}` needs `{needed}`, which the image does not have")]
    Needs {
        module: String,
        needed: String,
        /// Where the kernel's package has it, below the kernel's directory.
        file: Option<String>,
        /// The entry of `drop` that leaves it out.
        drop: Option<String>,
    },
    #[error("cannot read the list `/{path}`")]
    List { path: String, source: io::Error },
    #[error("the headers of kernel {kernel} have no list of its symbols, `Module.symvers`")]
    NoSymbols { kernel: String },
    #[error("kernel module `{module}` cannot be signed for Secure Boot")]
    SignModule { module: String, source: ModuleSignatureError },
    #[error("the lock has no package `{package}` with the source of a kernel module")]
    NoSource { package: String },
    #[error("cannot pack compiled kernel modules: {source}")]
    PackModules { source: io::Error },
    #[error("cannot keep compiled kernel modules in `{}`", dir.display())]
    KeepModules { dir: PathBuf, source: io::Error },
    #[error("kernel module `{module}` was compiled to other bytes than the lock has: {found}, locked {expected}")]
    OtherResult { module: String, expected: Digest, found: Digest },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Two packages with one file, of which a script diverts one.
    #[error("{source}")]
    Diversion { source: Box<UnpackError>, hint: String },
    #[error(transparent)]
    Effect(#[from] EffectError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Initrd(#[from] InitrdError),
    #[error(transparent)]
    Depmod(#[from] DepmodError),
    #[error("cannot write to `{}`", dir.display())]
    Unwritable { dir: PathBuf, source: io::Error },
    #[error("root file system in `{}`: {source}", dir.display())]
    Root { dir: PathBuf, source: SquashfsError },
    #[error(transparent)]
    Seed(#[from] SquashfsError),
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl From<CompileError> for PipelineError {
    fn from(error: CompileError) -> Self {
        Self::Compile(Box::new(error))
    }
}

impl PipelineError {
    /// What the user can do, where the error says more than that of another room.
    pub(crate) fn hint(&self) -> Option<String> {
        let text = match self {
            // No mirror has it, so what helps for packages does not help here.
            Self::OfOverlay(FetchError::Unavailable { attempts, .. })
                if attempts.iter().any(|attempt| attempt.cause.is_forgery()) =>
            {
                "what the server has is another file than the one whose digest the overlay gives; find out why it changed, and \
                 write the new `sha256` only if its author says so too"
            }
            Self::OfOverlay(FetchError::Unavailable { .. }) => "check the network connection, and `url` in the overlay",
            Self::OfOverlay(error) => return error.hint(),
            Self::OtherPackage { .. } => "run `imgbuild lock --update`",
            Self::Repair { .. } => "delete the directory; all of it is derived",
            Self::NotLocked { profile } => {
                return Some(format!("add it with `imgbuild lock --profile {profile} --k3s-dir DIR`"));
            }
            Self::NoSymbols { .. } | Self::NoSource { .. } | Self::NoKernel { .. } | Self::OtherKernel { .. } => {
                "run `imgbuild lock` again"
            }
            Self::Needs { file: Some(file), drop: Some(drop), .. } => {
                return Some(format!(
                    "`/{drop}` in `drop` leaves `/usr/lib/modules/*/{file}` out: take that entry away, by `\"-/{drop}\"` in the \
                     profile where it is inherited, or drop less than the whole directory"
                ));
            }
            Self::Needs { file: Some(file), .. } => {
                return Some(format!(
                    "something in `drop` leaves `/usr/lib/modules/*/{file}` out: take that entry away with `-` in the profile, or \
                     drop less than the whole directory"
                ));
            }
            Self::Needs { .. } => "no package of the image brings it: add one, or leave the module out",
            Self::Fit(error) => error.hint(),
            Self::Symvers(_) | Self::Module(_) | Self::List { .. } => {
                "run `imgbuild lock` again; if that does not help, it is a fault of the package"
            }
            Self::SignModule { .. } => {
                "make the keys anew: take `secure-boot-*` out of the secrets, `imgbuild secrets secure-boot`"
            }
            Self::UnclearChart { .. } => {
                "write `repo`, `chart` and `version` of the HelmChart so that they are the same in every cluster, and `version` as one \
                 version; or leave charts to the nodes: `charts = \"repository\"` in [k3s]"
            }
            Self::PackImage { .. } | Self::KeepModules { .. } => "make room, or name another cache with `--cache-dir`",
            Self::OtherResult { .. } => {
                "the same inputs must give the same bytes: run it again; if the result is this one once more, one of the two \
                 machines compiles wrongly, or another version of imgbuild made the lock: `imgbuild lock` takes the new result"
            }
            Self::Unwritable { .. } => "make room, or choose another directory with `--output`",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
