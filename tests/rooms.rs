//! The rooms of the house (docs/architecture.md): which may use which, and that no two files need each other.
//!
//! Read from the `use` lines of `src/`, so that a line that reaches upwards fails here. Tests inside the rooms are left out:
//! they may look at anything.
//!
//! And that no test is left out unnoticed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each room uses, the lowest first: a room uses only such as stand above its own line.
const ROOMS: &[(&str, &str)] = &[
    ("exit", ""),
    ("files", ""),
    ("urls", ""),
    ("process", ""),
    ("diagnostic", ""),
    ("datastore", ""),
    ("tree", "files"),
    ("shell", "tree"),
    ("format", "tree"),
    ("output", "exit"),
    ("cli", "output"),
    ("cache", "files tree format"),
    ("device", "output"),
    ("profile", "files urls diagnostic tree"),
    ("fetch", "files urls tree format output profile"),
    ("debian", "files urls tree format output profile fetch"),
    ("lock", "files urls diagnostic tree profile fetch debian"),
    ("effects", "diagnostic tree format profile debian lock"),
    ("scripts", "diagnostic tree shell profile debian lock effects"),
    ("kernel_module", "process tree output profile debian effects"),
    ("image", "files diagnostic tree format output profile debian"),
    ("release", "files tree format output image"),
    ("flash", "process tree format output device image"),
    ("cluster", "files urls diagnostic datastore tree format profile lock"),
    ("rollout", "profile cluster"),
    ("gitops", "files urls tree profile cluster rollout"),
    (
        "pipeline",
        "files urls diagnostic tree format output cache profile fetch debian lock effects scripts kernel_module image cluster",
    ),
    (
        "cmd",
        "exit files urls process diagnostic datastore tree shell format output cli cache device profile fetch debian lock effects scripts kernel_module image release flash cluster rollout gitops pipeline",
    ),
];

/// Files that need each other and have one purpose: a walk and its errors, lines of a file and what is made of them.
const ONE_PURPOSE: &[&[&str]] =
    &[&["debian/resolve/error", "debian/resolve/select"], &["effects/accounts/build", "effects/accounts/sysusers"]];

/// A module: the names that lead to it from the crate's root.
type Module = Vec<String>;

/// All Rust files below a folder of the crate.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The program's modules with their files, without those of tests.
fn modules() -> BTreeMap<Module, PathBuf> {
    let mut found = BTreeMap::new();
    for path in rust_files("src") {
        let names = path.strip_prefix("src").unwrap().with_extension("");
        let mut module: Module = names.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
        if ["mod", "lib", "main"].contains(&module.last().unwrap().as_str()) {
            module.pop();
        }
        if !module.is_empty() && !module.iter().any(|name| name == "tests") {
            found.insert(module, path);
        }
    }
    found
}

/// The paths that a tree such as `a::{b, c::{d, e}}` stands for.
fn paths(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, inner)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let mut depth = 0;
    let parts = inner.split(|char| {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        char == ',' && depth == 0
    });
    let named = parts.filter(|part| !part.trim().is_empty());
    named.flat_map(|part| paths(part).into_iter().map(|path| format!("{before}{path}"))).collect()
}

/// The modules that `module` names in its `use` lines.
fn used(module: &Module, text: &str, all: &BTreeMap<Module, PathBuf>) -> BTreeSet<Module> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.split('\n').enumerate().filter(|(_, line)| {
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
        ["use crate::", "use super::", "use self::"].iter().any(|start| line.starts_with(start))
    });
    let mut found = BTreeSet::new();
    for (number, _) in lines {
        let rest: Vec<&str> = code.split('\n').skip(number).collect();
        let rest = rest.join(" ");
        let statement = rest.split(';').next().unwrap_or_default();
        let (_, tree) = statement.split_once("use ").expect("the line has it");
        for path in paths(tree) {
            let mut names = path.split("::").map(str::trim).peekable();
            let mut at = module.clone();
            while let Some(name) = names.next_if(|name| ["crate", "super", "self"].contains(name)) {
                match name {
                    "crate" => at.clear(),
                    "super" => drop(at.pop()),
                    _ => {}
                }
            }
            for name in names {
                at.push(name.to_owned());
                if !all.contains_key(&at) {
                    at.pop();
                    break;
                }
            }
            found.insert(at);
        }
    }
    found
}

/// Which module uses which others.
fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    assert!(Path::new("src/lib.rs").exists(), "tests run in the crate's root");
    let all = modules();
    let of =
        |(module, path): (&Module, &PathBuf)| (module.clone(), used(module, &fs::read_to_string(path).unwrap(), &all));
    all.iter().map(of).collect()
}

#[test]
fn data_flows_one_way_through_the_rooms() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, others) in uses() {
        for other in others.iter().filter(|other| !other.is_empty() && other[0] != module[0]) {
            let rooms = seen.entry(module[0].clone()).or_default();
            rooms.insert(other[0].clone());
            let (_, allowed) = ROOMS.iter().find(|(room, _)| *room == module[0]).expect("a room of the list");
            assert!(
                allowed.split(' ').any(|room| *room == other[0]),
                "src/{} uses {}, which is no room below its own",
                module.join("/"),
                other.join("::")
            );
        }
    }
    for (place, (room, others)) in ROOMS.iter().enumerate() {
        for other in others.split(' ').filter(|other| !other.is_empty()) {
            assert!(ROOMS[..place].iter().any(|(above, _)| *above == other), "{room} stands above {other}");
            assert!(seen[*room].contains(other), "{room} uses {other} no more: take it out of the list");
        }
    }
}

/// What `module` uses, but for what it is a part of and its own parts.
fn beside<'a>(uses: &'a BTreeMap<Module, BTreeSet<Module>>, module: &'a Module) -> impl Iterator<Item = &'a Module> {
    let is_part = |other: &Module| module.starts_with(other) || other.starts_with(module);
    uses[module].iter().filter(move |other| uses.contains_key(*other) && !is_part(other))
}

#[test]
fn no_two_files_need_each_other() {
    let uses = uses();
    // Where each module leads to, over any number of others.
    let mut reach: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
    for module in uses.keys() {
        let mut found = BTreeSet::new();
        let mut next: Vec<&Module> = beside(&uses, module).collect();
        while let Some(other) = next.pop() {
            if found.insert(other) {
                next.extend(beside(&uses, other));
            }
        }
        reach.insert(module, found);
    }
    let circles: BTreeSet<Vec<String>> = uses
        .keys()
        .filter(|module| reach[module].contains(module))
        .map(|module| {
            let same = reach[module].iter().filter(|other| reach[**other].contains(module));
            same.map(|other| other.join("/")).collect()
        })
        .collect();
    let allowed: BTreeSet<Vec<String>> =
        ONE_PURPOSE.iter().map(|circle| circle.iter().map(|&file| file.to_owned()).collect()).collect();
    assert_eq!(circles, allowed);
}

#[test]
fn a_test_is_ignored_only_because_it_needs_root() {
    for path in ["src", "tests"].into_iter().flat_map(rust_files) {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let attribute = line.trim_start();
            let mut words = attribute.split(|char: char| !char.is_ascii_alphanumeric());
            if attribute.starts_with("#[") && words.any(|word| word == "ignore") {
                let says_why = attribute.starts_with("#[ignore = \"needs root: ");
                assert!(says_why, "{}:{}: {attribute} does not say \"needs root: …\"", path.display(), number + 1);
            }
        }
    }
}
