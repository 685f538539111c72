//! Disks: what is told of them, and which are written to. Mostly on directories with what the kernel would say of other
//! machines; on real loop devices where root runs the tests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attached;
mod found;
mod loops;
mod mac;
mod rules;

#[path = "../support/machine.rs"]
mod kernel;

use imgbuild::device::{Disk, Limits, Use, list};

/// All disks of a machine in `tests/fixtures/devices`.
fn machine(name: &str) -> Vec<Disk> {
    let root = tempfile::tempdir().unwrap();
    kernel::lay_out(name, root.path());
    list(root.path()).unwrap()
}

/// One disk of such a machine.
fn disk(machine_name: &str, name: &str) -> Disk {
    let disks = machine(machine_name);
    disks.into_iter().find(|disk| disk.name == name).unwrap_or_else(|| panic!("{machine_name} has no {name}"))
}

/// What is said against it.
fn said(disk: &Disk, limits: &Limits) -> Vec<String> {
    disk.refusals(limits).iter().map(ToString::to_string).collect()
}

fn mount(device: &str, path: &str) -> Use {
    Use::Mount { device: device.to_owned(), path: path.into() }
}

fn holder(device: &str, name: &str) -> Use {
    Use::Holder { device: device.to_owned(), name: name.to_owned() }
}

fn swap(device: &str) -> Use {
    Use::Swap { device: device.to_owned() }
}
