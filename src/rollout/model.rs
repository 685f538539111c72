//! The plan of a first boot.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cluster::manifests::Home;
use crate::profile::Port;

/// What a cluster does at its first boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rollout {
    /// The cluster's name.
    pub cluster: String,
    /// By name.
    pub nodes: Vec<Node>,
    /// In the order in which they happen: none waits for a later one.
    pub steps: Vec<Step>,
    /// The secrets that anything needs, by name.
    pub secrets: Vec<SecretUse>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    pub name: String,
    /// `server`, `agent`, or none without K3s.
    pub role: Option<&'static str>,
    pub profile: String,
    pub board: &'static str,
    pub arch: &'static str,
    /// With the length of its network's prefix; none if it asks for one by DHCP.
    pub address: Option<String>,
    /// `KEY=VALUE:EFFECT`, as K3s takes them.
    pub taints: Vec<String>,
    /// Its labels in Kubernetes, those that K3s sets by itself included.
    pub labels: BTreeMap<String, String>,
}

/// When something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A node starts, and its gate waits.
    Start,
    /// K3s comes up on a server.
    Server,
    /// A worker joins.
    Join,
    /// K3s brings what is packaged with it.
    Packaged,
    /// K3s applies the files of image and seed.
    Seed,
    /// Argo CD applies what is in Git.
    Git,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [Self::Start, Self::Server, Self::Join, Self::Packaged, Self::Seed, Self::Git];

    /// Its heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Start => "nodes start, and wait at their gate",
            Self::Server => "the control plane comes up",
            Self::Join => "workers join",
            Self::Packaged => "K3s brings its own parts",
            Self::Seed => {
                "K3s applies the files of image and seed, again every 15 seconds until each has succeeded once"
            }
            Self::Git => "Argo CD applies what is in Git, wave by wave",
        }
    }
}

/// One thing that happens: to a node, or with one overlay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name among steps.
    pub id: String,
    pub stage: Stage,
    /// The place among Argo CD's waves, from 0; none of other stages.
    pub wave: Option<usize>,
    /// How many steps of its own stage come before it, one behind the other.
    #[serde(skip)]
    pub depth: usize,
    /// A node's, a component's or an overlay's name.
    pub name: String,
    /// What happens, in words.
    pub does: String,
    /// What a node's gate waits for before K3s starts, in order; none of other stages.
    pub gate: Vec<String>,
    /// Where it is installed from and which charts it has; a node has none.
    pub files: Vec<File>,
    /// Nodes that can run its pods.
    pub runs_on: Vec<String>,
    /// Further nodes that some of its pods are let onto.
    pub also_on: Vec<String>,
    /// Parts of it that no node can run.
    pub nowhere: Vec<String>,
    /// What comes first.
    pub waits_for: Vec<Wait>,
    /// Names of secrets that it needs.
    pub secrets: BTreeSet<String>,
    /// Host names of its pages.
    pub hosts: BTreeSet<String>,
    /// Addresses that it has or gives.
    pub addresses: BTreeSet<String>,
    /// Ports that it opens on nodes.
    pub ports: BTreeSet<Port>,
}

/// A file that brings an overlay's objects into the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    pub name: String,
    pub from: Home,
    pub charts: Vec<Chart>,
    /// What else is in it: kinds, by how they are called, once each.
    pub kinds: BTreeSet<String>,
    /// Names of secrets that it needs.
    pub secrets: BTreeSet<String>,
    /// The chart whose definitions it is tried again for, if that is of the same overlay.
    pub until: Option<String>,
    /// Why nothing is known of its content.
    pub unknown: Option<String>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Chart {
    /// The release's name.
    pub release: String,
    pub chart: String,
    pub version: Option<String>,
    pub repository: Option<String>,
    pub namespace: String,
    /// Whether its job runs on a server before any worker is there.
    pub bootstrap: bool,
}

impl Chart {
    /// Name and version.
    #[must_use]
    pub fn spoken(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.chart),
            None => self.chart.clone(),
        }
    }
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// Steps, of which the first that is done is enough.
    pub any_of: Vec<String>,
    pub why: String,
}

/// A secret that something needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretUse {
    pub name: String,
    pub state: SecretState,
    /// Names of the steps that need it.
    pub used_by: Vec<String>,
}

/// Whether a secret can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretState {
    Set,
    Missing,
    /// It is set, but is none that could work; `check` says why.
    Unfit,
    /// The secrets cannot be opened here.
    Unknown,
}

impl SecretState {
    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Missing => "missing",
            Self::Unfit => "unfit",
            Self::Unknown => "not known",
        }
    }
}

impl Rollout {
    /// The step of this name.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The state of a secret.
    #[must_use]
    pub fn state_of(&self, secret: &str) -> SecretState {
        let found = self.secrets.iter().find(|known| known.name == secret);
        found.map_or(SecretState::Unknown, |known| known.state)
    }
}
