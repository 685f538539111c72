//! The scripts that run on a node do what they say, against real file systems, real block devices and real TLS.
//!
//! Each runs with the node's own bash text in a mount namespace of its own, where the directories that it reads and
//! writes are the test's; only what would reach out of there (systemd, the journal, the network) is a stand-in.

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/standin.rs"]
#[expect(dead_code, reason = "releases and machines that lose their data are others' business")]
mod standin;
#[path = "../support/mod.rs"]
mod support;

mod bootloader;
mod disks;
mod gate;
mod identity;
mod links;
mod no_start;
mod sandbox;
mod text;
mod watch;
