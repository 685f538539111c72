//! What becomes of a lock file: two that change it, profiles that go, packages that move.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Mutex, mpsc};

use crate::archive::{Archive, pool};
use crate::debs::Tar;
use crate::http::Answer;
use crate::place::Place;

/// The program, its results thrown away.
fn quiet(place: &Place, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.stdout(Stdio::null());
    command
}

#[test]
fn two_profiles_locked_at_the_same_time_are_both_locked() {
    let (arrived, arrival) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let (arrived, gate) = (Mutex::new(arrived), Mutex::new(gate));
    let archive = Archive::new().with("letter", &[], Tar::default().file("./usr/letter", "l"));
    let online = archive.serve(archive.files(), move |request, file| {
        // The first run is held here, with its old lock file in its hands.
        if request.path == pool("parcel") {
            let _ = arrived.lock().unwrap().send(());
            let _ = gate.lock().unwrap().recv();
        }
        Answer::honest(request, file)
    });
    let place = online.place(&["parcel"]);
    let other = place.read("profiles/node.toml").replace("parcel", "letter");
    place.write("profiles/other.toml", other);

    let mut first = quiet(&place, &["lock", "--profile", "node"]).stderr(Stdio::null()).spawn().unwrap();
    arrival.recv().unwrap();
    // `build` writes a lock too; it fails later, since these packages make no image.
    let mut second = quiet(&place, &["build", "--profile", "other"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let waits = lines.by_ref().map_while(Result::ok).any(|line| line.contains("waiting for another run"));
    assert!(waits, "the second run went ahead");
    open.send(()).unwrap();
    assert!(first.wait().unwrap().success());
    lines.for_each(drop);
    second.wait().unwrap();
    let lock = place.read("imgbuild.lock");
    for expected in ["[profile.node]", "[profile.other]", "name = \"parcel\"", "name = \"letter\""] {
        assert!(lock.contains(expected), "{expected} is lost: {lock}");
    }
}

#[test]
fn a_profile_that_is_no_more_is_told_and_dropped() {
    let online = Archive::new().with("letter", &[], Tar::default().file("./usr/letter", "l")).online();
    let place = online.place(&["parcel"]);
    let lock = || place.read("imgbuild.lock");
    place.run(&["lock"]).ok();
    let alone = lock();
    place.write("profiles/other.toml", place.read("profiles/node.toml").replace("parcel", "letter"));
    place.run(&["lock"]).ok();
    assert!(lock().contains("[profile.other]"));
    std::fs::remove_file(place.path("profiles/other.toml")).unwrap();

    let error = place.run(&["--offline", "lock", "--check"]).fails(3);
    assert!(error.contains("other") && error.contains("run `imgbuild lock`"), "{error}");
    // Who asks for one profile is told of that one, and changes that one.
    place.run(&["--offline", "lock", "--check", "--profile", "node"]).ok();
    place.run(&["lock", "--profile", "node"]).ok();
    assert!(lock().contains("[profile.other]"));
    assert_eq!(place.run(&["--offline", "lock"]).ok(), "- profile other, which is no more\n");
    assert_eq!(lock(), alone);
    place.run(&["--offline", "lock", "--check"]).ok();

    // Also the last one.
    std::fs::remove_file(place.path("profiles/node.toml")).unwrap();
    place.run(&["--offline", "lock", "--update"]).ok();
    assert!(!lock().contains("[[package]]"));
}

#[test]
fn an_update_takes_several_packages() {
    let online = Archive::new().with("letter", &[], Tar::default().file("./usr/letter", "l")).online();
    let place = online.place(&["letter", "parcel"]);
    place.run(&["lock"]).ok();
    let current = place.read("imgbuild.lock");
    // As if the archive had newer ones than these.
    let mut old = current.clone();
    for name in ["letter", "parcel"] {
        let stanza = format!("name = \"{name}\"\nversion = \"1.0-1\"");
        old = old.replace(&stanza, &stanza.replace("1.0-1", "0.9-1"));
    }
    let old =
        old.replace(&sha256(&current, "letter"), &"0".repeat(64)).replace(&sha256(&current, "parcel"), &"1".repeat(64));
    place.write("imgbuild.lock", &old);
    let told = [&["lock", "--update", "letter", "parcel"][..], &["lock", "--update", "letter", "stamp"]];
    insta::assert_snapshot!(told.map(|args| place.transcript(args)).join("\n"));
}

/// The digest that a lock has of a package.
fn sha256(lock: &str, package: &str) -> String {
    let stanza = lock.split("[[package]]").find(|stanza| stanza.contains(&format!("name = \"{package}\""))).unwrap();
    let line = stanza.lines().find_map(|line| line.strip_prefix("sha256 = ")).unwrap();
    line.trim_matches('"').to_owned()
}
