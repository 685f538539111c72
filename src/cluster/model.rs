//! The cluster for all later stages: checked values, with all defaults filled in.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ClusterError;
use crate::profile::{Board, Params, Profile, Registration};

/// The content of `cluster.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// A DNS label.
    pub name: String,
    /// The URL where agents join.
    pub server: ServerUrl,
    /// Names and addresses on the API's certificate besides the host of `server`.
    pub tls_names: Vec<String>,
    /// Lines of `authorized_keys` for the account `admin`.
    pub ssh_keys: Vec<String>,
    /// Name servers of nodes with a static address.
    pub dns: Vec<String>,
    /// Router of nodes with a static address.
    pub gateway: Option<String>,
    /// The domain of its pages, each at a name of its own below it.
    pub domain: String,
    /// If absent, the only server keeps its state in its own `SQLite`.
    pub datastore: Option<Datastore>,
    /// Where container images come from, in the order given.
    pub registries: Vec<Registry>,
    pub k3s: Critical,
    /// Free strings for the templates of overlays.
    pub values: BTreeMap<String, String>,
    /// What it sets of overlays' parameters, by overlay; templates have them among their own.
    #[serde(skip)]
    pub overlays: BTreeMap<String, Params>,
    pub nodes: BTreeMap<String, Node>,
}

impl Cluster {
    /// The node of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn node(&self, name: &str) -> Result<&Node, ClusterError> {
        let unknown =
            || ClusterError::UnknownNode { name: name.to_owned(), known: self.nodes.keys().cloned().collect() };
        self.nodes.get(name).ok_or_else(unknown)
    }

    /// All names and addresses on the API's certificate: the host of `server` first.
    #[must_use]
    pub fn certificate_names(&self) -> Vec<&str> {
        let mut names = vec![self.server.host.as_str()];
        for name in &self.tls_names {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// The values that must never change in a running cluster, by name, as text: the lock records them.
    #[must_use]
    pub fn critical_values(&self) -> BTreeMap<String, String> {
        let k3s = &self.k3s;
        let disable: Vec<&str> = k3s.disable.iter().map(|component| component.name()).collect();
        let datastore = if self.datastore.is_some() { "external" } else { "embedded" };
        let values = [
            ("cluster_cidr", k3s.cluster_cidr.to_string()),
            ("service_cidr", k3s.service_cidr.to_string()),
            ("cluster_dns", k3s.cluster_dns.to_string()),
            ("cluster_domain", k3s.cluster_domain.clone()),
            ("flannel_backend", k3s.flannel_backend.name().to_owned()),
            ("disable", disable.join(",")),
            ("secrets_encryption", k3s.secrets_encryption.to_string()),
            ("datastore", datastore.to_owned()),
        ];
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Where agents join: always HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(out, "https://[{host}]:{port}") } else { write!(out, "https://{host}:{port}") }
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// An external datastore; its URL is the secret `datastore-url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Datastore {
    /// A PEM file, relative to the workspace.
    pub ca: String,
}

/// The configuration of a registry of container images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registry {
    /// The host in images' names; `*` is every registry.
    pub host: String,
    /// Mirrors that are asked first, as URLs.
    pub endpoints: Vec<String>,
    /// A PEM file, relative to the workspace.
    pub ca: Option<String>,
    pub auth: Option<RegistryAuth>,
}

/// How a node logs in to a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegistryAuth {
    pub username: String,
    /// The name of the secret that is the password.
    pub password: String,
}

impl Registry {
    /// The hosts, with ports, for which its authority and login are used: its mirrors', or its own if it has none.
    #[must_use]
    pub fn places(&self) -> Vec<&str> {
        if self.endpoints.is_empty() {
            return vec![&self.host];
        }
        let authority = |url| {
            let (_, below) = str::split_once(url, "://").unwrap_or(("", url));
            below.split('/').next().unwrap_or_default()
        };
        self.endpoints.iter().map(|url| authority(url)).collect()
    }
}

/// Settings that must be the same at every start of every server, and must never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Critical {
    /// Addresses of pods.
    pub cluster_cidr: IpNet,
    /// Addresses of Services.
    pub service_cidr: IpNet,
    /// The Service address of the cluster's name server.
    pub cluster_dns: IpAddr,
    pub cluster_domain: String,
    pub flannel_backend: FlannelBackend,
    /// Sorted, no duplicates.
    pub disable: Vec<Component>,
    /// Whether Secrets are encrypted in the datastore.
    pub secrets_encryption: bool,
}

/// How pods of different nodes reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FlannelBackend {
    Vxlan,
    HostGw,
    WireguardNative,
    None,
}

impl FlannelBackend {
    /// K3s's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::HostGw => "host-gw",
            Self::WireguardNative => "wireguard-native",
            Self::None => "none",
        }
    }
}

/// A packaged component of K3s that can be disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    Coredns,
    LocalStorage,
    MetricsServer,
    Runtimes,
    Servicelb,
    Traefik,
}

impl Component {
    /// K3s's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coredns => "coredns",
            Self::LocalStorage => "local-storage",
            Self::MetricsServer => "metrics-server",
            Self::Runtimes => "runtimes",
            Self::Servicelb => "servicelb",
            Self::Traefik => "traefik",
        }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its host name and its name in Kubernetes.
    pub name: String,
    pub profile: String,
    /// Must equal the profile's board if given.
    pub board: Option<Board>,
    /// With prefix length; if absent, DHCP is used.
    pub address: Option<String>,
    /// Its network card.
    pub mac: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub disks: Vec<Disk>,
}

impl Node {
    /// What Kubernetes keeps of it from its first start on.
    #[must_use]
    pub fn registration(&self, profile: &Profile) -> Registration {
        let k3s = profile.k3s.iter();
        let taints = k3s.clone().flat_map(|k3s| k3s.taints.iter().cloned());
        Registration::of(taints, k3s.flat_map(|k3s| k3s.labels.keys()).chain(self.labels.keys()).cloned())
    }

    /// Its static address with the prefix length.
    #[must_use]
    pub fn net(&self) -> Option<IpNet> {
        self.address.as_ref()?.parse().ok()
    }
}

/// A data disk, found by its file system's label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disk {
    pub label: String,
    /// Absolute and clean.
    pub mount: String,
    pub filesystem: Filesystem,
    pub format: Format,
}

/// A file system of a data disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Filesystem {
    #[default]
    Ext4,
    Xfs,
}

impl Filesystem {
    /// Linux's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }

    /// Most bytes of a label.
    #[must_use]
    pub fn longest_label(self) -> usize {
        match self {
            Self::Ext4 => 16,
            Self::Xfs => 12,
        }
    }
}

/// Whether a node may format a data disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Only a disk that is provably blank.
    IfBlank,
    #[default]
    Never,
}

impl Format {
    /// Its name in `cluster.toml` and on the node.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IfBlank => "if-blank",
            Self::Never => "never",
        }
    }
}
