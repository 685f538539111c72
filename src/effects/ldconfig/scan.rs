//! The libraries in one directory.

use std::collections::BTreeMap;

use object::elf::Machine;

use super::dirs::{Dir, children};
use super::{LdconfigError, soname};
use crate::format::ldso_cache::compare_names;
use crate::tree::{Content, Kind, Tree};

/// A library in a directory.
#[derive(Debug)]
pub(super) struct Found {
    pub soname: String,
    /// The name of the file.
    pub name: String,
    /// Whether the name is a symbolic link that needs no other one.
    pub is_link: bool,
}

/// One library per SONAME, in order of SONAMEs.
pub(super) fn scan(tree: &Tree, dir: &Dir, machine: Machine) -> Result<Vec<Found>, LdconfigError> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for name in children(tree, &dir.real).filter(|name| looks_like_library(name)) {
        let path = format!("{}/{name}", dir.real);
        let Some(content) = content(tree, &path) else { continue };
        let read =
            soname::read(content, machine).map_err(|source| LdconfigError::Read { path: path.clone(), source })?;
        let Some(library) = read else { continue };
        let soname = library.soname.unwrap_or_else(|| name.to_owned());
        let is_link = is_symlink(tree, &path) && (name == soname || is_development_link(name, &soname));
        let soname = if is_link { name.to_owned() } else { soname };
        let new = Found { soname: soname.clone(), name: name.to_owned(), is_link };
        match found.get(&soname) {
            Some(old) if !replaces(&new, old) => {}
            _ => {
                found.insert(soname, new);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The links to versioned libraries in one directory that lead nowhere; `ldconfig` removes them.
pub(super) fn stale_links(tree: &Tree, dir: &Dir) -> Vec<String> {
    children(tree, &dir.real)
        .filter(|name| looks_like_library(name) && name.contains(".so."))
        .map(|name| format!("{}/{name}", dir.real))
        .filter(|path| is_symlink(tree, path) && inode(tree, path).is_none())
        .collect()
}

fn is_symlink(tree: &Tree, path: &str) -> bool {
    tree.get(path).is_some_and(|node| matches!(node.kind, Kind::Symlink(_)))
}

/// Where `path` ends when links of both kinds are followed; `None` for a link that leads nowhere.
pub(super) fn inode(tree: &Tree, path: &str) -> Option<String> {
    let real = tree.resolve(path, true).ok()?;
    match &tree.get(&real)?.kind {
        Kind::HardLink(target) => Some(target.clone()),
        _ => Some(real),
    }
}

fn content<'a>(tree: &'a Tree, path: &str) -> Option<&'a Content> {
    match &tree.get(&inode(tree, path)?)?.kind {
        Kind::File(content) => Some(content),
        _ => None,
    }
}

/// Whether a name is that of a library or of the dynamic loader (`_dl_is_dso`).
fn looks_like_library(name: &str) -> bool {
    (name.starts_with("lib") || name.starts_with("ld-")) && name.contains(".so")
}

/// Whether `libfoo.so` is the link for the linker to a library with the SONAME `libfoo.so.1`.
fn is_development_link(name: &str, soname: &str) -> bool {
    name.strip_suffix(".so").is_some() && soname.starts_with(name)
}

/// Of two with one SONAME, files go before links, then the higher version wins.
fn replaces(new: &Found, old: &Found) -> bool {
    match (new.is_link, old.is_link) {
        (false, true) => true,
        (true, false) => false,
        _ => compare_names(&old.name, &new.name).is_lt(),
    }
}
