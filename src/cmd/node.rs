//! `imgbuild node`: the public part of what nodes are derived to be.

use serde_json::json;

use super::Outcome;
use super::cluster_nodes::{ClusterNode, cluster_nodes};
use super::session::Session;
use crate::cli::{Node, NodeKnownHosts, NodeShow};
use crate::cluster::identity::{Identity, IdentitySeed, known_hosts};
use crate::exit::Failure;
use crate::output::closest;

pub(super) fn run(verb: &Node, session: &Session<'_>) -> Outcome {
    match verb {
        Node::Show(args) => show(args, session),
        Node::SshKnownHosts(args) => ssh_known_hosts(args, session),
    }
}

fn show(args: &NodeShow, session: &Session<'_>) -> Outcome {
    let nodes = some_nodes(session)?;
    let Some(node) = nodes.iter().find(|node| node.name == args.name) else {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let list = format!("nodes: {}", names.join(", "));
        return Err(Failure::refused(format!("there is no node `{}` in cluster.toml", args.name)).hint(match closest(
            &args.name, names,
        ) {
            Some(meant) => format!("did you mean `{meant}`? {list}"),
            None => list,
        }));
    };
    let identity = Identity::derive(&IdentitySeed::of(&session.secrets(&args.unlock)?)?, &node.name);
    session.console.result(
        &json!({
            "node": node.name,
            "address": node.address,
            "machine_id": identity.machine_id,
            "ssh_fingerprint": identity.ssh_fingerprint,
            "ssh_host_public": identity.ssh_host_public,
            "initiator_name": identity.initiator_name,
        }),
        &format!(
            "node          {}\naddress       {}\nmachine-id    {}\nSSH host key  {}\n              {}\niSCSI name    {}",
            node.name,
            node.address.as_deref().unwrap_or("from the network"),
            identity.machine_id,
            identity.ssh_fingerprint,
            identity.ssh_host_public,
            identity.initiator_name,
        ),
    );
    Ok(())
}

fn ssh_known_hosts(args: &NodeKnownHosts, session: &Session<'_>) -> Outcome {
    let nodes = some_nodes(session)?;
    let seed = IdentitySeed::of(&session.secrets(&args.unlock)?)?;
    let publics: Vec<String> = nodes.iter().map(|node| Identity::derive(&seed, &node.name).ssh_host_public).collect();
    let lines = known_hosts(nodes.iter().map(answers_to).zip(publics.iter().map(String::as_str)));
    session.console.result(&json!({"known_hosts": lines}), &lines);
    Ok(())
}

/// Name and address, if it has a fixed one.
fn answers_to(node: &ClusterNode) -> Vec<&str> {
    std::iter::once(node.name.as_str()).chain(node.address.as_deref()).collect()
}

/// The cluster's nodes, of which there must be one.
fn some_nodes(session: &Session<'_>) -> Result<Vec<ClusterNode>, Failure> {
    let nodes = cluster_nodes(session)?;
    if nodes.is_empty() {
        return Err(Failure::refused("the workspace has no nodes")
            .hint("declare them in cluster.toml: a table [node.NAME] for each"));
    }
    Ok(nodes)
}
