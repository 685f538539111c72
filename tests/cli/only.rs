//! `[[source]] only`: one package from a newer suite, the rest of which is not there.

use crate::archive::Archive;
use crate::debs::Tar;
use crate::place::Place;

fn package(text: &str) -> Tar {
    Tar::default().dir("./").dir("./usr/").file(&format!("./usr/{text}"), text)
}

/// The version that the lock has of a package, and the source that it comes from.
fn locked(place: &Place, name: &str) -> (String, String) {
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"].as_str() == Some(name)).unwrap();
    let text = |key: &str| package[key].as_str().unwrap().to_owned();
    (text("version"), text("source"))
}

#[test]
fn one_package_comes_from_a_newer_archive_and_lock_check_and_why_know_it() {
    let stable = Archive::new().with("firmware", &[], package("old")).online();
    let newer = Archive::new()
        .with_version("firmware", "2.0-1", &[], package("new"))
        .with_version("parcel", "2.0-1", &[], package("parcel"))
        .online();
    let place = stable.place(&["firmware", "parcel"]);
    let profile = place.read("profiles/node.toml");
    let only = |patterns: &str| {
        let source = newer.source(&place, "newer");
        place.write("profiles/node.toml", format!("{profile}{source}only = [{patterns}]\n"));
    };

    // Both archives have all; without `only` the newer one would give both.
    only("\"firm*\"");
    place.run(&["lock", "--profile", "node"]).ok();
    let both = [locked(&place, "firmware"), locked(&place, "parcel")];
    let expected =
        [("2.0-1", "newer"), ("1.0-1", "tiny")].map(|(version, source)| (version.to_owned(), source.to_owned()));
    assert_eq!(both, expected);
    assert!(place.read("imgbuild.lock").contains("only = [\"firm*\"]"), "{}", place.read("imgbuild.lock"));
    place.run(&["lock", "--check"]).ok();
    let why = place.run(&["why", "--profile", "node", "firmware"]).ok();
    assert!(why.starts_with("firmware is wanted by the profile\n"), "{why}");
    assert!(why.ends_with("firmware 2.0-1 comes from source `newer`\n"), "{why}");
    place.run(&["--offline", "lock"]).ok();

    // Another `only` is another profile.
    only("\"firmware\", \"parcel\"");
    let error = place.run(&["lock", "--check"]).fails(3);
    assert!(error.contains("does not fit node"), "{error}");
    place.run(&["lock", "--update", "parcel"]).ok();
    assert_eq!(locked(&place, "parcel").1, "newer");

    only("\"firmware\", \"parcle\"");
    let error = place.run(&["lock"]).fails(1);
    assert!(error.contains("source `newer` has no package `parcle`"), "{error}");
    assert!(error.contains("only = [\"firmware\", \"parcle\"]") && error.contains("^^^^^^^^"), "{error}");
}

#[test]
fn a_package_that_only_keeps_out_is_told_with_the_source_that_has_it() {
    let stable = Archive::new().online();
    let newer = Archive::new().with("firmware", &[], package("new")).with("stamp", &[], package("stamp")).online();
    let place = stable.place(&["firmware", "stamp"]);
    let profile = place.read("profiles/node.toml") + &newer.source(&place, "newer") + "only = [\"firmware\"]\n";
    place.write("profiles/node.toml", profile);
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    assert!(error.contains("no source has a package `stamp`"), "{error}");
    assert!(error.contains("source `newer` has it, but `only` does not let it in: add it there"), "{error}");
}
