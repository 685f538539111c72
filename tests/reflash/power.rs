//! Power cuts.
//!
//! QEMU is killed: whatever the machine had not yet handed to its stick is lost, as with a real cut. What it had handed over
//! survives in this machine's memory, flushed or not, and in the order in which it was written. A real stick may also lose
//! what it took without a flush, or tear a sector; that is not shown here.
//!
//! The moments are numbers of bytes on the serial line, spread evenly from where init starts, before which nothing is
//! written, to where K3s is ready. Each run draws a few of them, other ones every time; `tests/run.sh --long` cuts twenty
//! times. The seed that a run prints repeats its moments, as far as machines repeat themselves: `IMGBUILD_POWER_SEED=…`.

use std::path::Path;

use imgbuild::profile::Arch;
use serde_json::Value;

use crate::console::{Console, Extras, INIT};
use crate::draw::{Draw, is_long, is_turn};
use crate::network;
use crate::node::boot_until_ready;
use crate::support::ok;
use crate::workspace::Workspace;

/// The one server of a cluster without a datastore elsewhere: all that it is, is on its stick.
const CLUSTER: &str = "\n[node.alone]\nprofile = \"pc\"\n";
const IMAGE: &str = "build/nodes/alone/alone.img";

/// What a boot prints from [`INIT`] until K3s is ready, roughly; a boot that is ready earlier is cut then.
const BOOT: usize = 46_000;
const READY: &str = "imgbuild: ready ";

/// The cuts of one stick.
struct Cuts {
    stick: &'static str,
    /// One after the other in its first boots, until the node is left alone and becomes ready for the first time.
    first: usize,
    /// In later boots, when the node has been ready.
    later: usize,
}

/// What every run draws.
const SHORT: &[Cuts] = &[Cuts { stick: "first", first: 1, later: 1 }];
/// What `tests/run.sh --long` draws.
const LONG: &[Cuts] = &[
    Cuts { stick: "first", first: 4, later: 5 },
    Cuts { stick: "second", first: 3, later: 5 },
    Cuts { stick: "third", first: 3, later: 0 },
];

#[test]
#[ignore = "needs root: a network of its own"]
fn after_a_power_cut_at_any_moment_the_next_boot_is_clean_and_nothing_is_lost() {
    if !is_turn("after_a_power_cut_at_any_moment_the_next_boot_is_clean_and_nothing_is_lost", 1, 2) {
        return;
    }
    let _time = network::enter_new_with_time();
    let workspace = Workspace::new("power", "https://alone:6443", CLUSTER);
    let mut moments = Draw::new("IMGBUILD_POWER_SEED");
    workspace.flash("alone", "unused");
    for Cuts { stick: name, first, later } in if is_long() { LONG } else { SHORT } {
        let stick = workspace.stick(IMAGE, name);
        for number in 1..=*first {
            cut(&stick, &mut moments, &format!("{name} stick, first boot, cut {number}"));
        }
        let mut node = ready(&stick, &format!("{name} stick, after {first} cuts of its first boot"));
        let life = Life::of(&mut node);
        assert_eq!(node.run("mkdir /var/lib/kept && echo precious >/var/lib/kept/file && sync && echo yes"), "yes");
        drop(node);
        if *later == 0 {
            continue;
        }
        for number in 1..=*later {
            cut(&stick, &mut moments, &format!("{name} stick, later boot, cut {number}"));
        }
        let mut node = ready(&stick, &format!("{name} stick, after {later} cuts of later boots"));
        let now = Life::of(&mut node);
        assert_eq!((&now.identity, &now.authority), (&life.identity, &life.authority));
        assert!(now.registrations > life.registrations, "{} of {}", now.registrations, life.registrations);
        assert_eq!(node.run("cat /var/lib/kept/file"), "precious");
        let state = "/sys/class/block/$(basename $(readlink -f /dev/imgbuild/state))";
        let start: u64 = node.run(&format!("cat {state}/start")).parse().expect("a number of sectors");
        node.power_off();
        let place = format!("{}?offset={}", stick.display(), start * 512);
        ok(Path::new("/"), "e2fsck", &["-f", "-n", &place]);
    }
}

/// What must outlive every cut.
struct Life {
    identity: String,
    /// The cluster's CA, of K3s's own files.
    authority: String,
    /// How often the node has joined, from K3s's state file.
    registrations: u64,
}

impl Life {
    /// Reads it, after a look at what a cut may have left behind.
    fn of(node: &mut Console) -> Self {
        assert_eq!(node.run("systemctl --failed --no-legend --plain"), "");
        let words = "tune2fs -l /dev/imgbuild/state | grep -E '^(Filesystem state|FS Error count):' | tr -s ' '";
        assert_eq!(node.run(words), "Filesystem state: clean");
        assert_eq!(node.run("dmesg | grep -E 'EXT4-fs (error|warning)|I/O error'"), "");
        assert_eq!(node.run("ls /var/lost+found"), "");
        let state = node.run("k3s standin-get https://127.0.0.1:6443/standin/state");
        let state: Value = serde_json::from_str(&state).unwrap_or_else(|error| panic!("{error}: {state}"));
        let authority = node.run("sha256sum </var/lib/rancher/k3s/server/tls/server-ca.crt");
        let identity = node.run("cat /etc/hostname /etc/machine-id /etc/rancher/node/password");
        let registrations = state["nodes"]["alone"]["registrations"].as_u64().expect("the node has joined");
        Self { identity, authority, registrations }
    }
}

fn ready(stick: &Path, what: &str) -> Console {
    boot_until_ready(Arch::Amd64, stick.to_owned(), &Extras::default(), what)
}

/// Boots a stick, which was cut before unless it is new, and cuts it at a random moment; until then all must go well.
fn cut(stick: &Path, moments: &mut Draw, what: &str) {
    let mut node = Console::boot_with(Arch::Amd64, &[stick.to_owned()], &Extras::default());
    node.wait_for(INIT);
    let bytes = moments.below(BOOT);
    let text = node.wait_for_bytes_or(bytes, READY);
    drop(node);
    let last = text.trim_end().lines().last().unwrap_or_default().trim();
    crate::tell(&format!("{what}: {bytes} bytes after init, at: {last}"));
    for trouble in ["FAILED", "cannot start", "emergency", "UNEXPECTED INCONSISTENCY", "EXT4-fs error", "panic - "] {
        assert!(!text.contains(trouble), "{what}: {trouble:?} in\n{text}");
    }
}
