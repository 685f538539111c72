//! A worker with a data disk; its server is the stand-in as a process on this machine.

use std::path::PathBuf;

use imgbuild::profile::Arch;
use serde_json::Value;

use crate::console::{Console, Extras};
use crate::disks::blank;
use crate::draw::is_turn;
use crate::longhorn;
use crate::network;
use crate::node::{boot_until_ready, says, status, wait_until_ready};
use crate::postgres::Postgres;
use crate::standin::{self, Machine};
use crate::workspace::Workspace;

const SELF: &str = "hostname; cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; \
                    cat /etc/rancher/node/password; echo; cat /etc/iscsi/initiatorname.iscsi";

const CLUSTER: &str = "
[node.control]
profile = \"pc\"

[node.pi1]
profile = \"worker\"

[[node.pi1.disk]]
label = \"ssd-pi1\"
mount = \"/var/lib/longhorn\"
format = \"if-blank\"
";

/// What the server keeps of a node that has joined.
const PASSWORD: &str = "/registry/secrets/kube-system/pi1.node-password.k3s";

#[test]
#[ignore = "needs root: a network of its own"]
fn a_worker_whose_stick_is_lost_is_known_again_keeps_its_disk_and_an_impostor_is_refused() {
    if !is_turn("a_worker_whose_stick_is_lost_is_known_again_keeps_its_disk_and_an_impostor_is_refused", 0, 2) {
        return;
    }
    let _time = network::enter_new_with_time();
    let postgres = Postgres::start();
    // The server's port is known when it runs, its tokens when the workspace is there.
    let workspace = Workspace::new("worker", "https://10.0.2.2:6443", CLUSTER);
    // A database on the server's own address is refused; a worker never goes there.
    workspace.keep_state_in(&postgres, "datastore.test");
    let server = Machine::new(&format!(
        "token: {}\nagent-token: {}\nnode-name: control\ntls-san: 10.0.2.2\ndatastore-endpoint: {}\ndatastore-cafile: {}\n",
        workspace.secret("server-token"),
        workspace.secret("agent-token"),
        postgres.url("localhost"),
        postgres.ca().display()
    ));
    let mut server = server.start("server", &[]);
    let url = server.word("Listening on ");
    workspace.join_at(&url.replace("127.0.0.1", "10.0.2.2"));
    let registered = || -> Value {
        let state = standin::get(&format!("{url}/standin/state"));
        serde_json::from_str::<Value>(&state).expect("JSON")["nodes"]["pi1"].clone()
    };
    let disks = [blank(&workspace.path("ssd"))];
    let boot = |stick: PathBuf, what: &str| {
        boot_until_ready(Arch::Amd64, stick, &Extras { disks: &disks, ..Extras::default() }, what)
    };

    let mut node = boot(workspace.flash("pi1", "first"), "worker, first boot, a blank disk formatted");
    let identity = node.run(SELF);
    assert!(identity.starts_with("pi1") && identity.lines().count() == 5, "{identity}");
    let disk = data_disk(&mut node);
    assert!(disk.starts_with("ext4 ssd-pi1 "), "{disk}");
    assert_eq!(node.run("echo precious >/var/lib/longhorn/volume && sync && echo written"), "written");
    let joined = registered();
    assert_eq!(joined["registrations"], 1, "{joined}");
    assert_eq!(joined["labels"]["node.longhorn.io/create-default-disk"], "true", "{joined}");
    check(&mut node);
    longhorn::preflight(&mut node);
    drop(node);

    let mut node = boot(workspace.flash("pi1", "second"), "worker, written anew");
    assert_eq!(node.run(SELF), identity);
    assert_eq!(data_disk(&mut node), disk);
    assert_eq!(node.run("cat /var/lib/longhorn/volume"), "precious");
    assert_eq!(registered()["registrations"], 2);
    check(&mut node);
    drop(node);

    let other = [("IMGBUILD_SECRET_IDENTITY_SEED", &*"5a".repeat(32))];
    let stick = workspace.flash_with("pi1", "impostor", &other);
    let mut node = Console::boot_with(Arch::Amd64, &[stick], &Extras { disks: &disks, ..Extras::default() });
    node.wait_for("imgbuild: K3s is not ready: the cluster knows another password for the name pi1");
    server.line("Sending HTTP/1.1 403 response");
    node.wait_for_shell();
    let reason = "this node's seed was made with another identity seed, or another machine has taken its name.";
    let cure = "kubectl -n kube-system delete secret pi1.node-password.k3s";
    let status = says(&mut node, "failed", reason, cure);
    assert_eq!((&status["waiting_for"], &status["node"]), (&Value::Null, &"pi1".into()));
    assert_eq!(registered()["registrations"], 2);
    assert_eq!(node.run("cat /var/lib/longhorn/volume"), "precious");
    assert_ne!(node.run(SELF), identity);

    // The cure that it names; the stand-in's `kubectl` deletes nothing.
    postgres.sql(&format!("DELETE FROM kine WHERE name = '{PASSWORD}'"));
    wait_until_ready(&mut node, "worker, another identity, after the cure");
    assert_eq!(registered()["registrations"], 3);
}

/// File system, label and UUID of the data disk where it is mounted.
fn data_disk(node: &mut Console) -> String {
    node.run("findmnt -no FSTYPE,LABEL,UUID --mountpoint /var/lib/longhorn | tr -s ' '")
}

fn check(node: &mut Console) {
    let status = status(node);
    assert_eq!((&status["state"], &status["profile"]), (&"ready".into(), &"worker".into()), "{status}");
    assert_eq!(node.run("systemctl is-active k3s-agent.service iscsid.service | uniq"), "active");
    assert_eq!(node.run("systemctl --failed --no-legend --plain"), "");
    // The server's token is the key to the whole cluster, and no worker has it.
    assert_eq!(node.run("grep -c datastore /etc/rancher/k3s/config.yaml.d/90-secrets.yaml"), "0");
}
