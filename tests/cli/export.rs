//! `export`: the release set, read by the programs that others have: zstd, sha256sum, bmaptool, minisign.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::minisign::keys;
use crate::place::{Place, files, json};
use crate::support;
use crate::tiny;

/// A workspace with a small machine of which nothing is built yet.
fn small() -> (crate::archive::Online, Place) {
    let online = tiny::archive(5 << 20).online();
    let place = tiny::place(&online, &["freight"]);
    (online, place)
}

#[test]
fn a_release_set_is_what_other_programs_read() {
    let (_online, place) = small();
    let dir = place.path("");
    keys(&dir, "key", "");
    place.run(&["export", "--profile", "node", "--sign", "key.sec", "--output", "out"]).ok();
    let out = place.path("out");
    let set =
        ["SHA256SUMS", "SHA256SUMS.minisig", "node.bmap", "node.img.zst", "node.manifest.json", "node.sbom.spdx.json"];
    assert_eq!(files(&out), set);

    support::ok(&out, "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    support::ok(&out, "minisign", &["-V", "-q", "-p", "../key.pub", "-m", "SHA256SUMS"]);
    support::ok(&out, "zstd", &["--quiet", "--test", "node.img.zst"]);
    support::ok(&out, "zstd", &["--quiet", "-d", "node.img.zst", "-o", "whole.img"]);
    support::ok(&out, "cmp", &["whole.img", "../build/node/node.img"]);
    assert_eq!(json(&out.join("node.manifest.json")), json(&place.path("build/node/manifest.json")));

    // bmaptool finds the map beside the image, checks its sums, and writes mapped blocks only.
    support::ok(&out, "bmaptool", &["--quiet", "copy", "node.img.zst", "mapped.img"]);
    support::ok(&out, "cmp", &["mapped.img", "whole.img"]);
}

#[test]
fn several_profiles_share_a_release_and_no_old_signature_stays() {
    let (_online, place) = small();
    keys(&place.path(""), "key", "");
    place.write("profiles/other.toml", "schema = 1\nextends = \"node\"\ndescription = \"Another\"\n");
    place.run(&["export", "--profile", "node", "--sign", "key.sec", "--output", "out"]).ok();
    place.run(&["export", "--profile", "other", "--sign", "key.sec", "--output", "out"]).ok();
    let out = place.path("out");
    support::ok(&out, "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    support::ok(&out, "minisign", &["-V", "-q", "-p", "../key.pub", "-m", "SHA256SUMS"]);
    assert_eq!(fs::read_to_string(out.join("SHA256SUMS")).unwrap().lines().count(), 8);

    // What is gone from the directory is gone from the sums, and who does not sign leaves no signature that does not fit.
    fs::remove_file(out.join("other.bmap")).unwrap();
    place.run(&["export", "--profile", "node", "--output", "out"]).ok();
    assert_eq!(fs::read_to_string(out.join("SHA256SUMS")).unwrap().lines().count(), 7);
    assert!(!out.join("SHA256SUMS.minisig").exists());
}

#[test]
fn two_exports_of_one_lock_are_the_same_bytes() {
    let (_online, place) = small();
    let mut sums = Vec::new();
    for (threads, out) in [("1", "a"), ("3", "b")] {
        fs::remove_dir_all(place.path("build")).ok();
        let mut command = place.command(&["export", "--profile", "node", "--output", out]);
        crate::place::Ran::of(command.env("RAYON_NUM_THREADS", threads)).ok();
        sums.push(place.read(&format!("{out}/SHA256SUMS")));
    }
    assert_eq!(sums[0], sums[1]);
}

#[test]
fn a_key_that_cannot_sign_is_refused_before_anything_is_built() {
    let (_online, place) = small();
    let dir = place.path("");
    place.write("bad.sec", "no key\n");
    let error = place.run(&["export", "--profile", "node", "--sign", "bad.sec"]).fails(1);
    assert!(error.contains("`bad.sec` is not a secret key of minisign"), "{error}");
    let error = place.run(&["export", "--profile", "node", "--sign", "gone.sec"]).fails(1);
    assert!(error.contains("cannot read `gone.sec`"), "{error}");

    // An encrypted one, whose password is asked for twice.
    keys(&dir, "locked", "pass");
    let error = place.run(&["export", "--profile", "node", "--sign", "locked.sec"]).fails(1);
    assert!(error.contains("is encrypted, and no password opened it"), "{error}");
    assert!(error.contains("IMGBUILD_MINISIGN_PASSWORD"), "{error}");
    assert!(!place.path("build").exists());

    let mut command = place.command(&["export", "--profile", "node", "--sign", "locked.sec", "--output", "out"]);
    crate::place::Ran::of(command.env("IMGBUILD_MINISIGN_PASSWORD", "pass")).ok();
    support::ok(&place.path("out"), "minisign", &["-V", "-q", "-p", "../locked.pub", "-m", "SHA256SUMS"]);
}

#[test]
fn a_signature_says_the_tag_that_it_is_for() {
    let (_online, place) = small();
    keys(&place.path(""), "key", "");
    let export = ["export", "--profile", "node", "--sign", "key.sec", "--output", "out", "--tag"];
    for bad in ["", "..", "v 1"] {
        assert!(place.run(&[&export[..], &[bad]].concat()).fails(1).contains("is not the tag of a release"));
    }
    place.run(&[&export[..], &["v1.2"]].concat()).ok();
    let said = support::ok(&place.path("out"), "minisign", &["-V", "-Q", "-p", "../key.pub", "-m", "SHA256SUMS"]);
    assert_eq!(said.trim(), "imgbuild v1.2");
}

#[test]
fn no_sum_is_passed_on_that_is_not_right() {
    let (_online, place) = small();
    keys(&place.path(""), "key", "");
    let export = ["export", "--profile", "node", "--sign", "key.sec", "--output", "out"];
    place.run(&export).ok();
    let out = place.path("out");
    let sums = place.read("out/SHA256SUMS");
    place.write("out/SHA256SUMS", sums.clone() + &format!("{}  other.img.zst\n", "a".repeat(64)));
    place.write("out/other.img.zst", "garbage");
    let error = place.run(&export).fails(3);
    assert!(error.contains("out/other.img.zst") && error.contains("is not what the sums"), "{error}");
    assert!(error.contains("export that profile again"), "{error}");
    fs::remove_file(out.join("other.img.zst")).unwrap();
    support::ok(&out, "mkfifo", &["other.img.zst"]);
    assert!(place.run(&export).fails(1).contains("other.img.zst"));
    fs::remove_file(out.join("other.img.zst")).unwrap();
    // One's own old files are replaced, whatever is in them.
    place.write("out/node.bmap", "old");
    place.run(&export).ok();
    assert_eq!(place.read("out/SHA256SUMS"), sums);
}

#[test]
fn exports_into_one_directory_wait_for_each_other() {
    let (_online, place) = small();
    place.write("profiles/other.toml", "schema = 1\nextends = \"node\"\ndescription = \"Another\"\n");
    place.run(&["export", "--profile", "other", "--output", "elsewhere"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    // Stands for an export of `other` that has begun.
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    let lock = fs::File::open(&out).unwrap();
    lock.lock().unwrap();
    let mut command = place.command(&["--json", "export", "--profile", "node", "--output", "out"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let waits = lines.any(|line| line.contains("waiting for another export into `out`"));
    assert!(waits, "it did not wait");
    for file in files(&place.path("elsewhere")) {
        fs::copy(place.path("elsewhere").join(&file), out.join(&file)).unwrap();
    }
    drop(lock);
    assert!(lines.any(|line| line.contains("\"result\"")));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    support::ok(&out, "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    assert_eq!(place.read("out/SHA256SUMS").lines().count(), 8);

    // Together, as they come.
    fs::remove_dir_all(&out).unwrap();
    let start = |profile| place.command(&["export", "--profile", profile, "--output", "out"]).spawn().unwrap();
    for mut child in [start("node"), start("other")] {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    support::ok(&out, "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    assert_eq!(place.read("out/SHA256SUMS").lines().count(), 8);
}

#[test]
fn an_output_that_is_a_file_is_refused_before_anything_is_built() {
    let (_online, place) = small();
    place.write("set", "a file");
    let error = place.run(&["export", "--profile", "node", "--output", "set"]).fails(1);
    assert!(error.starts_with("`set` is a file") && error.contains("name a directory"), "{error}");
    assert!(!place.path("build").exists());
}
