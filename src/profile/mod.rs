//! Profiles: what a node shall be, read from TOML, resolved through `extends` and overlays.
//!
//! `load` reads `profiles/NAME.toml` of a workspace (or the embedded one), follows `extends`, folds in the
//! overlays, validates, and returns a [`Profile`]: plain values without files, spans or defaults left open.
//!
//! ```text
//! profiles → parse (schema, values, checks) → draft, file by file ┐
//! overlays → parse (schema, values, checks) → overlay, each a value ┴→ combine → Profile
//! ```
//!
//! Single values check themselves while TOML is read; what needs several values or files is checked while
//! they are laid over each other. Both point at the place in the file. Who gave what stays known ([`Origin`], [`Marks`]).

pub(crate) mod addresses;
mod answers;
mod architectures;
mod artifact;
mod board;
pub(crate) mod checks;
mod cluster_params;
pub(crate) mod cmdline;
mod combine;
mod compiled;
pub(crate) mod config_txt;
mod container_image;
mod draft;
mod entries;
pub(crate) mod error;
pub(crate) mod forms;
mod inherit;
mod json_schema;
mod k3s;
mod kernel_module;
mod load;
mod marks;
mod mistyped;
mod model;
mod openings;
mod origin;
mod outline;
mod overlay;
mod param_value;
mod params;
pub(crate) mod parse;
mod ports;
mod registration;
mod resolved;
mod roles;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod schema;
mod slips;
mod source_checks;
#[cfg(test)]
mod tests;
pub(crate) mod values;
mod via;
pub(crate) mod workspace;

pub(crate) use cluster_params::of_cluster;
pub use container_image::{ImageName, PinnedImage};
pub use error::ProfileError;
pub use forms::Form;
pub use json_schema::json_schema;
pub(crate) use json_schema::with_overlays;
pub use k3s::{End, Line, Tag};
pub use kernel_module::{KernelModule, KernelRange, ModulePatch, kernel_version};
pub use load::{Loaded, OverlaySummary, ProfileSummary, bootable, list, load, overlays, parse_str};
pub use marks::{Giver, Marks};
pub use model::*;
pub use openings::at_the_console;
pub use origin::Origin;
pub use outline::{Archive, Compiled, Download, Outline, OwnFile, Param, Part, When, outline};
pub use overlay::Overlay;
pub use param_value::{ParamValue, Params};
pub use ports::{Port, Protocol};
pub use registration::Registration;
pub use schema::{SetBy, overlay_json_schema};
pub use workspace::{Home, Workspace};
