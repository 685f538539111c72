use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::debian::Package;
use crate::effects::sample;
use crate::profile::Profile;

const VERSION: &str = "550.163.01";
const SYSTEM: &str = "usr/lib/x86_64-linux-gnu";

/// The demo profile on a PC.
fn profile() -> Profile {
    let mut profile = sample::profile();
    profile.board = crate::profile::Board::UefiAmd64;
    profile
}

/// A library for a PC with this SONAME: an ELF header, a dynamic section, its texts, and the table of the three.
fn library(soname: &str) -> Vec<u8> {
    let texts = format!("\0{soname}\0");
    let (dynamic, strings) = (64_u64, 96_u64);
    let sections = (strings + texts.len() as u64).next_multiple_of(8);
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    // Type, machine, version; entry, program headers, section headers; flags; sizes and numbers.
    bytes.extend([3_u16, 62].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([0, 0, sections].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend([64_u16, 56, 0, 64, 3, 2].iter().flat_map(|number| number.to_le_bytes()));
    // DT_SONAME, DT_NULL.
    bytes.extend([14_u64, 1, 0, 0].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend(texts.as_bytes());
    bytes.resize(usize::try_from(sections).unwrap() + 64, 0);
    for (kind, offset, size, link, entry) in [(6_u32, dynamic, 32, 2_u32, 16_u64), (3, strings, texts.len(), 0, 0)] {
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend([0, 0, offset, size as u64].iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(link.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend([8, entry].iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes
}

fn put(tree: &mut Tree, path: &str, node: Node) {
    tree.put(path, node).unwrap();
}

/// Puts a library and the links by which programs know it into `dir`.
fn put_library(tree: &mut Tree, dir: &str, name: &str, soname: &str, links: &[&str]) {
    let file = format!("{name}.so.{VERSION}");
    put(tree, &format!("{dir}/{file}"), Node::file(0o644, library(soname)));
    for link in links {
        put(tree, &format!("{dir}/{link}"), Node::symlink(file.as_str()));
    }
}

/// What all drivers have beside libraries, and what is none of theirs.
fn common() -> Tree {
    let mut tree = Tree::new();
    for link in ["lib", "bin", "sbin"] {
        put(&mut tree, &format!("usr/{link}"), Node::dir(0o755));
        put(&mut tree, link, Node::symlink(format!("usr/{link}")));
    }
    for name in ["gsp_ga10x.bin", "gsp_tu10x.bin", "scrubber.bin"] {
        put(&mut tree, &format!("usr/lib/firmware/nvidia/{VERSION}/{name}"), Node::file(0o644, name));
    }
    put(&mut tree, "usr/lib/firmware/nvidia/535.0.0/gsp_ga10x.bin", Node::file(0o644, "another driver's"));
    put(&mut tree, &format!("{SYSTEM}/libc.so.6"), Node::file(0o644, library("libc.so.6")));
    put(&mut tree, &format!("{SYSTEM}/libother.so.1.2"), Node::file(0o644, library("libother.so.1")));
    put(&mut tree, "usr/bin/nvidia-persistenced", Node::file(0o755, "program"));
    tree
}

/// Debian's layout (`libcuda1`, `libnvidia-pkcs11-openssl3`, `libnvidia-nvvm4` and `nvidia-smi` 550.163.01-2), with the links that the
/// alternative `nvidia` makes.
fn debian() -> Tree {
    let mut tree = common();
    let current = format!("{SYSTEM}/nvidia/current");
    for (name, soname, links) in [
        ("libcuda", "libcuda.so.1", &["libcuda.so.1", "libcuda.so"][..]),
        ("libnvidia-nvvm", "libnvidia-nvvm.so.4", &["libnvidia-nvvm.so.4"]),
        ("libnvidia-ml", "libnvidia-ml.so.1", &["libnvidia-ml.so.1"]),
    ] {
        put_library(&mut tree, &current, name, soname, links);
        for link in links {
            let middle = format!("etc/alternatives/nvidia--{link}-x86_64-linux-gnu");
            put(&mut tree, &format!("{SYSTEM}/{link}"), Node::symlink(format!("/{middle}")));
            put(&mut tree, &middle, Node::symlink(format!("/{current}/{link}")));
        }
    }
    let pkcs11 = "libnvidia-pkcs11-openssl3";
    put_library(&mut tree, SYSTEM, pkcs11, &format!("{pkcs11}.so.{VERSION}"), &[]);
    put(&mut tree, "usr/lib/nvidia/current/nvidia-smi", Node::file(0o755, "program"));
    put(&mut tree, "etc/alternatives/nvidia--nvidia-smi", Node::symlink("/usr/lib/nvidia/current/nvidia-smi"));
    put(&mut tree, "usr/bin/nvidia-smi", Node::symlink("/etc/alternatives/nvidia--nvidia-smi"));
    put(&mut tree, "etc/OpenCL/vendors/nvidia.icd", Node::file(0o644, "libnvidia-opencl.so.1\n"));
    tree
}

/// NVIDIA's layout: everything where loaders search.
fn flat() -> Tree {
    let mut tree = common();
    put_library(&mut tree, SYSTEM, "libcuda", "libcuda.so.1", &["libcuda.so.1", "libcuda.so"]);
    put_library(&mut tree, SYSTEM, "libnvidia-ml", "libnvidia-ml.so.1", &["libnvidia-ml.so.1"]);
    put_library(&mut tree, &format!("{SYSTEM}/vdpau"), "libvdpau_nvidia", "libvdpau_nvidia.so.1", &[]);
    put(&mut tree, &format!("{SYSTEM}/libnvidia-nvvm70.so.4"), Node::file(0o644, library("libnvidia-nvvm70.so.4")));
    put(&mut tree, "usr/bin/nvidia-smi", Node::file(0o755, "program"));
    tree
}

/// The same with the toolkit's program for hooks, of this version of its package.
fn with_toolkit(mut tree: Tree) -> Tree {
    put(&mut tree, "usr/bin/nvidia-cdi-hook", Node::file(0o755, "program").from("nvidia-container-toolkit-base"));
    put(&mut tree, "usr/sbin/ldconfig", Node::file(0o755, "program"));
    tree
}

fn package(version: &str) -> Package {
    Package {
        name: "nvidia-container-toolkit-base".to_owned(),
        version: version.to_owned(),
        arch: "amd64".to_owned(),
        fields: Vec::new(),
        control: BTreeMap::new(),
        members: Vec::new(),
    }
}

/// The file that is written; `None` if there is none.
fn written(tree: &mut Tree, context: &Context<'_>) -> Option<String> {
    cdi(tree, context).unwrap();
    tree.file(PATH).map(|content| content.text().unwrap())
}

fn described(mut tree: Tree) -> Value {
    let profile = profile();
    serde_json::from_str(&written(&mut tree, &sample::context(&profile)).unwrap()).unwrap()
}

/// Where the container sees what of the host.
fn mounts(spec: &Value) -> BTreeMap<&str, &str> {
    let mounts = spec["containerEdits"]["mounts"].as_array().unwrap();
    let pairs = mounts.iter().map(|mount| (&mount["containerPath"], &mount["hostPath"]));
    pairs.map(|(place, file)| (place.as_str().unwrap(), file.as_str().unwrap())).collect()
}

/// The arguments of each hook, without the program's name.
fn hooks_of(version: &str) -> Vec<Vec<String>> {
    let (profile, packages) = (profile(), [package(version)]);
    let context = Context { packages: &packages, ..sample::context(&profile) };
    let mut tree = with_toolkit(debian());
    let spec: Value = serde_json::from_str(&written(&mut tree, &context).unwrap()).unwrap();
    let hooks = spec["containerEdits"]["hooks"].as_array().unwrap();
    let args = hooks.iter().map(|hook| serde_json::from_value::<Vec<String>>(hook["args"].clone()).unwrap());
    args.map(|args| args[1..].to_vec()).collect()
}

#[test]
fn debians_driver_without_a_program_for_hooks() {
    let (profile, mut tree) = (profile(), debian());
    insta::assert_snapshot!(written(&mut tree, &sample::context(&profile)).unwrap());
}

#[test]
fn debians_driver_with_the_toolkit() {
    let (profile, packages) = (profile(), [package("1.19.1-1")]);
    let context = Context { packages: &packages, ..sample::context(&profile) };
    insta::assert_snapshot!(written(&mut with_toolkit(debian()), &context).unwrap());
}

#[test]
fn without_hooks_each_library_has_all_its_names_where_debians_loaders_search() {
    let spec = described(flat());
    let mounts = mounts(&spec);
    for (name, file) in [
        ("libcuda.so", "libcuda.so.550.163.01"),
        ("libcuda.so.1", "libcuda.so.550.163.01"),
        ("libcuda.so.550.163.01", "libcuda.so.550.163.01"),
        ("libnvidia-ml.so.1", "libnvidia-ml.so.550.163.01"),
        ("libnvidia-nvvm70.so.4", "libnvidia-nvvm70.so.4"),
        // Nothing made a link for this SONAME.
        ("vdpau/libvdpau_nvidia.so.1", "vdpau/libvdpau_nvidia.so.550.163.01"),
    ] {
        let file = format!("/{SYSTEM}/{file}");
        assert_eq!(mounts.get(format!("/{SYSTEM}/{name}").as_str()), Some(&file.as_str()), "{name}");
    }
    assert!(!mounts.keys().any(|place| place.contains("libc.so") || place.contains("libother")), "{mounts:?}");
}

#[test]
fn every_file_that_a_container_is_given_is_a_file_of_the_image() {
    for tree in [debian(), flat(), with_toolkit(debian()), with_toolkit(flat())] {
        let spec = described(tree.clone());
        let files = mounts(&spec).into_values().chain(
            spec["containerEdits"]["hooks"].as_array().into_iter().flatten().map(|hook| hook["path"].as_str().unwrap()),
        );
        for file in files {
            assert!(tree.get(&file[1..]).is_some_and(|node| matches!(node.kind, crate::tree::Kind::File(_))), "{file}");
        }
    }
}

#[test]
fn hooks_are_those_that_the_program_of_this_version_knows() {
    let names = |version| hooks_of(version).into_iter().map(|args| args[0].clone()).collect::<Vec<_>>();
    let old = ["create-symlinks", "update-ldcache"];
    assert_eq!(names("1.17.4-1"), old);
    assert_eq!(names("1.17.8-1"), ["create-symlinks", "enable-cuda-compat", "update-ldcache"]);
    let all = ["create-symlinks", "enable-cuda-compat", "update-ldcache", "disable-device-node-modification"];
    assert_eq!(names("1.18.0~rc.1-1"), all);
    assert_eq!(names("1.20.0-1"), all);
    // Of no package: nobody knows its version.
    let spec = described(with_toolkit(debian()));
    assert_eq!(spec["containerEdits"]["hooks"].as_array().unwrap().len(), old.len());
}

#[test]
fn a_program_for_hooks_without_ldconfig_is_not_started() {
    let mut tree = with_toolkit(debian());
    tree.remove("usr/sbin/ldconfig");
    let spec = described(tree);
    assert_eq!(spec["containerEdits"].get("hooks"), None);
    assert!(mounts(&spec).contains_key("/usr/lib/x86_64-linux-gnu/libcuda.so.1"));
}

#[test]
fn without_a_driver_nothing_is_described() {
    let profile = profile();
    let mut tree = common();
    // The interface that programs are linked against is no driver.
    put(&mut tree, &format!("{SYSTEM}/libcuda.so.1"), Node::file(0o644, library("libcuda.so.1")));
    assert_eq!(written(&mut tree, &sample::context(&profile)), None);
    assert!(!tree.contains("etc/cdi"));
}

#[test]
fn libraries_of_two_drivers_are_refused_with_both_files() {
    let profile = profile();
    let mut tree = debian();
    put(&mut tree, &format!("{SYSTEM}/libcuda.so.580.95.05"), Node::file(0o644, library("libcuda.so.1")));
    let error = cdi(&mut tree, &sample::context(&profile)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("nvidia/current/libcuda.so.550.163.01`") && text.contains("libcuda.so.580.95.05`"), "{text}");
    assert!(error.hint().unwrap().contains("one version"));
}

#[test]
fn a_specification_that_somebody_brought_wins_and_so_does_a_profile_that_drops_it() {
    let mut profile = profile();
    let own = "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n";
    for name in ["nvidia.json", "mine.yaml"] {
        let mut tree = debian();
        put(&mut tree, &format!("etc/cdi/{name}"), Node::file(0o644, own));
        cdi(&mut tree, &sample::context(&profile)).unwrap();
        let left: Vec<&str> = tree.below("etc/cdi").map(|(path, _)| path).collect();
        assert_eq!(left, [format!("etc/cdi/{name}")]);
        assert_eq!(tree.file(left[0]).unwrap().text().unwrap(), own);
    }
    // Of another kind, or no specification at all.
    let mut tree = debian();
    put(&mut tree, "etc/cdi/other.yaml", Node::file(0o644, "kind: example.org/gpu\n"));
    put(&mut tree, "etc/cdi/nvidia.txt", Node::file(0o644, own));
    assert!(written(&mut tree, &sample::context(&profile)).is_some());

    profile.drop = vec!["etc/cdi".to_owned()];
    assert_eq!(written(&mut debian(), &sample::context(&profile)), None);
}

#[test]
fn files_that_are_left_out_are_not_named() {
    let (profile, mut tree) = (profile(), debian());
    tree.remove(&format!("{SYSTEM}/nvidia/current/libnvidia-nvvm.so.{VERSION}"));
    tree.remove("usr/lib/nvidia");
    let text = written(&mut tree, &sample::context(&profile)).unwrap();
    assert!(!text.contains("nvvm") && !text.contains("nvidia-smi"), "{text}");
}
