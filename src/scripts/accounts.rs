//! What scripts need to make accounts: numbers, and the date of a last change. The accounts themselves lie in the tree.

use super::awaited::Awaited;
use crate::effects::EffectError;
use crate::effects::accounts::{Numbers, Tables};
use crate::lock::IdMap;
use crate::tree::Tree;

/// Numbers for the accounts of scripts, handed on from one script to the next.
#[derive(Debug, Clone)]
pub struct Accounts<'a> {
    numbers: Numbers<'a>,
    /// Seconds since 1970 that every date comes from.
    epoch: u64,
    /// Those of sysusers.d(5) that are not there before their package's script makes them.
    pub(super) awaited: Awaited,
}

impl<'a> Accounts<'a> {
    /// For the scripts of `tree`, in which the effect `accounts` made its accounts. A number that `pinned` has is taken, others
    /// are handed out if `may_add`: when locking.
    ///
    /// # Errors
    /// Files of accounts that cannot be read.
    pub fn new(tree: &Tree, pinned: &'a IdMap, may_add: bool, epoch: u64) -> Result<Self, EffectError> {
        let mut numbers = Numbers::new(pinned, may_add);
        let tables = Tables::read(tree)?;
        tables.users().for_each(|user| numbers.fix_user(&user.name, user.uid));
        tables.groups().for_each(|group| numbers.fix_group(&group.name, group.gid));
        Ok(Self { numbers, epoch, awaited: Awaited::default() })
    }

    /// The numbers that scripts' accounts got, for the lock.
    #[must_use]
    pub fn given(&self) -> &IdMap {
        &self.numbers.given
    }

    pub(super) fn numbers(&mut self) -> &mut Numbers<'a> {
        &mut self.numbers
    }

    /// Days since 1970 that shadow(5) gets for each change.
    pub(super) fn days(&self) -> u64 {
        self.epoch / (24 * 60 * 60)
    }

    /// Seconds since 1970 that every date comes from.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }
}
