//! What overlays are to each other: `provides`, `needs` and `conflicts`, names of roles. Of each role a profile has one
//! provider at most; an overlay always provides its own name.

use std::collections::{BTreeMap, BTreeSet};

use super::architectures::{self, Architectures};
use super::draft::Draft;
use super::parse::parse;
use super::schema::OverlayToml;
use super::{Arch, Overlay, ProfileError, Via, Workspace, via};
use crate::diagnostic::{Diagnostic, closest};

/// Holds the overlays of a profile against what they say of each other.
///
/// # Errors
/// Two that provide one role or open one port; one for other architectures than the board's; two of which one conflicts with the other; one that needs a role that none of them provides.
pub(super) fn check(draft: &Draft, overlays: &[Overlay], workspace: &Workspace) -> Result<(), ProfileError> {
    let mut providers: BTreeMap<&str, &Overlay> = BTreeMap::new();
    for overlay in overlays {
        for role in &overlay.provides {
            if let Some(first) = providers.insert(role, overlay) {
                return Err(two_of_a_kind(draft, role, first, overlay).into());
            }
        }
    }
    for overlay in overlays {
        let others = |role: &String| providers.get(role.as_str()).copied().filter(|other| other.name != overlay.name);
        if let Some((role, other)) = overlay.conflicts.iter().find_map(|role| Some((role, others(role)?))) {
            return Err(conflict(draft, role, overlay, other).into());
        }
    }
    for overlay in overlays {
        if let Some(role) = overlay.needs.iter().find(|role| !providers.contains_key(role.as_str())) {
            return Err(unmet(draft, role, overlay, workspace)?.into());
        }
    }
    fits_board(draft, overlays)?;
    ports_differ(draft, overlays)?;
    for overlay in overlays.iter().filter(|overlay| overlay.via == Via::Gitops) {
        match providers.get(GITOPS) {
            None => return Err(nobody_applies(draft, overlay, workspace)?.into()),
            Some(controller) if controller.name == overlay.name => {
                let message = format!("overlay `{}` provides `{GITOPS}`, and cannot come by it", overlay.name);
                let hint = "a GitOps controller has to be there before Git is read: `via = \"image\"`";
                return Err(at_its_via(draft, overlay, message).hint(hint).into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The role of what applies a Git repository.
const GITOPS: &str = "gitops";

/// An overlay whose manifests are delivered by Git in a profile without anything that reads Git.
fn nobody_applies(draft: &Draft, overlay: &Overlay, workspace: &Workspace) -> Result<Diagnostic, ProfileError> {
    let name = &overlay.name;
    let message = format!(
        "the manifests of overlay `{name}` are delivered by Git, and no overlay of this profile provides `{GITOPS}`"
    );
    let known: Vec<String> = providers(workspace)?
        .into_iter()
        .filter(|(known, roles)| known != name && roles.iter().any(|role| role == GITOPS))
        .map(|(name, _)| quoted(&name))
        .collect();
    let add = match known.as_slice() {
        [] => format!("add an overlay with `provides = [\"{GITOPS}\"]`"),
        [one] => format!("add the overlay {one}, which does"),
        several => format!("add one of the overlays that do: {}", several.join(", ")),
    };
    let hint = format!("{add}; or have the image bring them: `via = \"image\"` in [overlay.{name}]");
    Ok(at_its_via(draft, overlay, message).hint(hint))
}

/// A mistake where the profile says how an overlay's manifests reach the cluster, or else where it names the overlay.
fn at_its_via(draft: &Draft, overlay: &Overlay, message: String) -> Diagnostic {
    let key = format!("{} {}", overlay.name, via::KEY);
    let said = overlay.marks.mistake("overlay.param", &key, message.clone());
    said.unwrap_or_else(|| at_its_name(draft, overlay, message))
}

/// Refuses an overlay that is for other architectures than the board's.
fn fits_board(draft: &Draft, overlays: &[Overlay]) -> Result<(), ProfileError> {
    let Some(board) = draft.board else { return Ok(()) };
    let is_other = |names: &BTreeSet<Arch>| !names.is_empty() && !names.contains(&board.arch());
    let Some(overlay) = overlays.iter().find(|overlay| is_other(&overlay.architectures.names)) else { return Ok(()) };
    let name = &overlay.name;
    let Architectures { names, params } = &overlay.architectures;
    let (only, arch) = (architectures::spoken(names), board.arch().name());
    let message = format!("overlay `{name}` is for {only} alone, and the board `{}` is {arch}", board.name());
    let params: Vec<String> = params.iter().map(quoted).collect();
    let other = match params.as_slice() {
        [] => String::new(),
        params => format!(", or set {} in [overlay.{name}] otherwise", params.join(" and ")),
    };
    let hint = format!("take it out of this profile{other}; `imgbuild overlay show {name}` says what it is for");
    Err(at_its_name(draft, overlay, message).hint(hint).into())
}

/// Refuses two overlays that open one port of a node.
fn ports_differ(draft: &Draft, overlays: &[Overlay]) -> Result<(), ProfileError> {
    let mut open = BTreeMap::new();
    for overlay in overlays {
        for port in &overlay.ports {
            let first: Option<&Overlay> = open.insert((port.port, port.protocol), overlay);
            if let Some(first) = first {
                let (one, two) = (&first.name, &overlay.name);
                let message = format!("overlays `{one}` and `{two}` both open port {} on nodes", port.spoken());
                return Err(at_its_name(draft, overlay, message).hint(keep_one(first)).into());
            }
        }
    }
    Ok(())
}

/// A mistake where the profile names this overlay.
fn at_its_name(draft: &Draft, overlay: &Overlay, message: String) -> Diagnostic {
    let (source, span) = &draft.overlay_places[&overlay.name];
    Diagnostic::new(source, Some(span.clone()), message)
}

/// Whichever of two comes second in the profile, and the other.
fn later<'o>(draft: &Draft, one: &'o Overlay, two: &'o Overlay) -> (&'o Overlay, &'o Overlay) {
    let place = |overlay: &Overlay| draft.overlays.iter().position(|name| *name == overlay.name);
    if place(one) > place(two) { (one, two) } else { (two, one) }
}

fn keep_one(other: &Overlay) -> String {
    format!("use one of the two: take this one out, or the other, which `\"-{}\"` does if it is inherited", other.name)
}

fn two_of_a_kind(draft: &Draft, role: &str, first: &Overlay, second: &Overlay) -> Diagnostic {
    let message = format!("overlays `{}` and `{}` both provide `{role}`", first.name, second.name);
    at_its_name(draft, second, message).hint(keep_one(first))
}

fn conflict(draft: &Draft, role: &str, overlay: &Overlay, other: &Overlay) -> Diagnostic {
    let why = if other.name == role { String::new() } else { format!(", which provides `{role}`") };
    let message = format!("overlay `{}` conflicts with overlay `{}`{why}", overlay.name, other.name);
    let (second, first) = later(draft, overlay, other);
    at_its_name(draft, second, message).hint(keep_one(first))
}

fn unmet(draft: &Draft, role: &str, overlay: &Overlay, workspace: &Workspace) -> Result<Diagnostic, ProfileError> {
    let name = &overlay.name;
    let message = format!("overlay `{name}` needs `{role}`, which no overlay of this profile provides");
    let known = providers(workspace)?;
    let of_role: Vec<String> = known
        .iter()
        .filter(|(_, roles)| roles.iter().any(|known| known == role))
        .map(|(name, _)| quoted(name))
        .collect();
    Ok(match of_role.as_slice() {
        [] => {
            // Nobody can use it as it is, so its own file is where the mistake is.
            let here = overlay.marks.mistake("needs", role, message.clone());
            let roles = known.iter().flat_map(|(_, roles)| roles).map(String::as_str);
            let meant = closest(role, roles).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
            let hint = format!(
                "{meant}no overlay that there is provides it; one that did would have `provides = [\"{role}\"]`"
            );
            here.unwrap_or_else(|| at_its_name(draft, overlay, message)).hint(hint)
        }
        [one] => at_its_name(draft, overlay, message).hint(format!("add the overlay {one}, which does")),
        several => {
            let hint = format!("add one of the overlays that do: {}", several.join(", "));
            at_its_name(draft, overlay, message).hint(hint)
        }
    })
}

fn quoted(name: &String) -> String {
    format!("`{name}`")
}

/// What each overlay of the workspace and of the program provides for some values of its parameters, by its name. One that
/// cannot be read provides nothing here.
fn providers(workspace: &Workspace) -> Result<Vec<(String, Vec<String>)>, ProfileError> {
    let mut found = Vec::new();
    for name in workspace.overlay_names()? {
        let Ok(Some(source)) = workspace.overlay_toml(&name) else { continue };
        let Ok(toml) = parse::<OverlayToml>(&source) else { continue };
        let more = toml.provides.iter().chain(toml.whens.iter().flat_map(|when| &when.provides));
        let roles = std::iter::once(name.clone()).chain(more.map(|role| role.0.get_ref().0.clone()));
        let roles = roles.collect();
        found.push((name, roles));
    }
    Ok(found)
}
