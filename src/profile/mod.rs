//! Profiles: what a node shall be, read from TOML, resolved through `extends` and overlays.
//!
//! `load` reads `profiles/NAME.toml` of a workspace (or the embedded one), follows `extends`, folds in the
//! overlays, validates, and returns a [`Profile`]: plain values without files, spans or defaults left open.
//!
//! ```text
//! workspace → parse (schema, values, checks) → draft, file by file → overlay → Profile
//! ```
//!
//! Single values check themselves while TOML is read; what needs several values or files is checked while
//! they are laid over each other. Both point at the place in the file.

mod board;
mod checks;
mod draft;
mod error;
mod k3s;
mod load;
mod model;
mod overlay;
mod parse;
mod resolved;
mod schema;
#[cfg(test)]
mod tests;
mod values;
mod workspace;

pub use error::ProfileError;
pub use load::{ProfileSummary, list, load, parse_str};
pub use model::*;
pub use schema::{json_schema, overlay_json_schema};
pub use workspace::Workspace;
