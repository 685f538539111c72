//! Putting the account database together, in the order in which an installation would.

use std::collections::BTreeSet;

use super::database::{Database, GroupEntry, Secret, UserEntry};
use super::numbers::{Numbers, SYSTEM, first_subordinate};
use super::sysusers::Sysusers;
use crate::effects::declared::{Account, Entry, Fault, Group};
use crate::effects::error::did_you_mean;
use crate::effects::{Context, EffectError};
use crate::lock::IdMap;
use crate::profile::{Profile, User};
use crate::tree::Tree;

/// base-passwd's tables, whose numbers are the same on every Debian system.
const PASSWD_MASTER: &str = "usr/share/base-passwd/passwd.master";
const GROUP_MASTER: &str = "usr/share/base-passwd/group.master";

/// The database while it grows.
pub(super) struct Builder<'a> {
    pub database: Database,
    pub numbers: Numbers<'a>,
}

impl<'a> Builder<'a> {
    /// base-passwd's accounts, with numbers for more from `pinned`, or new ones if `may_add`.
    pub fn start(tree: &Tree, pinned: &'a IdMap, may_add: bool) -> Result<Self, EffectError> {
        let text = |path: &str| -> Result<String, EffectError> {
            let content = tree.file(path).ok_or_else(|| {
                EffectError::refused("accounts", format!("`/{path}` is missing"))
                    .with_hint("every Debian system has the package base-passwd; is it in the profile's sources?")
            })?;
            content.text().map_err(|source| EffectError::Read { path: path.to_owned(), source })
        };
        let database =
            Database::parse(&text(PASSWD_MASTER)?, &text(GROUP_MASTER)?).map_err(|(file, line, cause)| {
                EffectError::Line { path: format!("usr/share/base-passwd/{file}.master"), line, cause }
            })?;
        let mut numbers = Numbers::new(pinned, may_add);
        database.users.iter().for_each(|user| numbers.fix_user(&user.name, user.uid));
        database.groups.iter().for_each(|group| numbers.fix_group(&group.name, group.gid));
        Ok(Self { database, numbers })
    }

    /// Every account that the packages of `tree` and the profile want.
    pub fn run(tree: &Tree, context: &Context<'a>, may_add: bool) -> Result<Self, EffectError> {
        let mut builder = Self::start(tree, context.ids, may_add)?;
        Sysusers::read(tree, &context.profile.files)?.apply(tree, &mut builder)?;
        for (entry, group) in context.declared.each(|effects| &effects.groups) {
            builder.declared_group(entry, group)?;
        }
        for (entry, account) in context.declared.each(|effects| &effects.accounts) {
            builder.declared_account(tree, entry, account)?;
        }
        for user in &context.profile.users {
            builder.person(tree, user, context.profile)?;
        }
        Ok(builder)
    }

    /// The number of a group by name.
    pub fn group_id(&self, name: &str) -> Option<u32> {
        self.database.group(name).map(|group| group.gid)
    }

    fn add_group(&mut self, name: &str, gid: u32, secret: Secret) {
        self.database.groups.push(GroupEntry { name: name.to_owned(), gid, members: Vec::new(), secret });
    }

    /// As `addgroup --system`, for a group that the workspace's ledger declares.
    fn declared_group(&mut self, entry: &Entry, group: &Group) -> Result<(), EffectError> {
        let name = &group.name.get_ref().0;
        if self.database.group(name).is_some() {
            return Err(entry.refuse(&group.name, format!("group `{name}`"), Fault::idle("the image has it already")));
        }
        let gid = self.numbers.group(name, false, SYSTEM)?;
        self.add_group(name, gid, Secret::Script);
        Ok(())
    }

    /// As `adduser --system`, for an account that the workspace's ledger declares.
    fn declared_account(&mut self, tree: &Tree, entry: &Entry, account: &Account) -> Result<(), EffectError> {
        let name = &account.name.get_ref().0;
        let refuse = |fault| entry.refuse(&account.name, format!("account `{name}`"), fault);
        if self.database.user(name).is_some() {
            return Err(refuse(Fault::idle("the image has it already")));
        }
        let shell = account.shell.as_ref().map(|shell| shell.0.as_str());
        if let Some(shell) = shell
            && tree.file(shell.trim_start_matches('/')).is_none()
        {
            let cure = "add the shell's package to the profile, or leave `shell` out: nobody logs in then";
            return Err(refuse(Fault::new(format!("no package brings the shell `{shell}`"), cure)));
        }
        let primary = account.group.as_ref().map(|group| &group.0).filter(|group| *group != name);
        let further = account.groups.iter().map(|group| &group.0);
        if let Some(missing) = primary.into_iter().chain(further).find(|group| self.group_id(group).is_none()) {
            let known = self.database.groups.iter().map(|group| group.name.as_str());
            let otherwise = format!("declare it too, `[[script.group]]` with `name = \"{missing}\"`");
            let cure = did_you_mean(missing, known, &otherwise);
            return Err(refuse(Fault::new(format!("the image has no group `{missing}`"), cure)));
        }
        let uid = self.numbers.user(name, primary.is_none(), SYSTEM)?;
        let gid = match self.group_id(primary.unwrap_or(name)) {
            Some(gid) => gid,
            None => {
                let gid = self.numbers.group(name, false, [uid])?;
                self.add_group(name, gid, Secret::Script);
                gid
            }
        };
        self.database.users.push(UserEntry {
            name: name.clone(),
            uid,
            gid,
            gecos: account.gecos.as_ref().map(|gecos| gecos.0.clone()).unwrap_or_default(),
            home: account.home.as_ref().map_or_else(|| "/nonexistent".to_owned(), |home| home.0.clone()),
            shell: shell.unwrap_or("/usr/sbin/nologin").to_owned(),
            secret: Secret::Script,
        });
        for group in &account.groups {
            self.database.join(name, &group.0);
        }
        Ok(())
    }

    /// A user of the profile, with a group of the same name and number.
    fn person(&mut self, tree: &Tree, user: &User, profile: &Profile) -> Result<(), EffectError> {
        let object = || format!("user `{}` of the profile", user.name);
        if self.database.user(&user.name).is_some() {
            return Err(EffectError::refused(object(), "a package makes an account of that name")
                .with_hint("choose another name")
                .at(profile, "user", &user.name));
        }
        if tree.file(user.shell.trim_start_matches('/')).is_none() {
            return Err(EffectError::refused(object(), format!("no package brings the shell `{}`", user.shell))
                .with_hint("add the shell's package to `packages`, or use /bin/bash")
                .at(profile, "user.shell", &user.name));
        }
        let uid = self.numbers.user(&user.name, true, IdMap::PEOPLE)?;
        first_subordinate(&user.name, uid)?;
        let gid = if let Some(gid) = self.group_id(&user.name) {
            gid
        } else {
            let gid = self.numbers.group(&user.name, false, [uid])?;
            self.add_group(&user.name, gid, Secret::Script);
            gid
        };
        self.database.users.push(UserEntry {
            name: user.name.clone(),
            uid,
            gid,
            gecos: String::new(),
            home: format!("/home/{}", user.name),
            shell: user.shell.clone(),
            secret: Secret::Person,
        });
        for group in user.groups.iter().collect::<BTreeSet<_>>() {
            // A script may make the group: `join_people` comes after them.
            self.database.join(&user.name, group);
        }
        Ok(())
    }
}
