//! From a name to a resolved profile: read the chain, lay its files over each other, read the overlays, combine.

use std::sync::Arc;

use super::combine::combine;
use super::draft::{Draft, Layer};
use super::error::known_names;
use super::inherit::plain;
use super::parse::parse;
use super::schema::{OverlayToml, ProfileToml};
use super::{Board, Home, Profile, ProfileError, Workspace, checks, overlay, params, roles};
use crate::diagnostic::{Diagnostic, SourceText};

/// What a list of profiles shows of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSummary {
    pub name: String,
    pub description: String,
    /// `None` for a profile that can only be extended.
    pub board: Option<Board>,
    pub from: Home,
}

/// What a list of overlays shows of one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OverlaySummary {
    pub name: String,
    pub description: String,
    /// Roles that it has beside its own name, whatever its parameters are.
    pub provides: Vec<String>,
    pub from: Home,
}

/// Loads the profile `name`, completely resolved and checked.
///
/// # Errors
/// An unknown name; a file that cannot be read; anything wrong in the files it is made of.
pub fn load(workspace: &Workspace, name: &str) -> Result<Profile, ProfileError> {
    let leaf = find(workspace, name)?;
    let source = Arc::clone(&leaf.source);
    let mut draft = lay(chain(workspace, leaf)?, workspace)?;
    params::check_used(&draft.settings, &draft.overlays, &source)?;
    let overlays = overlay::of(&draft, workspace)?;
    roles::check(&draft, &overlays, workspace)?;
    combine(&mut draft, overlays)?;
    draft.finish(name, &source)
}

/// A profile's name, and the profile or what is wrong with it.
pub type Loaded = (String, Result<Profile, ProfileError>);

/// Every profile that a board can boot, or that cannot be read, by name: the workspace's and the program's. An embedded
/// one that a workspace's own `base` has made unusable is nobody's mistake and left out, as is one that is only there to
/// be extended.
///
/// # Errors
/// Folders that cannot be read.
pub fn bootable(workspace: &Workspace) -> Result<Vec<Loaded>, ProfileError> {
    let mut found = Vec::new();
    for name in workspace.profile_names()? {
        let laid = find(workspace, &name).and_then(|leaf| lay(chain(workspace, leaf)?, workspace));
        let loaded = match laid {
            Ok(Draft { board: None, .. }) => continue,
            Ok(_) => load(workspace, &name),
            Err(error) => Err(error),
        };
        if loaded.is_ok() || workspace.has_profile(&name) {
            found.push((name, loaded));
        }
    }
    Ok(found)
}

/// All profiles of the workspace and of the program, by name. An embedded profile that a workspace's own `base` has
/// made unusable is nobody's mistake and left out.
///
/// # Errors
/// As [`load`], for the first of the workspace's own profiles that is not valid.
pub fn list(workspace: &Workspace) -> Result<Vec<ProfileSummary>, ProfileError> {
    let mut summaries = Vec::new();
    for name in workspace.profile_names()? {
        let from = workspace.home(&profile_path(&name));
        let laid = find(workspace, &name).and_then(|leaf| lay(chain(workspace, leaf)?, workspace));
        match laid.and_then(|draft| with_drops(draft, workspace)) {
            Ok(Draft { description, board, .. }) => {
                summaries.push(ProfileSummary { name, description: description.unwrap_or_default(), board, from });
            }
            Err(error) if from == Home::Workspace => return Err(error),
            Err(_) => {}
        }
    }
    Ok(summaries)
}

/// All overlays of the workspace and of the program, by name.
///
/// # Errors
/// One that cannot be read, or anything wrong with its keys and single values.
pub fn overlays(workspace: &Workspace) -> Result<Vec<OverlaySummary>, ProfileError> {
    let mut summaries = Vec::new();
    for name in workspace.overlay_names()? {
        let Some(source) = workspace.overlay_toml(&name)? else { continue };
        let toml: OverlayToml = parse(&source)?;
        let description = toml.description.map(Into::into).unwrap_or_default();
        let from = workspace.overlay_home(&name);
        let provides = toml.provides.into_iter().map(plain).collect();
        summaries.push(OverlaySummary { name, description, provides, from });
    }
    Ok(summaries)
}

/// Checks keys and single values of a profile's text; `path` is for messages. Reads no file.
///
/// # Errors
/// Text that is no TOML; unknown or missing keys; wrong types; bad values.
pub fn parse_str(text: &str, path: &str) -> Result<(), ProfileError> {
    let source = Arc::new(SourceText { path: path.to_owned(), text: text.to_owned() });
    parse::<ProfileToml>(&source).map(drop).map_err(Into::into)
}

fn lay(layers: Vec<Layer>, workspace: &Workspace) -> Result<Draft, ProfileError> {
    let mut draft = Draft::default();
    for layer in layers.into_iter().rev() {
        draft.lay(layer, workspace)?;
    }
    Ok(draft)
}

/// The draft, if what it takes away of `drop` is there to be taken: where the chain does not have it, an overlay must.
fn with_drops(mut draft: Draft, workspace: &Workspace) -> Result<Draft, ProfileError> {
    if draft.takes_from_overlays() {
        let overlays = overlay::of(&draft, workspace)?;
        draft.drop_more(overlays.iter().flat_map(|overlay| &overlay.drop))?;
    }
    Ok(draft)
}

/// The files from `leaf` up to the one that extends nothing.
fn chain(workspace: &Workspace, leaf: Layer) -> Result<Vec<Layer>, ProfileError> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut next = Some(leaf);
    while let Some(layer) = next {
        next = extended(workspace, &layer, &layers)?;
        layers.push(layer);
    }
    Ok(layers)
}

/// The file that `layer` extends; `below` are those that lead to it.
fn extended(workspace: &Workspace, layer: &Layer, below: &[Layer]) -> Result<Option<Layer>, ProfileError> {
    let Some(extends) = &layer.toml.extends else { return Ok(None) };
    let parent = &extends.0.get_ref().0;
    let wrong = |message: String| Diagnostic::new(&layer.source, Some(extends.0.span()), message);
    if *parent == layer.name || below.iter().any(|seen| seen.name == *parent) {
        let message = format!("profile `{parent}` ends up extending itself");
        return Err(wrong(message).hint("a chain of `extends` must end in a profile without it").into());
    }
    if let Some(found) = read(workspace, parent)? {
        return Ok(Some(found));
    }
    let known = workspace.profile_names()?;
    let unknown = wrong(format!("there is no profile `{parent}`"));
    Err(unknown.hint(known_names("profiles", parent, &known)).into())
}

fn find(workspace: &Workspace, name: &str) -> Result<Layer, ProfileError> {
    let unknown = |known| ProfileError::Unknown { name: name.to_owned(), known };
    read(workspace, name)?.map_or_else(|| Err(unknown(workspace.profile_names()?)), Ok)
}

fn read(workspace: &Workspace, name: &str) -> Result<Option<Layer>, ProfileError> {
    if let Err(verdict) = checks::identifier(name) {
        // A file of that name is there for whoever looks: say why it does not count.
        let is_there = !name.contains('/') && workspace.owns(&profile_path(name));
        let hint = verdict.split_once('\n').map_or_else(String::new, |(_, hint)| hint.to_owned());
        return if is_there { Err(ProfileError::Misnamed { path: profile_path(name), hint }) } else { Ok(None) };
    }
    let Some(source) = workspace.read_text(&profile_path(name))? else { return Ok(None) };
    let toml = parse(&source)?;
    Ok(Some(Layer { name: name.to_owned(), source, toml }))
}

fn profile_path(name: &str) -> String {
    format!("profiles/{name}.toml")
}
