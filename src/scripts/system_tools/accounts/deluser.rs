//! deluser(8) and delgroup(8) of Debian 13 (adduser 3.152).

use super::adduser::{INVALID_CALL, MISSING, OTHER_PROPERTIES};
use super::files::{fail, read, store};
use super::options::{self, Given};
use super::{groups, useradd};
use crate::effects::accounts::SYSTEM;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call};

// `--remove-home`, `--remove-all-files` and `--backup` read the mount table of the running system; they are not modelled.
const OPTIONS: [&str; 8] =
    ["debug", "stdoutmsglevel=", "stderrmsglevel=", "logmsglevel=", "group", "system", "only-if-empty", "q|quiet"];

// Exit statuses, `Debian::AdduserRetvalues`.
const NOT_EMPTY: u8 = 41;
const NO_MEMBER: u8 = 42;
const PRIMARY: u8 = 43;
const ROOT: u8 = 55;

/// deluser(8)
pub(super) fn deluser(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("deluser", call.args, &OPTIONS)?;
    match given.operands.as_slice() {
        [group] if given.has("group") => remove_group(call, &given, &group.clone()),
        [user] => remove_user(call, &given, &user.clone()),
        [user, group] => leave(call, &user.clone(), &group.clone()),
        _ => Ok(fail(call, INVALID_CALL, "deluser: Only one or two names allowed.")),
    }
}

/// delgroup(8): deluser(8) with `--group`.
pub(super) fn delgroup(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("delgroup", call.args, &OPTIONS)?;
    match given.operands.as_slice() {
        [group] => remove_group(call, &given, &group.clone()),
        [user, group] => leave(call, &user.clone(), &group.clone()),
        _ => Ok(fail(call, INVALID_CALL, "delgroup: Only one or two names allowed.")),
    }
}

fn remove_user(call: &mut Call<'_>, given: &Given, name: &str) -> Answer {
    let tables = read(call)?;
    match tables.user(name) {
        None if given.has("system") => Ok(0),
        None => Ok(fail(call, MISSING, &format!("deluser: The user `{name}' does not exist."))),
        Some(user) if given.has("system") && !SYSTEM.contains(&user.uid) => {
            Ok(fail(call, OTHER_PROPERTIES, &format!("deluser: The user `{name}' is not a system user. Exiting.")))
        }
        Some(user) if user.uid == 0 => Ok(fail(call, ROOT, "deluser: You are just about to delete the root account.")),
        Some(_) => useradd::remove(call, tables, name),
    }
}

fn remove_group(call: &mut Call<'_>, given: &Given, name: &str) -> Answer {
    let tables = read(call)?;
    match tables.group(name) {
        None => Ok(fail(
            call,
            if given.has("system") { 0 } else { MISSING },
            &format!("delgroup: The group `{name}' does not exist."),
        )),
        Some(group) if given.has("system") && !SYSTEM.contains(&group.gid) => {
            Ok(fail(call, OTHER_PROPERTIES, &format!("delgroup: The group `{name}' is not a system group. Exiting.")))
        }
        Some(group) if given.has("only-if-empty") && !group.members.is_empty() => {
            Ok(fail(call, NOT_EMPTY, &format!("delgroup: The group `{name}' is not empty!")))
        }
        // What groupdel(8) refuses is RET_SYSTEMCALL_ERROR here.
        Some(group) => groups::remove(call, tables, &group).map(|status| if status == 0 { 0 } else { 82 }),
    }
}

/// `deluser USER GROUP`
fn leave(call: &mut Call<'_>, user: &str, group: &str) -> Answer {
    let mut tables = read(call)?;
    let Some(found) = tables.user(user) else {
        return Ok(fail(call, MISSING, &format!("deluser: The user `{user}' does not exist.")));
    };
    let Some(from) = tables.group(group) else {
        return Ok(fail(call, MISSING, &format!("deluser: The group `{group}' does not exist.")));
    };
    if found.gid == from.gid {
        return Ok(fail(call, PRIMARY, "deluser: You may not remove the user from their primary group."));
    }
    if !from.members.iter().any(|member| member == user) {
        let text = format!("deluser: The user `{user}' is not a member of group `{group}'.");
        return Ok(fail(call, NO_MEMBER, &text));
    }
    tables.leave(user, group);
    store(call, tables, format!("took user {user} from group {group}"))?;
    Ok(0)
}
