//! Kernel modules of overlays, from a source package of a vendor's archive to an image: compiled by Debian's own compiler for
//! the kernel that is locked, kept by what went into them, and carried to where they cannot be compiled.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::place::{self, Place};
use crate::shared::demo;

const OVERLAY: &str = r#"schema = 1
modules = ["hello"]

[kernel-module.hello]
package = "hello-source"
source = "usr/src/hello-*"
modules = ["hello.ko"]
kernels = ">=6.12 <6.13"

[[kernel-module.hello.patch]]
file = "greeting.patch"
kernels = ">=6.12"
"#;

const PATCH: &str = "\
--- a/hello.c
+++ b/hello.c
@@ -3,2 +3,2 @@
 static int __init hello_init(void) {
-    pr_info(\"hello\\n\");
+    pr_info(\"good morning\\n\");
";

pub const SOURCE: &str = "\
// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
static int __init hello_init(void) {
    pr_info(\"hello\\n\");
    return 0;
}
module_init(hello_init);
MODULE_LICENSE(\"GPL\");
";

/// The vendor's flat archive, with this source of the module.
pub fn vendor(source: &str) -> Online {
    let mut archive = Archive::new();
    archive.flat = true;
    let tree = Tar::default().dir("./").dir("./usr/").dir("./usr/src/").dir("./usr/src/hello-1.0/");
    let tree =
        tree.file("./usr/src/hello-1.0/hello.c", source).file("./usr/src/hello-1.0/Makefile", "obj-m := hello.o\n");
    archive.with("hello-source", &[], tree).online()
}

/// Where a module was compiled, so that the compiler's packages are unpacked.
static COMPILED: LazyLock<Place> = LazyLock::new(|| {
    let vendor = vendor(SOURCE);
    let place = set_up(Place::lasting("cli-compiled").with_downloads().with_packs_of(demo()), &vendor);
    place.run(&["lock", "node"]).ok();
    place
});

/// A place of a test's own where the compiler's packages are unpacked.
pub fn place() -> Place {
    Place::new().with_downloads().with_packs_of(&COMPILED)
}

/// A workspace whose profile `node` is `demo` with the module.
pub fn workspace(vendor: &Online) -> Place {
    set_up(self::place(), vendor)
}

fn set_up(place: Place, vendor: &Online) -> Place {
    place.write("overlays/hello/overlay.toml", OVERLAY);
    place.write("overlays/hello/patches/greeting.patch", PATCH);
    write_profile(&place, vendor, "");
    place
}

fn write_profile(place: &Place, vendor: &Online, more: &str) {
    let source = vendor.source(place, "vendor");
    let profile = "schema = 1\nextends = \"demo\"\noverlays = [\"hello\"]\n";
    place.write("profiles/node.toml", format!("{profile}{more}{source}only = [\"hello-source\"]\n"));
}

/// Takes the unpacked source and compiler away.
fn forget_packs(place: Place) -> Place {
    fs::remove_dir_all(place.cache().join("packs")).unwrap();
    place.with_packs_of(demo())
}

/// The digest that the lock has of the compiled module.
pub fn result(place: &Place) -> Option<String> {
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let [module] = &lock["kernel-module"].as_array().unwrap()[..] else { panic!("one module") };
    module.get("result").map(|result| result.as_str().unwrap().to_owned())
}

/// The one file that `modules export` wrote.
pub fn exported(place: &Place) -> PathBuf {
    let files = fs::read_dir(place.path("build/release")).unwrap().map(|entry| entry.unwrap().path());
    let mut modules = files.filter(|path| path.to_string_lossy().ends_with(".modules.tar"));
    modules.next().unwrap()
}

/// A file of the root file system of the profile `node`.
pub fn in_image(place: &Place, path: &str) -> Vec<u8> {
    let manifest = place::json(&place.path("build/node/manifest.json"));
    let partitions = manifest["partitions"].as_array().unwrap();
    let root = partitions.iter().find(|partition| partition["label"] == "root-a").unwrap();
    let (offset, image) = (root["offset"].to_string(), place.path("build/node/node.img"));
    let args = ["-offset", &offset, "-cat", image.to_str().unwrap(), path];
    let output = Command::new("unsquashfs").args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_module_of_an_overlay_is_compiled_once_locked_and_in_the_image() {
    let vendor = vendor(SOURCE);
    let place = workspace(&vendor);
    place.run(&["lock", "node"]).ok();
    let locked = result(&place).unwrap();
    place.run(&["lock", "--check"]).ok();

    // What lies in the cache is not compiled again: without its sources nothing could be.
    drop(vendor);
    let place = forget_packs(place);
    let told = place.run(&["--json", "modules", "build", "node"]).result();
    assert_eq!(told["modules"][0]["sha256"], locked.as_str());
    let manifest = &told["modules"][0]["manifest"];
    assert_eq!(manifest["modules"][0]["file"], "hello.ko");
    let kernel = manifest["kernel"].as_str().unwrap();

    place.run(&["build", "node"]).ok();
    let files = place.read("build/node/node.files");
    // Scanners are told by its source package.
    let image = place::json(&place.path("build/node/manifest.json"));
    let listed = image["artifacts"].as_array().unwrap().iter().find(|artifact| artifact["name"] == "hello").unwrap();
    assert_eq!((&listed["sha256"], &listed["version"]), (&locked.as_str().into(), &"1.0-1".into()));
    assert_eq!(listed["wanted_by"][0], "overlay:hello");
    let sbom = place::json(&place.path("build/node/sbom.spdx.json"));
    let element =
        sbom["packages"].as_array().unwrap().iter().find(|found| found["SPDXID"] == "SPDXRef-KernelModule-hello-amd64");
    let purl = element.unwrap()["externalRefs"][0]["referenceLocator"].as_str().unwrap();
    assert!(purl.starts_with("pkg:deb/debian/hello-source@1.0-1?"), "{purl}");
    let path = format!("/usr/lib/modules/{kernel}/updates/hello/hello.ko\t");
    let line = files.lines().find(|line| line.starts_with(&path)).unwrap();
    assert!(line.contains("kernel-module:hello"), "{line}");
    assert!(place.run(&["build", "node"]).ok().contains("is up to date"));

    // With keys for Secure Boot it is signed in the image, and there alone.
    place.run(&["secrets", "init"]).ok();
    place.run(&["secrets", "secure-boot"]).ok();
    let plan = place.run(&["build", "--plan", "node"]).ok();
    assert!(plan.contains(&format!("3. modules: hello 1.0-1 for {kernel}, in the cache\n")), "{plan}");
    place.run(&["build", "node"]).ok();
    let module = in_image(&place, &format!("usr/lib/modules/{kernel}/updates/hello/hello.ko"));
    assert!(module.ends_with(b"~Module signature appended~\n"));
    assert_eq!(result(&place).as_ref(), Some(&locked));

    // Another machine compiles to the same bytes.
    let (vendor, other) = (self::vendor(SOURCE), self::place());
    for file in ["overlays/hello/overlay.toml", "overlays/hello/patches/greeting.patch", "imgbuild.lock"] {
        other.write(file, place.read(file));
    }
    write_profile(&other, &vendor, "");
    other.run(&["lock", "--update", "hello-source"]).ok();
    assert_eq!(result(&other), Some(locked));
}

#[test]
fn a_compiled_module_is_carried_to_a_cache_that_does_not_have_it_and_no_other_file_is_taken_for_it() {
    let vendor = vendor(SOURCE);
    let place = workspace(&vendor);
    place.run(&["lock", "node"]).ok();
    place.run(&["modules", "export", "node"]).ok();
    let file = exported(&place);
    let modules = place.cache().join("modules");
    fs::remove_dir_all(&modules).unwrap();

    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(12).position(|text| text == b"good morning").unwrap();
    bytes[at] = b'G';
    let changed = place.path("changed.modules.tar");
    fs::write(&changed, &bytes).unwrap();
    let error = place.run(&["modules", "import", "changed.modules.tar", "node"]).fails(3);
    assert!(error.contains("`hello.ko` in it is not what its manifest says: other bytes"), "{error}");
    fs::write(&changed, "no archive").unwrap();
    place.run(&["modules", "import", "changed.modules.tar", "node"]).fails(3);
    assert!(!modules.exists());

    let file = file.to_str().unwrap();
    place.run(&["modules", "import", file, "node"]).ok();
    drop(vendor);
    let place = forget_packs(place);
    place.run(&["modules", "build", "node"]).ok();

    // Where the lock does not say what it must be, somebody must have signed for it.
    let lock = place.read("imgbuild.lock");
    let line = lock.lines().find(|line| line.starts_with("result = ")).unwrap();
    place.write("imgbuild.lock", lock.replace(line, ""));
    let error = place.run(&["modules", "import", file, "node"]).fails(3);
    assert!(error.contains("is not what was locked"), "{error}");
}

#[test]
fn what_does_not_compile_or_fit_is_told_and_nothing_is_locked() {
    let broken = vendor(&SOURCE.replace("pr_info", "pr_inform"));
    let place = workspace(&broken);
    place.write("overlays/hello/patches/greeting.patch", PATCH.replace("pr_info", "pr_inform"));
    let error = place.run(&["lock", "node"]).fails(1);
    assert!(error.contains("kernel module `hello` does not compile for kernel 6.12."), "{error}");
    assert!(error.contains("hello.c:4:5: error: implicit declaration of function"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());

    let vendor = vendor(SOURCE);
    write_profile(&place, &vendor, "");
    place.write("overlays/hello/patches/greeting.patch", PATCH.replace("hello\\n", "hi\\n"));
    let error = place.run(&["lock", "node"]).fails(1);
    assert!(error.contains("greeting.patch") && error.contains("hello.c"), "{error}");

    place.write("overlays/hello/patches/greeting.patch", PATCH);
    place.write("overlays/hello/overlay.toml", OVERLAY.replace("<6.13", "<6.12.1"));
    let error = place.run(&["lock", "node"]).fails(1);
    assert!(error.contains("kernel module `hello` is not known to work with kernel 6.12."), "{error}");
    assert!(error.contains("overlays/hello/overlay.toml:8"), "{error}");

    place.write("overlays/hello/overlay.toml", OVERLAY.replace("hello-source", "hallo-source"));
    let error = place.run(&["lock", "node"]).fails(1);
    assert!(error.contains("no source has `hallo-source`, the source of kernel module `hello`"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());
}

#[test]
fn a_profile_keeps_to_the_kernel_that_it_names() {
    let vendor = vendor(SOURCE);
    let place = workspace(&vendor);
    write_profile(&place, &vendor, "[kernel]\nversion = \"1.2\"\n");
    let error = place.run(&["lock", "node"]).fails(1);
    assert!(error.contains("profile `node` asks for kernel 1.2, and no source has it"), "{error}");
    assert!(error.contains("the newest is 6.12."), "{error}");
}
