//! A GPU node's packages from archives that are laid out as NVIDIA's are: one branch of the driver, its module compiled, the
//! container toolkit; over HTTP and from a directory; and what is refused.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::archive::Online;
use crate::debs::Tar;
use crate::http::Server;
use crate::place::{Place, json};
use crate::vendor::{self, Deb, Files, Key};
use crate::{modules, tiny};

const BRANCHES: [&str; 3] = ["570.211.01-1", "580.126.20-1", "590.48.01-1"];

/// A module in place of the driver.
const SOURCE: &str = "\
// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
MODULE_DESCRIPTION(\"stands for a driver\");
MODULE_LICENSE(\"GPL\");
";

/// What debhelper 11 generates for the toolkit's base package, and a line of its own before that.
const POSTINST: &str = r#"#!/bin/sh
set -e
/usr/bin/nvidia-ctk config
# Automatically added by dh_systemd_enable/11.1.6ubuntu2
if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ] || [ "$1" = "abort-deconfigure" ] || [ "$1" = "abort-remove" ] ; then
	deb-systemd-helper unmask 'nvidia-cdi-refresh.path' >/dev/null || true
	if deb-systemd-helper --quiet was-enabled 'nvidia-cdi-refresh.path'; then
		deb-systemd-helper enable 'nvidia-cdi-refresh.path' >/dev/null || true
	else
		deb-systemd-helper update-state 'nvidia-cdi-refresh.path' >/dev/null || true
	fi
fi
# End automatically added section
"#;

const USER_SPACE: [&str; 3] = ["nvidia-driver-cuda", "firmware-nvidia-gsp", "nvidia-container-toolkit"];

const MODULE: &str = r#"
modules = ["nvidia"]

[kernel-module.nvidia]
package = "nvidia-kernel-open-dkms"
source = "usr/src/nvidia-580.*"
make = ["SYSSRC=/lib/modules/{kernel}/source", "SYSOUT=/lib/modules/{kernel}/build", "modules"]
modules = ["nvidia.ko"]
same_version = ["libcuda1", "firmware-nvidia-gsp"]
"#;

/// Both archives and their keys.
struct Vendor {
    keys: [Key; 2],
    cuda: Files,
    toolkit: Files,
}

impl Vendor {
    /// Three branches of the driver, two releases of the toolkit, and a package that is Debian's.
    fn new() -> Self {
        let mut debs: Vec<Deb> = BRANCHES.iter().flat_map(|version| vendor::driver(version, SOURCE)).collect();
        let parcel = Tar::default().dir("./usr/").file("./usr/parcel", "of the vendor");
        debs.push(Deb::new(["parcel", "580.999-1", "amd64"], "", &[], parcel));
        debs.push(Deb::new(["nvidia-settings", "580.126.20-1", "amd64"], "", &[], Tar::default()));
        Self::of(&debs)
    }

    fn of(driver: &[Deb]) -> Self {
        let keys = [Key::new(), Key::new()];
        let releases = ["1.17.8-1", "1.20.0-1"].map(|version| vendor::container_toolkit(version, POSTINST));
        let toolkit = vendor::toolkit(&keys[1], &releases.into_iter().flatten().collect::<Vec<_>>());
        Self { cuda: vendor::cuda(&keys[0], driver), toolkit, keys }
    }

    fn serve(&self) -> Server {
        let key = Files::from([("gpgkey".to_owned(), self.keys[1].certificate())]);
        vendor::serve(&[("/cuda", &self.cuda), ("/toolkit/stable/deb/amd64", &self.toolkit), ("/toolkit", &key)])
    }

    /// The overlay whose archives lie below the URL `at`.
    fn overlay(&self, at: &str, more: &str) -> String {
        let [cuda, toolkit] = [0, 1].map(|number| self.keys[number].fingerprint());
        let mut text = format!("schema = 1\npackages = {USER_SPACE:?}\n{more}");
        let _ = write!(
            text,
            "[[source]]\nname = \"nvidia\"\narchive = \"{at}/cuda\"\nsuite = \"/\"\nkey = \"{at}/cuda/8793F200.pub\"\n\
             fingerprint = \"{cuda}\"\nonly = [\"nvidia-driver-cuda\", \"nvidia-kernel-open-dkms\", \"libcuda1\", \
             \"libnvidia-ml1\", \"firmware-nvidia-gsp\"]\npriority = 600\nversions = \"580\"\n\
             [[source]]\nname = \"container-toolkit\"\narchive = \"{at}/toolkit/stable/deb/amd64\"\nsuite = \"/\"\n\
             key = \"{at}/toolkit/gpgkey\"\nfingerprint = \"{toolkit}\"\nonly = [\"nvidia-container-toolkit*\", \
             \"libnvidia-container1\", \"libnvidia-container-tools\"]\n"
        );
        text
    }
}

/// The entry of a workspace's ledger that the error proposes, with a reason.
fn accept(place: &Place, error: &str) {
    let entry = &error[error.find("[[script]]").unwrap()..];
    place.write("ledger.toml", entry.replace('…', "The defaults are as good as the file."));
}

/// A small machine with the overlay `nvidia`, and the archive of the rest.
fn machine(overlay: &str) -> (Place, Online) {
    let debian = tiny::archive(0).online();
    let place = tiny::place(&debian, &["parcel"]);
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replacen("packages =", "overlays = [\"nvidia\"]\npackages =", 1));
    place.write("overlays/nvidia/overlay.toml", overlay);
    (place, debian)
}

/// The version and source that the lock has of a package.
fn locked(place: &Place, name: &str) -> Option<String> {
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"].as_str() == Some(name))?;
    let [version, source] = ["version", "source"].map(|key| package[key].as_str().unwrap());
    Some(format!("{version} of {source}"))
}

fn assert_locked(place: &Place) {
    for name in ["nvidia-driver-cuda", "libcuda1", "libnvidia-ml1", "firmware-nvidia-gsp"] {
        assert_eq!(locked(place, name).unwrap(), "580.126.20-1 of nvidia");
    }
    for name in ["nvidia-container-toolkit-base", "libnvidia-container-tools", "libnvidia-container1"] {
        assert_eq!(locked(place, name).unwrap(), "1.20.0-1 of container-toolkit");
    }
    assert_eq!(locked(place, "parcel").unwrap(), "1.0-1 of tiny");
}

const IN_IMAGE: [&str; 5] = [
    "/usr/bin/nvidia-smi",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.580.126.20",
    "/usr/lib/firmware/nvidia/580.126.20/gsp_ga10x.bin",
    "/usr/bin/nvidia-ctk",
    "/usr/bin/nvidia-container-cli",
];

fn assert_in_image(place: &Place, paths: &[&str]) {
    let files = place.read("build/node/node.files");
    for path in paths {
        assert!(files.contains(&format!("\n{path}\t")), "{path} is missing");
    }
}

#[test]
fn one_branch_and_the_newest_toolkit_are_locked_and_a_script_that_cannot_be_followed_stops_before_that() {
    let vendor = Vendor::new();
    let server = vendor.serve();
    let (place, _debian) = machine(&vendor.overlay(&server.url(""), ""));
    let before = place.files();
    let error = place.run(&["lock", "node"]).fails(1);
    assert!(
        error.contains("nvidia-container-toolkit-base 1.20.0-1: its `postinst` cannot be followed at line 3:"),
        "{error}"
    );
    assert!(error.contains("3 | /usr/bin/nvidia-ctk config"), "{error}");
    assert_eq!(place.files(), before, "something was written");

    accept(&place, &error);
    place.run(&["lock", "node"]).ok();
    assert_locked(&place);
    let lock = place.read("imgbuild.lock");
    for key in &vendor.keys {
        assert!(lock.contains(&format!("signed_by = \"{}\"", key.fingerprint())), "{lock}");
    }
    place.run(&["lock", "--check"]).ok();
    let why = place.run(&["why", "libcuda1", "node"]).ok();
    assert!(why.ends_with("libcuda1 580.126.20-1 comes from source `nvidia`\n"), "{why}");
    let why = place.run(&["why", "libnvidia-container1", "node"]).ok();
    assert!(why.ends_with("libnvidia-container1 1.20.0-1 comes from source `container-toolkit`\n"), "{why}");

    place.run(&["build", "node"]).ok();
    assert_in_image(&place, &IN_IMAGE);

    // Another branch is one word of the overlay.
    place.write("overlays/nvidia/overlay.toml", vendor.overlay(&server.url(""), "").replace("\"580\"", "\"590\""));
    assert!(place.run(&["lock", "--check"]).fails(3).contains("does not fit node"));
    place.run(&["lock", "node"]).ok();
    assert_eq!(locked(&place, "libcuda1").unwrap(), "590.48.01-1 of nvidia");
}

#[test]
fn a_mirror_that_is_a_directory_gives_the_same_lock_and_image_without_a_network() {
    let vendor = Vendor::new();
    let server = vendor.serve();
    let dir = tempfile::tempdir().unwrap();
    vendor::write(&dir.path().join("cuda"), &vendor.cuda);
    vendor::write(&dir.path().join("toolkit/stable/deb/amd64"), &vendor.toolkit);
    fs::write(dir.path().join("toolkit/gpgkey"), vendor.keys[1].certificate()).unwrap();
    let local = format!("file://{}", dir.path().display());
    let (place, _debian) = machine(&vendor.overlay(&local, ""));
    accept(&place, &place.run(&["lock", "node"]).fails(1));
    place.run(&["lock", "node"]).ok();
    assert_locked(&place);
    place.run(&["build", "node"]).ok();

    // The same packages, whichever way they came.
    let packages = |place: &Place| {
        let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
        lock["package"].to_string()
    };
    let (other, _debian) = machine(&vendor.overlay(&server.url(""), ""));
    other.write("ledger.toml", place.read("ledger.toml"));
    other.run(&["lock", "node"]).ok();
    assert_eq!(packages(&place), packages(&other));

    // What is not in the cache any more is copied from the directory, offline too.
    let cached = place.cache().join("downloads/sha256");
    let library = vendor.cuda.iter().find(|(name, _)| name.starts_with("libcuda1_580") && name.ends_with("amd64.deb"));
    let digest = imgbuild::tree::Digest::of(library.unwrap().1).to_string();
    fs::remove_file(cached.join(&digest)).unwrap();
    fs::remove_dir_all(place.cache().join("packs")).unwrap();
    place.run(&["--offline", "build", "--plan", "node"]).ok();
    place.run(&["--offline", "build", "--output", "again", "node"]).ok();
    assert!(cached.join(&digest).exists());
}

#[test]
fn what_is_wrong_with_a_directory_is_told_with_the_file_and_nothing_is_written() {
    let vendor = Vendor::new();
    let dir = tempfile::tempdir().unwrap();
    let cuda = dir.path().join("cuda");
    let (place, _debian) = machine(&vendor.overlay(&format!("file://{}", dir.path().display()), ""));
    vendor::write(&dir.path().join("toolkit/stable/deb/amd64"), &vendor.toolkit);
    fs::write(dir.path().join("toolkit/gpgkey"), vendor.keys[1].certificate()).unwrap();
    let refused = |code| {
        let before = place.files();
        let error = place.run(&["lock", "node"]).fails(code);
        assert_eq!(place.files(), before, "something was written; {error}");
        error
    };
    let told = |error: &str, words: &[&str]| {
        for word in words {
            assert!(error.contains(word), "`{word}` is missing in {error}");
        }
    };
    told(&refused(5), &["source `nvidia`", "cuda/8793F200.pub", "there is no such file"]);

    vendor::write(&cuda, &vendor.cuda);
    // A pipe would be waited for, and a device would never end.
    fs::remove_file(cuda.join("InRelease")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, cuda.join("InRelease"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    told(&refused(5), &["cuda/InRelease", "it is a pipe, socket or device, not a file"]);
    fs::remove_file(cuda.join("InRelease")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", cuda.join("InRelease")).unwrap();
    told(&refused(5), &["cuda/InRelease", "it is a pipe, socket or device, not a file"]);

    // Signatures and digests are held as ever.
    fs::remove_file(cuda.join("InRelease")).unwrap();
    let foreign = vendor::cuda(&Key::new(), &vendor::driver("580.126.20-1", SOURCE));
    fs::write(cuda.join("InRelease"), &foreign["InRelease"]).unwrap();
    told(&refused(5), &["source `nvidia`", "the key is not one of the pinned ones"]);
    fs::write(cuda.join("InRelease"), &vendor.cuda["InRelease"]).unwrap();
    fs::write(cuda.join("Packages.gz"), &foreign["Packages.gz"]).unwrap();
    told(&refused(5), &["index Packages.gz of source `nvidia`", "SHA-256"]);
}

#[test]
fn what_is_not_nvidias_is_refused_and_nothing_is_half_written() {
    let vendor = Vendor::new();
    let refused = |change: &dyn Fn(&mut Vendor), code: i32, words: &[&str]| {
        let mut changed = Vendor::new();
        change(&mut changed);
        let server = changed.serve();
        let (place, _debian) = machine(&changed.overlay(&server.url(""), ""));
        let before = place.files();
        let error = place.run(&["lock", "node"]).fails(code);
        assert_eq!(place.files(), before, "something was written; {error}");
        for word in words {
            assert!(error.contains(word), "`{word}` is missing in {error}");
        }
    };
    let replace = |files: &mut Files, name: &str, from: &str, to: &str| {
        let text = String::from_utf8(files[name].clone()).unwrap();
        assert!(text.contains(from), "{text}");
        files.insert(name.to_owned(), text.replace(from, to).into_bytes());
    };
    // The certificate at the URL is another, the signature is broken or another's.
    let other = Key::new();
    refused(
        &|vendor| drop(vendor.cuda.insert("8793F200.pub".to_owned(), other.certificate())),
        5,
        &["source `nvidia`", "/cuda/8793F200.pub", &other.fingerprint(), "compare `fingerprint`"],
    );
    refused(
        &|vendor| replace(&mut vendor.cuda, "InRelease", "Label: NVIDIA CUDA", "Label: NVIDIA CUBA"),
        5,
        &["source `nvidia`", "/cuda/InRelease"],
    );
    refused(
        &|changed| drop(changed.cuda.insert("InRelease".to_owned(), vendor.cuda["InRelease"].clone())),
        5,
        &["source `nvidia`", "the key is not one of the pinned ones"],
    );
    // An index that has no SHA-256 in the Release file is held against its SHA-512.
    refused(
        &|changed| {
            let mut index = changed.toolkit["Packages.xz"].clone();
            *index.last_mut().unwrap() ^= 1;
            changed.toolkit.insert("Packages.xz".to_owned(), index);
        },
        5,
        &[
            "source `container-toolkit`",
            "index Packages.xz",
            "its SHA-512 or its size is not what the Release file says",
        ],
    );
    // Packages that are not the signed ones.
    refused(
        &|changed| {
            let name = "firmware-nvidia-gsp_580.126.20-1_amd64.deb";
            let other = changed.cuda["firmware-nvidia-gsp_590.48.01-1_amd64.deb"].clone();
            changed.cuda.insert(name.to_owned(), other);
        },
        5,
        &["firmware-nvidia-gsp 580.126.20-1"],
    );
    // A branch that is gone from the archive.
    refused(
        &|changed| {
            let debs: Vec<Deb> = ["590.48.01-1"].iter().flat_map(|version| vendor::driver(version, SOURCE)).collect();
            changed.cuda = vendor::cuda(&changed.keys[0], &debs);
        },
        1,
        &["nvidia-driver-cuda", "source `nvidia`"],
    );
}

#[test]
fn a_package_that_the_overlay_does_not_let_in_is_told_with_the_archive_that_has_it() {
    let vendor = Vendor::new();
    let server = vendor.serve();
    let overlay = vendor.overlay(&server.url(""), "").replacen("packages = [", "packages = [\"nvidia-settings\", ", 1);
    let (place, _debian) = machine(&overlay);
    let before = place.files();
    let error = place.run(&["lock", "node"]).fails(1);
    assert!(error.contains("no source has a package `nvidia-settings`"), "{error}");
    assert!(error.contains("source `nvidia` has it, but `only` does not let it in"), "{error}");
    assert_eq!(place.files(), before);
}

#[test]
fn an_image_has_the_compiled_module_the_libraries_and_the_toolkit() {
    let vendor = Vendor::new();
    let server = vendor.serve();
    let place = modules::place();
    place.write("overlays/nvidia/overlay.toml", vendor.overlay(&server.url(""), MODULE));
    place.write("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"nvidia\"]\n");
    accept(&place, &place.run(&["lock", "node"]).fails(1));
    place.run(&["lock", "node"]).ok();
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let module = &lock["kernel-module"].as_array().unwrap()[0];
    assert!(module["result"].as_str().is_some(), "{module}");
    place.run(&["build", "node"]).ok();
    // The source stays out of the image, and so does what it would be compiled with on a machine.
    let manifest = json(&place.path("build/node/manifest.json"));
    let names: Vec<_> =
        manifest["packages"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"libcuda1"), "{names:?}");
    assert!(["nvidia-kernel-open-dkms", "dkms", "g++"].iter().all(|name| !names.contains(name)), "{names:?}");
    let files = place.read("build/node/node.files");
    assert_in_image(&place, &IN_IMAGE);
    // Its directory of units is `/lib`, which is a link in a whole system.
    assert_in_image(&place, &["/etc/systemd/system/multi-user.target.wants/nvidia-cdi-refresh.path"]);
    let line = files.lines().find(|line| line.contains("/updates/nvidia/nvidia.ko\t")).unwrap();
    assert!(line.contains("kernel-module:nvidia"), "{line}");
    let path = PathBuf::from(line.split('\t').next().unwrap());
    let release = path.components().nth(4).unwrap().as_os_str().to_str().unwrap().to_owned();
    // What the toolkit's unit looks for before it writes a CDI specification.
    let index = modules::in_image(&place, &format!("usr/lib/modules/{release}/modules.dep"));
    assert!(String::from_utf8(index).unwrap().contains("updates/nvidia/nvidia.ko:"));
}
