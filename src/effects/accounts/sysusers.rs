//! Accounts that packages, overlays and the profile declare in sysusers.d(5).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::build::Builder;
use super::database::{GroupEntry, Secret, UserEntry};
use crate::effects::{EffectError, words};
use crate::profile::ProfileFile;
use crate::tree::{Node, Tree, TreeError};

/// Where the files lie, the earlier directory winning over the later (`/run` is empty in an image).
const DIRS: [&str; 3] = ["etc/sysusers.d", "usr/local/lib/sysusers.d", "usr/lib/sysusers.d"];

const NOLOGIN: &str = "/usr/sbin/nologin";

/// Where an account's number comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Id {
    #[default]
    Free,
    Number(u32),
    /// The owner of the file at this clean path.
    OwnerOf(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct User {
    id: Id,
    /// Primary group by name or number, where it is not the user's own.
    group: Option<String>,
    gecos: String,
    home: Option<String>,
    shell: Option<String>,
    expired: bool,
}

/// All declarations of a tree. Of two for one name the first counts, as for systemd-sysusers(8).
#[derive(Debug, Default)]
pub(super) struct Sysusers {
    users: Vec<(String, User)>,
    groups: Vec<(String, Id)>,
    /// User and group.
    members: Vec<(String, String)>,
    ranges: Vec<RangeInclusive<u32>>,
}

/// The names of users and groups that one file's text declares; lines that cannot be read declare none.
#[must_use]
pub fn declared_names(text: &str) -> (Vec<String>, Vec<String>) {
    let mut all = Sysusers::default();
    for line in text.lines() {
        // The effect has refused the file by now.
        let _ = all.line(line.trim());
    }
    let users: Vec<String> = all.users.into_iter().map(|(name, _)| name).collect();
    let own = users.iter().cloned();
    (users.clone(), all.groups.into_iter().map(|(name, _)| name).chain(own).collect())
}

impl Sysusers {
    /// Reads all files of `tree`, which holds the packages, and `files`, those of the profile and its overlays, sorted
    /// by name over the directories.
    pub fn read(tree: &Tree, files: &BTreeMap<String, ProfileFile>) -> Result<Self, EffectError> {
        let mut all = Self::default();
        let declared = declarations(tree, files)?;
        for path in words::files(&declared, &DIRS) {
            // No file is behind a name that is masked.
            let Some(content) = declared.file(&path) else { continue };
            let text = content.text().map_err(|source| EffectError::Read { path: path.clone(), source })?;
            for (index, line) in text.lines().enumerate() {
                all.line(line.trim()).map_err(|cause| EffectError::Line {
                    path: path.clone(),
                    line: index + 1,
                    cause,
                })?;
            }
        }
        all.add_implied();
        Ok(all)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let mut words = words::split(line)?.into_iter();
        let kind = words.next().unwrap_or_default();
        let name = words::specifiers(&words.next().ok_or("the name is missing")?)?;
        let mut field = || match words.next() {
            Some(word) if word != "-" && !word.is_empty() => words::specifiers(&word).map(Some),
            _ => Ok(None),
        };
        match kind.as_str() {
            "u" | "u!" => {
                let (id, group) = match field()? {
                    None => (Id::Free, None),
                    Some(word) => match word.split_once(':') {
                        Some((id, group)) if !word.starts_with('/') => (parse_id(id)?, Some(group.to_owned())),
                        _ => (parse_id(&word)?, None),
                    },
                };
                let gecos = field()?.unwrap_or_default();
                let (home, shell) = (field()?, field()?);
                let user = User { id, group, gecos, home, shell, expired: kind == "u!" };
                push_new(&mut self.users, name, user);
            }
            "g" => {
                let id = field()?.map_or(Ok(Id::Free), |word| parse_id(&word))?;
                push_new(&mut self.groups, name, id);
            }
            "m" => {
                let group = field()?.ok_or("the group is missing")?;
                self.members.push((name, group));
            }
            "r" => {
                let range = field()?.ok_or("the range is missing")?;
                let (low, high) = range.split_once('-').unwrap_or((&range, &range));
                let number = |text: &str| text.parse().map_err(|_| format!("`{range}` is not a range"));
                self.ranges.push(number(low)?..=number(high)?);
            }
            kind => return Err(format!("unknown line type `{kind}`")),
        }
        Ok(())
    }

    /// Membership declares its user and group too.
    fn add_implied(&mut self) {
        for (user, group) in &self.members {
            push_new(&mut self.users, user.clone(), User::default());
            push_new(&mut self.groups, group.clone(), Id::Free);
        }
    }

    /// Makes what is declared and not there yet: groups, then users, then memberships.
    pub fn apply(&self, tree: &Tree, builder: &mut Builder<'_>) -> Result<(), EffectError> {
        for (name, id) in &self.groups {
            let wanted = match id {
                Id::Free => self.users.iter().find(|(user, _)| user == name).map_or(id, |(_, user)| &user.id),
                id => id,
            };
            self.group(tree, builder, name, wanted)?;
        }
        for (name, user) in &self.users {
            self.user(tree, builder, name, user)?;
        }
        for (user, group) in &self.members {
            builder.database.join(user, group);
        }
        Ok(())
    }

    fn group(&self, tree: &Tree, builder: &mut Builder<'_>, name: &str, id: &Id) -> Result<u32, EffectError> {
        if let Some(known) = builder.database.group(name) {
            return Ok(known.gid);
        }
        let wanted = match id {
            Id::Free => None,
            Id::Number(number) => Some(*number),
            Id::OwnerOf(path) => tree.get(path).map(|node| node.gid),
        };
        let gid = match wanted.filter(|gid| builder.numbers.is_group_free(*gid, name)) {
            Some(gid) => builder.numbers.group(name, false, [gid])?,
            None => builder.numbers.group(name, true, self.downwards())?,
        };
        builder.database.groups.push(GroupEntry {
            name: name.to_owned(),
            gid,
            members: Vec::new(),
            secret: Secret::System,
        });
        Ok(gid)
    }

    fn user(&self, tree: &Tree, builder: &mut Builder<'_>, name: &str, user: &User) -> Result<(), EffectError> {
        if builder.database.user(name).is_some() {
            return Ok(());
        }
        let gid = match &user.group {
            None => self.group(tree, builder, name, &user.id)?,
            Some(group) => match group.parse() {
                Ok(gid) => gid,
                Err(_) => builder.group_id(group).ok_or_else(|| {
                    EffectError::refused(format!("user `{name}`"), format!("its group `{group}` does not exist"))
                })?,
            },
        };
        let wanted = match &user.id {
            Id::Free => None,
            Id::Number(number) => Some(*number),
            Id::OwnerOf(path) => tree.get(path).map(|node| node.uid),
        };
        let uid = if let Some(uid) = wanted.filter(|uid| builder.numbers.is_user_free(*uid, name)) {
            builder.numbers.user(name, false, [uid])?
        } else {
            let own_group = user.group.is_none().then_some(gid);
            builder.numbers.user(name, true, own_group.into_iter().chain(self.downwards()))?
        };
        builder.database.users.push(UserEntry {
            name: name.to_owned(),
            uid,
            gid,
            gecos: user.gecos.clone(),
            home: user.home.clone().unwrap_or_else(|| "/".to_owned()),
            shell: user.shell.clone().unwrap_or_else(|| NOLOGIN.to_owned()),
            secret: if user.expired { Secret::Expired } else { Secret::System },
        });
        Ok(())
    }

    /// Numbers in the order in which systemd-sysusers tries them.
    fn downwards(&self) -> impl Iterator<Item = u32> + use<> {
        let mut ranges = self.ranges.clone();
        if ranges.is_empty() {
            ranges.push(super::numbers::SYSTEM);
        }
        ranges.sort_by_key(|range| std::cmp::Reverse(*range.end()));
        ranges.into_iter().flat_map(Iterator::rev)
    }
}

/// What lies in the directories once the files of the profile and its overlays are in their place. Those get there only
/// after the accounts, since they may belong to one of them.
fn declarations(tree: &Tree, files: &BTreeMap<String, ProfileFile>) -> Result<Tree, TreeError> {
    let mut declared = Tree::new();
    for (path, node) in DIRS.iter().flat_map(|dir| tree.below(dir)) {
        declared.put(path, node.clone())?;
    }
    for (path, file) in files.iter().filter(|(_, file)| !file.directory) {
        let path = tree.resolve(path, false)?;
        if DIRS.iter().any(|dir| crate::tree::parent(&path) == Some(dir)) {
            let node = match &file.symlink {
                Some(target) => Node::symlink(target.as_str()),
                None => Node::file(file.mode, file.content.clone()),
            };
            declared.put(&path, node)?;
        }
    }
    Ok(declared)
}

fn parse_id(text: &str) -> Result<Id, String> {
    match text.strip_prefix('/') {
        Some(path) => crate::tree::clean(path).map(Id::OwnerOf).map_err(|error| error.to_string()),
        None if text == "-" => Ok(Id::Free),
        None => text.parse().map(Id::Number).map_err(|_| format!("`{text}` is not an account number")),
    }
}

fn push_new<T>(list: &mut Vec<(String, T)>, name: String, value: T) {
    if list.iter().all(|(known, _)| *known != name) {
        list.push((name, value));
    }
}
