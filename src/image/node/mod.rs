//! What turns a Debian root into that of an immutable node. Runs last over the tree, after packages, effects and
//! overlays, because it looks at all that is to be writable.
//!
//! At run time only `/var`, the state partition, keeps what is written. So homes become links into it (`homes`), and
//! what the image holds below `var/` is made there at boot (`var`). Units that would write to the read-only
//! root are masked: their work was done when the image was built. `AppArmor` profiles without a program go
//! (`apparmor`). The console's banner says which node, profile and image this is, and at which address; on a Raspberry Pi
//! also what its boot loader tells (`files/bootloader`).
//!
//! The scripts below `/usr/lib/imgbuild` start K3s once all that it needs is there, and say what they wait for until
//! then: docs/node-status.md. In an image without K3s they lie idle.

mod apparmor;
mod homes;
mod var;

use uuid::Uuid;

use super::layout::STATE_LEAST;
use crate::tree::{Node, Tree, TreeError};

/// Origin of the nodes made here.
const ORIGIN: &str = "imgbuild:node";

/// Path, mode, text.
const FILES: &[(&str, u16, &str)] = &[
    // The banner, agetty(8).
    ("etc/issue.d/40-node.issue", 0o644, include_str!("files/banner.issue")),
    ("usr/lib/imgbuild/image-issue", 0o755, include_str!("files/image-issue")),
    ("usr/lib/systemd/system/imgbuild-issue.service", 0o644, include_str!("files/imgbuild-issue.service")),
    // Replaced by the seed with words of its own.
    ("etc/issue.d/50-seed.issue", 0o644, include_str!("files/issue")),
    // The clock never starts before this file's date, which is the image's (systemd(1)).
    ("usr/lib/clock-epoch", 0o644, ""),
    ("usr/lib/imgbuild/root-disk", 0o755, include_str!("files/root-disk")),
    ("usr/lib/udev/rules.d/61-imgbuild.rules", 0o644, include_str!("files/61-imgbuild.rules")),
    ("usr/lib/imgbuild/bootloader", 0o644, include_str!("files/bootloader")),
    // The serial lines of all boards, whichever of them the kernel's console is on.
    ("usr/lib/systemd/system/dev-ttyS0.device.d/10-imgbuild.conf", 0o644, SERIAL_DEVICE),
    ("usr/lib/systemd/system/dev-ttyS1.device.d/10-imgbuild.conf", 0o644, SERIAL_DEVICE),
    ("usr/lib/systemd/system/dev-ttyAMA0.device.d/10-imgbuild.conf", 0o644, SERIAL_DEVICE),
    // What starts K3s and tells how it is.
    ("usr/lib/imgbuild/data-disks", 0o755, include_str!("files/data-disks")),
    ("usr/lib/imgbuild/checks", 0o644, include_str!("files/checks")),
    ("usr/lib/imgbuild/facts", 0o644, include_str!("files/facts")),
    ("usr/lib/imgbuild/gate", 0o755, include_str!("files/gate")),
    ("usr/lib/imgbuild/k3s-messages", 0o644, include_str!("files/k3s-messages")),
    ("usr/lib/imgbuild/known-server", 0o755, include_str!("files/known-server")),
    ("usr/lib/imgbuild/status", 0o755, include_str!("files/status")),
    ("usr/lib/imgbuild/watch", 0o755, include_str!("files/watch")),
    ("usr/lib/systemd/system-generators/imgbuild-data-disks", 0o755, include_str!("files/data-disks-generator")),
    ("usr/lib/systemd/system/imgbuild-gate.service", 0o644, include_str!("files/imgbuild-gate.service")),
    ("usr/lib/systemd/system/imgbuild-watch.service", 0o644, include_str!("files/imgbuild-watch.service")),
    ("usr/lib/systemd/system/k3s.service.d/10-imgbuild-gate.conf", 0o644, include_str!("files/k3s-gate.conf")),
    ("usr/lib/systemd/system/k3s-agent.service.d/10-imgbuild-gate.conf", 0o644, include_str!("files/k3s-gate.conf")),
];

/// How long systemd waits for the device of a serial line. It takes drop-ins of device units as of any (`device_load` in
/// src/core/device.c, which the drop-ins of fstab(5)'s `x-systemd.device-timeout` rely on), while `BindsTo=` and `After=` of
/// serial-getty@.service, which name the device, cannot be taken back by a drop-in (systemd.unit(5)).
const SERIAL_DEVICE: &str = include_str!("files/serial-device.conf");

/// Path, target. What is the image's own business is wanted in `/usr` and needs no enabling.
const LINKS: &[(&str, &str)] = &[
    ("etc/issue.d/45-image.issue", "/run/imgbuild/issue"),
    ("usr/lib/systemd/system/getty.target.wants/imgbuild-issue.service", "../imgbuild-issue.service"),
    ("usr/lib/systemd/system/multi-user.target.wants/imgbuild-gate.service", "../imgbuild-gate.service"),
];

/// What is switched off by a link to `/dev/null`, where the image has it: directory for the link, directory of what it
/// masks, names.
const MASKS: &[(&str, &str, &[&str])] = &[
    (
        "etc/systemd/system",
        "usr/lib/systemd/system",
        &[
            // These refresh files of `/usr` and `/etc` that the image already holds.
            "ldconfig.service",
            "systemd-hwdb-update.service",
            "systemd-journal-catalog-update.service",
            "systemd-sysusers.service",
            "systemd-update-done.service",
            // These would keep in `/etc` what is gone after the next boot, and firstboot asks on the console.
            "systemd-firstboot.service",
            "systemd-machine-id-commit.service",
            // Partitions are made in the initrd, on the disk that the root is on.
            "systemd-repart.service",
        ],
    ),
    (
        "etc/systemd/system-generators",
        "usr/lib/systemd/system-generators",
        // gpt-auto mounts whatever a disk offers, ssh opens a way in from a hypervisor.
        &["systemd-gpt-auto-generator", "systemd-ssh-generator"],
    ),
    // Both want `/home`, `/srv` and `/root` to be directories; provision also takes root's keys from a hypervisor.
    ("etc/tmpfiles.d", "usr/lib/tmpfiles.d", &["home.conf", "provision.conf"]),
];

/// Names the LED that shows how far the node has come.
const LED: &str = "usr/lib/imgbuild/led";

/// Changes `tree` into a node's root. `state_type` is the partition type of the state partition, `led` the name of the LED
/// that shows how far the node has come.
///
/// # Errors
/// A file of the image that stands where a directory must be.
pub fn install(tree: &mut Tree, state_type: Uuid, led: Option<&str>) -> Result<(), TreeError> {
    for (path, mode, text) in FILES {
        tree.put_new(path, Node::file(*mode, *text).from(ORIGIN))?;
    }
    for (path, target) in LINKS {
        tree.put_new(path, Node::symlink(*target).from(ORIGIN))?;
    }
    if let Some(led) = led {
        tree.put_new(LED, Node::file(0o644, format!("{led}\n")).from(ORIGIN))?;
    }
    let state = format!(
        "# Made on the rest of the disk at the first boot, and again after the image was written anew.\n\
         [Partition]\nType={state_type}\nLabel=state\nFormat=ext4\nSizeMinBytes={STATE_LEAST}\n"
    );
    tree.put("usr/lib/repart.d/50-state.conf", Node::file(0o644, state).from(ORIGIN))?;
    for (links, masked, names) in MASKS {
        for name in *names {
            if tree.contains(&format!("{masked}/{name}")) {
                tree.put_new(&format!("{links}/{name}"), Node::symlink("/dev/null").from(ORIGIN))?;
            }
        }
    }
    apparmor::prune(tree);
    homes::move_into_var(tree)?;
    var::provide(tree)
}

#[cfg(test)]
mod tests;
