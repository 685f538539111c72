//! NVIDIA's open kernel modules as Debian has them, by the program's own overlay, without the patch that they need. With it they
//! are compiled where a machine loads them (`tests/boot/gpu.rs`): that takes minutes, once.

use imgbuild::kernel_module::CompileError;
use imgbuild::profile::{self, Workspace};

use crate::apt::Apt;
use crate::draw::is_turn;
use crate::kernel::{self, AMD64};
use crate::sample::{Sample, told};

/// What the profile `gpu` has compiled.
fn driver() -> Sample {
    let mut gpu = profile::load(&Workspace::embedded(), "gpu").unwrap();
    let recipe = gpu.kernel_modules.remove("nvidia").unwrap();
    let package = kernel::download(Apt::amd64(), &[&recipe.package]).remove(0);
    assert_eq!(package.name, recipe.package);
    assert_eq!(recipe.patches.len(), 1);
    Sample { name: "nvidia", package, recipe }
}

#[test]
fn without_its_patch_debians_driver_fails_with_the_call_that_the_kernel_changed() {
    if !is_turn("without_its_patch_debians_driver_fails_with_the_call_that_the_kernel_changed", 0, 2) {
        return;
    }
    let mut driver = driver();
    driver.recipe.patches.clear();
    // The one module that the call is in: for each of them the driver asks the kernel dozens of questions first.
    let excluded = driver.recipe.make.iter_mut().find(|argument| argument.starts_with("NV_EXCLUDE")).unwrap();
    excluded.push_str(" nvidia-uvm");
    driver.recipe.modules.truncate(1);
    let error = driver.compile(&AMD64).unwrap_err();
    let CompileError::Failed { errors, .. } = &error else { panic!("{error}") };
    assert!(errors[0].contains("nvidia/nv-pci.c:237:"), "{errors:?}");
    assert!(errors[0].contains("too few arguments to function 'pci_resize_resource'"), "{errors:?}");
    told(&error);
}
