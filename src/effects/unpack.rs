//! What `dpkg --unpack` does with the members of all packages: one tree out of many archives.
//!
//! Packages come in by name, `base-files` first, because it brings the links of the merged `/usr` that other packages'
//! paths may lead through.

use std::collections::BTreeMap;

use crate::debian::Package;
use crate::debian::relation;
use crate::debian::version::Version;
use crate::tree::{Kind, Node, Tree, TreeError};

/// Why packages do not make one tree.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("packages `{first}` and `{second}` both contain `/{path}`")]
    TwoOwners { path: String, first: String, second: String },
    #[error("package `{package}` puts {new} where `{owner}` has {old}: `/{path}`")]
    KindsDiffer { path: String, package: String, new: &'static str, owner: String, old: &'static str },
    #[error("package `{package}` cannot be unpacked")]
    Tree { package: String, source: TreeError },
}

impl UnpackError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TwoOwners { first, second, .. } | Self::KindsDiffer { package: first, owner: second, .. } => {
                Some(format!(
                    "neither replaces the other, so dpkg would refuse them too; leave `{first}` or `{second}` out of the profile"
                ))
            }
            Self::Tree { .. } => None,
        }
    }
}

/// A file that goes elsewhere, whichever package it comes in, but for `package`, which wants its place (dpkg-divert(1)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diverted {
    pub package: String,
    /// Clean paths of a system with merged `/usr`.
    pub path: String,
    pub to: String,
}

/// Unpacks `packages` (sorted by name) into one tree.
///
/// # Errors
/// Two packages that own one path though neither replaces the other; paths that lead through something
/// that is no directory.
pub fn unpack(packages: &[Package]) -> Result<Tree, UnpackError> {
    unpack_diverted(packages, &[])
}

/// As [`unpack`], with some files diverted.
///
/// # Errors
/// Those of [`unpack`].
pub fn unpack_diverted(packages: &[Package], diverted: &[Diverted]) -> Result<Tree, UnpackError> {
    let by_name: BTreeMap<&str, &Package> = packages.iter().map(|package| (package.name.as_str(), package)).collect();
    let mut tree = Tree::new();
    let (base, others): (Vec<&Package>, Vec<&Package>) =
        packages.iter().partition(|package| package.name == "base-files");
    for package in base.into_iter().chain(others) {
        for member in &package.members {
            place(&mut tree, package, (&member.path, &member.node), diverted, &by_name)?;
        }
    }
    Ok(tree)
}

fn place(
    tree: &mut Tree,
    package: &Package,
    (path, node): (&str, &Node),
    diverted: &[Diverted],
    by_name: &BTreeMap<&str, &Package>,
) -> Result<(), UnpackError> {
    let failed = |source| UnpackError::Tree { package: package.name.clone(), source };
    if path.is_empty() {
        return Ok(());
    }
    let at = |path: &str| {
        let path = tree.resolve(path, false)?;
        let elsewhere = diverted.iter().find(|file| file.path == path && file.package != package.name);
        elsewhere.map_or(Ok(path), |file| tree.resolve(&file.to, false))
    };
    let path = at(path).map_err(failed)?;
    let mut node = node.clone();
    if let Kind::HardLink(target) = &node.kind {
        node.kind = Kind::HardLink(at(target).map_err(failed)?);
    }
    if let Some(old) = tree.get(&path) {
        if node.is_dir() && leads_to_directory(tree, &path, old) {
            return Ok(());
        }
        if node.is_dir() || old.is_dir() {
            return Err(UnpackError::KindsDiffer {
                path,
                package: package.name.clone(),
                new: node.kind.describe(),
                owner: old.origin.clone(),
                old: old.kind.describe(),
            });
        }
        let owner = by_name.get(old.origin.as_str()).copied();
        if owner.is_some_and(|owner| replaces(owner, package)) {
            return Ok(());
        }
        if !owner.is_some_and(|owner| replaces(package, owner)) {
            return Err(UnpackError::TwoOwners { path, first: old.origin.clone(), second: package.name.clone() });
        }
    }
    tree.put(&path, node).map_err(failed)
}

/// dpkg keeps a directory, or a link to one, where another package has a directory.
fn leads_to_directory(tree: &Tree, path: &str, old: &Node) -> bool {
    old.is_dir() || tree.resolve(path, true).ok().and_then(|real| tree.get(&real)).is_some_and(Node::is_dir)
}

/// Whether `package` says `Replaces` of `other`'s name and version.
fn replaces(package: &Package, other: &Package) -> bool {
    let version = Version::parse(&other.version).ok();
    let relations = package.field("Replaces").map(relation::parse_flat).and_then(Result::ok).unwrap_or_default();
    relations.iter().any(|relation| relation.name == other.name && relation.accepts(version.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debian::Member;

    fn package(name: &str, fields: &[(&str, &str)], members: &[(&str, Node)]) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0".to_owned(),
            arch: "all".to_owned(),
            fields: fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            control: BTreeMap::new(),
            members: members
                .iter()
                .map(|(path, node)| Member { path: (*path).to_owned(), node: node.clone().from(name) })
                .collect(),
        }
    }

    fn base() -> Package {
        let members = [("usr", Node::dir(0o755)), ("usr/lib", Node::dir(0o755)), ("lib", Node::symlink("usr/lib"))];
        package("base-files", &[], &members)
    }

    #[test]
    fn two_packages_with_one_path_are_refused_by_both_names() {
        let file = [("usr/x", Node::file(0o644, "x"))];
        let error = unpack(&[package("a", &[], &file), base(), package("b", &[], &file)]).unwrap_err();
        assert_eq!(error.to_string(), "packages `a` and `b` both contain `/usr/x`");
        assert!(error.hint().is_some());
    }

    #[test]
    fn who_replaces_the_other_wins_whichever_comes_first() {
        for (loser, winner) in [("a", "b"), ("b", "a")] {
            let field = format!("{loser} (<< 2)");
            let replacing = package(winner, &[("Replaces", &field)], &[("usr/x", Node::file(0o644, "new"))]);
            let replaced = package(loser, &[], &[("usr/x", Node::file(0o644, "old"))]);
            let mut packages = vec![replacing, base(), replaced];
            packages.sort_by(|a, b| a.name.cmp(&b.name));
            let tree = unpack(&packages).unwrap();
            assert_eq!(tree.file("usr/x").unwrap().text().unwrap(), "new");
        }
    }

    #[test]
    fn members_go_through_the_links_of_the_merged_usr() {
        let members = [
            ("lib", Node::dir(0o755)),
            ("lib/file", Node::file(0o644, "x")),
            ("lib/link", Node::hard_link("lib/file")),
        ];
        let tree = unpack(&[base(), package("old-style", &[], &members)]).unwrap();
        assert!(matches!(tree.get("lib").unwrap().kind, Kind::Symlink(_)));
        assert!(matches!(&tree.get("usr/lib/link").unwrap().kind, Kind::HardLink(target) if target == "usr/lib/file"));
        tree.check().unwrap();
    }

    #[test]
    fn a_directory_over_a_file_is_refused_with_what_is_there() {
        let a = package("a", &[], &[("usr/x", Node::file(0o644, "x"))]);
        let b = package("b", &[], &[("usr/x", Node::dir(0o755))]);
        let error = unpack(&[a, b, base()]).unwrap_err().to_string();
        assert_eq!(error, "package `b` puts a directory where `a` has a regular file: `/usr/x`");
    }
}
