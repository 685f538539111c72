mod accounts;
mod critical;
mod file;
mod k3s;
mod only;
mod recommended;

use std::collections::BTreeMap;

use super::*;
use crate::debian::archive::{FetchedIndex, SourceState};
use crate::debian::mirror::{AptMirrors, Mirror};
use crate::profile::sample::sample;
use crate::profile::{Arch, Board, Charts, K3s, Profile, Registration, Role, User};
use crate::tree::Digest;

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;
/// The fingerprint of the key that Debian signed trixie with first, one of `SourceKey::Debian`.
const DEBIAN: &str = "41587F7DB8C774BCCF131416762F67A0B2C39DE4";
/// The date of the fixtures' suites.
const DATE: u64 = 1_795_252_544;

fn profile(name: &str, packages: &[&str]) -> Profile {
    let packages = packages.iter().map(|&package| package.to_owned()).collect();
    Profile { name: name.to_owned(), packages, ..sample(Board::UefiArm64) }
}

/// A stanza for `NAME VERSION [dependencies] [~ recommendations]`, or `NAME/SOURCE VERSION …`.
fn stanza(line: &str) -> String {
    let (relations, recommends) = line.split_once(" ~ ").unzip();
    let recommends = recommends.map(|recommends| format!("Recommends: {recommends}\n")).unwrap_or_default();
    let mut words = relations.unwrap_or(line).splitn(3, ' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let (name, source) = name.split_once('/').unwrap_or((name, name));
    let depends = words.next().map(|depends| format!("Depends: {depends}\n")).unwrap_or_default();
    let digest = Digest::of(line.as_bytes());
    format!(
        "Package: {name}\nSource: {source}\nVersion: {version}\nArchitecture: arm64\n{depends}{recommends}\
         Filename: pool/main/{name}_{version}_arm64.deb\nSize: 1000\nSHA256: {digest}\n\n"
    )
}

fn index(name: &str, date: u64, lines: &[&str]) -> FetchedIndex {
    let (archive, suite) = match name {
        "security" => ("debian-security", "trixie-security"),
        _ => ("debian", "trixie"),
    };
    let text: String = lines.iter().map(|line| stanza(line)).collect();
    FetchedIndex {
        state: SourceState {
            name: name.to_owned(),
            archive: archive.to_owned(),
            suite: suite.to_owned(),
            date,
            sha256: Digest::of(text.as_bytes()),
            signed_by: DEBIAN.to_owned(),
        },
        text,
    }
}

/// Indexes of a first and a later state.
fn first() -> [FetchedIndex; 2] {
    let main = ["bash 5.2-1 libc6", "libc6/glibc 2.41-1", "libc-bin/glibc 2.41-1 libc6 (= 2.41-1)", "jq 1.7-1"];
    [index("debian", DATE, &main), index("security", DATE - DAY, &[])]
}

fn later() -> [FetchedIndex; 2] {
    let main = ["bash 5.2-2 libc6", "libc6/glibc 2.41-2", "libc-bin/glibc 2.41-2 libc6 (= 2.41-2)", "jq 1.7-1"];
    let old = ["bash 5.2-1 libc6", "libc6/glibc 2.41-1", "libc-bin/glibc 2.41-1 libc6 (= 2.41-1)"];
    let all: Vec<&str> = main.into_iter().chain(old).collect();
    [index("debian", DATE + DAY, &all), index("security", DATE + DAY, &["jq 1.7-1+deb13u1"])]
}

fn locked() -> Lock {
    let mut lock = Lock::new();
    let profile = profile("demo", &["bash", "libc-bin"]);
    lock.put("demo", lock_profile(&profile, &first(), None, Update::Nothing).unwrap());
    lock
}

fn versions(locked: &Locked) -> Vec<String> {
    locked.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

#[test]
fn a_profile_is_locked_with_everything_it_takes_to_fetch_and_prove_it() {
    let lock = locked();
    let bash = lock.packages_of("demo").next().unwrap();
    assert_eq!((bash.name.as_str(), bash.version.as_str(), bash.size), ("bash", "5.2-1", 1000));
    assert_eq!(lock.packages_of("demo").count(), 3);
    assert_eq!(lock.profiles["demo"].epoch, DATE);
    let mirror = Mirror::choose(Some("http://m.example.org/debian"), &AptMirrors::default(), None).unwrap();
    let downloads = lock.downloads("demo", &mirror);
    assert_eq!(downloads[0].name, "bash 5.2-1 arm64");
    assert_eq!(
        downloads[0].urls,
        [
            "http://m.example.org/debian/pool/main/bash_5.2-1_arm64.deb",
            "https://snapshot.debian.org/archive/debian/20261121T211544Z/pool/main/bash_5.2-1_arm64.deb",
        ]
    );
    assert_eq!(downloads[0].sha256, Digest::of(b"bash 5.2-1 libc6"));
}

#[test]
fn the_file_reads_well_in_a_pull_request() {
    let mut lock = locked();
    lock.packages.truncate(1);
    lock.ids.users.insert("_ssh".to_owned(), 101);
    insta::assert_snapshot!(lock.to_text());
}

#[test]
fn a_lock_holds_packages_where_they_are_until_told_otherwise() {
    let lock = locked();
    let wanted = profile("demo", &["bash", "jq", "libc-bin"]);
    let bash = ["bash".to_owned()];
    let select = |update| versions(&lock_profile(&wanted, &later(), Some(&lock), update).unwrap());
    assert_eq!(select(Update::Nothing), ["bash 5.2-1", "jq 1.7-1+deb13u1", "libc-bin 2.41-1", "libc6 2.41-1"]);
    assert_eq!(select(Update::Packages(&bash)), ["bash 5.2-2", "jq 1.7-1+deb13u1", "libc-bin 2.41-1", "libc6 2.41-1"]);
    assert_eq!(select(Update::Everything), ["bash 5.2-2", "jq 1.7-1+deb13u1", "libc-bin 2.41-2", "libc6 2.41-2"]);
}

#[test]
fn an_update_moves_what_it_names_and_only_what_has_to_move_with_it() {
    let main = ["a 1 lib (= 1)", "lib 1", "tool 1 lib", "same/lib 1", "new-lib 1", "other 1"];
    let next = [
        "a/lib 2 lib (= 2)",
        "lib 2",
        "tool 2 lib (>= 2), helper",
        "helper 2 new-lib (>= 2)",
        "same/lib 2",
        "new-lib 2",
        "other 2",
    ];
    let wanted = profile("demo", &["a", "lib", "tool", "same", "new-lib", "other"]);
    let mut lock = Lock::new();
    let first = [index("debian", DATE, &main), index("security", DATE, &[])];
    lock.put("demo", lock_profile(&wanted, &first, None, Update::Nothing).unwrap());
    let both = [index("debian", DATE, &main), index("security", DATE, &next)];
    let moved = |names: &[&str]| -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let moved = lock_profile(&wanted, &both, Some(&lock), Update::Packages(&names)).unwrap();
        versions(&moved).into_iter().filter(|package| !package.ends_with(" 1")).collect()
    };
    assert_eq!(moved(&["other"]), ["other 2"]);
    assert_eq!(moved(&["same"]), ["same 2"], "of the same source, and not in need of each other");
    assert_eq!(moved(&["same", "other"]), ["other 2", "same 2"]);
    // Down to what it needs, and up to what does not bear that.
    assert_eq!(moved(&["a"]), ["a 2", "lib 2"]);
    assert_eq!(moved(&["lib"]), ["a 2", "lib 2"]);
    // Through what comes newly.
    assert_eq!(moved(&["tool"]), ["a 2", "helper 2", "lib 2", "new-lib 2", "tool 2"]);
}

#[test]
fn a_version_that_no_index_has_any_more_moves() {
    let wanted = profile("demo", &["bash"]);
    let indexes = [index("debian", DATE, &["bash 5.2-3 libc6", "libc6/glibc 2.41-1"]), index("security", DATE, &[])];
    let moved = lock_profile(&wanted, &indexes, Some(&locked()), Update::Nothing).unwrap();
    assert_eq!(versions(&moved), ["bash 5.2-3", "libc6 2.41-1"]);
}

#[test]
fn a_held_package_in_the_way_is_explained_by_a_hint() {
    let wanted = profile("demo", &["bash", "new"]);
    let main = ["bash 5.2-1 libc6", "libc6/glibc 2.41-1", "libc6/glibc 2.41-2", "new 1 libc6 (>= 2.41-2)"];
    let indexes = [index("debian", DATE, &main), index("security", DATE, &[])];
    let error = lock_profile(&wanted, &indexes, Some(&locked()), Update::Nothing).unwrap_err();
    assert!(error.to_string().starts_with("profile `demo`: "), "{error}");
    assert!(error.hint().unwrap().contains("imgbuild lock --update"));
    lock_profile(&wanted, &indexes, Some(&locked()), Update::Everything).unwrap();
}

#[test]
fn a_replayed_old_state_of_an_archive_is_refused() {
    let wanted = profile("demo", &["bash"]);
    let mut indexes = first();
    indexes[0].state.date -= 1;
    // What one profile has seen holds for all.
    for wanted in [wanted, profile("another", &["bash"])] {
        let error = lock_profile(&wanted, &indexes, Some(&locked()), Update::Everything).unwrap_err();
        assert!(error.to_string().starts_with("source `debian` went back in time"), "{error}");
    }
}

#[test]
fn a_hostile_index_is_refused_by_name() {
    let mut indexes = first();
    indexes[1].text = stanza("bash 9").replace("pool/", "../../");
    let error = lock_profile(&profile("demo", &["bash"]), &indexes, None, Update::Nothing).unwrap_err();
    assert!(error.to_string().starts_with("index of source `security`: "), "{error}");
}

#[test]
fn profiles_share_what_they_have_in_common() {
    let mut lock = locked();
    lock.put("gpu", lock_profile(&profile("gpu", &["jq", "libc6"]), &first(), None, Update::Nothing).unwrap());
    assert_eq!(lock.packages.len(), 4);
    let libc = lock.packages.iter().find(|package| package.name == "libc6").unwrap();
    assert_eq!(libc.profiles, ["demo", "gpu"]);
    assert_eq!(lock.sources[0].profiles, ["demo", "gpu"]);

    lock.put("gpu", lock_profile(&profile("gpu", &["libc6"]), &later(), None, Update::Everything).unwrap());
    assert_eq!(lock.packages_of("gpu").map(|package| package.version.as_str()).collect::<Vec<_>>(), ["2.41-2"]);
    assert_eq!(lock.packages.len(), 4);
    assert_eq!(lock.sources.len(), 4);

    lock.remove("gpu");
    assert_eq!(lock, locked());
}

#[test]
fn a_profile_that_asks_for_something_else_no_longer_fits_its_lock() {
    let lock = locked();
    let mut wanted = profile("demo", &["bash", "libc-bin"]);
    assert!(lock.expect(&wanted).is_ok());
    wanted.timezone = "Europe/Berlin".to_owned();
    assert!(lock.expect(&wanted).is_ok(), "what chooses no package needs no new lock");
    wanted.packages.push("jq".to_owned());
    let error = lock.expect(&wanted).unwrap_err();
    assert_eq!(error, OutdatedError::Changed { profile: "demo".to_owned() });
    assert!(error.hint().unwrap().contains("imgbuild lock"));
    wanted.name = "other".to_owned();
    assert_eq!(lock.expect(&wanted).unwrap_err(), OutdatedError::Missing { profile: "other".to_owned() });
}

#[test]
fn a_diff_names_each_change_once_with_its_profiles() {
    let old = {
        let mut lock = locked();
        lock.put("gpu", lock_profile(&profile("gpu", &["bash", "jq"]), &first(), None, Update::Nothing).unwrap());
        lock
    };
    let mut new = Lock::new();
    for (name, packages) in [("demo", ["bash", "jq"]), ("gpu", ["bash", "libc-bin"])] {
        let locked = lock_profile(&profile(name, &packages), &later(), None, Update::Everything).unwrap();
        new.put(name, locked);
    }
    let lines: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "  bash 5.2-1 → 5.2-2 (demo, gpu)",
            "+ jq 1.7-1+deb13u1 (demo)",
            "- jq 1.7-1 (gpu)",
            "+ libc-bin 2.41-2 (gpu)",
            "- libc-bin 2.41-1 (demo)",
            "  libc6 2.41-1 → 2.41-2 (demo, gpu)",
        ]
    );
    assert_eq!(diff(&new, &new), []);
}
