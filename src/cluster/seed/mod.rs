//! The seed: everything that makes a stick the stick of one node, as a tree that is mounted over the image's `/etc`.
//!
//! ```text
//! cluster.toml ─┐
//! node          ├─▶ identity files, network, K3s's drop-ins, manifests ─▶ Seed (tree, private values)
//! profile       │
//! secrets ──────┘
//! ```
//! Everything of a cluster is in the seed and nothing of it in the image, so that one image serves every cluster and can be
//! published. Files that only root may read have the mode 0600.

mod facts;
mod k3s;
mod network;
mod registries;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::identity::{Identity, IdentitySeed};
use super::manifests::{self, Context, Home, ManifestError};
use super::secrets::{Secret, Secrets, SecretsError};
use super::{Cluster, Node as ClusterNode};
use crate::profile::{Charts, Profile, Role};
use crate::tree::{Content, Node, Tree, TreeError};

/// The account that people log in to.
const ADMIN: &str = "admin";
/// The path of the datastore's CA on the node.
pub(super) const DATASTORE_CA: &str = "/etc/rancher/k3s/datastore-ca.pem";
/// Origin of the nodes made here.
const ORIGIN: &str = "imgbuild:seed";

/// The inputs of a seed.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub cluster: &'a Cluster,
    pub node: &'a ClusterNode,
    pub profile: &'a Profile,
    pub secrets: &'a Secrets,
    /// The PEM file that `[datastore] ca` names.
    pub datastore_ca: Option<&'a [u8]>,
    /// The PEM files that registries name, by their names.
    pub registry_cas: &'a BTreeMap<String, Vec<u8>>,
}

/// A node's seed.
#[derive(Debug)]
pub struct Seed {
    /// Everything below `etc/`.
    pub tree: Tree,
    /// The node's own private values, with names for messages. They must not be in any other output.
    pub private: Vec<(&'static str, Secret)>,
}

/// Why a node's seed cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(transparent)]
    Secret(#[from] SecretsError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The cluster has a datastore, but its CA was not given.
    #[error("the datastore's CA is missing")]
    NoDatastoreCa,
    /// A registry's CA was not given.
    #[error("the registry's CA `{0}` is missing")]
    NoRegistryCa(String),
    /// Its profile runs a standalone K3s, which uses no seed.
    #[error("profile `{0}` is a cluster of its own, and cannot be a node of another one")]
    Standalone(String),
    /// A value that the node's own scripts could not read.
    #[error(
        "`{0}` in the node's node.env would have a quote or a line break in it, so that the node could not read it"
    )]
    Unreadable(String),
    #[error("the seed cannot be made")]
    Tree(#[from] TreeError),
}

impl SeedError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Secret(error) => error.hint(),
            Self::Manifest(error) => error.hint(),
            Self::NoDatastoreCa => {
                Some("name its PEM file in cluster.toml: [datastore] ca = \"datastore-ca.pem\"".to_owned())
            }
            Self::NoRegistryCa(name) => Some(format!("save the CA certificate (PEM) as `{name}` in the workspace")),
            Self::Standalone(_) => Some("give the node a profile such as `control`, `storage` or `gpu`".to_owned()),
            Self::Unreadable(key) if key.starts_with("DATASTORE") => {
                Some("correct the secret: `imgbuild secrets set datastore-url`".to_owned())
            }
            Self::Unreadable(_) => Some("correct the value in cluster.toml".to_owned()),
            Self::Tree(_) => None,
        }
    }
}

/// Makes the seed of one node.
///
/// # Errors
/// A secret is missing or invalid, a manifest's value is not set, or the profile uses no seed.
pub fn make(inputs: &Inputs<'_>) -> Result<Seed, SeedError> {
    let Inputs { cluster, node, profile, secrets, .. } = inputs;
    let identity = Identity::derive(&IdentitySeed::of(secrets)?, &node.name);
    let mut files = Files(Tree::new());
    files.open("hostname", format!("{}\n", node.name))?;
    files.open("hosts", network::hosts(&node.name))?;
    files.open("machine-id", format!("{}\n", identity.machine_id))?;
    files.private("ssh/ssh_host_ed25519_key", identity.ssh_host_key.expose())?;
    files.open("ssh/ssh_host_ed25519_key.pub", format!("{}\n", identity.ssh_host_public))?;
    files.open(&format!("ssh/authorized_keys.d/{ADMIN}"), lines(&cluster.ssh_keys))?;
    files.private("iscsi/initiatorname.iscsi", &format!("InitiatorName={}\n", identity.initiator_name))?;
    if let Some(text) = network::configuration(cluster, node) {
        files.open("systemd/network/05-node.network", text)?;
    }
    // This replaces the image's own file, which says that there is no seed.
    files.open("issue.d/50-seed.issue", format!("Node {} of cluster {}\n\n", node.name, cluster.name))?;
    if let Some(k3s) = &profile.k3s {
        if k3s.standalone {
            return Err(SeedError::Standalone(profile.name.clone()));
        }
        files.private("rancher/node/password", identity.node_password.expose())?;
        k3s::put(&mut files, inputs, k3s)?;
        if k3s.role == Role::Server {
            manifests(&mut files, inputs)?;
        }
    }
    files.open("imgbuild/node.env", facts::text(inputs)?)?;
    let private = identity.private().map(|(name, secret)| (name, secret.clone())).to_vec();
    Ok(Seed { tree: files.0, private })
}

/// The manifests with values of the cluster.
fn manifests(files: &mut Files, inputs: &Inputs<'_>) -> Result<(), SeedError> {
    let Inputs { cluster, profile, secrets, .. } = inputs;
    let secrets = secrets.iter().map(|(name, value)| (name.to_owned(), value.expose()));
    let context =
        Context::default().profile(profile.public()).cluster(cluster).overlays(&cluster.overlays).secrets(secrets);
    files.0.put("etc/imgbuild/manifests", Node::dir(0o700).from(ORIGIN))?;
    for (name, template) in &profile.manifests {
        if manifests::uses(template)?.home(template.via) == Home::Seed {
            let text = manifests::render(template, &context)?;
            let is_baked = profile.k3s.as_ref().is_some_and(|k3s| k3s.charts == Charts::Baked);
            let text = if is_baked { manifests::baked(&text).unwrap_or(text) } else { text };
            files.private(&format!("imgbuild/manifests/{name}"), &text)?;
        }
    }
    Ok(())
}

fn lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// Collects files below `etc/`.
struct Files(Tree);

impl Files {
    /// A file that everybody on the node may read.
    fn open(&mut self, path: &str, text: String) -> Result<(), TreeError> {
        self.0.put(&format!("etc/{path}"), Node::file(0o644, text).from(ORIGIN))
    }

    /// A file for root alone.
    fn private(&mut self, path: &str, text: &str) -> Result<(), TreeError> {
        self.secret(path, Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// As [`Files::private`], without a copy.
    fn secret(&mut self, path: &str, bytes: Zeroizing<Vec<u8>>) -> Result<(), TreeError> {
        self.0.put(&format!("etc/{path}"), Node::file(0o600, Content::from(bytes)).from(ORIGIN))
    }
}

/// Writes JSON, which is valid YAML, and in which no value can be read as another type.
fn yaml(keys: Map<String, Value>) -> String {
    format!("{:#}\n", Value::Object(keys))
}

/// As [`yaml`], for keys with secrets: no copy of them stays in memory.
///
/// # Panics
/// Never: what it writes to grows.
fn private_yaml(keys: Map<String, Value>) -> Zeroizing<Vec<u8>> {
    // With enough capacity, so that it is not moved while it grows, which would leave a copy in memory.
    let mut text = Zeroizing::new(Vec::with_capacity(64 << 10));
    let mut value = Value::Object(keys);
    serde_json::to_writer_pretty(&mut *text, &value).expect("memory takes any text");
    text.push(b'\n');
    wipe(&mut value);
    text
}

/// Overwrites every text in a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(values) => values.values_mut().for_each(wipe),
        _ => {}
    }
}
