//! The `ldconfig` effect against trixie's own `ldconfig`, on trees of real packages.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "debian/apt.rs"]
#[expect(dead_code, reason = "the tests of `debian` use the rest")]
mod apt;
mod host_tree;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgbuild::effects::ldconfig::ldconfig;
use imgbuild::profile::Arch;
use imgbuild::tree::{Kind, Tree};
use tempfile::TempDir;

/// Among them directories configured by a package of its own (`libfakeroot`), several libraries in one package, and
/// names whose versions are numbers of several digits.
const PACKAGES: [&str; 11] = [
    "base-files",
    "libc6",
    "libcap2",
    "libfakeroot",
    "libicu76",
    "libpam0g",
    "libssl3t64",
    "libstdc++6",
    "libsystemd0",
    "libzstd1",
    "zlib1g",
];

/// Unpacks real packages into a directory, which the real `ldconfig` needs.
fn unpack(apt: &apt::Apt, packages: &[&str], root: &Path) {
    for deb in apt.download(packages) {
        run(Command::new("dpkg-deb").arg("--extract").args([&deb, root]));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn links(tree: &Tree) -> BTreeMap<&str, &str> {
    tree.iter()
        .filter_map(
            |(path, node)| if let Kind::Symlink(target) = &node.kind { Some((path, target.as_str())) } else { None },
        )
        .collect()
}

/// Runs trixie's `ldconfig` over `root` and the effect over the same tree, and compares links and cache.
fn compare(root: &Path, arch: Arch, tool: &Path) {
    let mut ours = host_tree::read(root);
    ldconfig(&mut ours, arch).unwrap();
    fs::create_dir_all(root.join("var/cache/ldconfig")).unwrap();
    run(Command::new(tool).arg("-r").arg(root));
    let theirs = host_tree::read(root);
    let cache = |tree: &Tree| tree.file("etc/ld.so.cache").unwrap().read().unwrap().into_owned();
    assert_eq!(String::from_utf8_lossy(&cache(&ours)), String::from_utf8_lossy(&cache(&theirs)));
    assert!(cache(&ours) == cache(&theirs));
    assert_eq!(links(&ours), links(&theirs));
    assert_eq!(ours.get("etc/ld.so.cache").unwrap().mode, 0o644);
}

/// The packages of trixie for amd64 below a fresh directory, and trixie's static `ldconfig`.
fn trixie() -> (TempDir, PathBuf) {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let apt = apt::Apt::amd64();
    unpack(apt, &PACKAGES, &dir.path().join("root"));
    unpack(apt, &["libc-bin"], &dir.path().join("tool"));
    // Configuration that is a conffile of the same package as the tool.
    unpack(apt, &["libc-bin"], &dir.path().join("root"));
    let tool = dir.path().join("tool/usr/sbin/ldconfig");
    (dir, tool)
}

#[test]
fn links_and_cache_equal_those_of_the_real_ldconfig() {
    let (dir, tool) = trixie();
    compare(&dir.path().join("root"), Arch::Amd64, &tool);
}

#[test]
fn libraries_for_special_hardware_links_and_leftovers_are_treated_as_by_the_real_ldconfig() {
    let (dir, tool) = trixie();
    let root = dir.path().join("root");
    let lib = root.join("usr/lib/x86_64-linux-gnu");
    let copy = |from: &str, to: &str| {
        fs::create_dir_all(lib.join(to).parent().unwrap()).unwrap();
        fs::copy(lib.join(from), lib.join(to)).unwrap();
    };
    copy("libz.so.1", "glibc-hwcaps/x86-64-v3/libz.so.1.9");
    copy("libz.so.1", "glibc-hwcaps/x86-64-v2/libz.so.1");
    copy("libcap.so.2", "glibc-hwcaps/x86-64-v2/libcap.so.2.99");
    // Two versions of one library: the higher one wins, and gets the link.
    copy("libzstd.so.1", "libzstd.so.1.5.10");
    copy("libzstd.so.1", "libzstd.so.1.5.9");
    // A link for the linker, one to another version, one that leads nowhere.
    symlink("libz.so.1", lib.join("libz.so")).unwrap();
    symlink("libz.so.1", lib.join("libz.so.1.0")).unwrap();
    fs::write(lib.join("libscript.so"), "/* GNU ld script */ INPUT(libz.so.1)").unwrap();
    fs::create_dir_all(root.join("opt/lib")).unwrap();
    fs::copy(lib.join("libz.so.1"), root.join("opt/lib/libopt.so.7")).unwrap();
    fs::write(root.join("etc/ld.so.conf.d/00-opt.conf"), "/opt/lib # ours\n").unwrap();
    compare(&root, Arch::Amd64, &tool);
}
