//! `/etc/shells`, as `update-shells` of debianutils makes it on a first installation.

use std::collections::BTreeSet;

use super::EffectError;
use crate::tree::{Node, Tree};

const TEMPLATE: &str = "usr/share/debianutils/shells";
const PACKAGED: &str = "usr/share/debianutils/shells.d";

/// Writes the list: the template, then the shells of packages, each also by the name behind linked directories.
///
/// # Errors
/// A list that cannot be read.
pub fn shells(tree: &mut Tree) -> Result<(), EffectError> {
    let read = |path: &str| -> Result<String, EffectError> {
        let Some(content) = tree.file(path) else { return Ok(String::new()) };
        content.text().map_err(|source| EffectError::Read { path: path.to_owned(), source })
    };
    if !tree.contains(TEMPLATE) {
        return Ok(());
    }
    let mut text = read(TEMPLATE)?;
    let mut known: BTreeSet<String> = text.lines().filter_map(shell).map(str::to_owned).collect();
    let mut lists = vec![read(TEMPLATE)?];
    for (path, _) in tree.below(PACKAGED).filter(|(_, node)| !node.is_dir()) {
        lists.push(read(path)?);
    }
    for shell in lists.iter().flat_map(|list| list.lines()).filter_map(shell) {
        let (dir, name) = shell.rsplit_once('/').unwrap_or(("", shell));
        let behind_links = format!("/{}/{name}", tree.resolve(dir, true)?);
        for shell in [shell.to_owned(), behind_links] {
            if known.insert(shell.clone()) {
                text.push_str(&shell);
                text.push('\n');
            }
        }
    }
    // What scripts added (add-shell(8)).
    for line in read("etc/shells")?.lines() {
        if shell(line).is_some_and(|shell| known.insert(shell.to_owned())) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(tree.put("etc/shells", Node::file(0o644, text).from("effect:shells"))?)
}

/// The shell a line names, if any.
fn shell(line: &str) -> Option<&str> {
    let shell = line.split('#').next().unwrap_or_default();
    (!shell.is_empty()).then_some(shell)
}
