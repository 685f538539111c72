//! What each node was when its image was last built: taints and labels that Kubernetes keeps of a node whatever a later
//! image says.
//!
//! A kubelet sets taints when its node registers, and never again; K3s sets labels at every start, and takes none away.
//! The lock remembers both, so that a change can be told.

use std::collections::BTreeMap;

use super::Lock;
use crate::profile::Registration;

impl Lock {
    /// Remembers a node whose image is built now; says whether the lock is another than before. The taints that it had
    /// the first time stay, and so do labels.
    pub fn record_node(&mut self, name: &str, now: &Registration) -> bool {
        let new = match self.nodes.get(name) {
            None => now.clone(),
            Some(known) => {
                let labels = known.labels.iter().chain(&now.labels);
                Registration::of(known.taints.clone(), labels.cloned())
            }
        };
        self.nodes.insert(name.to_owned(), new.clone()).is_none_or(|old| old != new)
    }

    /// Takes what the nodes are now for what they registered with, and forgets nodes that are no more.
    pub fn accept_nodes(&mut self, now: &BTreeMap<String, Registration>) {
        self.nodes.retain(|name, _| now.contains_key(name));
        for (name, known) in &mut self.nodes {
            known.clone_from(&now[name]);
        }
    }
}
