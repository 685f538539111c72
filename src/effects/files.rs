//! The files of the profile and its overlays. They win over what packages and effects put in the same place.

use std::collections::BTreeMap;

use super::Context;
use super::error::EffectError;
use crate::profile::ProfileFile;
use crate::tree::{Node, Tree, parent};

/// Puts the profile's files into the tree; needs the finished account files.
///
/// # Errors
/// An owner that no account has; a file where the tree has a directory, or below something that is none.
pub fn files(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let (users, groups) = (numbers(tree, "etc/passwd")?, numbers(tree, "etc/group")?);
    for (path, file) in &context.profile.files {
        let path = real_path(tree, path)?;
        if tree.get(&path).is_some_and(Node::is_dir) {
            return Err(EffectError::refused(
                format!("`/{path}` of {}", file.origin),
                "the image has a directory at this place",
            ));
        }
        tree.put(&path, node(file, &path, &users, &groups)?)?;
    }
    Ok(())
}

fn node(
    file: &ProfileFile,
    path: &str,
    users: &BTreeMap<String, u32>,
    groups: &BTreeMap<String, u32>,
) -> Result<Node, EffectError> {
    let number = |names: &BTreeMap<String, u32>, kind: &str, name: &str| {
        names.get(name).copied().ok_or_else(|| {
            EffectError::refused(format!("`/{path}` of {}", file.origin), format!("the image has no {kind} `{name}`"))
        })
    };
    let node = match &file.symlink {
        Some(target) => Node::symlink(target.as_str()),
        None => Node::file(file.mode, file.content.clone()),
    };
    Ok(node.owned(number(users, "user", &file.user)?, number(groups, "group", &file.group)?).from(&file.origin))
}

/// Follows links among the directories: `/lib/x` is `/usr/lib/x` on a system with merged `/usr`.
fn real_path(tree: &Tree, path: &str) -> Result<String, EffectError> {
    let Some(dir) = parent(path).filter(|dir| !dir.is_empty()) else { return Ok(path.to_owned()) };
    let name = path.rsplit('/').next().unwrap_or(path);
    let dir = tree.resolve(dir, true)?;
    Ok(if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") })
}

/// Names and numbers of an account file (`passwd` and `group` both have them in fields 1 and 3).
fn numbers(tree: &Tree, path: &str) -> Result<BTreeMap<String, u32>, EffectError> {
    let Some(content) = tree.file(path) else { return Ok(BTreeMap::new()) };
    let text = content.text().map_err(|source| EffectError::Read { path: path.to_owned(), source })?;
    let pairs = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some((name.to_owned(), fields.nth(1)?.parse().ok()?))
    });
    Ok(pairs.collect())
}
