//! The cluster: which nodes there are, how they find each other, and what must stay the same for its whole life.
//!
//! ```text
//! cluster.toml → parse (schema, values, checks) → Cluster + Places → lints → findings
//! ```
//!
//! An image is made of a profile alone and holds nothing of this; what is read here goes into a node's seed. Single
//! values check themselves while TOML is read, as in the room `profile`. What needs several values, profiles, the lock
//! or other files is a lint: those tell everything they find.

mod checks;
mod error;
mod init;
pub mod lints;
mod load;
mod model;
mod places;
mod schema;
#[cfg(test)]
mod tests;
mod values;

pub use error::ClusterError;
pub use init::{InitError, init};
pub use load::{FILE, load, load_with_places};
pub use model::*;
pub use places::Places;
pub use schema::json_schema;
