//! Profiles: what a node shall be, read from TOML, resolved through `extends` and overlays.
//!
//! `load` reads `profiles/NAME.toml` of a workspace (or the embedded one), follows `extends`, folds in the
//! overlays, validates, and returns a [`Profile`]: plain values without files, spans or defaults left open.

mod model;

pub use model::*;
