//! Disks that are not written to, and who is named for it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use imgbuild::output::bytes;
use rustix::fs::{Mode, OFlags, open};

use crate::bench::{Bench, Loop};
use crate::http::{Answer, Server};
use crate::support;

/// Flashing must be refused with these words, and change nothing.
fn assert_refused(bench: &Bench, disk: &Loop, words: &[&str]) {
    let before = disk.digest();
    let error = bench.flash("node.img", disk).fails(1);
    for word in words {
        assert!(error.contains(word), "no {word} in: {error}");
    }
    assert_eq!(disk.digest(), before, "{error}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_mounted_disk_is_refused_with_its_mount_point() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    support::ok(Path::new("/"), "mkfs.ext4", &["-q", disk.path()]);
    let place = bench.path("mounted");
    fs::create_dir(&place).unwrap();
    support::ok(Path::new("/"), "mount", &[disk.path(), place.to_str().unwrap()]);
    let error = bench.flash("node.img", &disk);
    support::ok(Path::new("/"), "umount", &[place.to_str().unwrap()]);
    let error = error.fails(1);
    assert!(error.contains("mounted at") && error.contains(place.to_str().unwrap()), "{error}");
    bench.flash("node.img", &disk).ok();
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_with_swap_is_refused() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    support::ok(Path::new("/"), "mkswap", &[disk.path()]);
    support::ok(Path::new("/"), "swapon", &[disk.path()]);
    let error = bench.flash("node.img", &disk);
    support::ok(Path::new("/"), "swapoff", &[disk.path()]);
    let error = error.fails(1);
    assert!(error.contains(&format!("{} is used as swap", disk.name())), "{error}");
}

/// Partitions that the kernel knows of, on a loop device; gone before the device is.
struct Partitions<'d>(&'d Loop);

impl<'d> Partitions<'d> {
    fn make(disk: &'d Loop) -> Self {
        support::ok(Path::new("/"), "sgdisk", &["--new=1:0:+24M", "--new=2:0:+24M", disk.path()]);
        // A kernel that reads no partition tables of loop devices is told what is in them.
        support::ok(Path::new("/"), "partx", &["--update", disk.path()]);
        Self(disk)
    }

    fn path(&self, number: u32) -> String {
        format!("{}p{number}", self.0.path())
    }
}

impl Drop for Partitions<'_> {
    fn drop(&mut self) {
        let _ = Command::new("partx").args(["--delete", self.0.path()]).status();
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_with_a_mounted_partition_or_swap_on_one_is_refused_for_it() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    let parts = Partitions::make(&disk);
    let place = bench.path("mounted");
    fs::create_dir(&place).unwrap();
    support::ok(Path::new("/"), "mkfs.ext4", &["-q", &parts.path(1)]);
    support::ok(Path::new("/"), "mkswap", &["-q", &parts.path(2)]);
    let place = place.to_str().unwrap();
    let dry = ["flash", "--image", "node.img", "--device", disk.path(), "--allow-loop", "--dry-run"];

    support::ok(Path::new("/"), "mount", &[&parts.path(1), place]);
    let (ran, planned) = (bench.flash("node.img", &disk), bench.run(&dry));
    support::ok(Path::new("/"), "umount", &[place]);
    for error in [ran.fails(1), planned.fails(1)] {
        assert!(error.contains(&format!("{}p1 is mounted at {place}", disk.name())), "{error}");
    }
    support::ok(Path::new("/"), "swapon", &[&parts.path(2)]);
    let (ran, planned) = (bench.flash("node.img", &disk), bench.run(&dry));
    support::ok(Path::new("/"), "swapoff", &[&parts.path(2)]);
    for error in [ran.fails(1), planned.fails(1)] {
        assert!(error.contains(&format!("{}p2 is used as swap", disk.name())), "{error}");
    }
    drop(parts);
    bench.flash("node.img", &disk).ok();
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_that_a_program_has_for_itself_is_refused_with_the_program_s_name() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    let ours = open(&disk.path, OFlags::RDWR | OFlags::EXCL | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let who = format!("process {} (", std::process::id());
    assert_refused(&bench, &disk, &["in use by", &who]);
    drop(ours);
    bench.flash("node.img", &disk).ok();
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_that_is_mounted_in_another_namespace_is_refused_with_who_lives_there() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    support::ok(Path::new("/"), "mkfs.ext4", &["-q", disk.path()]);
    let place = bench.path("elsewhere");
    fs::create_dir(&place).unwrap();
    let script = "mount \"$1\" \"$2\" && echo mounted && read -r line";
    let mut other = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh", disk.path()])
        .arg(&place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "mounted\n");
    let error = bench.flash("node.img", &disk);
    drop(other.stdin.take());
    other.wait().unwrap();
    let error = error.fails(1);
    let who = format!("process {} (sh), which has {} mounted at {}", other.id(), disk.path(), place.display());
    assert!(error.contains(&who), "{error}");
    bench.flash("node.img", &disk).ok();
}

#[test]
#[ignore = "needs root: loop devices"]
fn disks_are_refused_that_are_too_small_or_not_allowed_or_parts_or_none() {
    let bench = Bench::new(5 << 20);
    // As large as the image is not enough: the node makes a partition behind it.
    let needed = bench.image.size() + (64 << 20);
    for size in [bench.image.size() - 4096, bench.image.size(), needed - 4096] {
        let small = Loop::new(size);
        // Two amounts that are the same in MiB are told in bytes.
        let amount = if size > bench.image.size() { format!("{needed} bytes") } else { bytes(needed) };
        let words = format!("{amount} are needed, for the image and the node's own data");
        assert_refused(&bench, &small, &[small.path(), &words]);
    }
    bench.flash("node.img", &Loop::new(needed)).ok();

    let disk = Loop::new(128 << 20);
    let before = disk.digest();
    let flash = ["flash", "--image", "node.img", "--device", disk.path(), "--yes"];
    assert!(bench.run(&flash).fails(1).contains("--allow-loop"));
    let unnamed = bench.run(&["flash", "--image", "node.img", "--yes", "--allow-loop"]).fails(1);
    assert!(unnamed.contains("--device"), "{unnamed}");
    let unasked = bench.run(&["flash", "--image", "node.img", "--device", disk.path(), "--allow-loop"]).fails(1);
    assert!(unasked.contains("nobody can be asked") && unasked.contains("--yes"), "{unasked}");
    let none = bench.run(&["flash", "--image", "node.img", "--device", "/dev/none", "--yes"]).fails(1);
    assert!(none.contains("/dev/none"), "{none}");
    assert_eq!(disk.digest(), before);
}

#[test]
fn who_names_no_image_is_told_all_the_ways_to_name_one() {
    let bench = Bench::new(1 << 20);
    let error = bench.run(&["flash"]).fails(1);
    for way in ["--profile NAME", "--image FILE|URL", "--release TAG", "--node NAME"] {
        assert!(error.contains(way), "no {way} in: {error}");
    }
    let error = bench.run(&["flash", "--release", "v1"]).fails(1);
    assert!(error.contains("release `v1`") && error.contains("--profile NAME"), "{error}");
}

/// An image that would be refused if it were looked at.
#[test]
#[ignore = "needs root: loop devices"]
fn what_no_image_could_mend_is_told_before_the_image_is_looked_at() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    fs::remove_file(bench.path("manifest.json")).unwrap();
    let server = Server::start(|_| Answer::not_found());
    let url = server.url("/node.img");
    let large_sectors = Loop::with_sectors(128 << 20, 4096);
    for image in ["node.img", &url] {
        let flash = |more: &[&str]| bench.run(&[&["flash", "--image", image], more].concat()).fails(1);
        let error = flash(&["--yes", "--allow-loop", "--device", large_sectors.path()]);
        assert!(error.contains("its sectors have 4096 bytes") && error.contains("512 bytes"), "{error}");
        assert!(flash(&["--yes"]).contains("`--yes` writes to no disk that is not named"));
        assert!(flash(&["--yes", "--device", "/dev/nope"]).contains("/dev/nope"));
        assert!(flash(&["--yes", "--device", disk.path()]).contains("--allow-loop"));
        assert!(flash(&["--device", disk.path(), "--allow-loop"]).contains("nobody can be asked"));
        support::ok(Path::new("/"), "mkswap", &[disk.path()]);
        support::ok(Path::new("/"), "swapon", &[disk.path()]);
        let error = bench.run(&["flash", "--image", image, "--yes", "--device", disk.path(), "--allow-loop"]);
        support::ok(Path::new("/"), "swapoff", &[disk.path()]);
        assert!(error.fails(1).contains("is used as swap"));
    }
    assert_eq!(server.requests(), []);
}
