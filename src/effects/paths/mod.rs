//! Files, directories, links and modes that maintainer scripts make one by one, read from a table.
//!
//! What is there already wins: a package, or an administrator's file in an overlay, said so first.

use std::sync::LazyLock;

use serde::Deserialize;

use super::accounts::Owners;
use super::{Context, EffectError};
use crate::tree::{Content, Kind, Node, Tree};

const ORIGIN: &str = "effect:paths";

#[derive(Debug, Deserialize)]
struct Table {
    path: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    package: String,
    /// Where `copy`, `text`, `link` and `force` go.
    #[serde(default)]
    at: String,
    dir: Option<Vec<String>>,
    copy: Option<String>,
    text: Option<String>,
    link: Option<String>,
    force: Option<String>,
    set: Option<Vec<String>>,
    mode: Option<u16>,
    #[serde(default = "root")]
    user: String,
    #[serde(default = "root")]
    group: String,
}

fn root() -> String {
    "root".to_owned()
}

static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    toml::from_str::<Table>(include_str!("reviewed.toml")).expect("the embedded table is well-formed").path
});

/// Whether what maintainer scripts of this package do is in the table.
#[must_use]
pub(super) fn has_script(package: &str) -> bool {
    TABLE.iter().any(|entry| entry.package == package)
}

/// Does what the table says for the packages that are there. Comes after the accounts.
///
/// # Errors
/// An owner without an account, a template that its package no longer has, a path that is taken by something else.
pub fn paths(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let owners = Owners::read(tree)?;
    for entry in TABLE.iter().filter(|entry| context.has(&entry.package)) {
        entry.apply(tree, &owners)?;
    }
    Ok(())
}

impl Entry {
    fn apply(&self, tree: &mut Tree, owners: &Owners) -> Result<(), EffectError> {
        let refused = |cause| EffectError::refused(format!("reviewed scripts of {}", self.package), cause);
        let uid = owners.user(&self.user).ok_or_else(|| refused(format!("there is no user `{}`", self.user)))?;
        let gid = owners.group(&self.group).ok_or_else(|| refused(format!("there is no group `{}`", self.group)))?;
        let finish = |node: Node| node.owned(uid, gid).from(ORIGIN);
        for path in self.dir.iter().flatten() {
            tree.put_new(path, finish(Node::dir(self.mode.unwrap_or(0o755))))?;
        }
        for path in self.set.iter().flatten() {
            let Some(mode) = self.mode else { continue };
            // A hard link's own metadata counts for nothing.
            let path = match tree.get(path).map(|node| &node.kind) {
                Some(Kind::HardLink(target)) => target.clone(),
                _ => path.clone(),
            };
            if let Some(node) = tree.get_mut(&path) {
                (node.mode, node.uid, node.gid) = (mode, uid, gid);
            }
        }
        let content = match (&self.copy, &self.text) {
            (Some(template), _) => {
                let content = tree.file(template).cloned();
                Some(
                    content
                        .ok_or_else(|| refused(format!("its template `/{template}` is missing from the package")))?,
                )
            }
            (None, Some(text)) => Some(Content::from(text.as_str())),
            (None, None) => None,
        };
        if let Some(content) = content {
            tree.put_new(&self.at, finish(Node::file(self.mode.unwrap_or(0o644), content)))?;
        }
        if let Some(target) = &self.link {
            tree.put_new(&self.at, finish(Node::symlink(target.as_str())))?;
        }
        if let Some(target) = &self.force {
            if tree.below(&self.at).next().is_some() {
                return Err(refused(format!("`/{}` should become a link, but a package put files there", self.at)));
            }
            tree.put(&self.at, finish(Node::symlink(target.as_str())))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_table_says_one_thing() {
        for entry in TABLE.iter() {
            let said = [
                entry.dir.is_some(),
                entry.copy.is_some(),
                entry.text.is_some(),
                entry.link.is_some(),
                entry.force.is_some(),
                entry.set.is_some(),
            ];
            assert_eq!(said.into_iter().filter(|said| *said).count(), 1, "{entry:?}");
            assert_eq!(entry.at.is_empty(), entry.dir.is_some() || entry.set.is_some(), "{entry:?}");
            assert!(entry.set.is_none() || entry.mode.is_some(), "{entry:?}");
        }
    }
}
