//! K3s's drop-ins, `/etc/rancher/k3s/config.yaml.d/`. K3s reads them after the image's `config.yaml`, in the order of their names;
//! a later key wins, and one with `+` adds to a list (K3s documentation, `installation/configuration`).
//!
//! `20-cluster.yaml` has the settings that all servers share, or the URL where agents join; `50-node.yaml` the node's own
//! settings; `90-secrets.yaml` the secrets, which only root may read.

use serde_json::{Map, Value, json};

use super::{DATASTORE_CA, Files, Inputs, SeedError, private_yaml, registries, yaml};
use crate::cluster::secrets::{AGENT_TOKEN, DATASTORE_URL, SERVER_TOKEN};
use crate::profile::{K3s, Role};

const DIRECTORY: &str = "rancher/k3s/config.yaml.d";
/// Tells the image that what a server restores from its datastore has to stay in memory.
const EXTERNAL: &str = "imgbuild/external-datastore";

/// Puts the drop-ins, and what they name.
pub(super) fn put(files: &mut Files, inputs: &Inputs<'_>, k3s: &K3s) -> Result<(), SeedError> {
    let Inputs { cluster, datastore_ca, .. } = inputs;
    files.open(&format!("{DIRECTORY}/20-cluster.yaml"), yaml(cluster_keys(inputs, k3s)))?;
    files.open(&format!("{DIRECTORY}/50-node.yaml"), yaml(node_keys(inputs)))?;
    files.secret(&format!("{DIRECTORY}/90-secrets.yaml"), private_yaml(secret_keys(inputs, k3s)?))?;
    if k3s.role == Role::Server && cluster.datastore.is_some() {
        let ca = datastore_ca.ok_or(SeedError::NoDatastoreCa)?;
        files.0.put(DATASTORE_CA.trim_start_matches('/'), crate::tree::Node::file(0o644, ca).from(super::ORIGIN))?;
        files.open(EXTERNAL, String::new())?;
    }
    registries::put(files, inputs, k3s)
}

fn cluster_keys(inputs: &Inputs<'_>, k3s: &K3s) -> Map<String, Value> {
    let cluster = inputs.cluster;
    let mut keys = Map::new();
    let mut set = |key: &str, value: Value| keys.insert(key.to_owned(), value);
    if k3s.role == Role::Agent {
        set("server", json!(cluster.server.to_string()));
        return keys;
    }
    let critical = &cluster.k3s;
    set("tls-san", json!(cluster.certificate_names()));
    set("cluster-cidr", json!(critical.cluster_cidr.to_string()));
    set("service-cidr", json!(critical.service_cidr.to_string()));
    set("cluster-dns", json!(critical.cluster_dns.to_string()));
    set("cluster-domain", json!(critical.cluster_domain));
    set("flannel-backend", json!(critical.flannel_backend.name()));
    set("secrets-encryption", json!(critical.secrets_encryption));
    let disable: Vec<&str> = critical.disable.iter().map(|component| component.name()).collect();
    if !disable.is_empty() {
        // Beside what the profile leaves out.
        set("disable+", json!(disable));
    }
    if cluster.server.port != 6443 {
        set("https-listen-port", json!(cluster.server.port));
    }
    keys
}

fn node_keys(inputs: &Inputs<'_>) -> Map<String, Value> {
    let node = inputs.node;
    let mut keys = Map::new();
    keys.insert("node-name".to_owned(), json!(node.name));
    if let Some(net) = node.net() {
        keys.insert("node-ip".to_owned(), json!(net.addr().to_string()));
    }
    if !node.labels.is_empty() {
        let labels: Vec<String> = node.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        keys.insert("node-label+".to_owned(), json!(labels));
    }
    keys
}

/// An agent gets only the agents' token: the server's gives full control of the cluster and decrypts its datastore.
fn secret_keys(inputs: &Inputs<'_>, k3s: &K3s) -> Result<Map<String, Value>, SeedError> {
    let Inputs { cluster, secrets, .. } = inputs;
    let mut keys = Map::new();
    let mut set = |key: &str, value: &str| keys.insert(key.to_owned(), json!(value));
    let agent_token = secrets.require(AGENT_TOKEN)?.expose();
    if k3s.role == Role::Agent {
        set("token", agent_token);
        return Ok(keys);
    }
    set("token", secrets.require(SERVER_TOKEN)?.expose());
    set("agent-token", agent_token);
    if cluster.datastore.is_some() {
        set("datastore-endpoint", secrets.require(DATASTORE_URL)?.expose());
        // With a CA and no sslmode in the URL, K3s verifies certificate and name (kine, pkg/drivers/pgsql).
        set("datastore-cafile", DATASTORE_CA);
    }
    Ok(keys)
}
