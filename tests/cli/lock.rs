//! `lock`, `check` and `why`: the lock's form, its life, and what it answers.

use std::fs;

use crate::archive::Archive;
use crate::debs::Tar;
use crate::place::Place;
use crate::shared::{beside_demo, demo};
use crate::tiny;

#[test]
fn locking_again_changes_nothing() {
    let place = beside_demo();
    let before = place.read("imgbuild.lock");
    for args in [&["lock"][..], &["lock", "--profile", "demo"], &["lock", "--check"], &["--offline", "lock"]] {
        place.run(args).ok();
        assert_eq!(place.read("imgbuild.lock"), before, "{args:?}");
    }
    assert_eq!(place.run(&["lock"]).ok(), "nothing changed\n");
}

#[test]
fn two_locks_of_one_state_of_the_archive_are_the_same() {
    let [one, other] = [Place::beside(demo()), Place::beside(demo())];
    for place in [&one, &other] {
        place.run(&["lock", "--profile", "demo"]).ok();
    }
    assert_eq!(one.read("imgbuild.lock"), other.read("imgbuild.lock"));
}

#[test]
fn a_lock_that_does_not_fit_is_told_and_not_used() {
    let place = beside_demo()
        .file("profiles/base2.toml", include_str!("../../profiles/demo.toml"))
        .file("profiles/demo.toml", "schema = 1\nextends = \"base2\"\npackages = [\"hello\"]\n");
    let before = place.read("imgbuild.lock");
    for args in [&["lock", "--check"][..], &["build", "--profile", "demo"]] {
        let error = place.run(args).fails(3);
        assert!(error.contains("demo") && error.contains("imgbuild lock"), "{args:?}: {error}");
    }
    let checked = place.run(&["check"]);
    assert_eq!(checked.code, Some(3));
    assert!(checked.stdout.lines().any(|line| line.starts_with("demo ") && line.contains("lock is out of date")));
    assert_eq!(place.read("imgbuild.lock"), before);
    assert!(!place.path("build").exists());

    // Locking adds what is new and leaves the rest alone, so that the diff is one stanza.
    let changes = place.run(&["lock", "--profile", "demo"]).ok();
    assert!(changes.starts_with("+ hello ") && changes.lines().count() == 1, "{changes}");
    place.run(&["lock", "--check", "--profile", "demo"]).ok();
    let after = place.read("imgbuild.lock");
    let gone: Vec<&str> = before.lines().filter(|line| !after.contains(line)).collect();
    assert!(gone.iter().all(|line| line.starts_with("config = ") || line.starts_with("contents = ")), "{gone:?}");
    assert_eq!(after.lines().count(), before.lines().count() + 11, "more than one stanza came");
}

#[test]
fn an_update_moves_what_it_names_to_the_archives_version() {
    let place = beside_demo();
    let current = place.read("imgbuild.lock");
    // As if the archive had newer packages than the lock: the older versions are in no index any more.
    let hash = "0".repeat(64);
    let stanza = |name: &str| {
        let start = current.find(&format!("[[package]]\nname = \"{name}\"\n")).unwrap();
        let len = current[start..].find("\n\n").unwrap_or(current.len() - start);
        &current[start..start + len]
    };
    let value = |name: &str, key: &str| -> String {
        let line = stanza(name).lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let (version, sha256) = (value("less", "version"), value("less", "sha256"));
    let old = stanza("less").replace(&format!("\"{version}\""), "\"1-1\"").replace(&sha256, &hash);
    place.write("imgbuild.lock", current.replace(stanza("less"), &old));
    let changes = place.run(&["lock", "--profile", "demo", "--update", "less"]).ok();
    assert_eq!(changes, format!("  less 1-1 → {version} (demo)\n"));
    assert!(place.read("imgbuild.lock").contains(&sha256));
    assert_eq!(place.run(&["lock", "--profile", "demo", "--update"]).ok(), "nothing changed\n");
}

#[test]
fn a_broken_lock_is_refused_with_its_place() {
    let place = beside_demo();
    let lock = place.read("imgbuild.lock");
    for (text, cause) in [
        (lock.replacen("version = 1", "version = 9", 1), "format version 9"),
        (lock.replacen("[[package]]", "[[package]", 1), "imgbuild.lock"),
        (format!("{lock}\nfoo = 1\n"), "foo"),
        (lock.replacen("path = \"pool/", "path = \"../pool/", 1), "leaves the archive"),
    ] {
        place.write("imgbuild.lock", text);
        let error = place.run(&["build", "--profile", "demo"]).fails(1);
        assert!(error.contains("imgbuild.lock") && error.contains(cause), "{error}");
    }
    assert!(!place.path("build").exists());
}

#[test]
fn a_lock_that_lost_a_package_fits_no_profile_until_it_is_locked_again() {
    let place = beside_demo();
    let whole = place.read("imgbuild.lock");
    let start = whole.find("[[package]]\nname = \"curl\"\n").unwrap();
    let len = whole[start..].find("\n\n").unwrap() + 2;
    let lost = [&whole[..start], &whole[start + len..]].concat();
    place.write("imgbuild.lock", &lost);
    for args in [&["lock", "--check", "--profile", "demo"][..], &["build", "--profile", "demo"]] {
        let error = place.run(args).fails(3);
        assert!(error.contains("demo") && error.contains("imgbuild lock"), "{error}");
    }
    assert_eq!(place.run(&["lock", "--profile", "demo"]).ok().lines().count(), 1);
    assert_eq!(place.read("imgbuild.lock"), whole);
    let other = whole.replacen("sshd = ", "sshd = 0 # ", 1);
    place.write("imgbuild.lock", other);
    let error = place.run(&["lock", "--check", "--profile", "demo"]).fails(1);
    assert!(error.contains("`sshd`") && error.contains("root"), "{error}");
}

#[test]
fn check_shows_every_profile_and_its_lock() {
    let text = beside_demo().run(&["check"]).ok();
    assert!(text.ends_with("nothing wrong in 4 profiles, imgbuild.lock\n"), "{text}");
    for (profile, board) in [("demo", "uefi-amd64"), ("control", "rpi4"), ("storage", "rpi4"), ("gpu", "uefi-amd64")] {
        let line = text.lines().find(|line| line.starts_with(profile)).unwrap();
        assert!(line.contains(board), "{line}");
    }
    let place = Place::new();
    assert!(place.run(&["check", "--profile", "demo"]).ok().contains("not locked"));
    assert!(fs::read_dir(place.path("")).unwrap().next().is_none(), "check wrote something");
    let error = place.run(&["check", "--profile", "dmeo"]).fails(1);
    assert!(error.contains("dmeo") && error.contains("`demo`"), "{error}");
}

#[test]
fn why_names_the_chain_from_the_profile_to_a_package() {
    let place = beside_demo();
    let text = place.run(&["--offline", "why", "--profile", "demo", "libzstd1"]).ok();
    let steps: Vec<&str> = text.lines().collect();
    assert!([" is wanted by the profile", " is essential"].iter().any(|reason| steps[0].ends_with(reason)), "{text}");
    assert!(steps.last().unwrap().contains(" needs libzstd1 "), "{text}");
    let text = place.run(&["why", "--profile", "demo", "less"]).ok();
    assert!(
        text.starts_with("less is wanted by the profile\n  by profile `base` (<embedded>/profiles/base.toml:"),
        "{text}"
    );
    let error = place.run(&["why", "--profile", "demo", "libzstd2"]).fails(1);
    assert!(error.contains("did you mean `libzstd1`?"), "{error}");
    let error = place.run(&["why", "--profile", "demo", "emacs"]).fails(1);
    assert!(error.contains("`emacs`") && error.contains("`demo`"), "{error}");
}

#[test]
fn why_answers_for_a_profile_that_is_not_locked_and_writes_nothing() {
    let online = Archive::new().with("letter", &[], Tar::default()).online();
    let place = online.place(&["letter"]);
    let before = place.files();
    let ran = place.run(&["why", "--profile", "node", "letter"]);
    assert!(ran.stderr.contains("`node` is not locked"), "{}", ran.stderr);
    assert_eq!(
        ran.ok(),
        "letter is wanted by the profile\n  by profile `node` (profiles/node.toml:3)\n\
         letter 1.0-1 comes from source `tiny`\n"
    );
    assert_eq!(place.files(), before);
}

#[test]
fn the_profiles_of_the_clusters_nodes_and_what_it_keeps_for_life_are_part_of_the_lock() {
    let cluster = |profile: &str| {
        let head = "schema = 1\nname = \"home\"\nserver = \"https://192.168.1.10:6443\"\nssh_keys = []\n\n";
        format!("{head}[node.a]\nprofile = \"{profile}\"\n")
    };
    // The program's own profiles are no less the nodes'.
    let place = Place::new().file("cluster.toml", cluster("storage"));
    let error = place.run(&["--offline", "lock", "--check"]).fails(3);
    assert!(error.contains("profile `storage` is not in the lock"), "{error}");
    let error = place.file("cluster.toml", cluster("storeage")).run(&["--offline", "lock", "--check"]).fails(1);
    assert!(error.contains("no profile `storeage`") && error.contains("did you mean `storage`"), "{error}");

    let online = Archive::new().online();
    let place = online.place(&["parcel"]).file("cluster.toml", cluster("node"));
    place.run(&["lock"]).ok();
    place.run(&["--offline", "lock", "--check"]).ok();
    place.write("cluster.toml", cluster("node") + "\n[k3s]\ncluster_cidr = \"10.99.0.0/16\"\n");
    let error = place.run(&["--offline", "lock", "--check"]).fails(3);
    assert!(error.contains("cluster_cidr is 10.99.0.0/16"), "{error}");
}

#[test]
fn check_finds_every_edit_of_the_lock_that_a_build_would_meet_or_that_goes_around_signatures() {
    let evil = Archive::new().online();
    let online = Archive::new().with("letter", &[], Tar::default()).online();
    let place = online.place(&["letter"]);
    place.run(&["lock", "--profile", "node"]).ok();
    let good = place.read("imgbuild.lock");
    let value = |key: &str| {
        let line = good.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.split('=').nth(1).unwrap().trim().to_owned()
    };
    let last = |key: &str| {
        let at = good.rfind(&format!("\n{key} = ")).unwrap() + 1;
        let line = good[at..].lines().next().unwrap().to_owned();
        (line.clone(), line.split_once(" = ").unwrap().1.to_owned())
    };
    let (size, sha256) = (last("size"), last("sha256"));
    let mut told = String::new();
    for (from, to) in [
        (size.0.clone(), "size = 1".to_owned()),
        (sha256.0.clone(), format!("sha256 = \"{}\"", "0".repeat(64))),
        (value("archive"), format!("{:?}", evil.url())),
        (value("suite"), "\"other\"".to_owned()),
        (value("signed_by"), format!("\"{}\"", "A".repeat(40))),
        (format!("epoch = {}", value("epoch")), "epoch = 9999999999".to_owned()),
        ("[ids.users]".to_owned(), "[ids.users]\nada = 4294967295".to_owned()),
        ("[ids.groups]".to_owned(), "[ids.groups]\nada = 65535".to_owned()),
    ] {
        let edited = good.replace(&from, &to);
        assert_ne!(edited, good, "{from}");
        place.write("imgbuild.lock", edited);
        let checked = place.transcript(&["lock", "--check", "--profile", "node"]);
        let built = place.run(&["--offline", "build", "--profile", "node"]);
        assert_ne!(built.code, Some(0));
        let error = place.stable(built.stderr.lines().next().unwrap());
        assert!(checked.contains(error.strip_prefix("error: ").unwrap()), "{checked}{error}");
        told += &(checked + "\n");
    }
    insta::assert_snapshot!(told.replace(&value("epoch"), "EPOCH"));
    assert!(evil.paths().is_empty(), "a server that the profile does not name was asked");
    place.write("imgbuild.lock", &good);
    place.run(&["--offline", "lock", "--check", "--profile", "node"]).ok();
}

#[test]
fn an_account_without_its_number_in_the_lock_is_told_and_given_one_again() {
    let shell = Tar::default().file("./usr/bin/bash", "");
    let online = tiny::archive(0).with("shell", &[], shell).online();
    let place = tiny::place(&online, &["shell"]);
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile + "[[user]]\nname = \"ada\"\nshell = \"/usr/bin/bash\"\n");
    place.run(&["lock", "--profile", "node"]).ok();
    let good = place.read("imgbuild.lock");
    assert_eq!(good.matches("ada = 1000\n").count(), 2, "{good}");
    assert!(good.contains("users = [\"ada\"]\ngroups = [\"ada\"]\n"), "{good}");
    place.write("imgbuild.lock", good.replace("ada = 1000\n", ""));
    let ran = place.run(&["check", "--profile", "node"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("the lock pins no number for user `ada` of profile `node`"), "{}", ran.stderr);
    let error = place.run(&["build", "--profile", "node"]).fails(3);
    assert!(error.contains("user `ada`") && error.contains("imgbuild lock"), "{error}");
    place.run(&["lock", "--profile", "node"]).ok();
    assert_eq!(place.read("imgbuild.lock"), good);
}

#[test]
fn packages_that_exclude_each_other_are_not_answered_with_another_source() {
    let mut archive = Archive::new().with("letter", &[], Tar::default());
    archive.index = |index| index.replace("Package: letter\n", "Package: letter\nConflicts: parcel\n");
    let online = archive.online();
    insta::assert_snapshot!(online.place(&["letter", "parcel"]).transcript(&["lock", "--profile", "node"]));
}
