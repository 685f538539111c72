//! `recommends`: what packages recommend comes along where a profile wants it, the lock follows, and `why` tells of it.

use std::sync::LazyLock;

use serde_json::json;

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::place::Place;

/// An archive in which `tool` recommends all sorts of things.
static ONLINE: LazyLock<Online> = LazyLock::new(|| {
    let file = |name: &str| Tar::default().dir("./").dir("./usr/").file(&format!("./usr/share/{name}"), name);
    Archive::new()
        .with_fields("tool", "Depends: lib\nRecommends: help | manual, gone, rival, mail (>= 1.0)", file("tool"))
        .with_fields("lib", "Recommends: extra", file("lib"))
        .with_fields("help", "Depends: reader\nSuggests: manual", file("help"))
        .with_fields("reader", "Recommends: help, pictures", file("reader"))
        .with_fields("rival", "Conflicts: lib", file("rival"))
        .with_fields("post", "Provides: mail (= 1.2)", file("post"))
        .with_fields("other", "Recommends: pictures", file("other"))
        .with("manual", &[], file("manual"))
        .with("extra", &[], file("extra"))
        .with("pictures", &[], file("pictures"))
        .online()
});

/// A workspace whose profile `node` says of packages what `keys` are.
fn place(keys: &str) -> Place {
    let place = ONLINE.place(&[]);
    says(&place, keys);
    place
}

fn says(place: &Place, keys: &str) {
    let text = place.read("profiles/node.toml");
    let (_, tables) = text.split_once("[[source]]").unwrap();
    let head = "schema = 1\nboard = \"uefi-amd64\"\n";
    place.write("profiles/node.toml", format!("{head}{keys}\n[[source]]{tables}"));
}

/// The packages of the lock, without those that every image of this archive has.
fn locked(place: &Place) -> Vec<String> {
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    let names = packages.map(|package| package["name"].as_str().unwrap().to_owned());
    names.filter(|name| !["base-passwd", "linux-image-amd64", "systemd-boot-efi"].contains(&name.as_str())).collect()
}

#[test]
fn a_package_brings_what_it_recommends_and_why_names_the_chain() {
    let place = place("packages = [\"base-passwd\", \"other\", { name = \"tool\", recommends = true }]");
    let steps = ["tool is wanted by the profile", "help is recommended by tool", "help needs reader"];
    // Before it is locked, and after.
    for _ in 0..2 {
        let told = place.run(&["why", "reader", "node", "--json"]).result();
        let why = [steps[0], steps[1], steps[2], "reader 1.0-1 comes from source `tiny`"];
        assert_eq!(told["why"], json!(why));
        assert_eq!((&told["wanted_by"][0]["name"], &told["wanted_by"][0]["line"]), (&json!("node"), &json!(3)));
        place.run(&["lock", "node"]).ok();
    }
    assert_eq!(locked(&place), ["extra", "help", "lib", "other", "pictures", "post", "reader", "tool"]);
    let text = place.run(&["why", "post", "node"]).ok();
    assert!(text.contains("\npost is recommended by tool (`mail (>= 1.0)`)\n"), "{text}");
    // What is in a package that came along so.
    let text = place.run(&["why", "/usr/share/pictures", "node"]).ok();
    assert!(text.contains("\nhelp needs reader\npictures is recommended by reader\n"), "{text}");
    place.run(&["lock", "--check"]).ok();
    assert_eq!(place.run(&["lock"]).ok(), "nothing changed\n");
}

#[test]
fn why_tells_what_is_recommended_and_left_out() {
    let place = place("packages = [\"base-passwd\", \"other\", { name = \"tool\", recommends = true }]");
    place.run(&["lock", "node"]).ok();
    for (name, hint) in [
        ("manual", "tool recommends it, or help, which is there"),
        ("gone", "tool recommends it, and it could not be had"),
        ("rival", "tool recommends it, and it could not be had"),
    ] {
        let error = place.run(&["why", name, "node"]).fails(1);
        assert!(error.contains(&format!("brings `{name}`")) && error.contains(hint), "{error}");
    }
    says(&place, "packages = [\"base-passwd\", \"other\"]");
    place.run(&["lock", "node"]).ok();
    let error = place.run(&["why", "pictures", "node"]).fails(1);
    let hint = "write `{ name = \"other\", recommends = true }` into `packages`, or `\"pictures\"`";
    assert!(error.contains("recommendations of other do not come along") && error.contains(hint), "{error}");
}

#[test]
fn a_profile_and_its_overlays_say_it_for_all_packages_or_for_one() {
    let place =
        place("recommends = true\npackages = [\"base-passwd\", \"tool\", { name = \"other\", recommends = false }]");
    let at_first = ["extra", "help", "lib", "other", "pictures", "post", "reader", "tool"];
    place.run(&["lock", "node"]).ok();
    assert_eq!(locked(&place), at_first);
    let chain = place.run(&["why", "pictures", "node"]).ok();
    assert!(chain.contains("\npictures is recommended by reader\n"), "{chain}");

    place.write(
        "overlays/app/overlay.toml",
        "schema = 1\npackages = [{ name = \"tool\", recommends = false }, \"lib\"]\n",
    );
    says(&place, "recommends = true\noverlays = [\"app\"]\npackages = [\"base-passwd\"]");
    place.run(&["lock", "node"]).ok();
    assert_eq!(locked(&place), ["extra", "lib", "tool"]);
    let shown = place.run(&["overlay", "show", "app"]).ok();
    assert!(shown.contains("tool without what it recommends, lib\n"), "{shown}");

    // The profile wins over its overlay.
    says(&place, "overlays = [\"app\"]\npackages = [\"base-passwd\", { name = \"tool\", recommends = true }]");
    place.run(&["lock", "node"]).ok();
    assert_eq!(locked(&place), ["help", "lib", "pictures", "post", "reader", "tool"]);
}

#[test]
fn a_lock_stays_good_until_recommendations_are_wanted_or_no_longer_are() {
    let place = place("packages = [\"base-passwd\", \"tool\"]");
    place.run(&["lock", "node"]).ok();
    let before = place.read("imgbuild.lock");
    assert_eq!(locked(&place), ["lib", "tool"]);
    for keys in [
        "recommends = false\npackages = [\"base-passwd\", \"tool\"]",
        "packages = [\"base-passwd\", { name = \"tool\" }]",
        "packages = [\"base-passwd\", { name = \"tool\", recommends = false }]",
    ] {
        says(&place, keys);
        place.run(&["lock", "--check"]).ok();
        assert_eq!(place.run(&["lock"]).ok(), "nothing changed\n", "{keys}");
    }
    says(&place, "recommends = true\npackages = [\"base-passwd\", \"tool\"]");
    let error = place.run(&["lock", "--check"]).fails(3);
    assert!(error.contains("does not fit node"), "{error}");
    let changes = place.run(&["lock"]).ok();
    assert!(changes.contains("+ help ") && !changes.contains("tool"), "{changes}");
    place.run(&["lock", "--check"]).ok();
    says(&place, "packages = [\"base-passwd\", \"tool\"]");
    place.run(&["lock", "--check"]).fails(3);
    place.run(&["lock"]).ok();
    assert_eq!(place.read("imgbuild.lock"), before);
}

#[test]
fn a_kernel_that_is_kept_to_brings_what_it_recommends_and_why_knows_it() {
    let online = Archive::new()
        .with_fields("linux-image-6.12.1-amd64", "Recommends: parcel", Tar::default())
        .with("linux-image-6.13.1-amd64", &[], Tar::default())
        .online();
    let place = online.place(&[]);
    let text = place.read("profiles/node.toml");
    let keys = "packages = [{ name = \"linux-image-amd64\", recommends = true }, ";
    place.write("profiles/node.toml", text.replace("packages = [", keys) + "[kernel]\nversion = \"6.12\"\n");
    for _ in 0..2 {
        let told = place.run(&["why", "parcel", "node", "--json"]).result();
        let kernel = "linux-image-6.12.1-amd64";
        assert_eq!(told["why"][0], format!("{kernel} is wanted by the profile"));
        assert_eq!(told["why"][1], format!("parcel is recommended by {kernel}"));
        place.run(&["lock", "node"]).ok();
    }
    place.run(&["lock", "--check"]).ok();
}
