//! Which number an account gets.
//!
//! A number that the lock pins is always taken. When locking, further accounts are numbered as Debian's tools
//! do: systemd-sysusers counts down from 999, adduser up from 100 (system) or 1000 (people). When building, an account
//! without a pinned number is an error, since files on the node's persistent `/var` carry numbers, not names.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::effects::EffectError;
use crate::lock::IdMap;

/// Numbers of accounts that packages make while they are installed (Debian policy 9.2.2).
pub const SYSTEM: RangeInclusive<u32> = 100..=999;
/// Numbers that a person may map into containers: as many as useradd(8) gives (`SUB_UID_COUNT`), from
/// `SUB_UID_MIN` on.
pub(super) const SUBORDINATE: u32 = 65536;
const SUBORDINATE_FIRST: u32 = 100000;

/// The first of a person's subordinate numbers.
///
/// # Errors
/// A number that is none of people's: the lock was edited, or a system's account had the name before.
pub(super) fn first_subordinate(name: &str, uid: u32) -> Result<u32, EffectError> {
    let rank = IdMap::PEOPLE.contains(&uid).then(|| uid - IdMap::PEOPLE.start());
    let first = rank.and_then(|rank| rank.checked_mul(SUBORDINATE)?.checked_add(SUBORDINATE_FIRST));
    first.ok_or_else(|| {
        let (from, to) = (IdMap::PEOPLE.start(), IdMap::PEOPLE.end());
        let cause = format!("the lock pins the number {uid} for it, and people's are {from} to {to}");
        EffectError::refused(format!("user `{name}` of the profile"), cause).with_hint(format!(
            "write the number that it had into [ids.users] and [ids.groups] of imgbuild.lock; if it never had another, give \
             `{name}` a name that no package's account has had"
        ))
    })
}

/// Hands out numbers and remembers them.
#[derive(Debug, Clone)]
pub struct Numbers<'a> {
    pinned: &'a IdMap,
    may_add: bool,
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
    /// What was handed out.
    pub given: IdMap,
}

impl<'a> Numbers<'a> {
    /// Starts with the numbers of `pinned`; others are only handed out if `may_add`.
    #[must_use]
    pub fn new(pinned: &'a IdMap, may_add: bool) -> Self {
        let by_number = |map: &BTreeMap<String, u32>| map.iter().map(|(name, id)| (*id, name.clone())).collect();
        Self {
            pinned,
            may_add,
            users: by_number(&pinned.users),
            groups: by_number(&pinned.groups),
            given: IdMap::default(),
        }
    }

    /// Notes a user whose number Debian fixes.
    pub fn fix_user(&mut self, name: &str, uid: u32) {
        self.users.insert(uid, name.to_owned());
    }

    /// Notes a group whose number Debian fixes.
    pub fn fix_group(&mut self, name: &str, gid: u32) {
        self.groups.insert(gid, name.to_owned());
    }

    /// Whether no other user has this number.
    #[must_use]
    pub fn is_user_free(&self, uid: u32, name: &str) -> bool {
        is_free(&self.users, uid, name)
    }

    /// Whether no other group has this number.
    #[must_use]
    pub fn is_group_free(&self, gid: u32, name: &str) -> bool {
        is_free(&self.groups, gid, name)
    }

    /// The number of user `name`: the first of `candidates` that neither another user nor a group of
    /// another name has (`with_group`), or that no other user has.
    ///
    /// # Errors
    /// No number is pinned and none may be added; none is free.
    pub fn user(
        &mut self,
        name: &str,
        with_group: bool,
        candidates: impl IntoIterator<Item = u32>,
    ) -> Result<u32, EffectError> {
        let free = |uid: &u32| is_free(&self.users, *uid, name) && (!with_group || is_free(&self.groups, *uid, name));
        let uid = self.choose("user", name, self.pinned.users.get(name), candidates.into_iter().find(free))?;
        self.users.insert(uid, name.to_owned());
        self.given.users.insert(name.to_owned(), uid);
        Ok(uid)
    }

    /// The number of group `name`, likewise.
    ///
    /// # Errors
    /// As [`Numbers::user`].
    pub fn group(
        &mut self,
        name: &str,
        with_user: bool,
        candidates: impl IntoIterator<Item = u32>,
    ) -> Result<u32, EffectError> {
        let free = |gid: &u32| is_free(&self.groups, *gid, name) && (!with_user || is_free(&self.users, *gid, name));
        let gid = self.choose("group", name, self.pinned.groups.get(name), candidates.into_iter().find(free))?;
        self.groups.insert(gid, name.to_owned());
        self.given.groups.insert(name.to_owned(), gid);
        Ok(gid)
    }

    fn choose(
        &self,
        kind: &'static str,
        name: &str,
        pinned: Option<&u32>,
        free: Option<u32>,
    ) -> Result<u32, EffectError> {
        match (pinned, free) {
            (Some(pinned), _) => Ok(*pinned),
            (None, _) if !self.may_add => Err(EffectError::Unpinned { kind, name: name.to_owned() }),
            (None, Some(free)) => Ok(free),
            (None, None) => Err(EffectError::refused(format!("{kind} `{name}`"), "no number is free for it")),
        }
    }
}

fn is_free(taken: &BTreeMap<u32, String>, id: u32, name: &str) -> bool {
    taken.get(&id).is_none_or(|owner| owner == name)
}
