//! A disk without room, or that cannot be written: one exit code, whatever was to be written.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::{Place, Ran};
use crate::support;
use crate::tiny;

/// Runs the program while `dir`, an absolute path, is a file system of `size` bytes; `before` is a shell command that
/// sets it up. The file system is in a name space of its own, so nothing of it can stay behind. What is in it in the
/// end follows the error.
fn on_small_disk(place: &Place, dir: &Path, size: &str, before: &str, args: &[&str]) -> Ran {
    fs::create_dir_all(dir).unwrap();
    let build = place.command(args);
    let script = format!(
        "mount -t tmpfs -o size={size},mode=755 none \"$1\" && cd \"$1\" && {before} && cd \"$2\" && disk=$1 && shift 2 || exit 99\n\
         \"$@\"; code=$?; echo \"left: $(find \"$disk\" -type f -printf '%P ')\" >&2; exit $code"
    );
    let mut command = Command::new("unshare");
    // Who is not root is made one in a name space, where that is allowed.
    let is_root = support::ok(Path::new("/"), "id", &["-u"]).trim() == "0";
    command.args(if is_root { &["--mount"][..] } else { &["--map-root-user", "--mount"] });
    command.args(["sh", "-c", &script, "sh"]).arg(dir).arg(place.path(""));
    command.arg(build.get_program()).args(build.get_args()).current_dir(place.path(""));
    Ran::of(&mut command)
}

/// What is common to all stages; gives the error and what was left on the disk.
fn full(ran: Ran) -> (String, String) {
    let error = ran.fails(2);
    assert!(error.contains("No space left on device"), "{error}");
    assert!(error.contains("hint: make room"), "{error}");
    let (error, left) = error.split_once("\nleft: ").unwrap_or_else(|| panic!("cut short: {error}"));
    (error.to_owned(), left.trim().to_owned())
}

const BUILD: [&str; 5] = ["build", "--profile", "node", "--output", "out"];

#[test]
fn a_full_disk_has_one_code_at_every_stage_of_a_build() {
    let online = tiny::archive(3 << 20).online();
    let place = tiny::place(&online, &["freight"]);

    let (error, _) = full(on_small_disk(&place, place.cache(), "1m", "true", &BUILD));
    assert!(error.contains("downloads/partial/"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());

    place.run(&["lock", "--profile", "node"]).ok();
    let packs = place.cache().join("packs");
    fs::remove_dir_all(&packs).unwrap();
    let (error, left) = full(on_small_disk(&place, &packs, "1m", "true", &BUILD));
    assert!(error.contains("/packs"), "{error}");
    assert!(!left.contains("tmp"), "{left}");

    // First no room for the root file system, then for the image that holds it.
    for (size, object) in [("1m", "root file system in `out`"), ("4m", "out/node.img")] {
        let (error, left) = full(on_small_disk(&place, &place.path("out"), size, "true", &BUILD));
        assert!(error.contains(object), "{error}");
        assert_eq!(left, "");
    }
}

#[test]
fn an_output_directory_that_cannot_be_written_is_refused_before_anything_is_fetched() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    for args in [&BUILD[..], &[&BUILD[..], &["--plan"]].concat()] {
        let error = on_small_disk(&place, &place.path("out"), "1m", "mount -o remount,ro .", args).fails(1);
        assert!(error.contains("cannot write to `out`") && error.contains("Read-only file system"), "{error}");
        assert!(online.paths().is_empty());
    }
}

#[test]
fn an_export_without_room_names_what_it_could_not_write() {
    let online = tiny::archive(3 << 20).online();
    let place = tiny::place(&online, &["freight"]);
    place.run(&["build", "--profile", "node"]).ok();
    let args = ["export", "--profile", "node", "--output", "out"];
    let (error, left) = full(on_small_disk(&place, &place.path("out"), "1m", "true", &args));
    assert!(error.contains("cannot write `out/node.img.zst`"), "{error}");
    assert_eq!(left, "");
}

#[test]
fn a_lock_that_finds_no_room_leaves_the_old_one() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    let disk = place.path("disk");
    // The workspace itself is the small disk, filled to the last page.
    let before = "cp -r ../profiles ../keys . && { head -c 1000000 /dev/zero > fill; true; }";
    let args = ["--workspace", "disk", "lock", "--profile", "node"];
    let (error, left) = full(on_small_disk(&place, &disk, "64k", before, &args));
    assert!(error.contains("imgbuild.lock"), "{error}");
    assert!(!left.contains("lock") && !left.contains("tmp"), "{left}");
}

#[test]
fn a_local_error_is_not_answered_with_another_server() {
    let online = tiny::archive(3 << 20).online();
    let place = tiny::place(&online, &["freight"]);
    // As a source of Debian's, which has a second place for everything.
    let profile = place.read("profiles/node.toml");
    let address = profile.lines().find_map(|line| line.strip_prefix("archive = ")).unwrap().to_owned();
    place.write("profiles/node.toml", profile.replace(&address, "\"debian\""));
    let mirror = address.trim_matches('"');
    let args = [&["--mirror", mirror][..], &BUILD].concat();
    let set = format!("export IMGBUILD_SNAPSHOT={}", mirror.replace("/debian", "/snapshot"));
    let (error, _) = full(on_small_disk(&place, place.cache(), "1m", &set, &args));
    assert!(error.contains("downloads/partial/"), "{error}");
    let paths = online.paths();
    assert!(paths.iter().any(|path| path.contains("freight")), "{paths:?}");
    assert!(paths.iter().all(|path| !path.contains("snapshot")), "{paths:?}");
}
