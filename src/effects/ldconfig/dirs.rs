//! Which directories hold libraries: those that `/etc/ld.so.conf` names, then the system's own, each followed by its
//! `glibc-hwcaps` subdirectories.

use globset::GlobBuilder;

use super::LdconfigError;
use crate::profile::Arch;
use crate::tree::Tree;

const CONFIGURATION: &str = "etc/ld.so.conf";
/// How deep configuration files may include each other.
const MAX_DEPTH: u32 = 16;

/// A directory to look for libraries in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dir {
    /// Absolute path as configured; the cache holds this one.
    pub path: String,
    /// Clean path without symbolic links.
    pub real: String,
    /// The name of the `glibc-hwcaps` subdirectory that it is.
    pub hwcaps: Option<String>,
}

/// The directories in order, each once under the name that came first.
pub(super) fn search_path(tree: &Tree, arch: Arch) -> Result<Vec<Dir>, LdconfigError> {
    let mut lines = Vec::new();
    read(tree, CONFIGURATION, 0, &mut lines)?;
    // Debian's loader looks here without being told.
    let triplet = arch.triplet();
    lines.extend([format!("/lib/{triplet}"), format!("/usr/lib/{triplet}"), "/lib".to_owned(), "/usr/lib".to_owned()]);
    let mut dirs = Vec::new();
    for line in lines {
        // `DIRECTORY=TYPE` restricts a directory to libraries of an old C library; there are none.
        let path = line.split('=').next().unwrap_or_default().trim_end().trim_end_matches('/');
        if add(tree, &mut dirs, path, None)? {
            for name in hwcaps(tree, path)? {
                add(tree, &mut dirs, &format!("{path}/glibc-hwcaps/{name}"), Some(name))?;
            }
        }
    }
    Ok(dirs)
}

/// Adds a directory, unless it is missing or there already. Says whether it did.
fn add(tree: &Tree, dirs: &mut Vec<Dir>, path: &str, hwcaps: Option<String>) -> Result<bool, LdconfigError> {
    let real = tree.resolve(path, true)?;
    let exists = tree.get(&real).is_some_and(crate::tree::Node::is_dir);
    if path.is_empty() || !exists || dirs.iter().any(|dir| dir.real == real) {
        return Ok(false);
    }
    dirs.push(Dir { path: path.to_owned(), real, hwcaps });
    Ok(true)
}

/// The names of a directory's `glibc-hwcaps` subdirectories.
fn hwcaps(tree: &Tree, path: &str) -> Result<Vec<String>, LdconfigError> {
    let dir = tree.resolve(&format!("{path}/glibc-hwcaps"), true)?;
    // Names with a colon cannot be given to the loader.
    let usable = |name: &&str| !name.starts_with('.') && !name.contains(':');
    Ok(children(tree, &dir).filter(usable).map(str::to_owned).collect())
}

/// The names of what a directory holds.
pub(in crate::effects) fn children<'a>(tree: &'a Tree, dir: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let skip = if dir.is_empty() { 0 } else { dir.len() + 1 };
    tree.below(dir).map(move |(path, _)| &path[skip..]).filter(|name| !name.contains('/'))
}

/// Appends the directories that a configuration file and those that it includes name.
fn read(tree: &Tree, path: &str, depth: u32, lines: &mut Vec<String>) -> Result<(), LdconfigError> {
    let Some(content) = tree.file(path) else { return Ok(()) };
    let text = content.text().map_err(|source| LdconfigError::Read { path: path.to_owned(), source })?;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        match line.split_once([' ', '\t']) {
            Some(("include", patterns)) if depth < MAX_DEPTH => {
                for pattern in patterns.split_whitespace() {
                    for file in matches(tree, path, pattern)? {
                        read(tree, &file, depth + 1, lines)?;
                    }
                }
            }
            // `hwcap` has had no meaning since glibc 2.33.
            Some(("include" | "hwcap", _)) => {}
            _ if line.is_empty() => {}
            _ => lines.push(line.to_owned()),
        }
    }
    Ok(())
}

/// The files that an `include` pattern matches, in order of names. Only the last component may be a pattern.
fn matches(tree: &Tree, file: &str, pattern: &str) -> Result<Vec<String>, LdconfigError> {
    let here = crate::tree::parent(file).unwrap_or_default();
    let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("{here}/{pattern}") };
    let (dir, name) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
    let dir = tree.resolve(dir, true)?;
    let Ok(glob) = GlobBuilder::new(name).literal_separator(true).build() else { return Ok(Vec::new()) };
    let glob = glob.compile_matcher();
    // As the shell's, a pattern matches hidden files only by an explicit dot.
    let hit = |found: &&str| glob.is_match(found) && (!found.starts_with('.') || name.starts_with('.'));
    Ok(children(tree, &dir).filter(hit).map(|found| format!("{dir}/{found}")).collect())
}
