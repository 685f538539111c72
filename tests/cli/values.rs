//! Values of a profile that only packages can prove wrong: each is shown where the profile says it.

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::place::Place;
use crate::shared::demo;
use crate::tiny;

/// A small machine whose profile has more lines: `head` before its tables, `tail` behind them.
fn place(online: &Online, head: &str, tail: &str) -> Place {
    let place = tiny::place(online, &[]);
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replacen("schema = 1\n", &format!("schema = 1\n{head}"), 1) + tail);
    place
}

/// The error of building it, which leaves nothing but the lock.
fn refused(place: &Place) -> String {
    let error = place.run(&["build", "--profile", "node"]).fails(1) + "\n";
    assert!(!place.path("build").exists(), "an output directory stayed: {error}");
    error
}

const PROFILE: &str = "profiles/node.toml";

#[test]
fn modules_that_the_kernel_lacks_are_shown_together() {
    let online = tiny::archive(0).online();
    let tail = "[kernel]\nmodules = [\"ext4\", \"dm-verty\"]\ninitrd_modules = [\"overlay\", \"zz_driver\"]\n";
    let place = place(&online, "overlays = [\"mine\"]\n", tail);
    place.write("overlays/mine/overlay.toml", "schema = 1\nmodules = [\"squashfz\"]\n");
    insta::assert_snapshot!(refused(&place));
    place.write(PROFILE, place.read(PROFILE).replace("dm-verty", "dm-verity").replace(", \"zz_driver\"", ""));
    place.write("overlays/mine/overlay.toml", "schema = 1\nmodules = [\"squashfs\"]\n");
    place.run(&["build", "--profile", "node"]).ok();
}

#[test]
fn a_module_whose_own_needs_are_dropped_is_refused_with_the_file() {
    let place = Place::new().with_downloads().with_packs_of(demo());
    let drop = "drop = [\"/usr/lib/modules/*/kernel/net/bridge/bridge.ko*\"]";
    place.write(PROFILE, format!("schema = 1\nextends = \"demo\"\n{drop}\n"));
    place.run(&["lock", "--profile", "node"]).ok();
    let error = refused(&place);
    assert!(error.contains("kernel module `br_netfilter` needs `bridge`, which the image does not have"), "{error}");
    assert!(error.contains("leaves `/usr/lib/modules/*/kernel/net/bridge/bridge.ko` out"), "{error}");
    assert!(
        error.contains("take that entry away, by `\"-/usr/lib/modules/*/kernel/net/bridge/bridge.ko*\"`"),
        "{error}"
    );
}

#[test]
fn a_time_zone_or_locale_that_no_package_brings_is_shown() {
    let locales = Tar::default().file("./usr/lib/locale/de_DE.utf8/LC_TIME", "");
    let online = tiny::archive(0).with("locales-all", &[], locales).online();
    let zone = place(&online, "timezone = \"Etc/UTX\"\n", "");
    let mut told = refused(&zone);

    let german = place(&online, "locale = \"de_DE.UTF-8\"\n", "");
    told += &refused(&german);
    german.write(PROFILE, german.read(PROFILE).replace("\"machine\"", "\"machine\", \"locales-all\""));
    german.run(&["lock", "--profile", "node"]).ok();
    german.run(&["build", "--profile", "node"]).ok();
    // Dropped is as good as never brought.
    german.write(PROFILE, german.read(PROFILE).replacen("locale =", "drop = [\"/usr/lib/locale/de_*\"]\nlocale =", 1));
    let error = german.run(&["build", "--profile", "node"]).fails(1);
    insta::assert_snapshot!(told + &error);
}

#[test]
fn units_that_nothing_brings_are_shown_together() {
    let online = tiny::archive(0).online();
    let tail = "[units]\nenable = [\"parcle.service\"]\ndisable = [\"gone.timer\", \"initrd-root-fs.target\"]\n";
    let place = place(&online, "overlays = [\"mine\"]\n", tail);
    place.write("overlays/mine/overlay.toml", "schema = 1\n[units]\nenable = [\"mine.service\"]\n");
    place.write("overlays/mine/files/usr/lib/systemd/system/parcel.service", "[Install]\nWantedBy=multi-user.target\n");
    insta::assert_snapshot!(refused(&place));
}

#[test]
fn accounts_shells_and_owners_that_nobody_makes_are_shown() {
    let shell = Tar::default().file("./usr/bin/bash", "");
    let online = tiny::archive(0).with("shell", &[], shell).online();
    let mut told = String::new();
    for tail in [
        "[[user]]\nname = \"ada\"\nshell = \"/usr/bin/zsh\"\n",
        "[[user]]\nname = \"ada\"\nshell = \"/usr/bin/bash\"\ngroups = [\"rooot\"]\n",
        "[[user]]\nname = \"ada\"\nshell = \"/usr/bin/bash\"\nsudo = true\n",
        "[[file]]\npath = \"/etc/x\"\ncontent = \"\"\nuser = \"eve\"\n",
        "[[file]]\npath = \"/etc/x\"\ncontent = \"\"\ngroup = \"rot\"\n",
    ] {
        let place = place(&online, "", tail);
        place.write(PROFILE, place.read(PROFILE).replace("\"machine\"", "\"machine\", \"shell\""));
        told += &refused(&place);
    }
    let place = place(&online, "overlays = [\"mine\"]\n", "");
    place.write("overlays/mine/files/etc/x", "");
    place.write("overlays/mine/overlay.toml", "schema = 1\n[[file]]\npath = \"/etc/x\"\nuser = \"eve\"\n");
    insta::assert_snapshot!(told + &refused(&place));
}

#[test]
fn packages_that_no_source_has_are_shown_together() {
    let online = Archive::new().online();
    let place = online.place(&["percel", "qqq"]);
    place.write("overlays/mine/overlay.toml", "schema = 1\npackages = [\"zzz\"]\n");
    place.write(PROFILE, place.read(PROFILE).replacen("schema = 1\n", "schema = 1\noverlays = [\"mine\"]\n", 1));
    assert_eq!(place.run(&["build", "node"]).fails(1), place.run(&["lock", "node"]).fails(1));
    insta::assert_snapshot!(
        place.transcript(&["lock", "node"]) + "\n" + &place.transcript(&["--json", "lock", "node"])
    );
}

#[test]
fn a_partition_is_shown_when_it_is_too_small_or_larger_than_any_stick() {
    let online = tiny::archive(100 << 20).online();
    let place = tiny::place(&online, &["freight"]);
    let told = refused(&place);
    let needed = told.split("needs ").nth(1).unwrap().split('\n').next().unwrap();
    let told = told.replace(needed, "BYTES");
    place.write(PROFILE, place.read(PROFILE).replace("root = \"64M\"", "root = \"9G\""));
    insta::assert_snapshot!(told + &refused(&place));
}
