//! Accounts: what adduser(8), the tools of shadow-utils, getent(1) and id(1) do with the files of accounts in the tree.
//!
//! Numbers come from the lock; new ones, when locking, in the order in which the tools try them (adduser upwards from 100,
//! useradd and groupadd downwards from 999).

mod adduser;
mod deluser;
mod files;
mod groups;
mod lookup;
mod useradd;
mod usermod;

use super::options;
use crate::scripts::debian::Tool;

/// The command of this name, if it is one of these.
pub(super) fn find(name: &str) -> Option<Tool> {
    Some(match name {
        "adduser" => adduser::adduser,
        "addgroup" => adduser::addgroup,
        "deluser" => deluser::deluser,
        "delgroup" => deluser::delgroup,
        "useradd" => useradd::useradd,
        "userdel" => useradd::userdel,
        "usermod" => usermod::usermod,
        "chsh" => usermod::chsh,
        "chage" => usermod::chage,
        "passwd" => usermod::passwd,
        "groupadd" => groups::groupadd,
        "groupmod" => groups::groupmod,
        "groupdel" => groups::groupdel,
        "gpasswd" => groups::gpasswd,
        "pwconv" | "grpconv" | "shadowconfig" => usermod::shadowconfig,
        "getent" => lookup::getent,
        "id" => lookup::id,
        "groups" => lookup::groups,
        "whoami" => lookup::whoami,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
