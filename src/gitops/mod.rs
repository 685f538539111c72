//! The owner's Git repository, from which Argo CD applies what the image does not bring.
//!
//! ```text
//! cluster, nodes' profiles ─▶ systems ─▶ layout (path → text) ┐
//! the repository as it is, and what was written there ──────────┴─▶ plan ─▶ files
//! ```
//! `systems` sorts what the overlays' manifests are made of: charts, other objects, secrets by name. `layout` makes the repository of
//! them, a value. `plan` holds it against what is there: what people changed stays theirs. `repository` alone touches the
//! directory.
//!
//! No secret gets here: manifests that use one go into a server's seed, and none is given to a template.

mod application;
mod error;
mod layout;
mod parts;
mod path;
mod plan;
mod report;
mod repository;
mod systems;
mod yaml;

pub use error::GitopsError;
pub use layout::{Layout, layout};
pub use path::RECORD;
pub use plan::{Kept, Plan, Step, Why, plan};
pub use repository::Repository;
pub use systems::{Systems, systems};
