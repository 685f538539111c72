//! First-boot manifests: templates in overlays whose objects K3s applies.
//!
//! ```text
//! overlays' manifests/*.yaml ─▶ template (which names it uses says where it goes) ─▶ text ─▶ objects ─▶ rules
//!                                     ├── only `profile`: into the image, /usr/share/imgbuild/manifests
//!                                     └── `cluster` or `secrets`: into the seed, /etc/imgbuild/manifests, 0600
//! ```
//! Those of an overlay with `via = "gitops"` go into the owner's Git repository instead, but for those with secrets.
//!
//! Both directories are linked into K3s's own (`server/manifests`), which K3s reads at every start and every 15 seconds after
//! that (`pkg/deploy/controller.go`).

mod charts;
mod error;
mod filters;
mod images;
pub(crate) mod kubernetes;
mod object;
mod outline;
mod rules;
mod template;
mod template_spans;
mod yaml;

pub use charts::{ChartUse, baked, chart_file, charts};
pub use error::ManifestError;
pub use images::images;
pub use object::{Manifest, Object};
pub use outline::outlines;
pub use rules::{Against, Flaw, FlawKind, Rendered, groups_of_chart, lint, unused};
pub use template::{Context, Home, Uses, render, uses};
pub use template_spans::TemplateSpans;
pub use yaml::{Node as YamlNode, YamlError};

/// The placeholder for a secret that is not available when manifests are checked. It is valid as a name, a label and base64, so
/// that no rule reports it.
pub const STAND_IN: &str = "notset00";
