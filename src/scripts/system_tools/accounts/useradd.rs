//! useradd(8) and userdel(8) of shadow-utils 4.17 with Debian's login.defs(5).
//!
//! People's accounts are not modelled: an image's people are those of its profile.

use super::files::{add_group, entry, fail, group_of, is_field, read, refused, store};
use super::options;
use crate::effects::accounts::{SYSTEM, Tables, UserEntry, make_home};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const OPTIONS: [&str; 15] = [
    "badname",
    "b|base-dir=",
    "c|comment=",
    "d|home-dir=",
    "g|gid=",
    "G|groups=",
    "l|no-log-init",
    "m|create-home",
    "M|no-create-home",
    "N|no-user-group",
    "r|system",
    "s|shell=",
    "u|uid=",
    "U|user-group",
    "K|key=",
];

// Exit statuses, useradd(8).
const SYNTAX: u8 = 2;
const BAD_ARGUMENT: u8 = 3;
const UID_IN_USE: u8 = 4;
const MISSING: u8 = 6;
const NAME_IN_USE: u8 = 9;

/// The group of users without one of their own (`GROUP` of `/etc/default/useradd`).
const USERS: u32 = 100;

/// useradd(8)
pub(super) fn useradd(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("useradd", call.args, &OPTIONS)?;
    let [name] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: useradd [options] LOGIN")) };
    if !given.has("system") {
        return Err(Reason::unsupported("useradd", "a person's account (without --system)"));
    }
    if given.has("key") {
        return Err(Reason::unsupported("useradd", "the option `--key`"));
    }
    let mut tables = read(call)?;
    if tables.user(name).is_some() {
        return Ok(fail(call, NAME_IN_USE, &format!("useradd: user '{name}' already exists")));
    }
    let base = given.value("base-dir").unwrap_or("/home");
    let home = given.value("home-dir").map_or_else(|| format!("{base}/{name}"), str::to_owned);
    let shell = given.value("shell").map_or_else(|| default_shell(call), |shell| Ok(shell.to_owned()))?;
    let gecos = given.value("comment").unwrap_or_default();
    if ![name.as_str(), &home, &shell, gecos].into_iter().all(is_field) || !home.starts_with('/') {
        return Ok(fail(call, BAD_ARGUMENT, "useradd: invalid field"));
    }
    let mut joined = Vec::new();
    for group in given.value("groups").into_iter().flat_map(|groups| groups.split(',')) {
        match group_of(&tables, group) {
            Some(found) => joined.push(found.name),
            None => return Ok(fail(call, MISSING, &format!("useradd: group '{group}' does not exist"))),
        }
    }
    // A group of its own, as Debian's USERGROUPS_ENAB has it.
    let mut gid = None;
    if let Some(group) = given.value("gid") {
        match group_of(&tables, group) {
            Some(found) => gid = Some(found.gid),
            None => return Ok(fail(call, MISSING, &format!("useradd: group '{group}' does not exist"))),
        }
    } else if given.has("no-user-group") {
        gid = Some(USERS);
    } else if tables.group(name).is_some() {
        let text = format!("useradd: group {name} exists - if you want to add this user to that group, use -g.");
        return Ok(fail(call, NAME_IN_USE, &text));
    }
    let numbers = debian.accounts.numbers();
    let uid = match given.value("uid") {
        Some(text) => {
            let Ok(uid) = text.parse() else {
                return Ok(fail(call, BAD_ARGUMENT, &format!("useradd: invalid user ID '{text}'")));
            };
            if tables.user_of(uid).is_some() {
                return Ok(fail(call, UID_IN_USE, &format!("useradd: UID {uid} is not unique")));
            }
            numbers.user(name, false, [uid])
        }
        None => numbers.user(name, gid.is_none(), SYSTEM.rev()),
    };
    let uid = uid.map_err(refused)?;
    let gid = match gid {
        Some(gid) => gid,
        None => add_group(debian, &mut tables, name, [uid].into_iter().chain(SYSTEM.rev()))?,
    };
    let user = entry(name, uid, gid, &home, &shell, gecos);
    tables.add_user(&user, debian.accounts.days());
    for group in &joined {
        tables.join(name, group);
    }
    store(call, tables, format!("added user {name} ({uid}:{gid}), home {home}"))?;
    if given.has("create-home") && !given.has("no-create-home") {
        add_home(call, &user)?;
    }
    Ok(0)
}

/// `SHELL` of `/etc/default/useradd`.
fn default_shell(call: &Call<'_>) -> Result<String, Reason> {
    const FILE: &str = "/etc/default/useradd";
    let text = if call.files.is_file(FILE)? { call.files.read_text(FILE).unwrap_or_default() } else { String::new() };
    let shell = text.lines().rev().find_map(|line| line.strip_prefix("SHELL="));
    Ok(shell.unwrap_or("/bin/sh").trim_matches('"').to_owned())
}

/// A private directory with a copy of `/etc/skel`, unless something is there.
fn add_home(call: &mut Call<'_>, user: &UserEntry) -> Result<(), Reason> {
    if call.files.exists(&user.home)? {
        call.complain("useradd: warning: the home directory already exists.");
        return Ok(());
    }
    make_home(call.files.tree_mut(), user).map_err(refused)?;
    call.files.note(format!("made the home directory {} of {} from /etc/skel", user.home, user.name));
    Ok(())
}

/// userdel(8), which leaves the home directory: `-r` is not modelled.
pub(super) fn userdel(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("userdel", call.args, &["f|force"])?;
    let [name] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: userdel [options] LOGIN")) };
    let tables = read(call)?;
    if tables.user(name).is_none() {
        return Ok(fail(call, MISSING, &format!("userdel: user '{name}' does not exist")));
    }
    remove(call, tables, name)
}

/// Takes a user away, with the group of the same name if that was its primary group and nobody else's.
pub(super) fn remove(call: &mut Call<'_>, mut tables: Tables, name: &str) -> Answer {
    let gid = tables.user(name).map(|user| user.gid);
    tables.remove_user(name);
    if let Some(group) = tables.group(name).filter(|group| Some(group.gid) == gid && group.members.is_empty())
        && tables.users().all(|user| user.gid != group.gid)
    {
        tables.remove_group(name);
    }
    store(call, tables, format!("removed user {name}"))?;
    Ok(0)
}
