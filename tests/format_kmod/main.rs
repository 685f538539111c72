//! Kernel modules: their index against trixie's own depmod, and whether they fit their kernel, over trixie's own kernels.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../debian/apt.rs"]
#[expect(dead_code, reason = "the tests of `debian` use the rest")]
mod apt;
mod fit;
#[path = "../host_tree/mod.rs"]
mod host_tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use apt::Apt;
use imgbuild::effects::depmod::depmod;
use imgbuild::format::NoStore;
use imgbuild::format::kmod::{self, BuildFiles, Module};
use imgbuild::tree::Tree;
use tempfile::TempDir;

/// kmod and the libraries that it needs; the host's own C library may be older than trixie's.
const TOOL: [&str; 7] = ["kmod", "libc6", "libkmod2", "liblzma5", "libssl3t64", "libzstd1", "zlib1g"];

fn unpack(apt: &Apt, packages: &[&str], root: &Path) {
    for deb in apt.download(packages) {
        let status = Command::new("dpkg-deb").arg("--extract").args([&deb, root]).status().unwrap();
        assert!(status.success(), "{} is unpacked", deb.display());
    }
}

/// The package of the kernel itself, which `linux-image-amd64` only depends on.
fn kernel_package(apt: &Apt) -> String {
    let selected = apt.simulate("--no-install-recommends", &[format!("linux-image-{}", apt.arch)]);
    selected.into_iter().map(|(name, _)| name).find(|name| name.starts_with("linux-image-6")).expect("a kernel")
}

/// The files that depmod makes, by name.
fn index_files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let made = |name: &str| !matches!(name, "modules.order" | "modules.builtin" | "modules.builtin.modinfo");
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| made(name))
        .collect()
}

fn sorted_lines(bytes: &[u8]) -> Vec<&str> {
    let mut lines: Vec<&str> = std::str::from_utf8(bytes).unwrap().lines().collect();
    lines.sort_unstable();
    lines
}

/// The index that we make of the modules below `root`, and the one that trixie's depmod does, which it leaves there.
fn indexes(root: &Path) -> (BTreeMap<String, Vec<u8>>, BTreeMap<String, Vec<u8>>) {
    let modules = root.join("usr/lib/modules");
    let version = fs::read_dir(&modules).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
    let mut tree: Tree = host_tree::read(root);
    depmod(&mut tree, &NoStore).unwrap();
    let ours: BTreeMap<String, Vec<u8>> = tree
        .below(&format!("usr/lib/modules/{version}"))
        .filter(|(_, node)| node.origin == "effect:depmod")
        .map(|(path, _)| (path.rsplit('/').next().unwrap().to_owned(), tree.file(path).unwrap().read().unwrap().into()))
        .collect();

    let tool = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let tool = tool.path();
    unpack(Apt::amd64(), &TOOL, tool);
    std::os::unix::fs::symlink("usr/lib", root.join("lib")).unwrap();
    let status = Command::new(tool.join("usr/lib64/ld-linux-x86-64.so.2"))
        .args(["--argv0", "depmod", "--library-path"])
        .args([&tool.join("usr/lib/x86_64-linux-gnu"), &tool.join("usr/bin/kmod"), Path::new("-b"), root])
        .arg(&version)
        .status()
        .unwrap();
    assert!(status.success());
    (ours, index_files(&modules.join(&version)))
}

fn assert_same(ours: &BTreeMap<String, Vec<u8>>, theirs: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, bytes) in theirs {
        if name == "modules.symbols" {
            // kmod writes it in the order of a hash table.
            assert_eq!(sorted_lines(&ours[name]), sorted_lines(bytes));
        } else {
            assert!(ours[name] == *bytes, "{name} is the same");
        }
    }
}

#[test]
fn the_index_of_trixies_kernel_is_the_one_that_depmod_makes() {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let root = dir.path().join("root");
    unpack(Apt::amd64(), &[&kernel_package(Apt::amd64())], &root);
    let (ours, theirs) = indexes(&root);
    assert_same(&ours, &theirs);
}

fn module(path: &str, exports: &[&str], needs: &[&str]) -> Module {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Module { path: path.to_owned(), exports: names(exports), needs: names(needs), info: Vec::new() }
}

#[test]
fn modules_that_need_each_other_in_a_circle_are_named() {
    let circle = vec![module("kernel/a.ko", &["a"], &["b"]), module("kernel/b.ko", &["b"], &["a"])];
    let error = kmod::depmod(circle, BuildFiles::default()).unwrap_err().to_string();
    assert!(error.contains("a, b"), "{error}");
}

/// Both copies of one module, as a kernel's package and an overlay bring them: the second differs in what devices it is for.
#[test]
fn a_module_below_updates_takes_the_place_of_the_kernels_own_as_with_depmod() {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (root, modules) = (dir.path().join("root"), dir.path().join("root/usr/lib/modules/6.12"));
    let [uas, storage] = fit::PAIR;
    let own = fit::changed(fit::AMD64.module(uas), ".modinfo", "alias=usb:", "alias=own:");
    let files = [(uas, fit::AMD64.module(uas)), (storage, fit::AMD64.module(storage)), ("updates/dkms/uas.ko", &own)];
    let order = format!("{storage}\n{uas}\n");
    let lists = [("modules.order", order.as_bytes()), ("modules.builtin", b""), ("modules.builtin.modinfo", b"")];
    for (path, bytes) in files.iter().chain(&lists) {
        fs::create_dir_all(modules.join(path).parent().unwrap()).unwrap();
        fs::write(modules.join(path), bytes).unwrap();
    }
    let (ours, theirs) = indexes(&root);
    assert_same(&ours, &theirs);
    let text = |name: &str| String::from_utf8(ours[name].clone()).unwrap();
    assert_eq!(text("modules.dep"), format!("{storage}:\nupdates/dkms/uas.ko: {storage}\n"));
    assert!(text("modules.alias").contains("\nalias own:"));
}
