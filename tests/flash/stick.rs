//! A USB stick, as far as anybody can tell: a loop device on a machine whose `/sys` and `/dev` know of nothing but a stick.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bench::{Bench, Loop, Ran, watch, writer_of};
use crate::private::private;

const BY_ID: &str = "/dev/disk/by-id/usb-Test_Stick_0123456789-0:0";

/// The machine, made of the stick's number, size in sectors, and running number.
const MACHINE: &str = r#"
number=$1 sectors=$2 diskseq=$3
shift 3
mount -t tmpfs sys /sys
usb=/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1
disk=$usb/2-1:1.0/host0/target0:0:0/0:0:0:0/block/sdb
mkdir -p "$disk/queue" "$disk/holders" "$disk/device" /sys/block
ln -s "$disk" /sys/block/sdb
echo 0781 > $usb/idVendor
echo 0123456789 > $usb/serial
echo "$number" > "$disk/dev"
echo "$sectors" > "$disk/size"
echo "$diskseq" > "$disk/diskseq"
echo 0 > "$disk/ro"
echo 1 > "$disk/removable"
echo 512 > "$disk/queue/logical_block_size"
echo Test > "$disk/device/vendor"
echo Stick > "$disk/device/model"
mount -t tmpfs dev /dev
mknod -m 666 /dev/null c 1 3
mknod -m 600 /dev/sdb b "${number%:*}" "${number#*:}"
mkdir -p /dev/disk/by-id
ln -s ../../sdb /dev/disk/by-id/usb-Test_Stick_0123456789-0:0
exec "$@"
"#;

/// A stick, and stand-ins for the programs that switch it off.
struct Stick {
    bench: Bench,
    disk: Loop,
}

impl Stick {
    /// The programs end with these exit codes.
    fn new(udisksctl: u8, eject: u8) -> Self {
        let stick = Self { bench: Bench::new(1 << 20), disk: Loop::new(128 << 20) };
        fs::create_dir(stick.bench.path("bin")).unwrap();
        for (name, code) in [("udisksctl", udisksctl), ("eject", eject)] {
            let path = stick.bench.path("bin").join(name);
            // Where a partition table begins, there are these words: when it is called, the stick must be done.
            let read = "$(dd if=/dev/sdb bs=1 skip=512 count=8 2>&-)";
            let log = stick.bench.path("called");
            let script = format!(
                "#!/bin/sh\necho \"{name} $@: {read}\" >> {}\necho \"{name} says why\" >&2\nexit {code}\n",
                log.display()
            );
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
        stick
    }

    /// A flash on that machine, with these options.
    fn flash(&self, options: &[&str]) -> Command {
        let sys = |file: &str| {
            fs::read_to_string(format!("/sys/block/{}/{file}", self.disk.name())).unwrap().trim().to_owned()
        };
        let program = self.bench.command(&["--json", "flash", "--image", "node.img", "--yes", "--device", BY_ID]);
        let mut command = private(MACHINE);
        command.args([sys("dev"), sys("size"), sys("diskseq")]);
        command.args(["env", &format!("PATH={}:/usr/bin:/bin", self.bench.path("bin").display())]);
        command.arg(program.get_program()).args(program.get_args()).args(options);
        command.current_dir(self.bench.dir.path()).stdin(Stdio::null());
        command
    }

    /// What the programs were called with, and what was on the stick by then.
    fn called(&self) -> Vec<String> {
        let text = fs::read_to_string(self.bench.path("called")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The stick was written; gives the result, and the warnings.
    fn written(&self, options: &[&str]) -> (Value, Vec<Value>) {
        let said = Ran::of(self.flash(options).output().unwrap()).ok();
        self.bench.assert_on(&self.disk);
        let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let result = events.iter().find(|event| event["event"] == "result").unwrap()["result"].clone();
        (result, events.into_iter().filter(|event| event["event"] == "warning").collect())
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_stick_is_switched_off_when_all_is_on_it() {
    let stick = Stick::new(0, 0);
    let (result, warnings) = stick.written(&[]);
    assert_eq!((&result["ejected"], &result["serial"]), (&true.into(), &"0123456789".into()));
    assert_eq!(warnings, [Value::Null; 0]);
    assert_eq!(stick.called(), ["udisksctl power-off --no-user-interaction -b /dev/sdb: EFI PART"]);

    // The other one is for machines without the first.
    let stick = Stick::new(1, 0);
    let (result, warnings) = stick.written(&[]);
    assert_eq!(result["ejected"], true);
    assert_eq!(warnings, [Value::Null; 0]);
    assert_eq!(stick.called()[1..], ["eject /dev/sdb: EFI PART"]);
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_stick_that_cannot_be_switched_off_is_written_all_the_same_and_a_warning_says_so() {
    let stick = Stick::new(1, 1);
    let (result, warnings) = stick.written(&[]);
    assert_eq!(result["ejected"], false);
    assert_eq!(stick.called().len(), 2);
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    let message = warning["message"].as_str().unwrap();
    assert!(message.contains("/dev/sdb could not be switched off: everything is written"), "{message}");
    assert!(message.ends_with("(udisksctl: udisksctl says why; eject: eject says why)"), "{message}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_stick_that_shall_stay_or_was_not_written_is_not_switched_off() {
    let stick = Stick::new(0, 0);
    let (result, warnings) = stick.written(&["--no-eject"]);
    assert_eq!(result["ejected"], false);
    assert_eq!((warnings, stick.called()), (vec![], vec![]));

    let ran = watch(stick.flash(&[]), |_, flash, event| {
        if event["event"] == "phase" && event["phase"] == "verify" {
            let writer = i32::try_from(writer_of(flash).unwrap()).unwrap();
            kill_process(Pid::from_raw(writer).unwrap(), Signal::KILL).unwrap();
        }
    });
    assert_eq!((ran.code, stick.called()), (Some(4), vec![]), "{}", ran.stderr);
}
