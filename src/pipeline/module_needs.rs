//! Whether kernel modules that a node needs have in the image what they need themselves.
//!
//! The kernel's package has all of it; a profile's `drop` may leave a part out. modprobe then loads what `modules.dep` lists, and
//! the kernel refuses the module with "Unknown symbol": at boot, on a machine without a screen.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PipelineError;
use crate::effects::depmod;
use crate::format::kmod::{self, module_name};
use crate::profile::Profile;
use crate::tree::{Content, Kind, Tree};

/// Where modules lie, one directory a kernel version.
const MODULES: &str = "usr/lib/modules";

/// Holds what is compiled for the profile and what it loads at boot against the modules of the finished `tree`.
///
/// # Errors
/// A module without one that it depends on, itself or through others (`depends` in .modinfo); modules that cannot be read.
pub(super) fn check(tree: &Tree, profile: &Profile) -> Result<(), PipelineError> {
    let files = tree.below(MODULES).filter_map(|(path, node)| match &node.kind {
        Kind::File(content) if depmod::is_module(path) => Some((path, content)),
        _ => None,
    });
    let mut there: BTreeMap<String, (&str, &Content)> = BTreeMap::new();
    for (path, content) in files {
        let (taken, is_update) = (there.contains_key(&module_name(path)), path.contains("/updates/"));
        // Of two of one name, modprobe takes the one below `updates/` (depmod.d(5)).
        if !taken || is_update {
            there.insert(module_name(path), (path, content));
        }
    }
    let listed = lists(tree, "modules.order")?;
    let builtin: BTreeSet<String> = lists(tree, "modules.builtin")?.iter().map(|path| module_name(path)).collect();
    let compiled = profile.kernel_modules.values().flat_map(|module| &module.modules);
    let loaded = profile.kernel.modules.iter();
    let wanted = compiled.map(|path| module_name(path)).chain(loaded.map(|name| module_name(name)));
    // Each with the module that the profile wants it for.
    let mut open: Vec<(String, String)> = wanted.map(|name| (name.clone(), name)).collect();
    let mut seen = BTreeSet::new();
    while let Some((name, wanted)) = open.pop() {
        // One that is not there itself is told elsewhere, with its place in the profile.
        let Some((path, content)) = there.get(&name).filter(|_| seen.insert(name.clone())) else { continue };
        for needed in kmod::depends(path, &depmod::module_bytes(path, content)?)? {
            if builtin.contains(&needed) {
                continue;
            }
            if !there.contains_key(&needed) {
                let file = listed.iter().find(|path| module_name(path) == needed).cloned();
                let drop = file.as_ref().and_then(|file| dropped_by(profile, path, file));
                return Err(PipelineError::Needs { module: wanted, needed, file, drop });
            }
            open.push((needed, wanted.clone()));
        }
    }
    Ok(())
}

/// The entry of `drop` for `file`, which belongs below the directory of the kernel that has the module at `path`. The list has
/// files by the names that they have before they are compressed.
fn dropped_by(profile: &Profile, path: &str, file: &str) -> Option<String> {
    let release = path.strip_prefix(MODULES)?.split('/').nth(1)?;
    let name = format!("{MODULES}/{release}/{file}");
    let entry = profile.drop_of(&name).or_else(|| profile.drop_of(&format!("{name}.xz")));
    entry.map(str::to_owned)
}

/// The lines of a list that the kernel's package has of its modules, by paths below its directory.
fn lists(tree: &Tree, name: &str) -> Result<Vec<String>, PipelineError> {
    let mut lines = Vec::new();
    for (path, node) in tree.below(MODULES) {
        let Kind::File(content) = &node.kind else { continue };
        if path.ends_with(&format!("/{name}")) {
            let text = content.text().map_err(|source| PipelineError::List { path: path.to_owned(), source })?;
            lines.extend(text.lines().map(str::to_owned));
        }
    }
    Ok(lines)
}
