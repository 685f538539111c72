//! The packages that a kernel module is compiled with.

use crate::profile::Arch;

/// What every sandbox has: a shell and what makefiles call, as on a Debian system, where all of it is essential or asked for
/// by the kernel's headers.
const TOOLS: [&str; 10] =
    ["base-files", "bash", "coreutils", "dash", "diffutils", "findutils", "grep", "make", "mawk", "sed"];

/// Packages to lock for a kernel's modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The architecture of the machine that compiles: amd64.
    pub arch: Arch,
    /// For that machine, with all that they depend on.
    pub resolved: Vec<String>,
    /// Taken alone: the headers, which depend on the kernel's image and on tools of their own architecture.
    pub alone: Vec<(Arch, String)>,
}

/// The packages for modules of the kernel with this release (`6.12.118+deb13-amd64`) on a machine of architecture `arch`.
#[must_use]
pub fn toolchain(kernel: &str, arch: Arch) -> Toolchain {
    let (base, flavour) = kernel.split_once('-').unwrap_or((kernel, ""));
    let is_real_time = flavour.split('-').any(|part| part == "rt");
    let compiler = match arch {
        Arch::Amd64 => ["gcc-14", "binutils"],
        Arch::Arm64 => ["gcc-14-aarch64-linux-gnu", "binutils-aarch64-linux-gnu"],
    };
    let names = TOOLS.into_iter().chain(compiler).map(str::to_owned);
    // fixdep, modpost and the like: of the machine that compiles, whatever the image's.
    let resolved = names.chain([format!("linux-kbuild-{base}")]).collect();
    let common = format!("linux-headers-{base}-common{}", if is_real_time { "-rt" } else { "" });
    Toolchain { arch: Arch::Amd64, resolved, alone: vec![(arch, format!("linux-headers-{kernel}")), (arch, common)] }
}

/// What the names of compiler and linker begin with, as Debian has them.
pub(super) fn prefix(arch: Arch) -> String {
    format!("{}-", arch.triplet())
}

/// The compiler. Kernels of Debian 13 are compiled with this version, which their headers depend on.
pub(super) fn compiler(arch: Arch) -> String {
    format!("{}gcc-14", prefix(arch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_of_the_image_and_tools_of_the_machine_that_compiles() {
        let of_arm = toolchain("6.12.118+deb13-arm64", Arch::Arm64);
        assert!(of_arm.resolved.contains(&"linux-kbuild-6.12.118+deb13".to_owned()));
        assert!(of_arm.resolved.contains(&"gcc-14-aarch64-linux-gnu".to_owned()));
        assert_eq!(of_arm.alone[0], (Arch::Arm64, "linux-headers-6.12.118+deb13-arm64".to_owned()));
        assert_eq!(of_arm.alone[1].1, "linux-headers-6.12.118+deb13-common");
        let real_time = toolchain("6.12.118+deb13-rt-amd64", Arch::Amd64);
        assert_eq!(real_time.alone[1].1, "linux-headers-6.12.118+deb13-common-rt");
    }
}
