//! `[overlay.NAME]` of a cluster file: the values of those parameters that overlays leave to the cluster
//! (`set_by = "cluster"`). They are for manifests alone, so no image depends on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::params::{self, declared_or, fits};
use super::parse::parse;
use super::schema::{OverlayTables, OverlayToml, ParamTable, SetBy};
use super::values::Spanned;
use super::{Params, ProfileError, Workspace, via};
use crate::diagnostic::{Diagnostic, SourceText};

/// The values that a cluster file gives, by overlay.
///
/// # Errors
/// An overlay that there is not, or that is broken; a parameter that it does not have, or that profiles set; a value that the
/// parameter may not have.
pub(crate) fn of_cluster(
    tables: OverlayTables,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<BTreeMap<String, Params>, ProfileError> {
    let OverlayTables(tables) = tables;
    params::check_names(&tables, at, workspace)?;
    let mut all = BTreeMap::new();
    for (Spanned(overlay), values) in tables {
        let overlay = overlay.into_inner().0;
        let Some(source) = workspace.overlay_toml(&overlay)? else { continue };
        let toml: OverlayToml = parse(&source)?;
        let declared: BTreeMap<String, ParamTable> =
            toml.params.into_iter().map(|(name, table)| (name.0, table)).collect();
        let mut params = Params::new();
        for (Spanned(name), Spanned(value)) in values {
            let shown = params::shown_at(at, value.span(), &name.get_ref().0, &declared);
            let at_name = |message: String| Diagnostic::new(&shown, Some(name.span()), message);
            let name = &name.get_ref().0;
            if name == via::KEY {
                let wrong = at_name(format!("`{name}` is for profiles to set, not for the cluster"));
                return Err(wrong.hint(format!("write it into [overlay.{overlay}] of the server's profile")).into());
            }
            let table =
                declared_or(&declared, name, at_name, &format!("overlay `{overlay}` has no parameter `{name}`"))?;
            if table.set_by == SetBy::Profile {
                let wrong = at_name(format!("`{name}` is for profiles to set, not for the cluster"));
                return Err(wrong.hint(format!("write it into [overlay.{overlay}] of the profile")).into());
            }
            let wrong = |misfit| params::misfit_at(at, value.span(), table, misfit);
            fits(name, table, value.get_ref()).map_err(wrong)?;
            params.insert(name.clone(), value.get_ref().clone());
        }
        all.insert(overlay, params);
    }
    Ok(all)
}
