//! Finds the node or profile that a NAME without `--node` or `--profile` means.
//!
//! A node wins: in a cluster whose nodes have the same names as their profiles, such as the one that `init` writes,
//! `imgbuild flash control` means the node. For commands that work on profiles only, a node's name means its profile.

use std::path::{Path, PathBuf};

use super::Outcome;
use super::session::Session;
use crate::cluster;
use crate::exit::Failure;
use crate::profile::error::known_names;
use crate::profile::{self, ProfileError};

/// What a name means.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    /// A node of the cluster, and its profile.
    Node { profile: String },
    /// A profile, or an unknown name that loading the profile will report.
    Profile,
}

/// Sets `node` or `profile` to what a `name` without a flag means, for commands that accept both.
pub(super) fn settle(
    session: &Session<'_>,
    name: Option<String>,
    node: &mut Option<String>,
    profile: &mut Option<String>,
) -> Outcome {
    let Some(name) = name else { return Ok(()) };
    match find(session, &name)? {
        Subject::Node { .. } => {
            if profiles(session)?.contains(&name) {
                session
                    .console
                    .note(&format!("`{name}` means the node of cluster.toml; for the profile, use `--profile {name}`"));
            }
            *node = Some(name);
        }
        Subject::Profile => *profile = Some(name),
    }
    Ok(())
}

/// The profile that a `name` without a flag means, or that the flag names; none if neither is given.
pub(super) fn profile(
    session: &Session<'_>,
    name: Option<String>,
    flag: Option<String>,
) -> Result<Option<String>, Failure> {
    let Some(name) = name else { return Ok(flag) };
    if profiles(session)?.contains(&name) {
        return Ok(Some(name));
    }
    match find(session, &name)? {
        Subject::Node { profile } => {
            session.console.note(&format!("`{name}` is a node: its profile `{profile}` is used"));
            Ok(Some(profile))
        }
        Subject::Profile => Ok(Some(name)),
    }
}

/// The profile that an argument means which may also be a path; none if it is a path. The bare name of a profile or node is not a
/// path: a file of that name must be given as `./NAME`.
pub(super) fn profile_or_path(session: &Session<'_>, given: &Path) -> Result<Option<String>, Failure> {
    let Some(name) = given.to_str().filter(|name| !name.contains('/')) else { return Ok(None) };
    let is_known = profiles(session)?.iter().any(|known| known == name);
    if is_known || !given.exists() && !name.contains('.') {
        return profile(session, Some(name.to_owned()), None);
    }
    Ok(None)
}

/// The path of a build that an argument means which may also be a path: a bare name that no file has means the build of
/// that node or profile. The workspace is opened only in this case.
pub(super) fn built<'s>(
    given: PathBuf,
    session: impl FnOnce() -> Result<Session<'s>, Failure>,
) -> Result<PathBuf, Failure> {
    let Some(name) = given.to_str().filter(|name| !name.contains(['/', '.']) && !given.exists()) else {
        return Ok(given);
    };
    let session = session()?;
    let node = match find(&session, name)? {
        Subject::Node { .. } => Some(session.output_dir("nodes").join(name)),
        Subject::Profile => None,
    };
    let is_profile = profiles(&session)?.iter().any(|known| known == name);
    let places: Vec<PathBuf> = node.into_iter().chain(is_profile.then(|| session.output_dir(name))).collect();
    if places.is_empty() {
        return Err(ProfileError::Unknown { name: name.to_owned(), known: profiles(&session)? }.into());
    }
    let is_built = |name: &str| {
        let all = profile::list(&session.workspace)?;
        Ok::<_, Failure>(all.iter().any(|profile| profile.name == name && profile.board.is_some()))
    };
    if places.len() == 1 && is_profile && !is_built(name)? {
        return Err(Failure::refused(format!("`{name}` is a profile that others extend: no image is built of it"))
            .hint("name a profile with a board, or a node: `imgbuild list` has them"));
    }
    places.into_iter().find(|dir| dir.join("manifest.json").is_file()).ok_or_else(|| {
        Failure::refused(format!("`{name}` is not built yet"))
            .hint(format!("build it: `imgbuild build {name}`, or name an image file or the directory of a build"))
    })
}

/// Whether there is a node or profile of this name.
pub(super) fn is_known(session: &Session<'_>, name: &str) -> Result<bool, Failure> {
    let is_node = cluster::load(&session.workspace)?.is_some_and(|cluster| cluster.nodes.contains_key(name));
    Ok(is_node || profiles(session)?.iter().any(|known| known == name))
}

fn find(session: &Session<'_>, name: &str) -> Result<Subject, Failure> {
    let Some(cluster) = cluster::load(&session.workspace)? else { return Ok(Subject::Profile) };
    if let Some(node) = cluster.nodes.get(name) {
        return Ok(Subject::Node { profile: node.profile.clone() });
    }
    let known = profiles(session)?;
    if known.iter().any(|known| known == name) {
        return Ok(Subject::Profile);
    }
    let mut all: Vec<String> = cluster.nodes.keys().cloned().chain(known).collect();
    all.sort();
    all.dedup();
    Err(Failure::refused(format!("there is no node and no profile `{name}`")).hint(known_names(
        "nodes and profiles",
        name,
        &all,
    )))
}

fn profiles(session: &Session<'_>) -> Result<Vec<String>, ProfileError> {
    session.workspace.profile_names()
}
