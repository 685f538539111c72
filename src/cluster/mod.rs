//! The cluster: what differs between two homes that run the same images, and what must never be published.
//!
//! ```text
//! secrets.toml, environment ─▶ secrets ─┬─▶ identity ─▶ seed of a node
//!                                       └─▶ leaks ◀── every output of a build
//! ```
//!
//! `secrets` reads and keeps the few values that a cluster cannot be had back without; `identity` derives from one of
//! them, and from a node's name, all that makes a re-flashed node the same node; `leaks` looks for any of them where
//! they must not be. `manifests` makes of overlays' templates what K3s applies by itself.

mod hex;
pub mod identity;
pub mod leaks;
pub mod manifests;
pub mod secrets;
