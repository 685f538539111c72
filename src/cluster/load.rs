//! Loads the cluster of a workspace.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::checks::HOME;
use super::schema::{ClusterToml, DiskTable, K3sTable, NodeTable, RegistryAuthTable, RegistryTable};
use super::{
    Cluster, ClusterError, Critical, Datastore, Disk, FlannelBackend, Node, Registry, RegistryAuth, SourceSpans,
};
use crate::diagnostic::SourceText;
use crate::profile::parse::parse;
use crate::profile::workspace::text;
use crate::profile::{ProfileError, Workspace, of_cluster};

/// The file's name in a workspace.
pub const FILE: &str = "cluster.toml";

/// The cluster of a workspace; none if it has no `cluster.toml`.
///
/// # Errors
/// A file that cannot be read, or anything wrong with its keys and single values.
pub fn load(workspace: &Workspace) -> Result<Option<Cluster>, ClusterError> {
    Ok(load_with_places(workspace)?.map(|(cluster, _)| cluster))
}

/// The same as [`load`], with the positions of its keys.
///
/// # Errors
/// The same as of [`load`].
pub fn load_with_places(workspace: &Workspace) -> Result<Option<(Cluster, SourceSpans)>, ClusterError> {
    let Some((bytes, shown)) = workspace.read_own(FILE)? else { return Ok(None) };
    let source = text(bytes, shown)?;
    let mut toml: ClusterToml = parse(&source)?;
    let overlays = of_cluster(std::mem::take(&mut toml.overlays), &source, workspace).map_err(|error| match error {
        ProfileError::Invalid(diagnostic) => ClusterError::Invalid(diagnostic),
        other => other.into(),
    })?;
    Ok(Some((Cluster { overlays, ..cluster(toml) }, SourceSpans::of(&source))))
}

/// Reads a cluster file's text, which messages call `shown`. What it sets of overlays is left out, since no overlay is read.
///
/// # Errors
/// Anything wrong with its keys and single values.
pub fn parse_str(text: &str, shown: &str) -> Result<Cluster, ClusterError> {
    let source = Arc::new(SourceText { path: shown.to_owned(), text: text.to_owned() });
    Ok(cluster(parse(&source)?))
}

fn cluster(toml: ClusterToml) -> Cluster {
    let domain = toml.domain.map_or_else(|| format!("{}.{HOME}", String::from(toml.name.clone())), Into::into);
    Cluster {
        name: toml.name.into(),
        server: toml.server,
        tls_names: strings(toml.tls_names),
        ssh_keys: strings(toml.ssh_keys),
        dns: strings(toml.dns),
        gateway: toml.gateway.map(Into::into),
        domain,
        datastore: toml.datastore.map(|table| Datastore { ca: table.ca.into() }),
        registries: toml.registries.into_iter().map(registry).collect(),
        k3s: critical(toml.k3s),
        values: toml.values.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        overlays: BTreeMap::new(),
        nodes: toml.nodes.into_iter().map(|(name, table)| (name.0.clone(), node(name.into(), table))).collect(),
    }
}

/// The defaults are K3s's own, except for the encryption of Secrets, which cannot be enabled later.
fn critical(table: K3sTable) -> Critical {
    let net = |octets: [u8; 4]| IpNet::new_assert(IpAddr::from(octets), 16);
    let dns = table.cluster_dns.and_then(|address| address.0.parse().ok());
    let mut disable = table.disable;
    disable.sort();
    disable.dedup();
    Critical {
        cluster_cidr: table.cluster_cidr.map_or_else(|| net([10, 42, 0, 0]), |net| net.0),
        service_cidr: table.service_cidr.map_or_else(|| net([10, 43, 0, 0]), |net| net.0),
        cluster_dns: dns.unwrap_or_else(|| IpAddr::from([10, 43, 0, 10])),
        cluster_domain: table.cluster_domain.map_or_else(|| "cluster.local".to_owned(), Into::into),
        flannel_backend: table.flannel_backend.unwrap_or(FlannelBackend::Vxlan),
        disable,
        secrets_encryption: table.secrets_encryption.unwrap_or(true),
    }
}

fn node(name: String, table: NodeTable) -> Node {
    Node {
        name,
        profile: table.profile.into(),
        board: table.board,
        address: table.address.map(Into::into),
        mac: table.mac.map(Into::into),
        labels: table.labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        disks: table.disks.into_iter().map(disk).collect(),
    }
}

fn registry(table: RegistryTable) -> Registry {
    let auth =
        |table: RegistryAuthTable| RegistryAuth { username: table.username.into(), password: table.password.into() };
    Registry {
        host: table.host.into(),
        endpoints: strings(table.endpoints),
        ca: table.ca.map(Into::into),
        auth: table.auth.map(auth),
    }
}

fn disk(table: DiskTable) -> Disk {
    Disk { label: table.label.into(), mount: table.mount.into(), filesystem: table.filesystem, format: table.format }
}

fn strings<T: Into<String>>(list: Vec<T>) -> Vec<String> {
    list.into_iter().map(Into::into).collect()
}
