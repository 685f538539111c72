//! The control node, its datastore elsewhere.

use imgbuild::profile::Arch;

use crate::clock;
use crate::console::{Console, Extras};
use crate::network;
use crate::node::{boot_until_ready, status, wait_until_ready};
use crate::ntp::TimeServer;
use crate::postgres::Postgres;
use crate::workspace::Workspace;

/// What makes a control node itself, and its cluster.
const SELF: &str = "hostname; cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; \
                    cat /etc/rancher/node/password; echo; sha256sum /var/lib/rancher/k3s/server/tls/server-ca.crt";

#[test]
#[ignore = "needs root: a network of its own"]
fn a_control_node_waits_for_the_true_time_and_on_a_new_stick_comes_back_as_itself_even_on_another_machine() {
    network::enter_new();
    let postgres = Postgres::start();
    let workspace = Workspace::new("control", "https://control:6443", "\n[node.control]\nprofile = \"pc\"\n");
    workspace.keep_state_in(&postgres, "10.0.2.2");

    let extras = Extras { clock: Some(clock::WRONG), ..Extras::default() };
    let mut node = Console::boot_with(Arch::Amd64, &[workspace.flash("control", "first")], &extras);
    let before = clock::waits_for_time(&mut node, &postgres);
    let _time = TimeServer::start();
    wait_until_ready(&mut node, "control node, amd64, first boot, clock at 1970, after a time server answers");
    clock::authority_is_of_now(&mut node, before);
    let first = node.run(SELF);
    assert!(first.starts_with("control"), "{first}");
    assert_eq!(first.lines().count(), 5, "{first}");
    check(&mut node);
    known_server_answers(&mut node);
    datastore_goes_away(&mut node, &postgres);
    drop(node);

    let boot = |arch, name: &str, what: &str| {
        // Nothing of an earlier stick is left: only the workspace and the datastore.
        let mut node = boot_until_ready(arch, workspace.flash("control", name), &Extras::default(), what);
        let identity = node.run(SELF);
        check(&mut node);
        identity
    };
    assert_eq!(boot(Arch::Amd64, "second", "control node, amd64, written anew"), first);
    workspace.move_nodes("pc", "arm");
    assert_eq!(boot(Arch::Arm64, "third", "control node, arm64, written anew"), first);
}

/// What the gate asks the datastore, asked again: an answer, and no error that the gate would pass over.
fn known_server_answers(node: &mut Console) {
    let ask = "(. /etc/imgbuild/node.env; /usr/lib/imgbuild/known-server \"$NODE\" \"$DATASTORE_HOST\" \
               \"${DATASTORE_PORT:-5432}\" \"${DATASTORE_TLS:-verify-full}\" \"$DATASTORE_CA\")";
    // The stand-in keeps its Nodes as JSON and without a machine-id, so this one is not known as `same`.
    assert_eq!(node.run(ask), "new");
}

/// K3s that lost its datastore says so in the gate's words, and is ready again when it is back.
fn datastore_goes_away(node: &mut Console, postgres: &Postgres) {
    postgres.stop();
    node.type_line("systemctl kill --signal=KILL k3s.service");
    node.wait_for("imgbuild: waiting for datastore: the datastore cannot be used: 10.0.2.2 port");
    postgres.resume();
    wait_until_ready(node, "control node, its datastore back");
}

fn check(node: &mut Console) {
    assert_eq!(node.run("findmnt -no FSTYPE /var/lib/rancher/k3s/server"), "tmpfs");
    assert_eq!(
        node.run("stat -c %a /etc/rancher/k3s/config.yaml.d/90-secrets.yaml /etc/rancher/node/password | uniq"),
        "600"
    );
    // However long the datastore takes, and whatever this workspace's overlays say of other units.
    assert_eq!(node.run("systemctl show --property TimeoutStartUSec k3s.service"), "TimeoutStartUSec=infinity");
    assert_eq!(
        node.run("systemctl show --property LogRateLimitIntervalUSec k3s.service"),
        "LogRateLimitIntervalUSec=0"
    );
    let status = status(node);
    assert_eq!(status["state"], "ready", "{status}");
    assert_eq!((&status["node"], &status["cluster"]), (&"control".into(), &"home".into()));
    assert_eq!(node.run("systemctl --failed --no-legend --plain"), "");
}
