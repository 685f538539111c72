//! First-boot manifests: what overlays have K3s apply, as templates.
//!
//! ```text
//! overlays' manifests/*.yaml ─▶ template (which names it uses says where it goes) ─▶ text ─▶ objects ─▶ rules
//!                                     ├── only `profile`: into the image, /usr/share/imgbuild/manifests
//!                                     └── `cluster` or `secrets`: into the seed, /etc/imgbuild/manifests, 0600
//! ```
//! Both directories are linked into K3s's own (`server/manifests`), which it walks at every start and every 15 seconds
//! after (`pkg/deploy/controller.go`).

pub mod kubernetes;
mod object;
mod places;
mod rules;
mod template;
mod yaml;

pub use object::{Manifest, Object};
pub use places::Places;
pub use rules::{Against, Flaw, FlawKind, Rendered, lint, unused};
pub use template::{Context, Home, ManifestError, Uses, render, uses};
pub use yaml::Fault;

/// Stands for a secret that is not at hand when manifests are checked: it is a name, a label and base64, so that no rule
/// takes it for a mistake.
pub const STAND_IN: &str = "notset00";
