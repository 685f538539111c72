//! The units of K3s: as its own installer writes them, and with an end that is in order.
//!
//! Nothing enables them: the node's gate (`image::node`) starts K3s when identity, network, time and disks are there.

use crate::profile::{K3s, Role};

/// The mount of a server's memory for what it takes from its datastore.
pub(super) const SERVER_MOUNT: &str = "var-lib-rancher-k3s-server.mount";

/// The unit's name, as the installer has it.
pub(super) fn name(role: Role) -> &'static str {
    match role {
        Role::Server => "k3s.service",
        Role::Agent => "k3s-agent.service",
    }
}

/// The unit that runs K3s.
pub(super) fn service(k3s: &K3s) -> String {
    let (role, data) = match k3s.role {
        Role::Server => ("server", "/var/lib/rancher/k3s/server"),
        Role::Agent => ("agent", "/var/lib/rancher/k3s/agent"),
    };
    // Only a server tells systemd when it is ready.
    let kind = if k3s.role == Role::Server { "notify" } else { "exec" };
    format!(
        "\
[Unit]
Description=Lightweight Kubernetes ({role})
Documentation=https://docs.k3s.io
Wants=network-online.target k3s-pods.service
After=network-online.target k3s-pods.service
RequiresMountsFor={data}
# A datastore or server that is away for long is no reason to give up.
StartLimitIntervalSec=0

[Service]
Type={kind}
# Pods live on when K3s restarts; k3s-pods.service ends them.
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
# When it dies it may print the stacks of all its threads, tens of thousands of lines: a limit would drop what it says
# when it starts anew.
LogRateLimitIntervalSec=0
ExecStartPre=-/usr/sbin/modprobe br_netfilter
ExecStartPre=-/usr/sbin/modprobe overlay
ExecStartPre=/usr/lib/imgbuild/k3s-prepare {role}
ExecStart=/usr/local/bin/k3s {role}
"
    )
}

/// Memory for what a server restores from an external datastore at each start: K3s compares files that are there with
/// the datastore and stops for good if they are newer. With the datastore on the node's own disk they have to stay.
pub(super) fn server_mount() -> String {
    "\
[Unit]
Description=K3s Server Files, Restored from the Datastore
# From the seed of a node whose datastore is elsewhere.
ConditionPathExists=/etc/imgbuild/external-datastore
Before=k3s.service

[Mount]
What=tmpfs
Where=/var/lib/rancher/k3s/server
Type=tmpfs
Options=mode=0700,size=256M,nosuid,nodev
"
    .to_owned()
}
