//! The same bytes from whoever builds, wherever, whenever; and without any privilege.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::{Place, Ran, downloads, files, json};
use crate::shared::demo;
use crate::support;

/// An account that exists everywhere and owns nothing.
const NOBODY: &str = "65534";

/// Whether the test may become somebody else.
fn is_root() -> bool {
    support::ok(Path::new("/"), "id", &["-u"]).trim() == "0"
}

/// A copy of a tree, for a user who can write to it.
fn copy(from: &Path, to: &Path) {
    support::ok(from, "cp", &["-rL", "--reflink=auto", ".", to.to_str().unwrap()]);
}

#[test]
fn another_user_place_time_zone_and_thread_count_give_the_same_bytes() {
    let theirs = demo().path("build/demo");
    // Not below the target directory, which another user may not be able to enter.
    let far = tempfile::tempdir().unwrap();
    let path = |name: &str| far.path().join(name);
    fs::create_dir_all(path("cache/downloads")).unwrap();
    fs::create_dir_all(path("a workspace")).unwrap();
    fs::create_dir_all(path("home")).unwrap();
    copy(&downloads(), &path("cache/downloads"));
    fs::copy(demo().path("imgbuild.lock"), path("a workspace/imgbuild.lock")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_imgbuild"), path("imgbuild")).unwrap();

    let script = "umask 0077; exec ./imgbuild --offline --cache-dir cache --workspace 'a workspace' \
                  build --profile demo --output out";
    let mut command = if is_root() {
        support::ok(far.path(), "chown", &["-R", &format!("{NOBODY}:{NOBODY}"), "."]);
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs"]);
        command.args(["--bounding-set=-all", "--inh-caps=-all", "sh", "-c", script]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    };
    command
        .current_dir(far.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", path("home"))
        .env("TZ", "Pacific/Kiritimati")
        .env("LANG", "tr_TR.UTF-8")
        .env("SOURCE_DATE_EPOCH", "1")
        .env("RAYON_NUM_THREADS", "1");
    Ran::of(&mut command).ok();

    let ours = path("out");
    assert_eq!(files(&ours), files(&theirs));
    for name in files(&theirs) {
        let [ours, theirs] = [&ours, &theirs].map(|dir| dir.join(&name).to_str().unwrap().to_owned());
        support::ok(Path::new("/"), "cmp", &[&ours, &theirs]);
    }
    assert!(files(&path("home")).is_empty(), "it wrote to the home directory");
    assert_eq!(fs::read(path("a workspace/imgbuild.lock")).unwrap(), fs::read(demo().path("imgbuild.lock")).unwrap());
    let digest = |dir: &Path| json(&dir.join("manifest.json"))["tree_sha256"].clone();
    assert_eq!(digest(&ours), digest(&theirs));
}

#[test]
fn everything_but_downloads_may_be_deleted_from_the_cache() {
    let place = Place::new().with_downloads();
    fs::copy(demo().path("imgbuild.lock"), place.path("imgbuild.lock")).unwrap();
    let build = ["--offline", "build", "--profile", "demo"];
    place.run(&build).ok();
    for entry in fs::read_dir(place.cache()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "downloads" {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    place.run(&build).ok();
    let sums = "build/demo/SHA256SUMS";
    assert_eq!(place.read(sums), demo().read(sums));
}
