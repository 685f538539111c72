//! A user without rights: the writer alone gets them, from whatever gives them on this machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;

use crate::bench::{Bench, Loop, Ran, is_root};

const NOBODY: u32 = 65534;

/// A directory that anybody may use, with a copy of the program: the target directory may be closed to others.
fn open_to_all(bench: &Bench) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(env!("CARGO_BIN_EXE_imgbuild"), dir.path().join("imgbuild")).unwrap();
    for file in ["node.img", "manifest.json", "SHA256SUMS"] {
        fs::copy(bench.path(file), dir.path().join(file)).unwrap();
    }
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    dir
}

fn flash(dir: &tempfile::TempDir, disk: &Loop, path: &str) -> Ran {
    let mut command = std::process::Command::new(dir.path().join("imgbuild"));
    command.args(["--cache-dir", "cache", "flash", "--image", "node.img", "--device", disk.path()]);
    command.args(["--allow-loop", "--yes"]).current_dir(dir.path()).env_clear().env("PATH", path);
    Ran::of(command.uid(NOBODY).gid(NOBODY).output().unwrap())
}

#[test]
fn a_disk_of_the_user_s_own_is_written_without_more_rights() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(1 << 20);
    let dir = open_to_all(&bench);
    let disk = Loop::new(64 << 20);
    fs::set_permissions(&disk.path, Permissions::from_mode(0o600)).unwrap();
    chown(&disk.path, Some(NOBODY), None).unwrap();
    let ran = flash(&dir, &disk, "/nonexistent");
    chown(&disk.path, Some(0), None).unwrap();
    ran.ok();
    bench.assert_on(&disk);
}

#[test]
fn only_the_writer_is_started_with_more_rights() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(1 << 20);
    let dir = open_to_all(&bench);
    let disk = Loop::new(64 << 20);
    fs::set_permissions(&disk.path, Permissions::from_mode(0o600)).unwrap();
    let before = disk.digest();
    let untouched = format!("nothing was written to {}", disk.path());

    let error = flash(&dir, &disk, "/nonexistent").fails(1);
    assert!(error.contains("sudo, doas or run0") && error.contains(&untouched), "{error}");

    // Stands for one that says no.
    let tools = dir.path().join("bin");
    fs::create_dir(&tools).unwrap();
    let put = |name: &str, text: &str| {
        fs::write(tools.join(name), text).unwrap();
        fs::set_permissions(tools.join(name), Permissions::from_mode(0o755)).unwrap();
    };
    put("doas", "#!/bin/sh\nshift\necho \"$@\" > asked\necho denied >&2\nexit 1\n");
    let error = flash(&dir, &disk, &format!("{}:/usr/bin:/bin", tools.display())).fails(4);
    assert!(error.contains("denied") && error.contains("doas") && error.contains(&untouched), "{error}");
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    assert!(asked.starts_with(&format!("__write --device {} --expect ", disk.path())), "{asked}");

    // Stands for one that says yes but gives no rights: sudo is asked first.
    put("sudo", "#!/bin/sh\nexec \"$@\"\n");
    let error = flash(&dir, &disk, &format!("{}:/usr/bin:/bin", tools.display())).fails(1);
    assert!(error.contains("cannot open the device") && error.contains("denied"), "{error}");
    assert!(error.contains(&untouched), "{error}");
    assert_eq!(disk.digest(), before);
}
