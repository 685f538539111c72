//! `imgbuild build`: its files and their names, its cache, its words for programs, its thrift.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

use serde_json::Value;

use crate::place::{Place, files, json};
use crate::shared::{beside_demo, demo};
use crate::support;
use crate::tiny;

#[test]
fn a_build_leaves_the_files_that_scripts_rely_on() {
    let place = demo();
    let out = place.path("build/demo");
    assert_eq!(files(&out), ["SHA256SUMS", "demo.files", "demo.img", "manifest.json", "sbom.spdx.json"]);
    support::ok(&out, "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    let sums = place.read("build/demo/SHA256SUMS");
    assert_eq!(sums.lines().count(), 4, "not every file is vouched for: {sums}");

    let manifest = json(&out.join("manifest.json"));
    let image_sum = sums.lines().find(|line| line.ends_with("  demo.img")).unwrap();
    assert_eq!(manifest["image_sha256"], image_sum.split(' ').next().unwrap());
    for (key, digits) in [("image_id", 16), ("image_sha256", 64), ("root_hash", 64)] {
        let value = manifest[key].as_str().unwrap();
        assert!(value.len() == digits && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key} = {value}");
    }
    let labels: Vec<&str> = manifest["partitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|partition| partition["label"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["esp", "root-a", "root-a-verity", "root-b", "root-b-verity", "seed"]);
    let lock = place.read("imgbuild.lock");
    assert_eq!(manifest["artifacts"][0]["name"], "k3s");
    let all = ["packages", "artifacts"].map(|key| manifest[key].as_array().unwrap());
    for package in all.into_iter().flatten() {
        for key in ["name", "version", "arch"] {
            assert!(!package[key].as_str().unwrap().is_empty());
        }
        let entry = format!("\nsha256 = \"{}\"\n", package["sha256"].as_str().unwrap());
        assert!(lock.contains(&entry), "{} is not in the lock", package["name"]);
    }
}

#[test]
fn the_sbom_names_every_package_as_scanners_do() {
    let out = demo().path("build/demo");
    let sbom = json(&out.join("sbom.spdx.json"));
    assert!(sbom["spdxVersion"].as_str().unwrap().starts_with("SPDX-2."));
    let purls: BTreeSet<&str> = sbom["packages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|package| package["externalRefs"].as_array().into_iter().flatten())
        .filter(|reference| reference["referenceType"] == "purl")
        .map(|reference| reference["referenceLocator"].as_str().unwrap())
        .collect();
    for package in json(&out.join("manifest.json"))["packages"].as_array().unwrap() {
        let prefix = format!("pkg:deb/debian/{}@", package["name"].as_str().unwrap().replace('+', "%2B"));
        assert!(purls.iter().any(|purl| purl.starts_with(&prefix)), "{prefix} is missing");
    }
}

#[test]
fn programs_get_a_json_object_a_line() {
    let place = beside_demo();
    let text = place.run(&["--json", "build", "--profile", "demo"]).ok();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: BTreeSet<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert!(names.is_superset(&BTreeSet::from(["begin", "end", "result"])), "{names:?}");
    let phases = |name: &str| -> BTreeSet<String> {
        events.iter().filter(|event| event["event"] == name).map(|event| event["phase"].to_string()).collect()
    };
    assert_eq!(phases("begin"), phases("end"));
    let result = &events.last().unwrap()["result"];
    let manifest = json(&place.path("build/demo/manifest.json"));
    for key in ["profile", "image_id", "image_sha256", "root_hash"] {
        assert_eq!(result[key], manifest[key]);
    }

    let failed = place.run(&["--json", "build", "--profile", "nobodys"]);
    assert_eq!(failed.code, Some(1));
    let error: Value = serde_json::from_str(failed.stdout.trim()).unwrap();
    assert_eq!((&error["event"], &error["code"]), (&Value::from("error"), &Value::from(1)));
    assert!(error["message"].as_str().unwrap().contains("nobodys") && error["hint"].is_string());
}

#[test]
fn downloads_hold_packages_indexes_and_k3s_and_nothing_else() {
    demo();
    for name in files(&crate::place::downloads().join("sha256")) {
        let bytes = fs::read(crate::place::downloads().join("sha256").join(&name)).unwrap();
        let package = bytes.starts_with(b"!<arch>\n");
        let index =
            bytes.starts_with(b"\xfd7zXZ\0") || bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"Package: ");
        let k3s = bytes.starts_with(b"\x7fELF");
        assert!(package || index || k3s, "{name} is neither package nor index nor K3s");
    }
}

#[test]
fn offline_with_an_empty_cache_names_what_is_missing_and_leaves_nothing() {
    let place = Place::new();
    let error = place.run(&["--offline", "build", "--profile", "demo"]).fails(5);
    assert!(error.contains("offline") && error.contains("Release file of source `debian`"), "{error}");
    assert_eq!(place.files(), [""; 0]);

    // With a lock it is the packages that are missing.
    fs::copy(demo().path("imgbuild.lock"), place.path("imgbuild.lock")).unwrap();
    let error = place.run(&["--offline", "build", "--profile", "demo"]).fails(5);
    assert!(error.contains("offline") && error.contains("adduser"), "{error}");
    assert_eq!(place.files(), ["imgbuild.lock"]);
}

#[test]
fn what_is_up_to_date_is_not_built_again() {
    let place = beside_demo();
    let build = ["--offline", "build", "--profile", "demo", "--output", "out"];
    assert!(place.run(&build).ok().contains("out/demo.img is built"));
    let again = place.run(&build);
    assert_eq!(again.stderr, "", "it did something");
    assert!(again.ok().contains("out/demo.img is up to date"));

    // An image that somebody touched is not trusted.
    fs::OpenOptions::new().append(true).open(place.path("out/demo.img")).unwrap().set_len(4096).unwrap();
    assert!(place.run(&build).ok().contains("is built"));
    support::ok(&place.path("out"), "sha256sum", &["--check", "--quiet", "SHA256SUMS"]);
}

#[test]
fn every_key_of_the_manifest_and_every_column_of_the_listing_is_documented() {
    fn keys(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.keys().cloned());
                members.values().for_each(|value| keys(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    keys(&json(&demo().path("build/demo/manifest.json")), &mut names);
    names.extend(demo().read("build/demo/demo.files").lines().next().unwrap().split('\t').map(str::to_owned));
    let documentation = include_str!("../../docs/outputs.md");
    let documented: BTreeSet<&str> = documentation
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .flat_map(|(names, _)| names.split(", ").map(|name| name.trim_matches('`')))
        .collect();
    for name in names {
        assert!(documented.contains(name.as_str()), "{name} is not in docs/outputs.md");
    }
}

#[test]
fn an_image_is_up_to_date_only_with_all_its_files() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    let build = ["build", "--profile", "node", "--output", "out"];
    place.run(&build).ok();
    assert!(place.run(&build).ok().contains("is up to date"));
    for name in ["SHA256SUMS", "manifest.json", "node.files", "node.img", "sbom.spdx.json"] {
        let path = place.path("out").join(name);
        fs::remove_file(&path).unwrap();
        assert!(place.run(&build).ok().contains("is built"), "{name} was missing");
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"\n").unwrap();
        assert!(place.run(&build).ok().contains("is built"), "{name} was changed");
    }
    support::ok(&place.path("out"), "sha256sum", &["--check", "--quiet", "SHA256SUMS"]);
    assert!(place.run(&build).ok().contains("is up to date"));
}

#[test]
fn a_changed_overlay_file_is_built_without_network_or_lock() {
    let place = beside_demo()
        .file("profiles/demo.toml", "schema = 1\nextends = \"demo2\"\noverlays = [\"mine\"]\n")
        .file("profiles/demo2.toml", include_str!("../../profiles/demo.toml"))
        .file("overlays/mine/overlay.toml", "schema = 1\ndescription = \"mine\"\n")
        .file("overlays/mine/files/etc/mine.conf", "one\n");
    let build = ["--offline", "build", "--profile", "demo"];
    let lock = place.read("imgbuild.lock");
    place.run(&build).ok();
    let first = json(&place.path("build/demo/manifest.json"));
    place.write("overlays/mine/files/etc/mine.conf", "two\n");
    let again = place.run(&build);
    assert!(!again.stderr.contains("download"), "{}", again.stderr);
    assert!(again.ok().contains("is built"));
    let second = json(&place.path("build/demo/manifest.json"));
    assert_ne!(first["root_hash"], second["root_hash"]);
    assert_ne!(first["image_id"], second["image_id"]);
    assert_eq!(first["packages"], second["packages"]);
    assert_eq!(place.read("imgbuild.lock"), lock);
}
