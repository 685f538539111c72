//! `[kernel-module.NAME]` of overlays.

use super::*;

const NODE: (&str, &str) = ("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"hello\"]\n");
const TABLE: &str = r#"schema = 1

[kernel-module.hello]
package = "hello-source"
source = "usr/src/hello-*"
modules = ["src/hello.ko"]
"#;

fn said(overlay: &str, more: &[(&str, &str)]) -> String {
    error(&[&[NODE, ("overlays/hello/overlay.toml", overlay)], more].concat(), "node")
}

#[test]
fn an_overlay_says_how_a_kernel_module_is_compiled() {
    let overlay = format!(
        r#"{TABLE}kernels = ">=6.12 <6.13"
same_version = ["hello-tools"]

[[kernel-module.hello.patch]]
file = "resize.patch"
kernels = ">=6.12.107"

[kernel-module.other]
package = "other-source"
source = "usr/src/other.tar.xz"
make = ["KDIR=/lib/modules/{{kernel}}/build"]
modules = ["other.ko"]
"#
    );
    let patch = ("overlays/hello/patches/resize.patch", "--- a\n+++ b\n");
    let profile = node(&[NODE, ("overlays/hello/overlay.toml", &overlay), patch]);
    let hello = &profile.kernel_modules["hello"];
    assert_eq!((hello.package.as_str(), hello.source.as_str()), ("hello-source", "usr/src/hello-*"));
    assert_eq!(hello.make, ["-C", "/lib/modules/{kernel}/build", "M={source}", "modules"]);
    assert_eq!(
        (hello.modules.as_slice(), hello.same_version.as_slice()),
        (&["src/hello.ko".into()][..], &["hello-tools".into()][..])
    );
    assert_eq!((hello.kernels.to_string(), hello.origin.to_string()), (">=6.12 <6.13".into(), "overlay:hello".into()));
    let [patch] = hello.patches.as_slice() else { panic!("{:?}", hello.patches) };
    assert_eq!((patch.name.as_str(), patch.text.as_str()), ("resize.patch", "--- a\n+++ b\n"));
    assert!(patch.kernels.contains("6.12.118+deb13-amd64") && !patch.kernels.contains("6.12.100"));
    let other = &profile.kernel_modules["other"];
    assert_eq!(other.make, ["KDIR=/lib/modules/{kernel}/build"]);
    assert!(other.patches.is_empty() && other.kernels.contains("7.0"));
    for (key, about, line) in [
        ("kernel-module.kernels", "hello", 7),
        ("kernel-module.package", "hello", 4),
        ("kernel-module.same_version", "hello hello-tools", 8),
    ] {
        let givers: Vec<_> = profile.marks.givers(key, about).filter_map(|giver| Some(giver.place?.1)).collect();
        assert_eq!(givers, [line], "{key}");
    }
    assert_eq!(profile.marks.givers("kernel-module.kernels", "other").count(), 0);
}

#[test]
fn what_a_kernel_module_is_compiled_of_is_part_of_what_is_locked() {
    let digest = |overlay: &str| node(&[NODE, ("overlays/hello/overlay.toml", overlay)]).selection_digest();
    let without = node(&[("profiles/node.toml", "schema = 1\nextends = \"demo\"\n")]).selection_digest();
    assert_eq!(digest("schema = 1\n"), without);
    let with = digest(TABLE);
    let others = [
        TABLE.replace("hello-source", "hello-sources"),
        format!("{TABLE}same_version = [\"hello-tools\"]\n"),
        TABLE.replace("kernel-module.hello", "kernel-module.hi"),
    ];
    for other in others {
        assert!(![with, without].contains(&digest(&other)), "{other}");
    }
}

#[test]
fn every_patch_has_an_entry_and_every_entry_a_patch() {
    let resize = ("overlays/hello/patches/resize.patch", "");
    let entry = format!("{TABLE}[[kernel-module.hello.patch]]\nfile = \"resise.patch\"\n");
    let missing = said(&entry, &[resize]);
    for part in
        ["there is no patch `overlays/hello/patches/resise.patch`", "overlay.toml:8:8", "did you mean `resize.patch`?"]
    {
        assert!(missing.contains(part), "{missing}");
    }
    let alone = said(&entry, &[]);
    assert!(alone.contains("put the file there, or take this entry out"), "{alone}");
    let idle = said(TABLE, &[resize]);
    for part in [
        "no kernel module of the overlay names overlays/hello/patches/resize.patch",
        "`[[kernel-module.NAME.patch]]`, and below it `file = \"resize.patch\"`",
    ] {
        assert!(idle.contains(part), "{idle}");
    }
    let twice = entry.replace("resise", "resize");
    let twice = said(&format!("{twice}[[kernel-module.hello.patch]]\nfile = \"resize.patch\"\n"), &[resize]);
    assert!(twice.contains("`resize.patch` is given twice in this file"), "{twice}");
}

#[test]
fn two_modules_of_one_name_are_refused_in_an_overlay_and_between_overlays() {
    let again = TABLE.replace("schema = 1\n", "").replace("kernel-module.hello", "kernel-module.more");
    let within = said(&format!("{TABLE}{again}"), &[]);
    assert!(within.contains("are modules of one name") && within.contains("overlay.toml:11:"), "{within}");
    let between = |more: &str| {
        let node = ("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"hello\", \"more\"]\n");
        error(&[node, ("overlays/hello/overlay.toml", TABLE), ("overlays/more/overlay.toml", more)], "node")
    };
    let name = between(TABLE);
    assert!(name.contains("kernel module `hello` comes from both overlay `hello` and overlay `more`"), "{name}");
    let file = between(&format!("schema = 1\n{again}"));
    assert!(file.contains("kernel module `src/hello.ko` comes from both overlay `hello` and overlay `more`"), "{file}");
}

#[test]
fn mistakes_in_a_kernel_module_are_shown_at_their_place() {
    for (from, to, wrong) in [
        ("usr/src", "/usr/src", "`/usr/src/hello-*` is not a glob of a package's paths"),
        ("hello.ko", "hello.o", "`src/hello.o` is not the path of a kernel module"),
        ("[\"src/hello.ko\"]", "[]", "kernel module `hello` makes no module"),
        ("modules", "kernels = \"6.12\"\nmodules", "`6.12` begins with none of <, <=, =, >= and >"),
        ("modules", "make = [\"K={release}\"]\nmodules", "`{release}` is no placeholder"),
        (
            "hello.ko\"]",
            "hello.ko\"]\n[kernel-module.hello.patch]\nfile = \"x\"",
            "there may be several, so each has two brackets",
        ),
        ("modules", "patches = []\nmodules", "unknown key `patches`"),
    ] {
        let said = said(&TABLE.replacen(from, to, 1), &[]);
        assert!(said.contains(wrong) && said.contains("overlay.toml:"), "{said}");
    }
}
