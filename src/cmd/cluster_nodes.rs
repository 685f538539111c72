//! The nodes of the workspace's cluster, as far as the verbs about secrets and identity need them.
//!
//! The cluster room's loader replaces this file: it knows roles, overlays and mistakes, where this one reads names and
//! addresses alone.

use std::io;

use toml::Table;

use super::session::Session;
use crate::exit::{Code, Failure};

/// A node of `cluster.toml`.
pub(super) struct ClusterNode {
    pub(super) name: String,
    /// Without prefix length.
    pub(super) address: Option<String>,
}

/// All nodes, by name; none if there is no `cluster.toml`.
pub(super) fn cluster_nodes(session: &Session<'_>) -> Result<Vec<ClusterNode>, Failure> {
    let path = session.root().join("cluster.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io(Code::Refused, format!("cannot read {}", path.display()), &error)),
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::refused(format!("{}: {}", path.display(), error.message())).hint("it must be TOML")
    })?;
    let nodes = table.get("node").and_then(|nodes| nodes.as_table());
    let node = |(name, node): (&String, &toml::Value)| {
        let address = node.get("address").and_then(|address| address.as_str());
        let address = address.and_then(|address| address.split('/').next());
        ClusterNode { name: name.clone(), address: address.map(str::to_owned) }
    };
    Ok(nodes.into_iter().flatten().map(node).collect())
}
