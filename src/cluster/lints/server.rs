//! Servers: whether there is one, and whether agents find it.

use std::net::IpAddr;

use super::{Inputs, Lint, Mistake, Theme};
use crate::cluster::{Component, Node};
use crate::diagnostic::Severity;
use crate::profile::{K3s, Profile, Role, Tag};

pub(super) const THEME: Theme = Theme {
    title: "Servers",
    lints: &[
        NO_ROLE,
        STANDALONE,
        NO_SERVER,
        SEVERAL_SERVERS,
        SERVER_ELSEWHERE,
        SERVER_UNSTABLE,
        DISABLE_DIFFERS,
        SERVER_TAINT,
        WILDCARD,
    ],
};

const NO_ROLE: Lint = Lint {
    code: "C005-no-role",
    severity: Severity::Error,
    title: "A node's profile has no K3s",
    why: "K3s is in an image only if its profile says which role the node has; this node would never join",
    find: no_role,
};

const STANDALONE: Lint = Lint {
    code: "C006-standalone",
    severity: Severity::Error,
    title: "A node's profile is a cluster of its own",
    why: "`standalone` starts K3s without the cluster's token and datastore, as `demo` does",
    find: standalone,
};

const NO_SERVER: Lint = Lint {
    code: "C010-no-server",
    severity: Severity::Error,
    title: "No node is a server",
    why: "the agents would wait for a server for ever",
    find: no_server,
};

const SEVERAL_SERVERS: Lint = Lint {
    code: "C011-several-servers",
    severity: Severity::Error,
    title: "Several servers, and no datastore that they could share",
    why: "without an external datastore each server keeps its state in SQLite on its own stick: they would be clusters \
          that know nothing of each other",
    find: several_servers,
};

const SERVER_ELSEWHERE: Lint = Lint {
    code: "C014-server-elsewhere",
    severity: Severity::Error,
    title: "The server URL does not lead to a server",
    why: "agents connect to the API at the URL in `server`",
    find: server_elsewhere,
};

const DISABLE_DIFFERS: Lint = Lint {
    code: "C016-disable-differs",
    severity: Severity::Error,
    title: "A server's profile disables a component that the cluster does not",
    why: "which packaged components there are is the cluster's, and critical: K3s refuses a server that differs from the \
          others, and the lock remembers what `cluster.toml` says",
    find: disable_differs,
};

const SERVER_UNSTABLE: Lint = Lint {
    code: "C015-server-unstable",
    severity: Severity::Warning,
    title: "The server URL has an address that no server has for certain",
    why: "if DHCP gives the server another address, no agent finds it any more",
    find: server_unstable,
};

const SERVER_TAINT: Lint = Lint {
    code: "C150-server-taint",
    severity: Severity::Warning,
    title: "A taint keeps K3s's own pods off the only server",
    why: "until a node without such a taint joins, what does not tolerate it stays Pending; K3s's own add-ons tolerate \
          `node-role.kubernetes.io/control-plane:NoSchedule` and any `CriticalAddonsOnly`, the jobs that install charts \
          neither",
    find: server_taint,
};

const WILDCARD: Lint = Lint {
    code: "C017-wildcard-name",
    severity: Severity::Error,
    title: "A TLS name is a wildcard, which the server's K3s ignores",
    why: "K3s puts wildcards on the API's certificate since v1.36.3 (k3s-io/k3s#14312); before, it leaves the name out, and \
          whoever reaches the API by such a name gets a certificate for others",
    find: wildcard,
};

/// The first release that puts wildcards on the certificate; no older line got it.
const WITH_WILDCARDS: [Tag; 1] = [Tag::of(36, 3)];

fn role(profile: &Profile) -> Option<Role> {
    profile.k3s.as_ref().map(|k3s| k3s.role)
}

fn servers<'a>(inputs: &'a Inputs<'_>) -> Vec<&'a Node> {
    inputs.nodes().filter(|(_, profile)| role(profile) == Some(Role::Server)).map(|(node, _)| node).collect()
}

/// Whether every node's role is known: otherwise a node with a broken profile may be the server.
fn all_known(inputs: &Inputs<'_>) -> bool {
    inputs.profiles.values().all(|profile| profile.as_ref().is_ok_and(|profile| role(profile).is_some()))
}

fn no_role(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let without = inputs.nodes().filter(|(_, profile)| role(profile).is_none());
    without
        .map(|(node, _)| {
            let message = format!("profile `{}` of `{}` has no K3s", node.profile, node.name);
            let hint = "add [k3s] with `role = \"agent\"` (or \"server\") to the profile, or extend one that has it";
            inputs.at_value(&format!("node.{}.profile", node.name), message).hint(hint)
        })
        .collect()
}

fn standalone(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let alone = inputs.nodes().filter(|(_, profile)| profile.k3s.as_ref().is_some_and(|k3s| k3s.standalone));
    alone
        .map(|(node, _)| {
            let message = format!("profile `{}` of `{}` makes a cluster of its own", node.profile, node.name);
            let hint = "name a profile without `standalone = true`: `control`, `storage`, `gpu`, or one of your own";
            inputs.at_value(&format!("node.{}.profile", node.name), message).hint(hint)
        })
        .collect()
}

fn no_server(inputs: &Inputs<'_>) -> Vec<Mistake> {
    if !servers(inputs).is_empty() || !all_known(inputs) {
        return Vec::new();
    }
    let hint = "add a node with a server's profile: [node.control] with `profile = \"control\"`";
    vec![inputs.at_key("node", "no node of this cluster is a server").hint(hint)]
}

fn several_servers(inputs: &Inputs<'_>) -> Vec<Mistake> {
    if inputs.cluster.datastore.is_some() {
        return Vec::new();
    }
    let servers = servers(inputs);
    let Some((first, others)) = servers.split_first() else { return Vec::new() };
    let tell = |node: &&Node| {
        let message = format!("`{}` is a server, and so is `{}`", node.name, first.name);
        let hint = "keep one server, or give them an external PostgreSQL: [datastore] with `ca = \"datastore-ca.pem\"`";
        inputs.at_node(node, message).hint(hint)
    };
    others.iter().map(tell).collect()
}

/// The address in the server URL, if it is one.
fn server_address(inputs: &Inputs<'_>) -> Option<IpAddr> {
    inputs.cluster.server.host.parse().ok()
}

fn server_elsewhere(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let host = &inputs.cluster.server.host;
    let address = server_address(inputs);
    let own = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    let servers = servers(inputs);
    let is_host = |node: &Node| match address {
        Some(address) => node.net().is_some_and(|net| net.addr() == address),
        None => *host == node.name,
    };
    // Another lint reports a node with the server's address.
    let is_told = servers.iter().copied().any(is_host) || !all_known(inputs);
    let message = if host == "localhost" || address.is_some_and(own) {
        format!("on an agent, {host} is the agent itself")
    } else if let Some(agent) = inputs.cluster.nodes.values().find(|node| !is_told && is_host(node)) {
        format!("{host} is `{}`, which is no server", agent.name)
    } else {
        return Vec::new();
    };
    let target = servers.first().map(|server| match server.net() {
        Some(net) => net.addr().to_string(),
        None => server.name.clone(),
    });
    let port = inputs.cluster.server.port;
    let hint = match target {
        Some(host) => format!("name the server: `server = \"https://{host}:{port}\"`"),
        None => "name the server's address".to_owned(),
    };
    vec![inputs.at_value("server", message).hint(hint)]
}

fn server_unstable(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(address) = server_address(inputs) else { return Vec::new() };
    let holds = |node: &&Node| node.net().is_some_and(|net| net.addr() == address);
    // The lint above reports it, or no server is known.
    if !server_elsewhere(inputs).is_empty() || servers(inputs).is_empty() || servers(inputs).iter().any(holds) {
        return Vec::new();
    }
    let name = &servers(inputs)[0].name;
    let message = format!("no server of this file has the address {address}");
    let hint = format!(
        "give it to the server, `address = \"{address}/24\"` in [node.{name}]; or reserve it in your router's DHCP, or \
         write a name that your network resolves"
    );
    vec![inputs.at_value("server", message).hint(hint)]
}

fn disable_differs(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let cluster: Vec<&str> = inputs.cluster.k3s.disable.iter().map(|component| component.name()).collect();
    let mut found = Vec::new();
    for (node, profile) in inputs.nodes() {
        let Some(k3s) = profile.k3s.as_ref().filter(|k3s| k3s.role == Role::Server) else { continue };
        let more: Vec<&str> = k3s.disable.iter().map(String::as_str).filter(|name| !cluster.contains(name)).collect();
        if !more.is_empty() {
            let message = format!("profile `{}` disables {}, cluster.toml does not", profile.name, more.join(", "));
            let hint = "write it into `disable` of [k3s] in cluster.toml, and take it out of the profile";
            found.push(inputs.at_value(&format!("node.{}.profile", node.name), message).hint(hint));
        }
    }
    found
}

/// K3s's add-ons that run as pods and tolerate the control plane's taint, by their usual names.
const ADD_ONS: [(Component, &str); 4] = [
    (Component::Coredns, "CoreDNS"),
    (Component::LocalStorage, "local-path"),
    (Component::MetricsServer, "metrics-server"),
    (Component::Traefik, "Traefik"),
];

/// The taint that keeps other pods off a server, but that K3s's own pods tolerate.
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

fn wildcard(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let names = inputs.cluster.tls_names.iter().filter(|name| name.starts_with("*."));
    let names: Vec<&str> = names.map(String::as_str).collect();
    let of_servers = inputs.nodes().filter(|(_, profile)| role(profile) == Some(Role::Server));
    let mut releases = of_servers.filter_map(|(node, profile)| Some((node, inputs.release(profile)?)));
    match releases.find(|(_, release)| !release.is_since(&WITH_WILDCARDS)) {
        Some((node, release)) if !names.is_empty() => {
            let message = format!("`{}` has K3s {release}, which takes no `{}`", node.name, names.join("`, `"));
            let hint = "write each name out, or take K3s v1.36.3+k3s1 or newer";
            vec![inputs.at_value("tls_names", message).hint(hint)]
        }
        _ => Vec::new(),
    }
}

/// Whether a taint keeps pods off that do not tolerate it.
fn is_barrier(taint: &str) -> bool {
    !taint.ends_with(":PreferNoSchedule")
}

/// Whether pods without tolerations can run on a node of the file, or might: the taints of a node with a broken profile are
/// unknown.
fn is_open_node(inputs: &Inputs<'_>) -> bool {
    let is_open = |k3s: &K3s| !k3s.taints.iter().any(|taint| is_barrier(taint));
    !all_known(inputs) || inputs.nodes().any(|(_, profile)| profile.k3s.as_ref().is_some_and(is_open))
}

/// The tolerations of K3s's add-ons are those of its `manifests/` (coredns, local-storage, metrics-server, traefik). A
/// job of its helm-controller has none (`pkg/controllers/chart/chart.go` there) unless the chart says `bootstrap: true`:
/// then it has the same, and runs on servers alone. See k3s#6383.
fn server_taint(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let [server] = servers(inputs)[..] else { return Vec::new() };
    let profile = inputs.nodes().find(|(node, _)| node.name == server.name).map(|(_, profile)| profile);
    let Some((profile, k3s)) = profile.and_then(|profile| Some((profile, profile.k3s.as_ref()?))) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let at = |taint: &str, message: String, hint: String| {
        let place = profile.marks.mistake("k3s.taints", taint, &message);
        let place = place.map(|diagnostic| Mistake { node: Some(server.name.clone()), diagnostic });
        let mistake = place.unwrap_or_else(|| inputs.at_value(&format!("node.{}.profile", server.name), message));
        mistake.hint(hint)
    };
    let disabled = &inputs.cluster.k3s.disable;
    let kept = |component: &&(Component, &str)| !disabled.contains(&component.0);
    let add_ons: Vec<&str> = ADD_ONS.iter().filter(kept).map(|(_, name)| *name).collect();
    let has_traefik = !disabled.contains(&Component::Traefik);
    for taint in k3s.taints.iter().filter(|taint| is_barrier(taint)) {
        let (pair, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
        let key = pair.split('=').next().unwrap_or_default();
        let is_open = is_open_node(inputs);
        let blocks = match key {
            CONTROL_PLANE if effect == "NoSchedule" && is_open => continue,
            CONTROL_PLANE if effect == "NoSchedule" => {
                let jobs = if has_traefik { "Traefik's job" } else { "whatever does not tolerate it" };
                let message = format!(
                    "no node of this file is without a taint, and `{taint}` keeps {jobs} off `{}`",
                    server.name
                );
                let hint = format!(
                    "add a node that takes work (a profile such as `storage`), or take the taint out: `taints = [\"-{taint}\"]` \
                     in [k3s] of the profile"
                );
                found.push(inputs.at_value(&format!("node.{}.profile", server.name), message).hint(hint));
                continue;
            }
            "CriticalAddonsOnly" => {
                let traefik = if has_traefik { ", Traefik's too" } else { "" };
                format!(
                    "keeps the jobs that install charts (`helm-install-…`{traefik}) off the only server, and the agents of \
                     most charts, MetalLB's speaker among them"
                )
            }
            _ if add_ons.is_empty() => "keeps whatever does not tolerate it off the only server".to_owned(),
            _ => format!("keeps K3s's own add-ons ({}) off the only server", add_ons.join(", ")),
        };
        let message = format!("`{taint}` {blocks}");
        let take =
            format!("take `{CONTROL_PLANE}=true:NoSchedule`, which the add-ons and most charts' agents tolerate");
        let hint = if is_open {
            format!("{take}; a chart that must come before the first worker needs `bootstrap: true` in its HelmChart")
        } else {
            // That taint alone would be told too, where nothing else takes work.
            format!("take it out; or {take}, and add a node that takes work (a profile such as `storage`)")
        };
        found.push(at(taint, message, hint));
    }
    found
}
