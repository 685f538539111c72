//! What a node registers with: taints and labels that Kubernetes keeps of it.

use serde::{Deserialize, Serialize};

/// What a node registered with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// `key=value:Effect`, sorted.
    pub taints: Vec<String>,
    /// Names of labels, sorted.
    pub labels: Vec<String>,
}

impl Registration {
    /// Of taints and labels in any order.
    pub fn of(taints: impl IntoIterator<Item = String>, labels: impl IntoIterator<Item = String>) -> Self {
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list.dedup();
            list
        };
        Self { taints: sorted(taints.into_iter().collect()), labels: sorted(labels.into_iter().collect()) }
    }
}
