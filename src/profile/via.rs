//! `via`: how an overlay's manifests reach the cluster. An overlay says it of itself, and a profile may say otherwise in
//! `[overlay.NAME]`; so no parameter is called that.

use std::sync::Arc;

use super::params::{Settings, VIA};
use super::schema::OverlayToml;
use super::values::Spanned;
use super::{ProfileError, Via};
use crate::diagnostic::{Diagnostic, SourceText};

/// Its key, in overlays and in `[overlay.NAME]` of profiles.
pub(super) const KEY: &str = VIA;
/// What it may be, for people.
const VALUES: &str = "write `via = \"image\"` or `via = \"gitops\"`";

/// How the manifests of `overlay` reach the cluster: what the profile says, or else the overlay of `at` itself.
///
/// # Errors
/// Another word than the two; an overlay that has no manifests.
pub(super) fn of(
    overlay: &str,
    has_manifests: bool,
    own: Option<&Spanned<Via>>,
    settings: Option<&Settings>,
    at: &Arc<SourceText>,
) -> Result<Via, ProfileError> {
    let of_profile = settings.and_then(|settings| settings.get(KEY));
    if !has_manifests && (own.is_some() || of_profile.is_some()) {
        let message = format!("overlay `{overlay}` has no manifests, and `{KEY}` says how those reach the cluster");
        let here = match (of_profile, own) {
            (Some(setting), _) => setting.wrong(message),
            (None, own) => Diagnostic::new(at, own.map(|own| own.0.span()), message),
        };
        return Err(here.hint("take it out").into());
    }
    let Some(setting) = of_profile else { return Ok(own.map(|own| *own.0.get_ref()).unwrap_or_default()) };
    match setting.text() {
        Some("image") => Ok(Via::Image),
        Some("gitops") => Ok(Via::Gitops),
        _ => Err(setting.wrong(format!("`{KEY}` is one of two words")).hint(VALUES).into()),
    }
}

/// Refuses a parameter of this name, which no profile could set.
///
/// # Errors
/// As said.
pub(super) fn refuse_parameter(toml: &OverlayToml, at: &Arc<SourceText>) -> Result<(), ProfileError> {
    if toml.params.keys().all(|name| name.0 != KEY) {
        return Ok(());
    }
    let header = format!("[params.{KEY}]");
    let span = at.text.find(&header).map(|start| start..start + header.len());
    let message = format!("`{KEY}` cannot be a parameter: it says how an overlay's manifests reach the cluster");
    Err(Diagnostic::new(at, span, message).hint("give the parameter another name").into())
}
