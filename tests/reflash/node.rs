//! What the tests ask of every node.

use std::path::PathBuf;

use imgbuild::profile::Arch;
use serde_json::Value;

use crate::console::{Console, Extras};

/// Boots a stick until K3s is ready, and says how long that took; leaves a quiet shell.
pub fn boot_until_ready(arch: Arch, stick: PathBuf, extras: &Extras<'_>, what: &str) -> Console {
    let mut node = Console::boot_with(arch, &[stick], extras);
    wait_until_ready(&mut node, what);
    node.wait_for_shell();
    node
}

/// Waits until K3s is ready, and says how long that took.
pub fn wait_until_ready(node: &mut Console, what: &str) {
    node.wait_for("imgbuild: ready ");
    let seconds = node.wait_for(" s after power-on");
    crate::tell(&format!("{what}: ready {seconds} s after power-on, in emulation"));
}

/// What the node says of itself.
pub fn status(node: &mut Console) -> Value {
    let text = node.run("cat /run/imgbuild/status.json");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("the status is no JSON: {error}: {text}"))
}

/// Console banner and status say alike that the node is in `state`, for which reason, and what helps.
pub fn says(node: &mut Console, state: &str, reason: &str, cure: &str) -> Value {
    let (status, banner) = (status(node), node.run("agetty --show-issue"));
    assert_eq!(status["state"], state, "{status}");
    for (key, part) in [("reason", reason), ("cure", cure)] {
        assert!(status[key].as_str().is_some_and(|text| text.contains(part)), "{part:?} in {key}: {status}");
        assert!(banner.contains(part), "{part:?}: {banner}");
    }
    status
}

/// K3s was never started as `unit`.
pub fn k3s_is_down(node: &mut Console, unit: &str) {
    assert_eq!(node.run(&format!("systemctl is-active {unit}")), "inactive");
    assert_eq!(node.run(&format!("systemctl show --property ExecMainPID {unit}")), "ExecMainPID=0");
    assert_eq!(node.run("test -e /run/imgbuild/k3s-may-start || echo closed"), "closed");
    assert_eq!(node.run("systemctl --failed --no-legend --plain"), "");
}
