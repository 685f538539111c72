//! Through the room's face: files in, profile or rendered message out.

mod answers;
mod architectures;
mod board;
mod kernel_modules;
mod mistakes;
mod networks;
mod nvidia;
mod openings;
mod overlay_sources;
mod params;
mod recommends;
mod resolving;
mod roles;
mod values;
mod via;

use std::fs;

use tempfile::TempDir;

use super::*;

/// A workspace with these files.
fn workspace(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// The profile `node` of a workspace with these files.
fn node(files: &[(&str, &str)]) -> Profile {
    let dir = workspace(files);
    load(&Workspace::open(dir.path()).unwrap(), "node").unwrap()
}

/// What is shown when the profile `name` is loaded from a workspace with these files.
fn error(files: &[(&str, &str)], name: &str) -> String {
    let dir = workspace(files);
    let error = load(&Workspace::open(dir.path()).unwrap(), name).unwrap_err();
    error.render(false).replace(&format!("{}/", dir.path().display()), "")
}

/// As [`error`], for a profile `node` with this text.
fn node_error(text: &str) -> String {
    error(&[("profiles/node.toml", text)], "node")
}
