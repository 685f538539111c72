//! The diversions of glx-diversions: OpenGL's libraries move to `/usr/lib/mesa-diverted`, so that alternatives may have their
//! names (dpkg-divert(1)).

use std::fmt::Write as _;

use super::script::Script;
use crate::debian::Package;
use crate::effects::EffectError;
use crate::tree::Tree;

const PACKAGE: &str = "glx-diversions";

/// Moves the files that are diverted and there.
///
/// # Errors
/// A file in the way.
pub(super) fn rename(tree: &mut Tree, packages: &[Package]) -> Result<(), EffectError> {
    for (from, to) in diversions(packages)? {
        let from = tree.resolve(&from, false)?;
        let to = tree.resolve(&to, false)?;
        let Some(node) = tree.get(&from).cloned() else { continue };
        if tree.contains(&to) {
            return Err(EffectError::refused(
                format!("package {PACKAGE}"),
                format!("`/{from}` is diverted to `/{to}`, which is there already"),
            ));
        }
        tree.remove(&from);
        tree.put(&to, node)?;
    }
    Ok(())
}

/// The lines of dpkg's `diversions` (lib/dpkg/db-fsys-divert.c), in the order of the paths; dpkg's own is that of a hash table.
///
/// # Errors
/// A script without the lists that are expected.
pub fn database(packages: &[Package]) -> Result<String, EffectError> {
    let mut text = String::new();
    for (from, to) in diversions(packages)? {
        let _ = writeln!(text, "{from}\n{to}\n{PACKAGE}");
    }
    Ok(text)
}

/// What is diverted, and to where, sorted: the calls of `add_multiarch_diversion` in the script.
fn diversions(packages: &[Package]) -> Result<Vec<(String, String)>, EffectError> {
    let Some(script) = Script::of(packages, PACKAGE) else { return Ok(Vec::new()) };
    let triplets = script.value("TRIPLETS")?;
    let mut diversions = Vec::new();
    for (file, from, to) in script.diverted() {
        for triplet in triplets.split_whitespace() {
            diversions.push((format!("{from}{triplet}{file}"), format!("{to}{triplet}{file}")));
        }
    }
    diversions.sort();
    Ok(diversions)
}
