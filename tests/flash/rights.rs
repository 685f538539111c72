//! A user without rights: the writer alone gets them, from whatever gives them on this machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::bench::{Bench, Loop, Ran, watch};
use crate::private::nobody_after;

pub const NOBODY: u32 = 65534;

/// A directory that anybody may use, with a copy of the program: the target directory may be closed to others.
fn open_to_all(bench: &Bench) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(env!("CARGO_BIN_EXE_imgbuild"), dir.path().join("imgbuild")).unwrap();
    for file in ["node.img", "manifest.json", "SHA256SUMS"] {
        fs::copy(bench.path(file), dir.path().join(file)).unwrap();
    }
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    dir
}

/// A disk that root alone may open.
pub fn closed_disk() -> Loop {
    let disk = Loop::new(128 << 20);
    fs::set_permissions(&disk.path, Permissions::from_mode(0o600)).unwrap();
    disk
}

/// What a user without rights has: an image, a directory with it and the program, and a disk that root alone may open.
pub fn without_rights() -> (Bench, TempDir, Loop) {
    let bench = Bench::new(1 << 20);
    let dir = open_to_all(&bench);
    (bench, dir, closed_disk())
}

/// A directory in `dir`, for programs that stand for others.
pub fn tools(dir: &TempDir) -> PathBuf {
    let tools = dir.path().join("bin");
    fs::create_dir(&tools).unwrap();
    tools
}

/// A script for the shell, which has all that it needs.
pub fn stand_in(tools: &Path, name: &str, script: &str) {
    fs::write(tools.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(tools.join(name), Permissions::from_mode(0o755)).unwrap();
}

/// A flash of the image in `dir`, with nothing else in its environment than a path to programs. Whose it is, is still open.
pub fn flash(dir: &Path, disk: &Loop, path: &str) -> Command {
    let mut command = Command::new(dir.join("imgbuild"));
    command.args(["--cache-dir", "cache", "flash", "--image", "node.img", "--device", disk.path()]);
    command.args(["--allow-loop", "--yes"]).current_dir(dir).env_clear().env("PATH", path);
    command
}

pub fn as_nobody(mut command: Command) -> Ran {
    Ran::of(command.uid(NOBODY).gid(NOBODY).output().unwrap())
}

/// Real, effective, saved and file system's user of a process.
pub fn users_of(process: u32) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    line.split_whitespace().map(|user| user.parse().unwrap()).collect()
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_of_the_user_s_own_is_written_without_more_rights() {
    let (bench, dir, disk) = without_rights();
    chown(&disk.path, Some(NOBODY), None).unwrap();
    let ran = as_nobody(flash(dir.path(), &disk, "/nonexistent"));
    chown(&disk.path, Some(0), None).unwrap();
    ran.ok();
    bench.assert_on(&disk);
}

#[test]
#[ignore = "needs root: loop devices"]
fn only_the_writer_is_started_with_more_rights() {
    let (_, dir, disk) = without_rights();
    let before = disk.digest();
    let untouched = format!("nothing was written to {}", disk.path());

    // Stands for one that says no.
    let tools = tools(&dir);
    stand_in(&tools, "doas", "shift\necho \"$@\" > asked\necho denied >&2\nexit 1");
    let error = as_nobody(flash(dir.path(), &disk, tools.to_str().unwrap())).fails(1);
    assert!(error.contains("denied") && error.contains("doas did not start"), "{error}");
    assert!(error.contains(&untouched), "{error}");
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    assert!(asked.starts_with(&format!("__write --device {} --expect ", disk.path())), "{asked}");

    // Stands for one that says yes but gives no rights: sudo is asked first.
    stand_in(&tools, "sudo", "exec \"$@\"");
    let error = as_nobody(flash(dir.path(), &disk, tools.to_str().unwrap())).fails(1);
    assert!(error.contains("cannot open the device") && error.contains("denied"), "{error}");
    assert!(error.contains(&untouched), "{error}");
    assert_eq!(disk.digest(), before);
}

/// Puts other rules over the machine's, and has sudo's memory of who was asked elsewhere.
fn with_sudoers(dir: &Path, rules: &str) -> String {
    let file = dir.join("sudoers");
    fs::write(&file, rules).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o440)).unwrap();
    format!("mount -t tmpfs run /run; mount --bind {} /etc/sudoers", file.display())
}

#[test]
#[ignore = "needs root: loop devices"]
fn sudo_gives_the_writer_root_s_rights_and_the_rest_of_the_program_none() {
    let (bench, dir, disk) = without_rights();
    // It may run the writer, and nothing else.
    let program = dir.path().join("imgbuild");
    let rules = format!("#{NOBODY} ALL=(root) NOPASSWD: {} __write *\n", program.display());
    let mounts = with_sudoers(dir.path(), &rules);
    let mut seen = None;
    let mut flash = flash(dir.path(), &disk, "/usr/bin:/bin");
    flash.arg("--json");
    let ran = watch(nobody_after(&mounts, &flash), |_, flash, event| {
        if event["event"] == "opened" {
            let writer = crate::bench::descendants(flash.id())
                .into_iter()
                .find(|process| fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|exe| exe == program));
            seen = Some((users_of(flash.id()), users_of(writer.expect("a writer"))));
        }
    });
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(seen, Some((vec![NOBODY; 4], vec![0; 4])));
    bench.assert_on(&disk);
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_sudo_that_refuses_is_told_and_leaves_the_disk_as_it_was() {
    let (_, dir, disk) = without_rights();
    let before = disk.digest();
    // No rule at all; then one that asks for a password, where nobody can be asked.
    for (rules, words) in [
        ("root ALL=(ALL) ALL\n".to_owned(), ["password is required", "sudo did not start"]),
        (format!("#{NOBODY} ALL=(root) NOPASSWD: /bin/true\n"), ["password is required", "sudo did not start"]),
    ] {
        let mounts = with_sudoers(dir.path(), &rules);
        let mut flash = nobody_after(&mounts, &flash(dir.path(), &disk, "/usr/bin:/bin"));
        let error = Ran::of(flash.output().unwrap()).fails(1);
        for word in words {
            assert!(error.contains(word), "no {word} in: {error}");
        }
        assert_eq!(disk.digest(), before);
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn who_is_told_to_stop_does_not_wait_for_a_password() {
    let (_, dir, disk) = without_rights();
    // Stands for one that asks, and says so to this test through a pipe.
    let tools = tools(&dir);
    stand_in(&tools, "sudo", "echo asked > asks\nexec /bin/sleep 1000");
    crate::support::ok(dir.path(), "mkfifo", &["-m", "666", "asks"]);
    let mut flash = flash(dir.path(), &disk, tools.to_str().unwrap());
    let flash = flash.uid(NOBODY).gid(NOBODY).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let flash = flash.spawn().unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("asks")).unwrap(), "asked\n");
    kill_process(Pid::from_child(&flash), Signal::TERM).unwrap();
    let ran = Ran::of(flash.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("nothing was written to {}", disk.path())), "{}", ran.stderr);
}
