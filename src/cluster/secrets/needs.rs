//! Which node needs which secret, and which are missing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::manifests::uses;
use crate::cluster::{Cluster, Node};
use crate::profile::{self, Profile};

use super::{AGENT_TOKEN, DATASTORE_URL, IDENTITY_SEED, SERVER_TOKEN, Secrets, Source};

/// A node's role, as far as it decides which secrets the node needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A K3s server, with a datastore elsewhere (`datastore-url`) or an embedded one.
    Server { datastore: bool },
    /// A K3s agent. It never gets the server's token.
    Agent,
}

/// The secrets that a node's seed is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeNeeds {
    pub node: String,
    pub secrets: BTreeSet<String>,
}

impl NodeNeeds {
    /// What a node of a cluster needs by its profile. A template that is none asks for nothing here; that is told
    /// elsewhere.
    #[must_use]
    pub fn of_node(node: &Node, profile: &Profile, cluster: &Cluster) -> Self {
        let role = profile.k3s.as_ref().map(|k3s| match k3s.role {
            profile::Role::Server => Role::Server { datastore: cluster.datastore.is_some() },
            profile::Role::Agent => Role::Agent,
        });
        let mut asked = BTreeSet::new();
        if let Some(Role::Server { .. }) = role {
            let templates = profile.manifests.values();
            asked.extend(templates.filter_map(|template| uses(template).ok()).flat_map(|uses| uses.secrets));
        }
        if role.is_some() {
            let logins = cluster.registries.iter().filter_map(|registry| registry.auth.as_ref());
            asked.extend(logins.map(|auth| auth.password.clone()));
        }
        Self::of(&node.name, role, asked)
    }

    /// What a node needs by its role (none: it has no K3s), and what its overlays ask for besides.
    #[must_use]
    pub fn of(node: &str, role: Option<Role>, overlays: impl IntoIterator<Item = String>) -> Self {
        let by_role: &[&str] = match role {
            None => &[],
            Some(Role::Agent) => &[AGENT_TOKEN],
            Some(Role::Server { datastore: false }) => &[SERVER_TOKEN, AGENT_TOKEN],
            Some(Role::Server { datastore: true }) => &[SERVER_TOKEN, AGENT_TOKEN, DATASTORE_URL],
        };
        let always = std::iter::once(IDENTITY_SEED).chain(by_role.iter().copied()).map(str::to_owned);
        Self { node: node.to_owned(), secrets: always.chain(overlays).collect() }
    }
}

/// Whether a secret is set and valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Set,
    Missing,
    /// It is set, but invalid for this reason.
    Unfit(Cow<'static, str>),
}

/// The state of one secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub state: State,
    pub source: Option<Source>,
    /// The nodes that need it.
    pub nodes: Vec<String>,
}

/// One row for each secret that is set or needed, by name.
#[must_use]
pub fn check(secrets: &Secrets, nodes: &[NodeNeeds]) -> Vec<Row> {
    let mut users: BTreeMap<&str, Vec<String>> = secrets.iter().map(|(name, _)| (name, Vec::new())).collect();
    for needs in nodes {
        for name in &needs.secrets {
            users.entry(name).or_default().push(needs.node.clone());
        }
    }
    let row = |(name, nodes): (&str, Vec<String>)| {
        let state = match secrets.get(name) {
            None => State::Missing,
            Some(_) => secrets.problem(name).map_or(State::Set, State::Unfit),
        };
        Row { name: name.to_owned(), state, source: secrets.source(name).cloned(), nodes }
    };
    users.into_iter().map(row).collect()
}
