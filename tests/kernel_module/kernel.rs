//! The newest kernels of trixie, and what their modules are compiled with.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use imgbuild::debian::{Package, deb};
use imgbuild::format::kmod::{self, KernelExports};
use imgbuild::kernel_module::{Built, toolchain};
use imgbuild::profile::Arch;
use imgbuild::tree::{Digest, Kind};
use object::elf::{EM_AARCH64, EM_X86_64};

use crate::apt::Apt;

/// A kernel, and the unpacked packages of its toolchain.
pub struct Kernel {
    pub release: String,
    pub arch: Arch,
    pub toolchain: Vec<Package>,
}

pub static AMD64: LazyLock<Kernel> = LazyLock::new(|| Kernel::newest(Apt::amd64(), Arch::Amd64));
pub static ARM64: LazyLock<Kernel> = LazyLock::new(|| Kernel::newest(Apt::arm64(), Arch::Arm64));

impl Kernel {
    fn newest(apt: &Apt, arch: Arch) -> Self {
        let selected = apt.simulate("--no-install-recommends", &[format!("linux-image-{}", apt.arch)]);
        let images = selected.iter().filter_map(|(name, _)| name.strip_prefix("linux-image-"));
        let release = images.into_iter().find(|name| name.starts_with('6')).expect("a kernel").to_owned();
        let wanted = toolchain(&release, arch);
        let resolved = Apt::amd64().simulate("--no-install-recommends", &wanted.resolved);
        let resolved: Vec<&str> = resolved.iter().map(|(name, _)| name.as_str()).collect();
        let mut packages = download(Apt::amd64(), &resolved);
        for (of, name) in &wanted.alone {
            let apt = if *of == Arch::Amd64 { Apt::amd64() } else { Apt::arm64() };
            packages.extend(download(apt, &[name]));
        }
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        packages.dedup_by(|a, b| a.name == b.name);
        Self { release, arch, toolchain: packages }
    }

    /// Holds modules against the kernel: each is for exactly this one, and everything that it needs is there.
    pub fn assert_fit(&self, built: &[Built]) {
        let symvers = format!("usr/src/linux-headers-{}/Module.symvers", self.release);
        let members = self.toolchain.iter().flat_map(|package| &package.members);
        let text = members.into_iter().find(|member| member.path == symvers).map(|member| match &member.node.kind {
            Kind::File(content) => content.text().unwrap(),
            _ => panic!("{symvers} is a file"),
        });
        let exports = KernelExports::parse(&text.unwrap()).unwrap();
        let modules: Vec<(&str, &[u8])> = built.iter().map(|it| (it.name.as_str(), it.bytes.as_slice())).collect();
        let vermagic = kmod::vermagic(modules[0].0, modules[0].1).unwrap().unwrap();
        assert_eq!(vermagic.split(' ').next(), Some(self.release.as_str()), "vermagic names the kernel");
        let machine = if self.arch == Arch::Amd64 { EM_X86_64 } else { EM_AARCH64 };
        kmod::fit(&modules, &exports, &vermagic, machine).unwrap();
    }
}

/// Packages as the archive has them, unpacked.
pub fn download(apt: &Apt, names: &[&str]) -> Vec<Package> {
    let files = apt.download(names);
    files.iter().map(|file| open(file)).collect()
}

pub fn open(file: &Path) -> Package {
    let packs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernel-module-packs");
    deb::open(file, Digest::of(&fs::read(file).unwrap()), &packs).unwrap()
}
