//! First-boot manifests: what overlays have K3s apply, as templates.
//!
//! ```text
//! overlays' manifests/*.yaml ─▶ template (which names it uses says where it goes) ─▶ text ─▶ objects ─▶ lints
//!                                     ├── only `profile`: into the image, /usr/share/imgbuild/manifests
//!                                     └── `cluster` or `secrets`: into the seed, /etc/imgbuild/manifests, 0600
//! ```
//! Both directories are linked into K3s's own (`server/manifests`), which it walks at every start and every 15 seconds
//! after (`pkg/deploy/controller.go`).

mod lints;
mod object;
mod template;

pub use lints::{Flaw, FlawKind, lint};
pub use object::{Manifest, Object};
pub use template::{Context, Home, ManifestError, Uses, render, uses};
