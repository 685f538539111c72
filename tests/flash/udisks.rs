//! A user without rights and without sudo: the real udisks2 opens the disk, if the real polkit says that it may. Both run
//! on a bus of the test's own, and see files of the test's own.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use crate::bench::{Loop, descendants, watch};
use crate::private::{nobody_after, private};
use crate::rights::{NOBODY, as_nobody, closed_disk, flash, stand_in, tools, users_of, without_rights};
use crate::support;
use crate::terminal::converse;

/// What polkit is to say to any question of udisks2.
const YES: &str = "polkit.addRule(function() { return polkit.Result.YES; });";
const NO: &str = "polkit.addRule(function() { return polkit.Result.NO; });";
/// What udisks2's own policy says: who knows root's password may.
const ASK: &str = "";

/// A system bus with what was started on it; gone when the test ends.
struct Bus {
    dir: tempfile::TempDir,
    daemons: Vec<Child>,
}

impl Bus {
    /// A bus with nothing on it.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let config = format!(
            "<busconfig><listen>unix:path={}/socket</listen><auth>EXTERNAL</auth><policy context='default'>\
             <allow own='*'/><allow user='*'/><allow send_destination='*'/><allow send_type='*'/>\
             <allow receive_type='*'/></policy></busconfig>",
            dir.path().display(),
        );
        fs::write(dir.path().join("bus.conf"), config).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}/bus.conf", dir.path().display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.contains("/socket"), "the bus does not start");
        Self { dir, daemons: vec![daemon] }
    }

    /// A bus with polkit, which has this rule, and udisks2, which knows this disk.
    fn with_udisks(rule: &str, disk: &Loop) -> Self {
        Self::with_udisks_after(rule, disk, "")
    }

    /// As [`Self::with_udisks`]; udisks2 sees what these mounts make of the machine.
    fn with_udisks_after(rule: &str, disk: &Loop, mounts: &str) -> Self {
        let mut bus = Self::new();
        let rules = bus.dir.path().join("rules");
        fs::create_dir(&rules).unwrap();
        fs::write(rules.join("10-test.rules"), rule).unwrap();
        bus.start(
            "org.freedesktop.PolicyKit1",
            &format!(
                "mount --bind {} /etc/polkit-1/rules.d; exec /usr/lib/polkit-1/polkitd --no-debug",
                rules.display()
            ),
        );
        // udev's word that it has seen the disk, which udisks2 waits for; there may be no udev.
        let number = fs::read_to_string(format!("/sys/block/{}/dev", disk.name())).unwrap();
        bus.start(
            "org.freedesktop.UDisks2",
            &format!(
                "mount -t tmpfs run /run; mkdir -p /run/udev/data /run/udisks2; echo I:1 > /run/udev/data/b{};
                 touch /run/udev/control; mount -t tmpfs state /var/lib; mkdir /var/lib/udisks2; {mounts}
                 exec /usr/libexec/udisks2/udisksd",
                number.trim(),
            ),
        );
        bus
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    /// Runs a daemon until the test ends, and waits until it has its name on the bus.
    fn start(&mut self, name: &str, script: &str) {
        let mut daemon = private(script)
            .env("DBUS_SYSTEM_BUS_ADDRESS", self.address())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bus = format!("--bus={}", self.address());
        let question = [&bus, "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetNameOwner"];
        while !support::run(self.dir.path(), "dbus-send", &[&question[..], &[&format!("string:{name}")]].concat())
            .status
            .success()
        {
            assert_eq!(daemon.try_wait().unwrap(), None, "{name} does not start");
        }
        self.daemons.push(daemon);
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        for mut daemon in self.daemons.drain(..).rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// A flash for nobody, without a program that gives rights.
fn flash_on(bus: &str, dir: &tempfile::TempDir, disk: &Loop) -> Command {
    let mut command = flash(dir.path(), disk, "/nonexistent");
    command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
    command
}

#[test]
#[ignore = "needs root: loop devices"]
fn where_nothing_gives_rights_udisks_opens_the_disk_for_a_writer_without_any() {
    let (bench, dir, disk) = without_rights();
    let bus = Bus::with_udisks(YES, &disk);
    let mut seen = None;
    let mut flash = flash_on(&bus.address(), &dir, &disk);
    flash.arg("--json");
    let ran = watch(nobody_after("", &flash), |_, flash, event| {
        if event["event"] != "opened" {
            return;
        }
        let writer = descendants(flash.id())[0];
        let is_disk = |fd: &fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|path| path == disk.path);
        let fds = fs::read_dir(format!("/proc/{writer}/fd")).unwrap();
        let fd = fds.flatten().find(is_disk).expect("the disk is open").file_name();
        let info = fs::read_to_string(format!("/proc/{writer}/fdinfo/{}", fd.display())).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = OFlags::from_bits_retain(u32::from_str_radix(flags, 8).unwrap());
        let ours = open(&disk.path, OFlags::RDWR | OFlags::EXCL | OFlags::CLOEXEC, Mode::empty());
        seen = Some((users_of(writer), flags.contains(OFlags::DIRECT), ours.err()));
    });
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(seen, Some((vec![NOBODY; 4], true, Some(Errno::BUSY))));
    bench.assert_on(&disk);
}

#[test]
#[ignore = "needs root: loop devices"]
fn what_polkit_or_udisks_refuse_is_told_with_a_cure_and_nothing_is_written() {
    let (_, dir, disk) = without_rights();
    let other = closed_disk();
    let before = disk.digest();
    let refused = |bus: &str, words: &[&str]| {
        let error = as_nobody(flash_on(bus, &dir, &disk)).fails(1);
        for word in words {
            assert!(error.contains(word), "no {word} in: {error}");
        }
        assert!(!error.contains("no valid partition table"), "{error}");
        assert_eq!(disk.digest(), before);
    };
    refused(&Bus::with_udisks(NO, &disk).address(), &["polkit does not allow it", "sudo", "open-device"]);
    refused(&Bus::with_udisks(ASK, &disk).address(), &["neither a polkit agent nor a terminal", "pkttyagent"]);
    refused(&Bus::with_udisks(YES, &other).address(), &["udisks2 does not know the device"]);
    refused(&Bus::new().address(), &["udisks2 is not on the system bus", "install sudo"]);
    refused("unix:path=/nonexistent", &["no sudo, doas or run0", "no system bus can be reached", "install sudo"]);

    let bus = Bus::with_udisks(YES, &disk);
    let ours = open(&disk.path, OFlags::RDWR | OFlags::EXCL | OFlags::CLOEXEC, Mode::empty()).unwrap();
    refused(&bus.address(), &["the device is in use by"]);
    drop(ours);
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_descriptor_of_another_disk_is_refused() {
    let (_, dir, disk) = without_rights();
    let other = closed_disk();
    let before = disk.digest();
    // For udisks2 alone, the name leads to another disk of the same size.
    let bus = Bus::with_udisks_after(YES, &disk, &format!("mount --bind {} {}", other.path(), disk.path()));
    let error = as_nobody(flash_on(&bus.address(), &dir, &disk)).fails(1);
    assert!(error.contains("not the device that was confirmed"), "{error}");
    assert_eq!((disk.digest(), other.digest()), (before, before));
}

#[test]
#[ignore = "needs root: loop devices"]
fn on_a_terminal_the_password_that_polkit_wants_is_asked_for() {
    let (bench, dir, disk) = without_rights();
    let before = disk.digest();
    let bus = Bus::with_udisks(ASK, &disk);
    // polkit asks for root's password by PAM, which gets a password of the test's.
    stand_in(bus.dir.path(), "check", "[ \"$(tr -d '\\0')\" = correct ]");
    let checks = bus.dir.path().join("check");
    let pam = bus.dir.path().join("pam");
    let line =
        format!("auth required pam_exec.so expose_authtok {}\naccount required pam_permit.so\n", checks.display());
    fs::write(&pam, line).unwrap();
    // polkit's helper takes nothing from the environment: it finds the bus at its usual place.
    let mounts = format!(
        "mount -t tmpfs run /run; mkdir /run/dbus; touch /run/dbus/system_bus_socket;
         mount --bind {} /run/dbus/system_bus_socket;
         mkdir /run/pam.d; cp {} /run/pam.d/polkit-1; mount --bind /run/pam.d /etc/pam.d",
        bus.socket().display(),
        pam.display(),
    );
    // Where pkttyagent is, sudo may be too.
    let tools = tools(&dir);
    let agent = support::ok(dir.path(), "sh", &["-c", "command -v pkttyagent"]);
    std::os::unix::fs::symlink(agent.trim(), tools.join("pkttyagent")).unwrap();
    let flash = nobody_after(&mounts, &flash(dir.path(), &disk, tools.to_str().unwrap()));

    let (code, shown) = converse(&flash, &[("Password:", "wrong")]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("polkit does not allow it"), "{shown}");
    assert_eq!(disk.digest(), before);
    let (code, shown) = converse(&flash, &[("Password:", "correct")]);
    assert_eq!(code, Some(0), "{shown}");
    bench.assert_on(&disk);
}
