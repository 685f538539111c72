//! Questions about accounts: getent(1), id(1), groups(1), whoami(1). Scripts run as root.

use std::fmt::Write as _;

use super::files::{fail, read};
use super::options;
use crate::effects::accounts::{GroupEntry, Tables, UserEntry};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

/// getent(1) of the databases that lie in the tree. A key that is not found is exit status 2.
pub(super) fn getent(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("getent", call.args, &[])?;
    let Some((database, keys)) = given.operands.split_first() else {
        return Ok(fail(call, 1, "getent: wrong number of arguments"));
    };
    match database.as_str() {
        "passwd" | "group" | "shadow" | "gshadow" => {}
        "hosts" | "ahosts" | "ahostsv4" | "ahostsv6" => return Err(Reason::differs("getent", "the network's names")),
        other => return Err(Reason::unsupported("getent", format!("the database `{other}`"))),
    }
    let tables = read(call)?;
    let lines = tables.lines(database).unwrap_or_default();
    let column = |line: &str, index: usize| line.split(':').nth(index).unwrap_or_default().to_owned();
    let mut status = 0;
    let mut found: Vec<&String> = Vec::new();
    if keys.is_empty() {
        found.extend(lines.iter().filter(|line| line.contains(':')));
    }
    for key in keys {
        // A number is looked up as a number only, where there are any.
        let numeric = matches!(database.as_str(), "passwd" | "group") && key.parse::<u32>().is_ok();
        match lines.iter().find(|line| line.contains(':') && column(line, if numeric { 2 } else { 0 }) == *key) {
            Some(line) => found.push(line),
            None => status = 2,
        }
    }
    for line in found {
        call.print(&format!("{line}\n"));
    }
    Ok(status)
}

/// The groups of a user, the primary one first, others in the order of `/etc/group` (getgrouplist(3)).
fn groups_of(tables: &Tables, user: &UserEntry) -> Vec<u32> {
    let mut groups = vec![user.gid];
    for group in tables.groups() {
        if group.members.contains(&user.name) && !groups.contains(&group.gid) {
            groups.push(group.gid);
        }
    }
    groups
}

/// The user that an operand of id(1) names, by name or number; root without one.
fn user(tables: &Tables, word: Option<&String>) -> Option<UserEntry> {
    let word = word.map_or("root", String::as_str);
    tables.user(word).or_else(|| tables.user_of(word.trim_start_matches('+').parse().ok()?))
}

fn group_name(tables: &Tables, gid: u32) -> Option<String> {
    tables.group_of(gid).map(|GroupEntry { name, .. }| name)
}

/// id(1)
pub(super) fn id(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("id", call.args, &["u|user", "g|group", "G|groups", "n|name", "r|real", "a"])?;
    if given.operands.len() > 1 {
        return Err(Reason::unsupported("id", "several users"));
    }
    let tables = read(call)?;
    let Some(user) = user(&tables, given.operands.first()) else {
        let name = given.operands.first().map_or("root", String::as_str);
        return Ok(fail(call, 1, &format!("id: '{name}': no such user")));
    };
    let names = given.has("name");
    let group = |gid: u32| match group_name(&tables, gid) {
        Some(name) if names => name,
        _ => gid.to_string(),
    };
    let chosen: Vec<&str> =
        given.options().map(|(name, _)| name).filter(|name| ["user", "group", "groups"].contains(name)).collect();
    let line = match chosen.as_slice() {
        ["user"] if names => user.name,
        ["user"] => user.uid.to_string(),
        ["group"] => group(user.gid),
        ["groups"] => groups_of(&tables, &user).into_iter().map(group).collect::<Vec<_>>().join(" "),
        [] if names => return Ok(fail(call, 1, "id: cannot print only names or real IDs in default format")),
        [] => whole(&tables, &user),
        _ => return Ok(fail(call, 1, "id: cannot print \"only\" of more than one choice")),
    };
    call.print(&format!("{line}\n"));
    Ok(0)
}

/// `uid=0(root) gid=0(root) groups=0(root)`
fn whole(tables: &Tables, user: &UserEntry) -> String {
    let with_name = |gid: u32| group_name(tables, gid).map_or_else(|| gid.to_string(), |name| format!("{gid}({name})"));
    let mut line = format!("uid={}({}) gid={} groups=", user.uid, user.name, with_name(user.gid));
    for (index, gid) in groups_of(tables, user).into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(line, "{comma}{}", with_name(gid));
    }
    line
}

/// groups(1)
pub(super) fn groups(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("groups", call.args, &[])?;
    let tables = read(call)?;
    let names = |user: &UserEntry| {
        let of = |gid: u32| group_name(&tables, gid).unwrap_or_else(|| gid.to_string());
        groups_of(&tables, user).into_iter().map(of).collect::<Vec<_>>().join(" ")
    };
    if given.operands.is_empty() {
        if let Some(root) = user(&tables, None) {
            call.print(&format!("{}\n", names(&root)));
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in &given.operands {
        match user(&tables, Some(name)) {
            Some(found) => call.print(&format!("{name} : {}\n", names(&found))),
            None => status = fail(call, 1, &format!("groups: '{name}': no such user")),
        }
    }
    Ok(status)
}

/// whoami(1)
pub(super) fn whoami(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    options::read("whoami", call.args, &[])?;
    call.print("root\n");
    Ok(0)
}
