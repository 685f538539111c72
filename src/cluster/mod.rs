//! The cluster: which nodes there are, how they find each other, what must stay the same for its whole life, and what must
//! never be published.
//!
//! ```text
//! cluster.toml ─▶ parse (schema, values, checks) ─▶ Cluster + Places ─▶ lints ─▶ findings
//!                                                      │
//! secrets.toml, environment ─▶ secrets ─▶ identity ────┴─▶ seed of a node
//!                                 └─▶ leaks ◀── every output of a build
//! ```
//!
//! An image is made of a profile alone and holds nothing of this; what is read here goes into a node's seed. Single
//! values check themselves while TOML is read, as in the room `profile`. What needs several values, profiles, the lock
//! or other files is a lint: those tell everything they find.
//!
//! `secrets` reads and keeps the few values that a cluster cannot be had back without; `identity` derives from one of
//! them, and from a node's name, all that makes a re-flashed node the same node; `manifests` makes of overlays' templates
//! what K3s applies by itself; `leaks` looks for any secret where it must not be.

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
mod places;
mod schema;
pub mod secrets;
pub mod seed;
#[cfg(test)]
mod tests;
mod values;

pub use error::ClusterError;
pub use init::{InitError, Written, init};
pub use load::{FILE, load, load_with_places, parse_str};
pub use model::*;
pub use places::Places;
pub use schema::json_schema;
