//! groupadd(8), groupmod(8), groupdel(8) and gpasswd(1) of shadow-utils 4.17.

use super::files::{add_group, fail, read, store};
use super::options;
use crate::effects::accounts::{GroupEntry, SYSTEM, Tables};
use crate::lock::IdMap;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

// Exit statuses, groupadd(8) and groupmod(8).
const SYNTAX: u8 = 2;
const BAD_ARGUMENT: u8 = 3;
const GID_IN_USE: u8 = 4;
const MISSING: u8 = 6;
const IS_PRIMARY: u8 = 8;
const NAME_IN_USE: u8 = 9;

/// groupadd(8)
pub(super) fn groupadd(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("groupadd", call.args, &["f|force", "g|gid=", "r|system", "U|users="])?;
    let [name] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: groupadd [options] GROUP")) };
    let mut tables = read(call)?;
    if tables.group(name).is_some() {
        if given.has("force") {
            return Ok(0);
        }
        return Ok(fail(call, NAME_IN_USE, &format!("groupadd: group '{name}' already exists")));
    }
    let mut wanted = given.value("gid").map(|gid| number("groupadd", gid)).transpose()?;
    if wanted.is_some_and(|gid| tables.group_of(gid).is_some()) {
        if !given.has("force") {
            return Ok(fail(call, GID_IN_USE, "groupadd: GID already exists"));
        }
        wanted = None;
    }
    let gid = match wanted {
        Some(gid) => add_group(debian, &mut tables, name, [gid])?,
        None if given.has("system") => add_group(debian, &mut tables, name, SYSTEM.rev())?,
        None => add_group(debian, &mut tables, name, IdMap::PEOPLE)?,
    };
    for user in given.value("users").into_iter().flat_map(|users| users.split(',')) {
        tables.join(user, name);
    }
    let what = format!("added group {name} ({gid})");
    store(call, tables, what)?;
    Ok(0)
}

/// groupmod(8), of which only a group's number and its members may change: another name would be another account to the lock.
pub(super) fn groupmod(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("groupmod", call.args, &["a|append", "U|users=", "g|gid=", "n|new-name="])?;
    let [name] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: groupmod [options] GROUP")) };
    let mut tables = read(call)?;
    let Some(group) = tables.group(name) else {
        return Ok(fail(call, MISSING, &format!("groupmod: group '{name}' does not exist")));
    };
    if given.has("new-name") {
        return Err(Reason::unsupported("groupmod", "another name for a group that is there"));
    }
    if let Some(gid) = given.value("gid")
        && number("groupmod", gid)? != group.gid
    {
        return Err(Reason::unsupported("groupmod", "another number for a group that is there"));
    }
    if let Some(users) = given.value("users") {
        let mut members = if given.has("append") { group.members } else { Vec::new() };
        members.extend(users.split(',').filter(|user| !user.is_empty()).map(str::to_owned));
        tables.set_members(name, &members);
    }
    let what = format!("changed group {name}");
    store(call, tables, what)?;
    Ok(0)
}

/// groupdel(8)
pub(super) fn groupdel(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("groupdel", call.args, &["f|force"])?;
    let [name] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: groupdel [options] GROUP")) };
    let tables = read(call)?;
    match tables.group(name) {
        Some(group) => remove(call, tables, &group),
        None => Ok(fail(call, MISSING, &format!("groupdel: group '{name}' does not exist"))),
    }
}

/// Takes a group away unless it is a user's primary one.
pub(super) fn remove(call: &mut Call<'_>, mut tables: Tables, group: &GroupEntry) -> Answer {
    if let Some(user) = tables.users().find(|user| user.gid == group.gid) {
        let text = format!("groupdel: cannot remove the primary group of user '{}'", user.name);
        return Ok(fail(call, IS_PRIMARY, &text));
    }
    tables.remove_group(&group.name);
    store(call, tables, format!("removed group {}", group.name))?;
    Ok(0)
}

/// gpasswd(1) with `-a`, `-d` and `-M`.
pub(super) fn gpasswd(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("gpasswd", call.args, &["a|add=", "d|delete=", "M|members="])?;
    let [group] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: gpasswd [option] GROUP")) };
    let mut tables = read(call)?;
    let Some(found) = tables.group(group) else {
        return Ok(fail(call, BAD_ARGUMENT, &format!("gpasswd: group '{group}' does not exist in /etc/group")));
    };
    let missing = |tables: &Tables, user: &str| tables.user(user).is_none();
    let text = match given.options().collect::<Vec<_>>().as_slice() {
        [("add", Some(user))] => {
            if missing(&tables, user) {
                return Ok(fail(call, BAD_ARGUMENT, &format!("gpasswd: user '{user}' does not exist")));
            }
            tables.join(user, group);
            format!("Adding user {user} to group {group}")
        }
        [("delete", Some(user))] => {
            if !found.members.iter().any(|member| member == user) {
                let text = format!("gpasswd: user '{user}' is not a member of '{group}'");
                return Ok(fail(call, BAD_ARGUMENT, &text));
            }
            tables.leave(user, group);
            format!("Removing user {user} from group {group}")
        }
        [("members", Some(users))] => {
            let users: Vec<String> = users.split(',').filter(|user| !user.is_empty()).map(str::to_owned).collect();
            if let Some(user) = users.iter().find(|user| missing(&tables, user)) {
                return Ok(fail(call, BAD_ARGUMENT, &format!("gpasswd: user '{user}' does not exist")));
            }
            tables.set_members(group, &users);
            String::new()
        }
        _ => return Err(Reason::unsupported("gpasswd", "other than one of --add, --delete, --members")),
    };
    if !text.is_empty() {
        call.print(&format!("{text}\n"));
    }
    let what = format!("changed the members of group {group}");
    store(call, tables, what)?;
    Ok(0)
}

fn number(command: &str, text: &str) -> Result<u32, Reason> {
    text.parse().map_err(|_| Reason::unsupported(command, format!("the number `{text}`")))
}
