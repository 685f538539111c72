//! A kernel module of our own from source package to running kernel: it is compiled for the image's kernel, loaded at boot, and
//! says its line on the console. Machines that start anyway carry it, since each takes minutes.

use std::path::Path;

use crate::archive::{Archive, Online};
use crate::console::Console;
use crate::hello;
use crate::stick;

/// What [`add`] calls the overlay with the module.
pub const OVERLAY: &str = "hello";

/// What the module says: time, user and host are the sandbox's (`tests/kernel_module`).
const LINE: &str = "hello from /build/hello/hello.c, made 946684800 by 0@imgbuild in ";

/// Adds the overlay to a workspace. The archive that its source package is in must be there until the image is built.
pub fn add(workspace: &Path) -> Online {
    let mut archive = Archive::new();
    archive.flat = true;
    let archive = archive.with("hello-source", &[], hello::package(&[])).online();
    let overlay = format!(
        "schema = 1\ndescription = \"A kernel module of our own\"\nmodules = [\"hello\"]\n\n{}only = [\"hello-source\"]\n\n\
         [kernel-module.hello]\npackage = \"hello-source\"\nsource = \"{}\"\nmake = [\"all\"]\nmodules = [\"hello.ko\"]\n",
        archive.table("hello", "keys/hello.asc"),
        hello::PLACE
    );
    stick::write(workspace, "overlays/hello/overlay.toml", overlay);
    stick::write(workspace, "keys/hello.asc", &archive.key);
    archive
}

/// Waits for the module's line on the console of a node that is starting.
pub fn wait_for(node: &mut Console) {
    node.wait_for(LINE);
}

/// Holds the module in a node with a quiet shell against what was compiled. `taint` is what the kernel thinks of it: `O` for a
/// module from outside of its tree, `E` for one without a signature that it trusts.
pub fn check(node: &mut Console, taint: &str) {
    assert_eq!(node.run(&format!("dmesg | grep -cF '{LINE}'")), "1");
    assert_eq!(node.run("lsmod | awk '$1 == \"hello\" { print $1 }'"), "hello");
    assert_eq!(node.run("cat /sys/module/hello/taint"), taint);
    let kernel = node.run("uname -r");
    assert_eq!(node.run("modinfo -n hello"), format!("/lib/modules/{kernel}/updates/hello/hello.ko"));
    let vermagic = node.run("modinfo -F vermagic hello");
    assert_eq!(vermagic.split(' ').next(), Some(&*kernel));
    assert_eq!(node.run("systemctl is-active systemd-modules-load.service"), "active");
}
