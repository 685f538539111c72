//! Users and groups: base-passwd's tables, sysusers.d(5), what the workspace's ledger declares, and the profile's people. Scripts add
//! theirs to the files afterwards ([`Tables`]).
//!
//! Way of the data: tables and declarations in the tree → [`Database`] → `/etc/passwd`, `group`, `shadow`, `gshadow`,
//! `subuid`, `subgid`. Locking and building go the same way; they differ in whether an account that the lock does not
//! know may be given a number.

mod build;
mod database;
mod numbers;
mod sysusers;
mod tables;

use std::collections::BTreeSet;
use std::fmt::Write as _;

pub use database::{Database, GroupEntry, Secret, UserEntry};
pub use numbers::{Numbers, SYSTEM};
pub use sysusers::declared_names;
pub use tables::{ShadowField, Tables, Taken, UserField};

use super::error::did_you_mean;
use super::{Context, EffectError};
use crate::lock::IdMap;
use crate::profile::Profile;
use crate::tree::{Content, Node, Tree};
use build::Builder;
use numbers::{SUBORDINATE, first_subordinate};

const ORIGIN: &str = "effect:accounts";

/// The accounts of `tree` with the numbers to pin in the lock: those of `context.ids` where it has them, which are kept,
/// and new ones for the others. Accounts whose numbers Debian fixes are not in the map.
///
/// # Errors
/// Malformed declarations, and a profile's user that cannot be made.
pub fn allocate_ids(tree: &Tree, context: &Context<'_>) -> Result<IdMap, EffectError> {
    Ok(Builder::run(tree, context, true)?.numbers.given)
}

/// Writes the account files, and the home directories of the profile's people.
///
/// # Errors
/// As [`allocate_ids`], and an account without a pinned number.
pub fn accounts(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let Builder { database, .. } = Builder::run(tree, context, false)?;
    let shadow = database.group("shadow").map_or(0, |group| group.gid);
    let days = context.epoch / (24 * 60 * 60);
    let mut put = |name: &str, mode: u16, gid: u32, text: String| {
        tree.put(&format!("etc/{name}"), Node::file(mode, text).owned(0, gid).from(ORIGIN))
    };
    put("passwd", 0o644, 0, database.passwd())?;
    put("group", 0o644, 0, database.group_file())?;
    put("shadow", 0o640, shadow, database.shadow(days))?;
    put("gshadow", 0o640, shadow, database.gshadow())?;
    let mut subordinate = String::new();
    for user in database.users.iter().filter(|user| user.secret == Secret::Person) {
        let first = first_subordinate(&user.name, user.uid)?;
        let _ = writeln!(subordinate, "{}:{first}:{SUBORDINATE}", user.name);
    }
    put("subuid", 0o644, 0, subordinate.clone())?;
    put("subgid", 0o644, 0, subordinate)?;
    for user in database.users.iter().filter(|user| user.secret == Secret::Person) {
        make_home(tree, user)?;
    }
    Ok(())
}

/// Makes the profile's people members of the groups that scripts made. Comes after the scripts.
///
/// # Errors
/// A group that nothing makes.
pub fn join_people(tree: &mut Tree, profile: &Profile) -> Result<(), EffectError> {
    let mut tables = Tables::read(tree)?;
    for user in &profile.users {
        for group in user.groups.iter().collect::<BTreeSet<_>>() {
            let Some(entry) = tables.group(group) else {
                let known: Vec<String> = tables.groups().map(|group| group.name).collect();
                let known = known.iter().map(String::as_str);
                let hint = did_you_mean(group, known, "leave it out, or add the package that makes it");
                let object = format!("user `{}` of the profile", user.name);
                return Err(EffectError::refused(object, format!("there is no group `{group}`")).with_hint(hint).at(
                    profile,
                    "user.groups",
                    &format!("{} {group}", user.name),
                ));
            };
            if !entry.members.contains(&user.name) {
                tables.join(&user.name, group);
            }
        }
    }
    tables.store(tree)
}

/// As useradd(8) with Debian's `HOME_MODE`: a private directory with a copy of `/etc/skel`.
///
/// # Errors
/// A home below something that is no directory.
pub fn make_home(tree: &mut Tree, user: &UserEntry) -> Result<(), EffectError> {
    let home = user.home.trim_start_matches('/');
    let skeleton: Vec<(String, Node)> = tree
        .below("etc/skel")
        .map(|(path, node)| (format!("{home}{}", &path["etc/skel".len()..]), node.clone()))
        .collect();
    tree.put(home, Node::dir(0o700).owned(user.uid, user.gid).from(ORIGIN))?;
    for (path, node) in skeleton {
        tree.put(&path, node.owned(user.uid, user.gid).from(ORIGIN))?;
    }
    Ok(())
}

/// Names to numbers, as the tree's own `/etc/passwd` and `/etc/group` have them.
#[derive(Debug, Clone, Default)]
pub struct Owners(Database);

impl Owners {
    /// Reads the tree's account files; a tree without them knows only numbers.
    ///
    /// # Errors
    /// A file that cannot be read or is malformed.
    pub fn read(tree: &Tree) -> Result<Self, EffectError> {
        let text = |path: &str| {
            let text = tree.file(path).map(Content::text).transpose();
            text.map(Option::unwrap_or_default).map_err(|source| EffectError::Read { path: path.to_owned(), source })
        };
        Database::parse(&text("etc/passwd")?, &text("etc/group")?)
            .map(Self)
            .map_err(|(file, line, cause)| EffectError::Line { path: format!("etc/{file}"), line, cause })
    }

    /// The names of all users.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.0.users.iter().map(|user| user.name.as_str())
    }

    /// The names of all groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.groups.iter().map(|group| group.name.as_str())
    }

    /// The number of a user by name or number.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<u32> {
        name.parse().ok().or_else(|| self.0.user(name).map(|user| user.uid))
    }

    /// The number of a group by name or number.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<u32> {
        name.parse().ok().or_else(|| self.0.group(name).map(|group| group.gid))
    }
}

#[cfg(test)]
mod tests;
