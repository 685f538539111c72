use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::debian::archive::{FetchedIndex, SourceState};
use crate::debian::mirror::{AptMirrors, Mirror};
use crate::profile::{Arch, Board, ImageSettings, K3s, Kernel, Marks, Profile, Role, Source, SourceKey, User};
use crate::tree::Digest;

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;
/// The fingerprint of the key that Debian signed trixie with first, one of `SourceKey::Debian`.
const DEBIAN: &str = "41587F7DB8C774BCCF131416762F67A0B2C39DE4";
/// The date of the fixtures' suites.
const DATE: u64 = 1_795_252_544;

fn profile(name: &str, packages: &[&str]) -> Profile {
    let source = |name: &str, archive: &str, suite: &str| Source {
        name: name.to_owned(),
        archive: archive.to_owned(),
        suite: suite.to_owned(),
        components: vec!["main".to_owned()],
        key: SourceKey::Debian,
        only: Vec::new(),
    };
    Profile {
        name: name.to_owned(),
        description: String::new(),
        board: Board::UefiArm64,
        config_txt: vec![],
        hostname: None,
        sources: vec![source("debian", "debian", "trixie"), source("security", "debian-security", "trixie-security")],
        packages: packages.iter().map(|&package| package.to_owned()).collect(),
        drop: Vec::new(),
        kernel: Kernel::default(),
        sysctl: BTreeMap::new(),
        files: BTreeMap::new(),
        manifests: BTreeMap::new(),
        expects: std::collections::BTreeSet::new(),
        users: Vec::new(),
        networks: Vec::new(),
        timezone: "UTC".to_owned(),
        ntp: Vec::new(),
        locale: "C.UTF-8".to_owned(),
        enable: Vec::new(),
        disable: Vec::new(),
        image: ImageSettings { boot_size: 0, root_size: 0, seed_size: 0, block_size: 0, compression_level: 0 },
        serial: false,
        led: None,
        k3s: None,
        marks: Marks::default(),
    }
}

/// A stanza for `NAME VERSION [dependencies]`, or `NAME/SOURCE VERSION [dependencies]`.
fn stanza(line: &str) -> String {
    let mut words = line.splitn(3, ' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let (name, source) = name.split_once('/').unwrap_or((name, name));
    let depends = words.next().map(|depends| format!("Depends: {depends}\n")).unwrap_or_default();
    let digest = Digest::of(line.as_bytes());
    format!(
        "Package: {name}\nSource: {source}\nVersion: {version}\nArchitecture: arm64\n{depends}\
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

/// A profile whose second source gives certain packages only, and what its first lock comes down to.
fn narrowed(packages: &[&str], only: &[&str], main: &[&str], other: &[&str]) -> Result<Locked, LockError> {
    let mut profile = profile("demo", packages);
    profile.sources[1].only = only.iter().map(|&pattern| pattern.to_owned()).collect();
    lock_profile(&profile, &[index("debian", DATE, main), index("security", DATE, other)], None, Update::Nothing)
}

#[test]
fn a_source_with_only_gives_the_named_packages_and_the_rest_of_it_is_not_there() {
    let main = ["raspi-firmware 1.20240424+ds-6 dosfstools", "dosfstools 4.2-1", "bash 5.2-1"];
    let newer = ["raspi-firmware 1.20260408+ds-1 dosfstools", "dosfstools 4.3-1", "bash 5.3-1"];
    let locked = |only: &[&str]| narrowed(&["raspi-firmware", "bash"], only, &main, &newer).unwrap();
    let all = versions(&locked(&[]));
    assert_eq!(all, ["bash 5.3-1", "dosfstools 4.3-1", "raspi-firmware 1.20260408+ds-1"]);
    let one = locked(&["raspi-firmware"]);
    assert_eq!(versions(&one), ["bash 5.2-1", "dosfstools 4.2-1", "raspi-firmware 1.20260408+ds-1"]);
    assert_eq!(one.packages[2].source, "security");
    assert_eq!(one.sources[1].only, ["raspi-firmware"]);
    assert_eq!(
        versions(&locked(&["raspi-*", "b?sh"])),
        ["bash 5.3-1", "dosfstools 4.2-1", "raspi-firmware 1.20260408+ds-1"]
    );
    // An older version wins no more than without `only`.
    let older = narrowed(&["bash"], &["bash"], &["bash 5.2-1"], &["bash 5.1-1"]).unwrap();
    assert_eq!(versions(&older), ["bash 5.2-1"]);
}

#[test]
fn a_pattern_of_only_that_is_no_package_is_refused_and_what_is_kept_out_is_told() {
    let main = ["bash 5.2-1 readline (>= 9)", "readline 8.2-1"];
    let newer = ["bash 5.3-1", "readline 9.0-1", "jq 1.8-1"];
    let error = narrowed(&["bash"], &["bash", "raspi-*"], &main, &newer).unwrap_err();
    assert_eq!(error.to_string(), "source `security` has no package `raspi-*`");
    assert!(error.hint().unwrap().contains("`only`"), "{:?}", error.hint());
    // A new package that needs what is not let in.
    let error = narrowed(&["bash"], &["jq"], &main, &newer).unwrap_err();
    assert!(error.to_string().contains("the only candidate is readline 8.2-1 from debian"), "{error}");
    assert!(error.hint().unwrap().ends_with("or let it in with `only` of source `security`"), "{:?}", error.hint());
}

#[test]
fn a_lock_stays_good_until_only_changes_and_an_update_moves_what_is_let_in() {
    let (main, newer) = (["bash 5.2-1", "jq 1.7-1"], ["bash 5.3-1", "jq 1.8-1"]);
    let mut profile = profile("demo", &["bash", "jq"]);
    let plain = profile.selection_digest();
    let indexes = [index("debian", DATE, &main), index("security", DATE, &newer)];
    let mut lock = Lock::new();
    profile.sources[1].only = vec!["jq".to_owned()];
    assert_ne!(profile.selection_digest(), plain);
    lock.put("demo", lock_profile(&profile, &indexes, None, Update::Nothing).unwrap());
    lock.expect(&profile).unwrap();
    profile.sources[1].only.push("bash".to_owned());
    assert!(matches!(lock.expect(&profile), Err(OutdatedError::Changed { .. })));
    // As a lock always does, it keeps what an index still has.
    let kept = lock_profile(&profile, &indexes, Some(&lock), Update::Nothing).unwrap();
    assert_eq!(versions(&kept), ["bash 5.2-1", "jq 1.8-1"]);
    let moved = lock_profile(&profile, &indexes, Some(&lock), Update::Packages(&["bash".to_owned()])).unwrap();
    assert_eq!(versions(&moved), ["bash 5.3-1", "jq 1.8-1"]);
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

/// What is locked for `name`, with this release of K3s.
fn with_k3s(name: &str, version: &str) -> Locked {
    let artifact = LockedArtifact {
        name: "k3s".to_owned(),
        version: version.to_owned(),
        arch: Arch::Arm64,
        path: format!("{version}/k3s-arm64"),
        size: 70_000_000,
        sha256: Digest::of(version.as_bytes()),
        profiles: Vec::new(),
    };
    Locked {
        artifacts: vec![artifact],
        ..lock_profile(&profile(name, &["bash"]), &first(), None, Update::Nothing).unwrap()
    }
}

#[test]
fn profiles_share_a_release_and_it_goes_with_the_last_of_them() {
    let mut lock = Lock::new();
    lock.put("control", with_k3s("control", "v1.36.4+k3s1"));
    lock.put("storage", with_k3s("storage", "v1.36.4+k3s1"));
    assert_eq!(lock.artifacts.len(), 1);
    assert_eq!(lock.artifacts[0].profiles, ["control", "storage"]);
    let old = lock.clone();
    for name in ["control", "storage"] {
        lock.put(name, with_k3s(name, "v1.36.5+k3s1"));
    }
    assert_eq!(lock.artifacts.len(), 1);
    let lines: Vec<String> = diff(&old, &lock).iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["  k3s v1.36.4+k3s1 → v1.36.5+k3s1 (control, storage)"]);
    lock.remove("control");
    assert_eq!(lock.artifacts_of("storage").count(), 1);
    lock.remove("storage");
    assert_eq!(lock.artifacts, []);
}

#[test]
fn a_lock_made_where_nobody_had_k3s_fits_a_standalone_profile_until_the_release_changes() {
    let mut profile = profile("demo", &["bash"]);
    let k3s = K3s {
        version: "v1.36.5+k3s1".to_owned(),
        role: Role::Server,
        standalone: true,
        air_gap: false,
        taints: Vec::new(),
        labels: BTreeMap::new(),
        disable: Vec::new(),
        kubelet_args: Vec::new(),
        embedded_registry: false,
    };
    profile.k3s = Some(k3s.clone());
    let locked = lock_profile(&profile, &first(), None, Update::Nothing).unwrap();
    let mut lock = Lock::new();
    lock.put("demo", locked.clone());
    lock.expect(&profile).unwrap();
    profile.k3s = Some(K3s { standalone: false, ..k3s.clone() });
    let error = lock.expect(&profile).unwrap_err();
    assert_eq!(error, OutdatedError::WithoutK3s { profile: "demo".to_owned() });
    let cure = error.hint().unwrap();
    assert!(["imgbuild lock --profile demo", "--k3s-dir DIR", "--k3s-mirror"].iter().all(|way| cure.contains(way)));
    lock.put("demo", Locked { artifacts: with_k3s("demo", "v1.36.5+k3s1").artifacts, ..locked });
    lock.expect(&profile).unwrap();
    for changed in [
        K3s { version: "v1.36.6+k3s1".to_owned(), ..k3s.clone() },
        K3s { role: Role::Agent, standalone: false, ..k3s.clone() },
        K3s { air_gap: true, ..k3s },
    ] {
        profile.k3s = Some(changed);
        assert!(matches!(lock.expect(&profile), Err(OutdatedError::Changed { .. })));
    }
}

#[test]
fn artifacts_that_contradict_the_lock_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imgbuild.lock");
    let mut lock = Lock::new();
    lock.put("control", with_k3s("control", "v1.36.5+k3s1"));
    lock.save(&path).unwrap();
    assert_eq!(Lock::load(&path).unwrap(), Some(lock.clone()));
    let mut wrong = [lock.clone(), lock.clone(), lock.clone(), lock.clone()];
    wrong[0].artifacts[0].path = "../k3s".to_owned();
    wrong[1].artifacts[0].arch = Arch::Amd64;
    wrong[2].artifacts[0].profiles.push("gone".to_owned());
    wrong[3].artifacts.push(lock.artifacts[0].clone());
    for (lock, cause) in wrong.iter().zip([
        "leaves the mirror",
        "is not for amd64",
        "no profile `gone` is locked",
        "artifact `k3s` twice",
    ]) {
        lock.save(&path).unwrap();
        let error = Lock::load(&path).unwrap_err().to_string();
        assert!(error.contains("k3s") && error.contains(cause), "{error}");
    }
}

#[test]
fn account_numbers_once_given_stay() {
    let map = |pairs: &[(&str, u32)]| pairs.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect();
    let mut ids = IdMap { users: map(&[("a", 100)]), groups: map(&[("g", 200)]) };
    ids.add(&IdMap { users: map(&[("a", 101), ("b", 102)]), groups: map(&[("h", 201)]) });
    assert_eq!(ids, IdMap { users: map(&[("a", 100), ("b", 102)]), groups: map(&[("g", 200), ("h", 201)]) });
}

#[test]
fn a_lock_from_before_it_named_accounts_is_out_of_date_and_keeps_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imgbuild.lock");
    let demo = profile("demo", &["bash", "libc-bin"]);
    let mut chosen = lock_profile(&demo, &first(), None, Update::Nothing).unwrap();
    chosen.profile.users = vec!["sshd".to_owned()];
    chosen.profile.groups = vec!["tape".to_owned()];
    let mut lock = Lock::new();
    lock.ids.users.insert("sshd".to_owned(), 993);
    lock.put("demo", chosen);
    let text = lock.to_text().replace("users = [\"sshd\"]\n", "").replace("groups = [\"tape\"]\n", "");
    assert!(!text.contains("tape") && text.contains("sshd = 993"), "{text}");
    std::fs::write(&path, text).unwrap();
    let old = Lock::load(&path).unwrap().unwrap();
    assert_eq!(old.expect(&demo), Err(OutdatedError::Altered { profile: "demo".to_owned() }));
    assert_eq!(old.ids.users["sshd"], 993);
}

#[test]
fn a_person_with_a_number_that_is_none_of_peoples_does_not_pass() {
    let mut lock = locked();
    let mut demo = profile("demo", &["bash", "libc-bin"]);
    let admin = User {
        name: "admin".to_owned(),
        ssh_keys: Vec::new(),
        groups: Vec::new(),
        shell: "/bin/bash".to_owned(),
        sudo: false,
    };
    demo.users.push(admin);
    // What is asked for stays as it was locked; only the number is another.
    lock.profiles.get_mut("demo").unwrap().config = demo.selection_digest();
    for number in [33, 999, 60000, 70000] {
        lock.ids.users.insert("admin".to_owned(), number);
        let error = lock.expect(&demo).unwrap_err();
        assert!(error.to_string().contains(&format!("the number {number} for the person `admin`")), "{error}");
        assert!(error.hint().unwrap().contains("[ids.users]"));
    }
    for number in [1000, 59999] {
        lock.ids.users.insert("admin".to_owned(), number);
        assert!(lock.expect(&demo).is_ok(), "{number}");
    }
}

#[test]
fn a_lock_that_contradicts_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imgbuild.lock");
    assert_eq!(Lock::load(&path).unwrap(), None);
    let text = locked().to_text();
    let hex = Digest::of(b"bash 5.2-1 libc6").to_string();
    let cases = [
        (text.replace("version = 1", "version = 2"), "format version 2"),
        (text.replace("pool/main/bash", "../bash"), "leaves the archive"),
        (text.replace("name = \"bash\"", "name = \"../bash\""), "not a package's name"),
        (text.replace("name = \"bash\"", "name = \"libc6\""), "has package `libc6` twice"),
        (text.replace("source = \"debian\"", "source = \"other\""), "has no source `other`"),
        (text.replace("arch = \"arm64\"\nsource", "arch = \"amd64\"\nsource"), "is not for amd64"),
        (text.replace("[profile.demo]", "[profile.other]"), "no profile `demo` is locked"),
        (text.replace("date = \"2026", "date = \"x"), "is not a date"),
        (text.replace(&hex, &hex[1..]), "is not 64 hexadecimal digits"),
        (text.replace("size = 1000", "size = 1000\nextra = 1"), "unknown field `extra`"),
        (text.replace("[ids.users]", "[ids.users"), "TOML parse error"),
        (text.replace("[ids.users]", "[ids.users]\nadmin = 65534"), "which stands for no account"),
    ];
    for (text, message) in cases {
        std::fs::write(&path, text).unwrap();
        let error = Lock::load(&path).unwrap_err();
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert!(error.to_string().contains("imgbuild.lock") && error.hint().is_some());
    }
}

prop_compose! {
    /// Any lock that does not contradict itself.
    fn any_lock()(
        packages in proptest::collection::btree_map("[a-z][a-z0-9+.-]{1,8}", ("[0-9]{1,3}[a-z~+.]{0,3}", any::<u32>()), 0..20),
        users in proptest::collection::btree_map("[a-z_][a-z0-9-]{0,8}", Just(()), 0..5),
        epoch in 0..4_000_000_000_u64,
        first in proptest::bool::ANY,
    ) -> Lock {
        let mut lock = Lock::new();
        let selected = packages.into_iter().map(|(name, (version, size))| LockedPackage {
            path: format!("pool/main/{name}_{version}_all.deb"),
            sha256: Digest::of(name.as_bytes()),
            size: size.into(),
            arch: "all".to_owned(),
            source: "debian".to_owned(),
            scripts: "none".to_owned(),
            profiles: Vec::new(),
            name,
            version,
        });
        let source = LockedSource {
            name: "debian".to_owned(),
            archive: "debian".to_owned(),
            suite: "trixie".to_owned(),
            date: crate::debian::date::display(epoch),
            sha256: Digest::of(b""),
            signed_by: String::new(),
            only: Vec::new(),
            profiles: Vec::new(),
        };
        let profile = LockedProfile { arch: Arch::Amd64, config: Digest::of(b"config"), contents: Digest([0; 32]), epoch, users: Vec::new(), groups: Vec::new(), k3s: None };
        let locked = Locked { profile, sources: vec![source], packages: selected.collect(), artifacts: Vec::new() };
        lock.put("second", locked.clone());
        if first {
            lock.put("first", locked);
        }
        lock.ids.users = users.into_keys().zip(100..).collect();
        lock
    }
}

proptest! {
    #[test]
    fn what_is_saved_is_loaded_again(lock in any_lock()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("imgbuild.lock");
        lock.save(&path).unwrap();
        prop_assert_eq!(Lock::load(&path).unwrap(), Some(lock));
    }
}

fn critical(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_critical_value_once_locked_changes_only_if_that_is_accepted() {
    let mut lock = Lock::new();
    let first = critical(&[("cluster_cidr", "10.42.0.0/16"), ("disable", "")]);
    assert_eq!(lock.record_critical(&first, false), Ok(true));
    assert_eq!(lock.record_critical(&first, false), Ok(false));

    let other = critical(&[("cluster_cidr", "10.50.0.0/16"), ("disable", "")]);
    let before = lock.clone();
    let error = lock.record_critical(&other, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "critical values changed: cluster_cidr is 10.50.0.0/16, the cluster was made with 10.42.0.0/16"
    );
    assert!(error.hint().unwrap().contains("--accept-critical-change"));
    assert_eq!(lock, before);
    assert_eq!(lock.record_critical(&other, true), Ok(true));
    assert!(lock.critical_changes(&other).is_empty());
}

#[test]
fn a_critical_value_that_the_lock_does_not_know_is_added_and_one_not_asked_for_stays() {
    let mut lock = Lock::new();
    lock.record_critical(&critical(&[("agent_token", "sha256:1")]), false).unwrap();
    lock.record_critical(&critical(&[("cluster_cidr", "10.42.0.0/16")]), false).unwrap();
    assert_eq!(lock.cluster, critical(&[("agent_token", "sha256:1"), ("cluster_cidr", "10.42.0.0/16")]));
}

#[test]
fn critical_values_survive_the_file_and_a_lock_without_them_has_no_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("imgbuild.lock");
    let mut lock = Lock::new();
    assert!(!lock.to_text().contains("[cluster]"));
    lock.record_critical(&critical(&[("secrets_encryption", "true")]), false).unwrap();
    lock.save(&path).unwrap();
    assert!(lock.to_text().contains("[cluster]\nsecrets_encryption = \"true\"\n"));
    assert_eq!(Lock::load(&path).unwrap(), Some(lock));
}

#[test]
fn what_a_node_registered_with_stays_until_it_is_accepted() {
    let with = |taints: &[&str], labels: &[&str]| {
        let owned = |list: &[&str]| list.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>();
        LockedNode::of(owned(taints), owned(labels))
    };
    let mut lock = Lock::new();
    assert!(lock.record_node("pi1", &with(&["b:NoSchedule", "a:NoSchedule"], &["x"])));
    assert!(!lock.record_node("pi1", &with(&["a:NoSchedule", "b:NoSchedule"], &["x"])));
    // Labels come with any start, and none goes; taints come with the first.
    assert!(lock.record_node("pi1", &with(&[], &["y"])));
    assert_eq!(lock.nodes["pi1"], with(&["a:NoSchedule", "b:NoSchedule"], &["x", "y"]));
    let dir = tempfile::tempdir().unwrap();
    lock.save(&dir.path().join("lock")).unwrap();
    assert_eq!(Lock::load(&dir.path().join("lock")).unwrap().unwrap(), lock);

    lock.record_node("gone", &with(&[], &[]));
    lock.accept_nodes(&BTreeMap::from([("pi1".to_owned(), with(&[], &["y"])), ("new".to_owned(), with(&[], &[]))]));
    assert_eq!(lock.nodes, BTreeMap::from([("pi1".to_owned(), with(&[], &["y"]))]));
}
