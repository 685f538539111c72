//! Compiles kernel modules for the kernel of an image, in a sandbox that is made of nothing but locked packages.
//!
//! Data flow: `toolchain` names the packages → their files become the sandbox's `root`, beside the module's `source` with its
//! patches (`patches`) → `run` starts this program again as the sandbox (`sandbox`) and sends it an `order` and the root →
//! there `make` runs, whose words `log` reads → the modules come back through a pipe → `artifact` makes one file of them.
//!
//! The sandbox's files lie in memory, in mounts that only it sees. So neither the cache's file system nor a killed run matters:
//! with the last process the kernel takes mounts, files and processes away.

pub mod artifact;
mod error;
mod log;
mod order;
mod patches;
mod root;
mod run;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod sandbox;
mod source;
mod toolchain;

pub use error::CompileError;
pub use order::Step;
pub use patches::PatchError;
pub use run::compile_with;
pub use toolchain::{Toolchain, toolchain};

use std::path::Path;

use crate::debian::Package;
use crate::output::Progress;
use crate::profile::{Arch, KernelModule};

/// What is compiled, of what, for which kernel.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Its name in the overlay (`nvidia`).
    pub name: &'a str,
    /// The kernel's release (`6.12.118+deb13-amd64`).
    pub kernel: &'a str,
    /// The architecture of the image.
    pub arch: Arch,
    /// The packages that [`toolchain`] asks for, with all they depend on.
    pub toolchain: &'a [Package],
    /// The package that has the source.
    pub source: &'a Package,
    pub recipe: &'a KernelModule,
}

/// A compiled module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its file's name (`nvidia.ko`).
    pub name: String,
    /// Without debug information, not compressed.
    pub bytes: Vec<u8>,
}

/// Compiles the modules of a job, in the order of its recipe: the same bytes on any machine, by any user, at any time.
///
/// # Errors
/// A source or a patch that is not what the recipe says, what the compiler says, a system that allows no sandbox.
pub fn compile(job: &Job<'_>, progress: &dyn Progress) -> Result<Vec<Built>, CompileError> {
    // The program that runs, even if its file was replaced since.
    compile_with(Path::new("/proc/self/exe"), job, progress)
}
