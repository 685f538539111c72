//! What a cluster does at its first boot, in order: a value that can be printed, drawn, and read by programs.
//!
//! ```text
//! cluster.toml, profiles of its nodes ─▶ manifests, rendered with a stand-in for each secret ─▶ Rollout ─▶ text, JSON, SVG
//! ```
//!
//! Nodes start, a server comes up, workers join it; K3s brings its own parts and applies the files of image and seed; Argo CD
//! then applies what is in Git, wave by wave. Nothing here holds the value of a secret: only whether it is set.

mod model;
mod nodes;
mod objects;
mod order;
mod parts;
mod plan;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use model::{Chart, File, Node, Rollout, SecretState, SecretUse, Stage, Step, Wait};
pub use plan::{Inputs, plan};
