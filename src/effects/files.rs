//! The files of the profile and its overlays. They win over what packages and effects put in the same place.

use std::iter::successors;

use super::Context;
use super::accounts::Owners;
use super::error::{EffectError, did_you_mean};
use crate::profile::ProfileFile;
use crate::tree::{Node, Tree, parent};

/// Puts the profile's files and directories into the tree; needs the finished account files.
///
/// # Errors
/// An owner that no account has; a file where the tree has a directory, or the other way round; a place below
/// something that is no directory.
pub fn files(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let owners = Owners::read(tree)?;
    for (given, file) in &context.profile.files {
        let node = node(file, given, &owners).map_err(|(key, error)| error.at(context.profile, key, given))?;
        put(tree, given, node)?;
    }
    Ok(())
}

/// Puts a file or directory at the place that a person gave it, through links: `/lib/x` is `/usr/lib/x` on a system with
/// merged `/usr`.
///
/// # Errors
/// A file where the tree has a directory, or the other way round; a place below something that is no directory.
pub fn put(tree: &mut Tree, given: &str, node: Node) -> Result<(), EffectError> {
    let path = tree.resolve(given, false)?;
    if let Some((dir, old)) = in_the_way(tree, &path) {
        return Err(EffectError::refused(
            format!("`/{path}` of {} needs the directory `/{dir}`", node.origin),
            format!("the image has {} there ({})", old.kind.describe(), old.origin),
        )
        .with_hint("give the file a path below a directory, or leave out what is in the way"));
    }
    if let Some(old) = tree.get(&path)
        && old.is_dir() != node.is_dir()
    {
        return Err(EffectError::refused(
            format!("`/{path}` of {} is {}", node.origin, node.kind.describe()),
            format!("the image has {} there ({})", old.kind.describe(), old.origin),
        )
        .with_hint("give it another path, or leave out what is there"));
    }
    Ok(tree.put(&path, node)?)
}

/// What is no directory and stands above `path`, with its own path.
fn in_the_way<'a>(tree: &'a Tree, path: &'a str) -> Option<(&'a str, &'a Node)> {
    let above = successors(parent(path), |path| parent(path));
    above.filter_map(|dir| Some((dir, tree.get(dir)?))).find(|(_, node)| !node.is_dir())
}

/// An owner that is not there comes with the key that names it.
fn node(file: &ProfileFile, path: &str, owners: &Owners) -> Result<Node, (&'static str, EffectError)> {
    let unknown = |key, kind: &str, name: &str, known: Vec<&str>| {
        let hint = did_you_mean(name, known, "accounts come from packages and the profile; take another owner");
        let object = format!("`/{path}` of {}", file.origin);
        (key, EffectError::refused(object, format!("the image has no {kind} `{name}`")).with_hint(hint))
    };
    let uid = owners.user(&file.user);
    let uid = uid.ok_or_else(|| unknown("file.user", "user", &file.user, owners.users().collect()))?;
    let gid = owners.group(&file.group);
    let gid = gid.ok_or_else(|| unknown("file.group", "group", &file.group, owners.groups().collect()))?;
    let node = match &file.symlink {
        Some(target) => Node::symlink(target.as_str()),
        None if file.directory => Node::dir(file.mode),
        None => Node::file(file.mode, file.content.clone()),
    };
    Ok(node.owned(uid, gid).from(&file.origin.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::sample;
    use crate::profile::Origin;
    use crate::tree::{Content, Kind};

    fn file(user: &str, directory: bool) -> ProfileFile {
        ProfileFile {
            content: Content::from("hi"),
            mode: 0o640,
            user: user.to_owned(),
            group: "adm".to_owned(),
            symlink: None,
            directory,
            origin: Origin::Overlay("test".to_owned()),
        }
    }

    fn tree() -> Tree {
        let mut tree = Tree::new();
        tree.put("etc/passwd", Node::file(0o644, "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/:/bin/sh\n")).unwrap();
        tree.put("etc/group", Node::file(0o644, "root:x:0:\nadm:x:4:\n")).unwrap();
        tree.put("usr/lib", Node::dir(0o755).from("base-files")).unwrap();
        tree.put("lib", Node::symlink("usr/lib")).unwrap();
        tree
    }

    fn put(path: &str, file: ProfileFile) -> Result<Tree, String> {
        let mut profile = sample::profile();
        profile.files.insert(path.to_owned(), file);
        let mut tree = tree();
        files(&mut tree, &sample::context(&profile)).map_err(|error| error.to_string())?;
        Ok(tree)
    }

    #[test]
    fn a_file_gets_its_mode_and_its_owners_numbers_and_goes_through_links() {
        let tree = put("lib/x", file("ada", false)).unwrap();
        let node = tree.get("usr/lib/x").unwrap();
        assert_eq!((node.mode, node.uid, node.gid), (0o640, 1000, 4));
        assert!(matches!(node.kind, Kind::File(_)));
    }

    #[test]
    fn a_directory_is_made_with_its_mode_even_where_one_is() {
        let tree = put("usr/lib", file("root", true)).unwrap();
        assert_eq!(tree.get("usr/lib").unwrap().mode, 0o640);
    }

    #[test]
    fn an_unknown_owner_and_a_file_over_a_directory_are_refused_by_name() {
        let error = put("etc/x", file("eve", false)).unwrap_err();
        assert!(error.contains("/etc/x") && error.contains("user `eve`"), "{error}");
        let error = put("usr/lib", file("root", false)).unwrap_err();
        assert!(
            error.contains("/usr/lib") && error.contains("overlay:test") && error.contains("base-files"),
            "{error}"
        );
        let tree = put("lib/x/y/z", file("root", false)).unwrap();
        assert!(tree.contains("usr/lib/x/y/z"));
    }

    #[test]
    fn a_file_below_a_packages_file_is_refused_by_name() {
        let mut profile = sample::profile();
        profile.files.insert("etc/passwd/x".to_owned(), file("root", false));
        let error = files(&mut tree(), &sample::context(&profile)).unwrap_err();
        let text = error.to_string();
        for part in ["`/etc/passwd/x` of overlay:test", "`/etc/passwd`", "a regular file"] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
        assert!(error.hint().is_some());
    }
}
