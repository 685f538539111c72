//! Embeds the top-level `profiles/` and `overlays/` folders, so that a released binary works alone.
//!
//! Writes one sorted table of (path, bytes) that `src/profile/workspace.rs` includes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["profiles", "overlays"] {
        println!("cargo::rerun-if-changed={folder}");
        collect(&root.join(folder), &mut files)?;
    }
    // By text, as the table is searched: paths sort step by step, where `a/b` comes before `a-b/c`.
    files.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    let mut table = String::from("[\n");
    for file in files {
        let name = file.strip_prefix(&root).expect("collected below the root");
        let [name, file] = [name, &file].map(|path| path.to_str().expect("UTF-8 file names"));
        writeln!(table, "    ({name:?}, include_bytes!({file:?})),").expect("strings grow");
    }
    table.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("embedded.rs"), table)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
