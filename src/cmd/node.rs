//! `imgbuild node`: the public part of nodes' derived identities.

use serde_json::json;

use super::Outcome;
use super::cluster;
use super::session::Session;
use crate::cli::{Node, NodeKnownHosts, NodeShow};
use crate::cluster::Node as ClusterNode;
use crate::cluster::identity::{Identity, IdentitySeed, known_hosts};

pub(super) fn run(verb: &Node, session: &Session<'_>) -> Outcome {
    match verb {
        Node::Show(args) => show(args, session),
        Node::SshKnownHosts(args) => ssh_known_hosts(args, session),
    }
}

fn show(args: &NodeShow, session: &Session<'_>) -> Outcome {
    let (cluster, _) = cluster::load(session)?;
    let node = cluster.node(&args.name)?;
    let identity = Identity::derive(&IdentitySeed::of(&session.secrets(&args.unlock)?)?, &node.name);
    session.console.result(
        &json!({
            "node": node.name,
            "address": address(node),
            "machine_id": identity.machine_id,
            "ssh_fingerprint": identity.ssh_fingerprint,
            "ssh_host_public": identity.ssh_host_public,
            "initiator_name": identity.initiator_name,
        }),
        &format!(
            "node          {}\naddress       {}\nmachine-id    {}\nSSH host key  {}\n              {}\niSCSI name    {}",
            node.name,
            address(node).unwrap_or("from the network"),
            identity.machine_id,
            identity.ssh_fingerprint,
            identity.ssh_host_public,
            identity.initiator_name,
        ),
    );
    Ok(())
}

fn ssh_known_hosts(args: &NodeKnownHosts, session: &Session<'_>) -> Outcome {
    let (cluster, _) = cluster::load(session)?;
    let seed = IdentitySeed::of(&session.secrets(&args.unlock)?)?;
    let nodes = cluster.nodes.values();
    let publics: Vec<String> = nodes.clone().map(|node| Identity::derive(&seed, &node.name).ssh_host_public).collect();
    let lines = known_hosts(nodes.map(answers_to).zip(publics.iter().map(String::as_str)));
    session.console.text(&json!({"known_hosts": lines}), &format!("{}\n", lines.trim_end()));
    Ok(())
}

/// The node's name, and its address if it has a fixed one.
fn answers_to(node: &ClusterNode) -> Vec<&str> {
    std::iter::once(node.name.as_str()).chain(address(node)).collect()
}

/// Its fixed address without the prefix length.
fn address(node: &ClusterNode) -> Option<&str> {
    node.address.as_deref()?.split('/').next()
}
