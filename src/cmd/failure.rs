//! The exit codes of all errors, in one place.

use std::error::Error;

use serde_json::json;

use crate::cluster::manifests::ManifestError;
use crate::cluster::secrets::SecretsError;
use crate::cluster::seed::SeedError;
use crate::cluster::{ClusterError, InitError};
use crate::debian::archive::ArchiveError;
use crate::debian::deb::DebError;
use crate::debian::mirror::MirrorError;
use crate::debian::resolve::ResolveError;
use crate::device::DeviceError;
use crate::diagnostic::Mistakes;
use crate::effects::depmod::DepmodError;
use crate::effects::ledger::LedgerError;
use crate::effects::unpack::UnpackError;
use crate::effects::{ApplyError, EffectError};
use crate::exit::{Code, Failure};
use crate::fetch::FetchError;
use crate::fetch::channels::ChannelError;
use crate::fetch::charts::ChartError;
use crate::fetch::k3s::K3sError;
use crate::fetch::registry::RegistryError;
use crate::flash::parent::FlashError;
use crate::flash::verify::VerifyError;
use crate::flash::{PlanError, SendError, WriteError};
use crate::format::squashfs::SquashfsError;
use crate::gitops::GitopsError;
use crate::image::ImageError;
use crate::image::initrd::InitrdError;
use crate::kernel_module::CompileError;
use crate::lock::{CriticalChangeError, LockError, LockFileError, OutdatedError};
use crate::pipeline::PipelineError;
use crate::profile::ProfileError;
use crate::release::ReleaseError;
use crate::scripts::UnfollowedScripts;
use crate::tree::{TreeError, is_damage};

/// Maps error types to exit codes; types marked `hint` have a method with a hint.
macro_rules! failures {
    ($($error:ty => $code:ident $($hint:ident)?;)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let failure = Self::new(Code::$code, &error)$(.maybe_hint(error.$hint()))?;
                if is_damage(&error) {
                    let hint = "the disk under the cache loses data; `--cache-dir` names another place";
                    return Self { code: Code::Verification, ..failure }.hint(hint);
                }
                // The console removes the colours if they are not wanted.
                let snippet = mistakes(&error).map(|mistakes| mistakes.render(true));
                let findings = mistakes(&error).map(Mistakes::to_json).unwrap_or_default();
                Self { snippet, findings, ..failure }
            }
        }
    )*};
}

failures! {
    ArchiveError => Download hint;
    CriticalChangeError => Refused hint;
    CompileError => Refused hint;
    DebError => Download hint;
    DeviceError => Refused hint;
    ApplyError => Refused hint;
    DepmodError => Unexpected;
    EffectError => Refused hint;
    ImageError => Refused hint;
    InitError => Refused hint;
    InitrdError => Refused hint;
    LedgerError => Refused hint;
    LockError => Refused hint;
    LockFileError => Refused hint;
    OutdatedError => Verification hint;
    MirrorError => Refused hint;
    ResolveError => Refused hint;
    SecretsError => Refused hint;
    SquashfsError => Unexpected;
    TreeError => Unexpected;
    UnfollowedScripts => Refused hint;
    ManifestError => Refused hint;
    SeedError => Refused hint;
    GitopsError => Refused hint;
    UnpackError => Refused hint;
}

/// With one cause for each URL that was tried.
impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let hint = error.hint();
        let failure = match &error {
            FetchError::Unavailable { name, attempts } => Self {
                code: Code::Download,
                causes: attempts.iter().map(ToString::to_string).collect(),
                ..Self::refused(format!("cannot download {name}"))
            },
            // An error of this machine's disk, not of the network.
            FetchError::Cache { .. } => Self::new(Code::Unexpected, &error),
            _ => Self::new(Code::Download, &error),
        };
        failure.maybe_hint(hint)
    }
}

/// `error` and its sources.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'e (dyn Error + 'static)| error.source())
}

/// The mistakes in files that `error` reports, if it does.
fn mistakes<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Mistakes> {
    chain(error).find_map(|error| error.downcast_ref())
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        let code = match error {
            PipelineError::Fetch(error) => return error.into(),
            PipelineError::Package { package, source } => return Self::from(source).about(&package),
            PipelineError::Ledger(error) => return error.into(),
            PipelineError::Unfollowed(error) => return error.into(),
            PipelineError::Outdated(error) => return error.into(),
            PipelineError::K3s(error) => return error.into(),
            PipelineError::Registry(error) => return error.into(),
            PipelineError::Chart(error) => return error.into(),
            PipelineError::Compile(error) => return (*error).into(),
            PipelineError::Manifest(error) => return error.into(),
            PipelineError::Unpack(error) => return error.into(),
            PipelineError::Diversion { source, hint } => return Self::from(*source).hint(hint),
            PipelineError::Effect(error) => return error.into(),
            PipelineError::Apply(error) => return error.into(),
            PipelineError::Tree(error) => return error.into(),
            PipelineError::Initrd(error) => return error.into(),
            PipelineError::Depmod(error) => return error.into(),
            PipelineError::Root { dir, source } => {
                return Self::from(source).about(&format!("root file system in `{}`", dir.display()));
            }
            PipelineError::Seed(error) => return error.into(),
            PipelineError::Image(error) => return error.into(),
            PipelineError::OfOverlay(_) => Code::Download,
            PipelineError::OtherPackage { .. }
            | PipelineError::NotLocked { .. }
            | PipelineError::Fit(_)
            | PipelineError::Symvers(_)
            | PipelineError::Module(_)
            | PipelineError::List { .. }
            | PipelineError::NoSymbols { .. }
            | PipelineError::NoSource { .. }
            | PipelineError::SignModule { .. }
            | PipelineError::NoKernel { .. }
            | PipelineError::OtherKernel { .. }
            | PipelineError::OtherResult { .. } => Code::Verification,
            PipelineError::Repair { .. } | PipelineError::Artifact { .. } | PipelineError::PackModules { .. } => {
                Code::Unexpected
            }
            PipelineError::UnclearChart { .. }
            | PipelineError::PackImage { .. }
            | PipelineError::Unwritable { .. }
            | PipelineError::KeepModules { .. }
            | PipelineError::Needs { .. } => Code::Refused,
        };
        Self::new(code, &error).maybe_hint(error.hint())
    }
}

impl From<ReleaseError> for Failure {
    fn from(error: ReleaseError) -> Self {
        let code = match &error {
            ReleaseError::OtherProfile { .. } => Code::Verification,
            _ => Code::Refused,
        };
        Self::new(code, &error).maybe_hint(error.hint())
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        let hint = error.hint();
        Self::new(Code::Download, &error).hint(hint)
    }
}

impl From<K3sError> for Failure {
    fn from(error: K3sError) -> Self {
        let code = match &error {
            K3sError::Unavailable { .. } | K3sError::Unlisted { .. } | K3sError::Mismatch { .. } => Code::Download,
            K3sError::NotLocked { .. } | K3sError::Machine { .. } => Code::Verification,
            K3sError::Missing { .. } | K3sError::Read { .. } => Code::Refused,
        };
        let hint = error.hint();
        let failure = Self::new(code, &error).maybe_hint(hint);
        match error {
            // That the checksum file is what could not be had, the address says.
            K3sError::Unavailable { source: source @ FetchError::Unavailable { .. }, .. } => {
                Self { causes: Self::from(source).causes, ..failure }
            }
            _ => failure,
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let code = match &error {
            RegistryError::Unavailable { source: FetchError::Cache { .. } | FetchError::Start { .. }, .. } => {
                Code::Unexpected
            }
            RegistryError::Unavailable { .. } => Code::Download,
            RegistryError::Wrong { .. } => Code::Verification,
        };
        let hint = error.hint();
        let failure = Self::new(code, &error).hint(hint);
        match error {
            RegistryError::Unavailable { source: source @ FetchError::Unavailable { .. }, .. } => {
                Self { causes: Self::from(source).causes, ..failure }
            }
            _ => failure,
        }
    }
}

impl From<ChartError> for Failure {
    fn from(error: ChartError) -> Self {
        let code = match &error {
            ChartError::Unavailable { source: FetchError::Cache { .. } | FetchError::Start { .. }, .. } => {
                Code::Unexpected
            }
            ChartError::NoSource { .. } | ChartError::NoVersion { .. } => Code::Refused,
            ChartError::Unavailable { .. } | ChartError::Index { .. } => Code::Download,
            ChartError::Registry { .. } | ChartError::NotIt { .. } => Code::Verification,
        };
        let hint = error.hint();
        let failure = Self::new(code, &error).hint(hint);
        match error {
            ChartError::Unavailable { source: source @ FetchError::Unavailable { .. }, .. } => {
                Self { causes: Self::from(source).causes, ..failure }
            }
            _ => failure,
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        let code = match &error {
            error if error.is_window_too_large() => Code::Refused,
            error if error.is_of_machine() => Code::Unexpected,
            SendError::Read { .. } | SendError::NotAuthentic { .. } => Code::Verification,
        };
        Self::new(code, &error).maybe_hint(error.hint())
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let code = match error {
            PlanError::Send(error) => return error.into(),
            PlanError::Manifest { .. } | PlanError::Table { .. } => Code::Verification,
            PlanError::TooSmall { .. } | PlanError::Sector { .. } | PlanError::Gpt(_) | PlanError::Seed { .. } => {
                Code::Refused
            }
        };
        Self::new(code, &error).maybe_hint(error.hint())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let code = match &error {
            WriteError::Open { source } if source.gone => Code::Device,
            error if error.is_untouched() => Code::Refused,
            _ => Code::Device,
        };
        Self::new(code, &error).maybe_hint(error.hint())
    }
}

impl From<FlashError> for Failure {
    fn from(error: FlashError) -> Self {
        let (code, hint) = match error {
            FlashError::Send(error) => return error.into(),
            FlashError::Write(error) => return error.into(),
            FlashError::Start { .. } => (Code::Unexpected, None),
            FlashError::NotStarted { .. } => {
                (Code::Refused, Some("its message is above; a user with the permission, or root, can flash the disk"))
            }
            FlashError::Vanished => (Code::Device, Some("flash it again")),
            FlashError::Interrupted => (Code::Interrupted, None),
        };
        Self::new(code, &error).maybe_hint(hint.map(str::to_owned))
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Manifest(error) => error.into(),
            VerifyError::Device(error) => error.into(),
        }
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        let mut failure = Self::new(Code::Refused, &error).maybe_hint(error.hint());
        if let ProfileError::Invalid(diagnostic) = &error {
            // The console removes the colours if they are not wanted.
            failure.snippet = Some(error.render(true));
            failure.findings = Box::new([json!(**diagnostic)]);
        }
        failure
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        if let ClusterError::Workspace(error) = error {
            return error.into();
        }
        let mut failure = Self::new(Code::Refused, &error).maybe_hint(error.hint());
        if let ClusterError::Invalid(diagnostic) = &error {
            failure.snippet = Some(diagnostic.render(true));
            failure.findings = Box::new([json!(**diagnostic)]);
        }
        failure
    }
}
