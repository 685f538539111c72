//! The program's own overlay `nvidia`: what each choice of its parameters brings.

use super::{error, node};
use crate::profile::Profile;

/// A profile with the overlay and this table of its parameters.
fn with(table: &str) -> Profile {
    let head = "schema = 1\nextends = \"demo\"\noverlays = [\"nvidia\"]\n";
    node(&[("profiles/node.toml", &format!("{head}[overlay.nvidia]\n{table}"))])
}

fn has(profile: &Profile, package: &str) -> bool {
    profile.packages.iter().any(|name| name == package)
}

fn versions<'p>(profile: &'p Profile, source: &str) -> Option<&'p str> {
    profile.sources.iter().find(|found| found.name == source)?.versions.as_deref()
}

#[test]
fn without_a_word_the_driver_is_nvidias_of_branch_580_with_open_modules_and_the_container_toolkit() {
    let usual = with("");
    assert_eq!(versions(&usual, "nvidia"), Some("580"));
    assert_eq!(usual.kernel_modules["nvidia"].package, "nvidia-kernel-open-dkms");
    assert!(usual.kernel_modules["nvidia"].patches.is_empty(), "it knows both forms of what the kernel changed");
    assert!(has(&usual, "nvidia-driver-cuda") && has(&usual, "nvidia-container-toolkit-base"));
    assert!(usual.sources.iter().all(|source| !source.name.starts_with("debian-nvidia")));
    assert!(usual.enable.contains(&"nvidia-devices.service".to_owned()));
    assert!(usual.files["usr/lib/modprobe.d/nvidia-computing.conf"].origin == usual.overlays[1].origin());
    assert_eq!(versions(&with("driver = \"570.211\"\n"), "nvidia"), Some("570.211"));
}

#[test]
fn with_one_key_the_driver_is_debians_and_nothing_is_of_nvidias_archives() {
    let debian = with("source = \"debian\"\n");
    assert!(has(&debian, "nvidia-smi") && !has(&debian, "nvidia-driver-cuda"));
    assert!(debian.sources.iter().all(|source| source.archive.starts_with("debian")), "{:?}", debian.sources);
    assert_eq!(versions(&debian, "debian-nvidia"), Some("550"));
    let module = &debian.kernel_modules["nvidia"];
    assert_eq!((module.package.as_str(), module.patches.len()), ("nvidia-open-kernel-dkms", 1));
    let closed = with("source = \"debian\"\nflavour = \"proprietary\"\ntoolkit = \"nvidia\"\n");
    assert_eq!(closed.kernel_modules["nvidia"].package, "nvidia-kernel-dkms");
    assert!(has(&closed, "nvidia-container-toolkit-base"));
    assert_eq!(with("flavour = \"proprietary\"\n").kernel_modules["nvidia"].package, "nvidia-kernel-dkms");
}

#[test]
fn since_branch_590_the_modules_are_compiled_of_all_their_source() {
    let modules = |table: &str| with(table).kernel_modules["nvidia"].modules.clone();
    assert_eq!(modules("driver = \"580.126.20\"\n"), ["nvidia.ko", "nvidia-uvm.ko"]);
    assert_eq!(modules("driver = \"595\"\n"), ["kernel-open/nvidia.ko", "kernel-open/nvidia-uvm.ko"]);
}

#[test]
fn the_profile_gpu_has_debians_driver_until_another_is_named() {
    let gpu = |more: &str| node(&[("profiles/node.toml", &format!("schema = 1\nextends = \"gpu\"\n{more}"))]);
    assert!(has(&gpu(""), "nvidia-smi") && !has(&gpu(""), "nvidia-driver-cuda"));
    assert!(has(&gpu("[overlay.nvidia]\nsource = \"nvidia\"\n"), "nvidia-driver-cuda"));
}

#[test]
fn a_source_that_it_does_not_know_is_refused_with_those_that_it_knows() {
    let text = "schema = 1\nextends = \"gpu\"\n[overlay.nvidia]\nsource = \"ubuntu\"\n";
    let told = error(&[("profiles/node.toml", text)], "node");
    assert!(told.contains("write one of \"nvidia\", \"debian\""), "{told}");
}
