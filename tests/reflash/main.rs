//! Nodes in QEMU, with a stand-in for K3s: sticks that are lost and written anew, disks, clocks, power cuts.
//!
//! Machines reach this one as 10.0.2.2: a real `PostgreSQL`, a K3s server (the stand-in as a process) and a time server.
//! Needs root, since machines ask for the time at a port below 1024, and each test has a network of its own.

#[path = "../boot/console.rs"]
#[expect(dead_code, reason = "a second network card is tests/boot's business")]
mod console;
#[path = "../support/draw.rs"]
#[expect(dead_code, reason = "series of which a part is drawn are other tests' business")]
mod draw;
#[path = "../support/ntp.rs"]
mod ntp;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/standin.rs"]
#[expect(dead_code, reason = "machines that lose their data are the stand-in's own tests' business")]
mod standin;
#[path = "../support/mod.rs"]
mod support;

mod clock;
mod control;
mod disks;
mod longhorn;
mod network;
mod node;
mod power;
mod unseeded;
mod worker;
mod workspace;

use std::io::Write as _;

/// Tells whoever runs this: times, moments, and what was not done. Past what keeps a test's output until it fails.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
