//! A stick is lost, written anew, and the node is back as itself: in QEMU, with a stand-in for K3s on a real `PostgreSQL`.
//!
//! Needs root, for a time server at the port where machines look for one.

#[path = "../boot/console.rs"]
#[expect(dead_code, reason = "these nodes are taken away, not shut down")]
mod console;
#[path = "../support/ntp.rs"]
mod ntp;
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the stand-in's own tests stop it and look into it")]
mod postgres;
#[path = "../support/standin.rs"]
#[expect(dead_code, reason = "processes on this machine are the stand-in's own tests' business")]
mod standin;
#[path = "../support/mod.rs"]
mod support;
mod workspace;

use imgbuild::profile::Arch;

use console::Console;
use ntp::TimeServer;
use postgres::Postgres;
use workspace::Workspace;

/// What makes a node itself, and its cluster.
const SELF: &str = "hostname; cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; \
                    cat /etc/rancher/node/password; echo; sha256sum /var/lib/rancher/k3s/server/tls/server-ca.crt";

/// Boots a stick until K3s is ready; gives what makes the node itself, and seconds from power-on.
fn boot_until_ready(workspace: &Workspace, name: &str) -> (Console, String, String) {
    let mut node = Console::boot(Arch::Amd64, &[workspace.stick("control", name)]);
    node.wait_for("imgbuild: ready ");
    let seconds = node.wait_for(" s after power-on");
    node.type_line("");
    node.make_quiet();
    let identity = node.run(SELF);
    (node, identity, seconds)
}

#[test]
fn a_control_node_whose_stick_is_lost_comes_back_as_itself_with_its_cluster() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("needs root");
        return;
    }
    let _time = TimeServer::start();
    let postgres = Postgres::start();
    let workspace = Workspace::new(&postgres);
    workspace.build("control");

    let (mut node, first, seconds) = boot_until_ready(&workspace, "first");
    println!("first boot: ready {seconds} s after power-on, in emulation");
    assert!(first.starts_with("control"), "{first}");
    assert_eq!(first.lines().count(), 5, "{first}");
    assert_eq!(node.run("findmnt -no FSTYPE /var/lib/rancher/k3s/server"), "tmpfs");
    assert_eq!(
        node.run("stat -c %a /etc/rancher/k3s/config.yaml.d/90-secrets.yaml /etc/rancher/node/password | uniq"),
        "600"
    );
    let status = node.run("cat /run/imgbuild/status.json");
    let status: serde_json::Value = serde_json::from_str(&status).expect("the status is JSON");
    assert_eq!(status["state"], "ready", "{status}");
    assert_eq!((&status["node"], &status["cluster"]), (&"control".into(), &"home".into()));
    assert_eq!(node.run("systemctl --failed --no-legend --plain"), "");
    drop(node);

    // Nothing of the first stick is left: only the workspace and the datastore.
    workspace.build("control");
    let (_node, second, seconds) = boot_until_ready(&workspace, "second");
    println!("written anew: ready {seconds} s after power-on, in emulation");
    assert_eq!(second, first);
}
