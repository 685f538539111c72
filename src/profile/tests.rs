//! Through the room's face: files in, profile or rendered message out.

use std::fs;

use tempfile::TempDir;

use super::*;

/// A workspace with these files.
fn workspace(files: &[(&str, &str)]) -> (TempDir, Workspace) {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let workspace = Workspace::open(dir.path()).unwrap();
    (dir, workspace)
}

#[test]
fn every_embedded_profile_is_valid_and_all_but_base_can_be_built() {
    let listed = list(&Workspace::embedded()).unwrap();
    let names: Vec<_> = listed.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["base", "control", "demo", "gpu", "storage"]);
    for profile in listed {
        let loaded = load(&Workspace::embedded(), &profile.name);
        assert_eq!(loaded.is_ok(), profile.name != "base", "{loaded:?}");
    }
}
