//! Why a kernel module could not be compiled.

use std::io;
use std::path::PathBuf;

use super::order::Step;
use super::patches::PatchError;
use crate::debian::deb::DebError;
use crate::effects::unpack::UnpackError;
use crate::tree::TreeError;

/// Why a kernel module could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("kernel module `{name}` cannot be compiled on this machine ({machine}), only on x86-64 Linux")]
    Unsupported { name: String, machine: String },
    /// The sandbox needs what the system does not allow.
    #[error("kernel module `{name}` cannot be compiled: this system refuses a sandbox {step}")]
    NoSandbox { name: String, step: Step, source: io::Error },
    /// The memory for the sandbox's files is used up, or they cannot be written.
    #[error("the files of kernel module `{name}` do not fit into its sandbox: {error}")]
    Unwritten { name: String, error: String, is_full: bool },
    #[error("what kernel module `{name}` is compiled with does not fit together")]
    Toolchain { name: String, source: Box<UnpackError> },
    #[error("kernel module `{name}` needs `/{path}`, which no package that it is compiled with has")]
    NoTool { name: String, path: String },
    #[error("kernel module `{name}`: package `{package}` has no source at `{glob}`")]
    NoSource { name: String, package: String, glob: String },
    #[error("kernel module `{name}`: package `{package}` has several sources at `{glob}`: {}", found.join(", "))]
    ManySources { name: String, package: String, glob: String, found: Vec<String> },
    #[error("kernel module `{name}`: `{glob}` is no pattern of paths: {reason}")]
    BadGlob { name: String, glob: String, reason: String },
    #[error(
        "kernel module `{name}`: the source `{path}` of package `{package}` is {kind}, not a directory or an archive"
    )]
    SourceKind { name: String, package: String, path: String, kind: &'static str },
    #[error("kernel module `{name}`: the source `{path}` of package `{package}`")]
    Archive { name: String, package: String, path: String, source: Box<DebError> },
    #[error("the source of kernel module `{name}` cannot be unpacked")]
    Tree { name: String, source: TreeError },
    #[error("kernel module `{name}`")]
    Patch { name: String, source: Box<PatchError> },
    #[error("cannot read a file of kernel module `{name}` from the cache")]
    Read { name: String, source: io::Error },
    #[error("cannot start the sandbox for kernel module `{name}`")]
    Start { name: String, source: io::Error },
    /// The compiler or `make` found something wrong; `errors` are the first.
    #[error("kernel module `{name}` does not compile for kernel {kernel}: {}", errors.join("\n"))]
    Failed { name: String, kernel: String, errors: Vec<String>, log: Option<PathBuf> },
    #[error("`make` of kernel module `{name}` leaves no `{module}`{}", others(made))]
    Missing { name: String, module: String, made: Vec<String>, log: Option<PathBuf> },
    #[error("the sandbox of kernel module `{name}` was ended from outside")]
    Ended { name: String, log: Option<PathBuf> },
}

fn others(made: &[String]) -> String {
    if made.is_empty() { ", and no module at all".to_owned() } else { format!(", but {}", made.join(", ")) }
}

/// How a module is had that cannot be compiled here.
const IMPORT: &str = "take it from a machine that compiles it: `imgbuild modules export` there, `imgbuild modules import FILE` \
                      here";

impl CompileError {
    /// Whether this machine cannot compile at all, whatever the module.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported { .. } | Self::NoSandbox { .. })
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let whole =
            |log: &Option<PathBuf>| log.as_ref().map(|log| format!("all that `make` said is in `{}`", log.display()));
        Some(match self {
            Self::Unsupported { .. } => IMPORT.to_owned(),
            Self::NoSandbox { step, .. } => format!("{}, or {IMPORT}", allow(*step)),
            Self::Unwritten { is_full: true, .. } | Self::Ended { .. } => {
                "the sandbox lies in memory and takes up to 2 GiB: end other programs, or add swap".to_owned()
            }
            Self::NoTool { .. } => "`imgbuild lock` chooses the packages again".to_owned(),
            Self::NoSource { .. } | Self::ManySources { .. } | Self::BadGlob { .. } | Self::SourceKind { .. } => {
                "`source` in the overlay is a pattern for exactly one path of the package, such as `usr/src/NAME-*`"
                    .to_owned()
            }
            Self::Patch { source, .. } => source.hint(),
            Self::Failed { errors, log, .. } => {
                let cure = cure(errors);
                match whole(log) {
                    Some(whole) => format!("{cure}; {whole}"),
                    None => cure.to_owned(),
                }
            }
            Self::Missing { log, .. } => {
                let cure = "`modules` in the overlay are paths below the source's directory";
                whole(log).map_or(cure.to_owned(), |whole| format!("{cure}; {whole}"))
            }
            Self::Unwritten { .. }
            | Self::Toolchain { .. }
            | Self::Archive { .. }
            | Self::Tree { .. }
            | Self::Read { .. }
            | Self::Start { .. } => return None,
        })
    }
}

/// What allows a sandbox (`user_namespaces(7)`; Ubuntu's `kernel.apparmor_restrict_unprivileged_userns`).
fn allow(step: Step) -> &'static str {
    match step {
        Step::Namespaces => {
            "let users have namespaces (`sysctl user.max_user_namespaces=10000`, and where there is such a key \
             `kernel.unprivileged_userns_clone=1` or `kernel.apparmor_restrict_unprivileged_userns=0`; a container must \
             be allowed to make them)"
        }
        Step::User | Step::Mounts => {
            "let user namespaces have mounts (on Ubuntu `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; a \
             container must be allowed to make them)"
        }
    }
}

/// What helps against what the compiler says first.
fn cure(errors: &[String]) -> &'static str {
    let first = errors.first().map(String::as_str).unwrap_or_default();
    if first.contains("No such file or directory") && first.contains("error:") {
        "the header is neither the kernel's nor the source's: the source may be for other kernels, or its `make` line lacks a \
         directory"
    } else if first.contains("No rule to make target") {
        "the `make` line of the overlay asks for what the source's makefile does not have"
    } else {
        "the source may be for other kernels: lock one that it is known to work with, or add a patch to the overlay"
    }
}
