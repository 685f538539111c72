//! A small profile, for tests.

use std::fs;

use super::{Board, Profile, Workspace, load};

/// What a profile for `board` is that says nothing more than it must, loaded as any is. Tests change what they are about.
pub(crate) fn sample(board: Board) -> Profile {
    let source = |name: &str, archive: &str, suite: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\narchive = \"{archive}\"\nsuite = \"{suite}\"\ncomponents = [\"main\"]\n"
        )
    };
    let debian = source("debian", "debian", "trixie") + &source("security", "debian-security", "trixie-security");
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("profiles")).unwrap();
    let text = format!("schema = 1\nboard = \"{}\"\n{debian}", board.name());
    fs::write(dir.path().join("profiles/demo.toml"), text).unwrap();
    load(&Workspace::open(dir.path()).unwrap(), "demo").unwrap()
}
