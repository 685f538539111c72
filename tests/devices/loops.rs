//! Real disks, through the program: loop devices, which only root may attach. For others these tests have nothing to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A loop device of a file of zeros, with what `prepare` made of it; gone when the test ends, however it ends.
struct Loop {
    dir: tempfile::TempDir,
    device: String,
    /// Commands that undo what was done to it, in order.
    undo: Vec<Vec<String>>,
}

impl Loop {
    fn attach() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stick.img");
        std::fs::File::create(&file).and_then(|file| file.set_len(64 << 20)).unwrap();
        let device = run("losetup", &["--find", "--show", file.to_str().unwrap()]);
        Self { dir, device: device.trim().to_owned(), undo: Vec::new() }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("stick.img")
    }

    fn name(&self) -> &str {
        self.device.strip_prefix("/dev/").unwrap()
    }

    fn undo(&mut self, command: &[&str]) {
        self.undo.push(command.iter().map(|word| (*word).to_owned()).collect());
    }

    /// The program, run elsewhere, with its own cache.
    fn imgbuild(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
        command.args(args).current_dir("/").env("IMGBUILD_WORKSPACE", self.dir.path());
        command.env("IMGBUILD_CACHE", self.dir.path().join("cache")).output().unwrap()
    }

    fn devices(&self, args: &[&str]) -> String {
        let output = self.imgbuild(&[&["devices"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the program says of this device to programs.
    fn judged(&self) -> Value {
        let line = self.devices(&["--allow-loop", "--json"]);
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["event"], "result");
        let disks = event["result"].as_array().unwrap();
        disks.iter().find(|disk| disk["path"] == *self.device).unwrap().clone()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.undo(&["losetup", "--detach", &self.device.clone()]);
        for command in &self.undo {
            let _ = system(&command[0]).args(&command[1..]).status();
        }
    }
}

fn system(program: &str) -> Command {
    let mut command = Command::new(program);
    // Debian keeps these tools outside an ordinary user's path.
    command.env("PATH", std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin").env("LC_ALL", "C");
    command
}

fn run(program: &str, args: &[&str]) -> String {
    let output = system(program).args(args).output().unwrap_or_else(|error| panic!("{program} does not run: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of a table that are about one device: its own, and the indented ones below.
fn about<'t>(table: &'t str, device: &str) -> (bool, Vec<&'t str>) {
    let (fit, refused) = table.split_once("\nrefused:\n").unwrap_or((table, ""));
    for (is_fit, part) in [(true, fit), (false, refused)] {
        let mut lines = part.lines().skip_while(|line| line.split(' ').next() != Some(device));
        if let Some(first) = lines.next() {
            return (is_fit, std::iter::once(first).chain(lines.take_while(|line| line.starts_with(' '))).collect());
        }
    }
    panic!("{device} is not in the table:\n{table}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_loop_device_is_refused_unless_loop_devices_are_allowed() {
    let device = Loop::attach();
    let table = device.devices(&[]);
    let (is_fit, lines) = about(&table, &device.device);
    assert!(!is_fit, "{table}");
    assert_eq!(lines[1], "  it is a loop device", "{table}");
    assert!(lines[2].contains("--allow-loop"), "{table}");

    let table = device.devices(&["--allow-loop"]);
    let (is_fit, lines) = about(&table, &device.device);
    assert!(is_fit && lines[0].contains("64.00 MiB") && lines[1].starts_with("  no partitions"), "{table}");
    let judged = device.judged();
    assert_eq!(judged["refused"], serde_json::json!([]));
    assert_eq!((&judged["size"], &judged["transport"]), (&(64 << 20).into(), &"loop".into()));
    assert_eq!(judged["backing"], device.file().to_str().unwrap());
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_file_system_without_a_partition_table_is_shown_with_its_label() {
    let device = Loop::attach();
    run("mkfs.ext4", &["-q", "-L", "PHOTOS", &device.device]);
    let program = env!("CARGO_BIN_EXE_imgbuild");
    // With what udev would make of it, and where nobody made anything. The program looks at no device here.
    for (links, expected) in [
        (
            "mkdir -p /dev/disk/by-label && ln -s ../../$1 /dev/disk/by-label/PHOTOS",
            "  a file system \"PHOTOS\", no partitions",
        ),
        (
            "mkdir -p /dev/disk/by-uuid && ln -s ../../$1 /dev/disk/by-uuid/1-2",
            "  a file system without a label, no partitions",
        ),
        ("mkdir -p /dev/disk", "  no partitions, no known file system"),
        ("true", "  no partitions; whether it has a file system only udev knows"),
    ] {
        let script = format!("mount -t tmpfs none /dev && {links} && exec \"$2\" devices --allow-loop");
        let table = run("unshare", &["--mount", "sh", "-c", &script, "sh", device.name(), program]);
        assert_eq!(about(&table, &device.device).1[1], expected, "{table}");
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_mounted_device_is_refused_with_where_it_is_mounted() {
    let mut device = Loop::attach();
    run("mkfs.ext4", &["-q", &device.device]);
    let place = device.dir.path().canonicalize().unwrap().join("a place");
    std::fs::create_dir(&place).unwrap();
    run("mount", &[&device.device, place.to_str().unwrap()]);
    device.undo(&["umount", place.to_str().unwrap()]);
    let judged = device.judged();
    assert_eq!(judged["refused"].as_array().unwrap().len(), 1, "{judged}");
    assert_eq!(judged["refused"][0]["rule"], "mounted");
    assert_eq!(
        judged["refused"][0]["message"],
        format!("{} is mounted at {}", device.name(), place.display()),
        "the blank of the path too"
    );
    assert!(!about(&device.devices(&["--allow-loop"]), &device.device).0);

    // What lies on it makes it a disk that must stay, too.
    let disks = imgbuild::device::list(Path::new("/")).unwrap();
    let disk = imgbuild::device::find(&disks, Path::new(&device.device)).unwrap();
    let protected_paths = vec![place.join("image.img")];
    let said = crate::said(disk, &imgbuild::device::Limits { allow_loop: true, protected_paths, ..Default::default() });
    assert_eq!(said[1], format!("{} is on it", place.join("image.img").display()));
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_device_with_swap_is_refused() {
    let mut device = Loop::attach();
    run("mkswap", &["-q", &device.device]);
    run("swapon", &[&device.device]);
    device.undo(&["swapoff", &device.device.clone()]);
    let judged = device.judged();
    assert_eq!(judged["refused"][0]["message"], format!("{} is used as swap", device.name()), "{judged}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn what_is_done_with_a_partition_speaks_against_its_loop_device() {
    let mut device = Loop::attach();
    run("sgdisk", &["--new=1:0:+24M", "--new=2:0:+24M", &device.device]);
    run("partx", &["--update", &device.device]);
    let [one, two] = [1, 2].map(|number| format!("{}p{number}", device.device));
    let place = device.dir.path().canonicalize().unwrap().join("place");
    std::fs::create_dir(&place).unwrap();
    run("mkfs.ext4", &["-q", &one]);
    run("mount", &[&one, place.to_str().unwrap()]);
    device.undo(&["umount", place.to_str().unwrap()]);
    run("mkswap", &["-q", &two]);
    run("swapon", &[&two]);
    device.undo(&["swapoff", &two]);
    device.undo(&["partx", "--delete", &device.device.clone()]);
    let judged = device.judged();
    let said: Vec<&str> =
        judged["refused"].as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap()).collect();
    let name = device.name();
    assert_eq!(said, [format!("{name}p1 is mounted at {}", place.display()), format!("{name}p2 is used as swap")]);

    let disks = imgbuild::device::list(Path::new("/")).unwrap();
    let disk = imgbuild::device::find(&disks, Path::new(&device.device)).unwrap();
    let protected_paths = vec![place.join("image.img")];
    let said = crate::said(disk, &imgbuild::device::Limits { allow_loop: true, protected_paths, ..Default::default() });
    assert!(said.contains(&format!("{} is on it", place.join("image.img").display())), "{said:?}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_write_protected_device_and_one_of_a_kept_file_are_refused() {
    let device = Loop::attach();
    run("blockdev", &["--setro", &device.device]);
    assert_eq!(device.judged()["refused"][0]["rule"], "read-only");
    run("blockdev", &["--setrw", &device.device]);
    let disks = imgbuild::device::list(Path::new("/")).unwrap();
    let disk = imgbuild::device::find(&disks, Path::new(&device.device)).unwrap();
    let protected_paths = vec![device.file()];
    let said = crate::said(disk, &imgbuild::device::Limits { allow_loop: true, protected_paths, ..Default::default() });
    assert_eq!(said, [format!("{} is on it", device.file().display())]);
}

#[test]
#[ignore = "needs root: loop devices"]
fn partitions_are_told_with_their_names_and_lines_stay_narrow() {
    let mut device = Loop::attach();
    let mut args = Vec::new();
    for number in 1..=6 {
        args.extend([format!("--new={number}:0:+4M"), format!("--change-name={number}:partition-{number}")]);
    }
    args.push(device.device.clone());
    run("sgdisk", &args.iter().map(String::as_str).collect::<Vec<_>>());
    // A kernel that reads no partition tables of loop devices is told what is in them.
    run("partx", &["--update", &device.device]);
    device.undo(&["partx", "--delete", &device.device.clone()]);
    let judged = device.judged();
    let partitions = judged["partitions"].as_array().unwrap();
    assert_eq!(partitions.len(), 6, "{judged}");
    assert_eq!((&partitions[1]["start"], &partitions[1]["size"]), (&(5 << 20).into(), &(4 << 20).into()));
    let table = device.devices(&["--allow-loop"]);
    let (_, lines) = about(&table, &device.device);
    assert!(lines[1].starts_with("  partitions 1 "), "{table}");
    assert!(lines.len() > 2 && lines[1..].iter().all(|line| line.chars().count() <= 80), "{table}");
}
