//! `imgbuild __compile`: the process that compiles a kernel module in a sandbox. It reads its order from standard input, and
//! nothing from the workspace.

use crate::cli::Compile;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(super) fn run(args: &Compile) {
    crate::kernel_module::sandbox::run(args.inside);
}

/// Modules are refused on such a host before a sandbox is started.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(super) fn run(_: &Compile) {}
