//! NVIDIA's open kernel modules as Debian has them: five modules for Debian's kernel, with the patch that it needs.

use imgbuild::kernel_module::CompileError;
use imgbuild::profile::{KernelModule, KernelRange, ModulePatch, Origin};

use crate::apt::Apt;
use crate::kernel::{self, AMD64};
use crate::sample::{Sample, told};

const PATCH: &str = include_str!("../../overlays/nvidia/patches/pci-resize-resource.patch");
const MODULES: [&str; 5] = ["nvidia.ko", "nvidia-modeset.ko", "nvidia-drm.ko", "nvidia-uvm.ko", "nvidia-peermem.ko"];

fn driver() -> Sample {
    let package = kernel::download(Apt::amd64(), &["nvidia-open-kernel-dkms"]).remove(0);
    let patch = ModulePatch {
        name: "pci-resize-resource.patch".to_owned(),
        text: PATCH.to_owned(),
        kernels: KernelRange::parse(">=6.12.107").unwrap(),
    };
    let recipe = KernelModule {
        package: package.name.clone(),
        source: "usr/src/nvidia-current-open-*".to_owned(),
        patches: vec![patch],
        make: ["modules", "SYSSRC=/lib/modules/{kernel}/source", "SYSOUT=/lib/modules/{kernel}/build"]
            .map(str::to_owned)
            .to_vec(),
        modules: MODULES.map(str::to_owned).to_vec(),
        kernels: KernelRange::default(),
        same_version: Vec::new(),
        origin: Origin::Overlay("nvidia".to_owned()),
    };
    Sample { name: "nvidia", package, recipe }
}

#[test]
fn debians_driver_gives_five_modules_that_fit_debians_kernel_and_the_same_bytes_twice() {
    let driver = driver();
    let built = driver.compile(&AMD64).unwrap_or_else(|error| panic!("{}", told(&error).0));
    assert_eq!(built.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), MODULES);
    AMD64.assert_fit(&built);
    assert!(driver.compile(&AMD64).unwrap() == built, "the bytes are the same");
}

#[test]
fn without_its_patch_debians_driver_fails_with_the_call_that_the_kernel_changed() {
    let mut driver = driver();
    driver.recipe.patches.clear();
    // The one module that the call is in: for each of them the driver asks the kernel dozens of questions first.
    driver.recipe.make.push("NV_EXCLUDE_KERNEL_MODULES=nvidia-uvm nvidia-modeset nvidia-drm nvidia-peermem".to_owned());
    driver.recipe.modules.truncate(1);
    let error = driver.compile(&AMD64).unwrap_err();
    let CompileError::Failed { errors, .. } = &error else { panic!("{error}") };
    assert!(errors[0].contains("nvidia/nv-pci.c:237:"), "{errors:?}");
    assert!(errors[0].contains("too few arguments to function 'pci_resize_resource'"), "{errors:?}");
    told(&error);
}
