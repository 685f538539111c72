//! The cluster: its nodes, how they find each other, the values that must never change, and its secrets.
//!
//! ```text
//! cluster.toml ─▶ parse (schema, values, checks) ─▶ Cluster + SourceSpans ─▶ lints ─▶ findings
//!                                                      │
//! secrets.toml, environment ─▶ secrets ─▶ identity ────┴─▶ seed of a node
//!                                 └─▶ leaks ◀── every output of a build
//! ```
//!
//! An image is made from a profile only and has nothing of this in it; the cluster's values go into a node's seed. Single values
//! are checked while TOML is read, as in the room `profile`. Checks that need several values, profiles, the lock or other
//! files are lints, which report everything they find.
//!
//! `secrets` stores the few values without which a cluster cannot be restored. `identity` derives the identity of each node
//! from one of them and the node's name, so that a re-flashed node is the same node. `manifests` renders overlays' templates
//! into the objects that K3s applies. `leaks` searches for secrets where they must not be.

mod checks;
mod error;
mod hex;
pub mod identity;
mod init;
pub mod leaks;
pub mod lints;
mod load;
pub mod manifests;
mod model;
mod schema;
pub mod secrets;
pub(crate) mod seed;
mod source_spans;
#[cfg(test)]
mod tests;
mod values;

pub use error::ClusterError;
pub use init::{InitError, Written, init};
pub use load::{FILE, load, load_with_places, parse_str};
pub use model::*;
pub use schema::json_schema;
pub use source_spans::SourceSpans;
