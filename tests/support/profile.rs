//! Profiles for tests, loaded as any are.

use std::fs;

use imgbuild::profile::{Profile, Workspace, load};

/// The profile `demo` of this text, which names its board; it takes packages from Debian's own archive.
pub fn profile(text: &str) -> Profile {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("profiles")).unwrap();
    let source = "[[source]]\nname = \"debian\"\narchive = \"debian\"\nsuite = \"trixie\"\ncomponents = [\"main\"]\n";
    fs::write(dir.path().join("profiles/demo.toml"), format!("schema = 1\n{text}{source}")).unwrap();
    load(&Workspace::open(dir.path()).unwrap(), "demo").unwrap()
}
