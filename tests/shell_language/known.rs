//! Every command that the evaluator knows is in some test that holds it against the real one, or against its manual.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the names of commands are, each as a text before `=>`.
const TABLES: [&str; 5] = [
    "src/shell/eval/builtins/mod.rs",
    "src/shell/eval/wrappers.rs",
    "src/shell/utilities/file/machine.rs",
    "src/shell/utilities/file/mod.rs",
    "src/shell/utilities/text/mod.rs",
];

/// Directories of tests.
const TESTS: [&str; 4] = ["src/shell", "tests/shell_files", "tests/shell_language/fragments", "tests/shell_texts"];

/// The texts of patterns like `"a" | "b" =>`.
fn names(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter_map(|line| line.split_once("=>")).flat_map(|(patterns, _)| {
        let mut names: Vec<_> =
            patterns.split('|').map(|name| name.trim().strip_prefix('"')?.strip_suffix('"')).collect();
        if names.contains(&None) {
            names.clear();
        }
        names.into_iter().flatten()
    })
}

fn files(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_command_that_is_known_is_tested() {
    let mut all = Vec::new();
    for dir in TESTS {
        files(Path::new(dir), &mut all);
    }
    // Of the evaluator itself only its tests count.
    all.retain(|path| !path.starts_with("src") || path.to_str().unwrap().contains("tests"));
    let texts: Vec<_> = all.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let words: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.split(|next: char| !next.is_alphanumeric() && !"[.:_".contains(next)))
        .collect();
    let tables = TABLES.map(|path| fs::read_to_string(path).unwrap());
    let names = tables.iter().flat_map(|table| names(table));
    let known: BTreeSet<&str> = names.filter(|name| !name.starts_with('-')).collect();
    assert!(known.len() > 90, "{known:?}");
    let untested: Vec<_> = known.difference(&words).collect();
    assert!(untested.is_empty(), "{untested:?}");
}
