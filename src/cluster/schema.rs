//! `cluster.toml` as it is written. The documentation here is what editors show through the JSON Schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{
    Address, AddressWithPrefix, DiskLabel, Domain, HostName, Identifier, LabelKey, LabelValue, Mac, MountPoint, Net,
    PageDomain, RegistryHost, SecretName, SshKey, TlsName, Url, ValueName, Version, Word, WorkspacePath,
};
use super::{Component, Filesystem, FlannelBackend, Format, ServerUrl};
use crate::profile::schema::OverlayTables;
use crate::profile::{Board, ProfileError, SetBy, Workspace, with_overlays};

/// A cluster: its nodes and what they share. Holds no secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a cluster")]
#[schemars(title = "imgbuild cluster")]
pub(super) struct ClusterToml {
    /// Version of the file format: 1.
    #[expect(dead_code, reason = "reading it is the check")]
    pub schema: Version,
    /// The cluster's name.
    pub name: HostName,
    /// Where nodes join: `https://HOST:PORT`, a name or address that stays. It gets onto the API's certificate.
    pub server: ServerUrl,
    /// Further names and addresses on the API's certificate.
    #[serde(default)]
    pub tls_names: Vec<TlsName>,
    /// Public keys that may log in as `admin` on every node, one line of a `.pub` file each.
    #[serde(default)]
    pub ssh_keys: Vec<SshKey>,
    /// Name servers of nodes with a static address.
    #[serde(default)]
    pub dns: Vec<Address>,
    /// Router of nodes with a static address.
    pub gateway: Option<Address>,
    /// The domain of the cluster's pages, each at `NAME.DOMAIN`; the cluster's name and `.home.arpa` unless given.
    pub domain: Option<PageDomain>,
    /// An external datastore. Without it the one server keeps the cluster's state in `SQLite` on its own stick.
    pub datastore: Option<DatastoreTable>,
    /// Registries of container images that nodes must be told of: mirrors, authorities, logins.
    #[serde(default, rename = "registry")]
    pub registries: Vec<RegistryTable>,
    /// What must never change while the cluster lives.
    #[serde(default)]
    pub k3s: K3sTable,
    /// Free strings for the manifests of overlays, where they are `cluster.values.NAME`.
    #[serde(default)]
    pub values: BTreeMap<ValueName, String>,
    /// What the cluster sets of overlays' parameters: `[overlay.NAME]`, and below it `parameter = value`.
    #[serde(default, rename = "overlay")]
    pub overlays: OverlayTables,
    /// The nodes, by name: `[node.NAME]`. The name is the host's and Kubernetes' name of it.
    #[serde(default, rename = "node")]
    pub nodes: BTreeMap<HostName, NodeTable>,
}

/// An external `PostgreSQL`. Its URL is the secret `datastore-url`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct DatastoreTable {
    /// File of the workspace with the certificate (PEM) of the authority that the server's certificate is from.
    pub ca: WorkspacePath,
}

/// A registry of container images.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RegistryTable {
    /// The host in images' names, such as docker.io or registry.lan:5000; `*` is every registry.
    pub host: RegistryHost,
    /// Mirrors that are asked before the registry itself, in this order: `https://HOST:PORT`.
    #[serde(default)]
    pub endpoints: Vec<Url>,
    /// File of the workspace with the certificate (PEM) of the authority that the mirrors' certificates are from; the
    /// registry's own if it has no mirrors.
    pub ca: Option<WorkspacePath>,
    /// How nodes log in to the mirrors; to the registry itself if it has none.
    pub auth: Option<RegistryAuthTable>,
}

/// How nodes log in to a registry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RegistryAuthTable {
    /// The user's name.
    pub username: Word,
    /// The name of the secret that is the password (`imgbuild secrets set NAME`).
    pub password: SecretName,
}

/// What must never change while the cluster lives.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct K3sTable {
    /// Addresses of pods; 10.42.0.0/16 unless given.
    pub cluster_cidr: Option<Net>,
    /// Addresses of Services; 10.43.0.0/16 unless given.
    pub service_cidr: Option<Net>,
    /// Address of the cluster's name server, in `service_cidr`; 10.43.0.10 unless given.
    pub cluster_dns: Option<Address>,
    /// The cluster's own DNS domain; cluster.local unless given.
    pub cluster_domain: Option<Domain>,
    /// How pods of different nodes reach each other; vxlan unless given.
    pub flannel_backend: Option<FlannelBackend>,
    /// Packaged components of K3s that are left out.
    #[serde(default)]
    pub disable: Vec<Component>,
    /// Whether Secrets are encrypted in the datastore; true unless given. K3s cannot switch it on later.
    pub secrets_encryption: Option<bool>,
}

/// A node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct NodeTable {
    /// The profile that its image is built from.
    pub profile: Identifier,
    /// The machine; must be the profile's board. For readers of the file, and against mistakes.
    pub board: Option<Board>,
    /// Static address with prefix length. Without it the node asks by DHCP.
    pub address: Option<AddressWithPrefix>,
    /// MAC address of its network card, where it has several.
    pub mac: Option<Mac>,
    /// Labels of its Kubernetes node. A label that is taken out here stays on the node.
    #[serde(default)]
    pub labels: BTreeMap<LabelKey, LabelValue>,
    /// Data disks. K3s starts after all of them are mounted, and not without.
    #[serde(default, rename = "disk")]
    pub disks: Vec<DiskTable>,
}

/// A data disk, found by its file system's label.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct DiskTable {
    /// The file system's label.
    pub label: DiskLabel,
    /// Where it is mounted, such as /var/lib/longhorn.
    pub mount: MountPoint,
    /// Its file system; ext4 unless given.
    #[serde(default)]
    pub filesystem: Filesystem,
    /// `if-blank`: the node formats a disk that is provably blank. `never` unless given.
    #[serde(default)]
    pub format: Format,
}

/// The JSON Schema of `cluster.toml` in a workspace, for editors. Ends with a line break.
///
/// # Errors
/// An overlay of the workspace that cannot be read, or anything wrong with its keys and single values.
pub fn json_schema(workspace: &Workspace) -> Result<String, ProfileError> {
    with_overlays::<ClusterToml>(SetBy::Cluster, workspace)
}
