//! Commands that answer with what differs from one machine or moment to the next, and those that find nothing to do while an image
//! is made: no processes but the script's own, no daemon to talk to.

use super::options::{Spec, Takes, parse};
use crate::shell::{Answer, Call, Reason, Utility};

/// A command that is refused since it reads `$what`.
macro_rules! differs {
    ($name:literal, $what:expr) => {
        |_: &mut Call<'_>| Err(Reason::differs($name, $what))
    };
}

const CLOCK: &str = "the clock";
const CHANCE: &str = "randomness";
const DISKS: &str = "the machine's disks and what is mounted";
const HARDWARE: &str = "the machine's hardware";
const KERNEL: &str = "the running kernel";
const NETWORK: &str = "the network";

/// The command of this name.
pub(super) fn find(name: &str) -> Option<Utility> {
    Some(match name {
        "blkid" => differs!("blkid", DISKS),
        "curl" => differs!("curl", NETWORK),
        "date" => differs!("date", CLOCK),
        "df" => differs!("df", DISKS),
        "dmesg" => differs!("dmesg", KERNEL),
        "dmidecode" => differs!("dmidecode", HARDWARE),
        "du" => differs!("du", DISKS),
        "findmnt" => differs!("findmnt", DISKS),
        "free" => differs!("free", HARDWARE),
        "host" => differs!("host", NETWORK),
        "hostid" => differs!("hostid", "the machine's name"),
        "hostname" => differs!("hostname", "the machine's name"),
        "hwclock" => differs!("hwclock", CLOCK),
        "ifconfig" => differs!("ifconfig", NETWORK),
        "insmod" => differs!("insmod", KERNEL),
        "ip" => differs!("ip", NETWORK),
        "lsblk" => differs!("lsblk", DISKS),
        "lscpu" => differs!("lscpu", HARDWARE),
        "lsmod" => differs!("lsmod", KERNEL),
        "lspci" => differs!("lspci", HARDWARE),
        "lsusb" => differs!("lsusb", HARDWARE),
        "mcookie" => differs!("mcookie", CHANCE),
        "modprobe" => differs!("modprobe", KERNEL),
        "mount" => differs!("mount", DISKS),
        "mountpoint" => differs!("mountpoint", DISKS),
        "nproc" => differs!("nproc", HARDWARE),
        "nslookup" => differs!("nslookup", NETWORK),
        "ping" => differs!("ping", NETWORK),
        "ps" => differs!("ps", "the processes that run"),
        "rmmod" => differs!("rmmod", KERNEL),
        "shred" => differs!("shred", CHANCE),
        "shuf" => differs!("shuf", CHANCE),
        "swapon" => differs!("swapon", DISKS),
        "sysctl" => differs!("sysctl", KERNEL),
        "umount" => differs!("umount", DISKS),
        "uptime" => differs!("uptime", CLOCK),
        "uuidgen" => differs!("uuidgen", CHANCE),
        "wget" => differs!("wget", NETWORK),
        "uname" => uname,
        "udevadm" => udevadm,
        "pgrep" | "pidof" => |_| Ok(1),
        "killall" => |call| no_process(call, "killall"),
        "pkill" => |call| no_process(call, "pkill"),
        "sleep" => sleep,
        "sync" => |_| Ok(0),
        _ => return None,
    })
}

/// killall(1) and pkill(1): nobody to send a signal to is exit status 1 ("EXIT STATUS" of pgrep(1)), as for pidof(8) and pgrep(1),
/// which print nothing then. What runs during an installation in a chroot are dpkg and its scripts.
#[expect(clippy::unnecessary_wraps, reason = "it is a utility")]
fn no_process(call: &mut Call<'_>, name: &str) -> Answer {
    call.complain(&format!("{name}: no process found"));
    Ok(1)
}

/// sleep(1): nothing changes meanwhile.
fn sleep(call: &mut Call<'_>) -> Answer {
    let is_time = |arg: &String| {
        let number = arg.trim_end_matches(['s', 'm', 'h', 'd']);
        arg.len() <= number.len() + 1 && number.parse::<f64>().is_ok_and(|time| time >= 0.0)
    };
    if call.args.is_empty() || !call.args.iter().all(is_time) {
        return Err(Reason::unsupported("sleep", "these operands"));
    }
    Ok(0)
}

const UNAME: &[Spec] = &[("kernel-name", "s", Takes::Nothing), ("operating-system", "o", Takes::Nothing)];

/// uname(1) as far as it is the same on every machine
fn uname(call: &mut Call<'_>) -> Answer {
    let Ok(parsed) = parse("uname", UNAME, call.args) else { return Err(Reason::differs("uname", KERNEL)) };
    let mut words = Vec::new();
    if parsed.has("kernel-name") || !parsed.has("operating-system") {
        words.push("Linux");
    }
    if parsed.has("operating-system") {
        words.push("GNU/Linux");
    }
    call.print(&format!("{}\n", words.join(" ")));
    Ok(0)
}

/// udevadm(8): in a chroot `control`, `trigger` and `settle` say that they ignore the request, and succeed (`running_in_chroot` in
/// src/udev/udevadm-control.c and others of systemd's source).
fn udevadm(call: &mut Call<'_>) -> Answer {
    match call.args.iter().find(|arg| !arg.starts_with('-')).map(String::as_str) {
        Some("control" | "trigger" | "settle") => Ok(0),
        Some(verb @ ("hwdb" | "verify" | "cat")) => Err(Reason::unsupported("udevadm", verb)),
        _ => Err(Reason::differs("udevadm", HARDWARE)),
    }
}
