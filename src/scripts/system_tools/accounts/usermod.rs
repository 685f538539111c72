//! usermod(8), chsh(1), chage(1) and passwd(1) of shadow-utils 4.17: changes of accounts that are there.

use super::files::{fail, group_of, is_field, read, store};
use super::options;
use crate::effects::accounts::{ShadowField, Tables, UserField};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const OPTIONS: [&str; 13] = [
    "a|append",
    "b|badname",
    "c|comment=",
    "d|home=",
    "e|expiredate=",
    "f|inactive=",
    "g|gid=",
    "G|groups=",
    "L|lock",
    "s|shell=",
    "U|unlock",
    "add-subuids=",
    "add-subgids=",
];

// Exit statuses, usermod(8).
const SYNTAX: u8 = 2;
const BAD_ARGUMENT: u8 = 3;
const MISSING: u8 = 6;

/// usermod(8). Another number, another name and a home that moves are not modelled.
pub(super) fn usermod(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("usermod", call.args, &OPTIONS)?;
    let [name] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: usermod [options] LOGIN")) };
    let mut tables = read(call)?;
    if tables.user(name).is_none() {
        return Ok(fail(call, MISSING, &format!("usermod: user '{name}' does not exist")));
    }
    for (option, value) in given.options() {
        let value = value.unwrap_or_default();
        match option {
            "comment" | "home" | "shell" => {
                if !is_field(value) {
                    return Ok(fail(call, BAD_ARGUMENT, "usermod: invalid field"));
                }
                let field = match option {
                    "comment" => UserField::Gecos,
                    "home" => UserField::Home,
                    _ => UserField::Shell,
                };
                tables.set_user(name, field, value);
            }
            "gid" => match group_of(&tables, value) {
                Some(group) => tables.set_user(name, UserField::Gid, &group.gid.to_string()),
                None => return Ok(fail(call, MISSING, &format!("usermod: group '{value}' does not exist"))),
            },
            "groups" => {
                if let Err(text) = set_groups(&mut tables, name, value, given.has("append")) {
                    return Ok(fail(call, MISSING, &text));
                }
            }
            "lock" => lock(&mut tables, name),
            "unlock" if !unlock(&mut tables, name) => {
                call.complain("usermod: unlocking the user's password would result in a passwordless account.");
            }
            "expiredate" => tables.set_shadow(name, ShadowField::Expire, &day("usermod", value)?),
            "inactive" => tables.set_shadow(name, ShadowField::Inactive, &day("usermod", value)?),
            "add-subuids" => tables.add_subordinate(name, &[subordinate(value)?], &[]),
            "add-subgids" => tables.add_subordinate(name, &[], &[subordinate(value)?]),
            _ => {}
        }
    }
    let what = format!("changed user {name}: {}", call.args.join(" "));
    store(call, tables, what)?;
    Ok(0)
}

/// Supplementary groups: those named, beside those that the user has if `append`.
fn set_groups(tables: &mut Tables, user: &str, groups: &str, append: bool) -> Result<(), String> {
    let mut wanted = Vec::new();
    for word in groups.split(',').filter(|word| !word.is_empty()) {
        let group = group_of(tables, word).ok_or_else(|| format!("usermod: group '{word}' does not exist"))?;
        wanted.push(group.name);
    }
    if !append {
        let gone: Vec<String> = tables.groups().map(|group| group.name).filter(|name| !wanted.contains(name)).collect();
        for group in &gone {
            tables.leave(user, group);
        }
    }
    for group in &wanted {
        tables.join(user, group);
    }
    Ok(())
}

/// Puts `!` before a password that has none.
fn lock(tables: &mut Tables, name: &str) {
    if let Some(password) = tables.shadow(name, ShadowField::Password).filter(|password| !password.starts_with('!')) {
        let password = format!("!{password}");
        tables.set_shadow(name, ShadowField::Password, &password);
    }
}

/// Takes `!` away; says no if nothing would be left.
fn unlock(tables: &mut Tables, name: &str) -> bool {
    match tables.shadow(name, ShadowField::Password).and_then(|password| password.strip_prefix('!')) {
        Some("") => false,
        Some(password) => {
            let password = password.to_owned();
            tables.set_shadow(name, ShadowField::Password, &password);
            true
        }
        None => true,
    }
}

/// A day or number of days: nothing and -1 take a limit away.
fn day(command: &str, text: &str) -> Result<String, Reason> {
    match text {
        "" | "-1" => Ok(String::new()),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(text.to_owned()),
        text => Err(Reason::unsupported(command, format!("the date `{text}`"))),
    }
}

/// `FIRST-LAST` as the first number and how many there are.
fn subordinate(text: &str) -> Result<(u32, u32), Reason> {
    let range = text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let count = |(first, last): (u32, u32)| Some((first, last.checked_sub(first)?.checked_add(1)?));
    range.and_then(count).ok_or_else(|| Reason::unsupported("usermod", format!("the range `{text}`")))
}

/// chsh(1)
pub(super) fn chsh(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("chsh", call.args, &["s|shell="])?;
    let user = given.operands.first().map_or("root", String::as_str);
    let Some(shell) = given.value("shell").filter(|shell| is_field(shell)) else {
        return Err(Reason::unsupported("chsh", "a shell that it asks for"));
    };
    let mut tables = read(call)?;
    if tables.user(user).is_none() {
        return Ok(fail(call, 1, &format!("chsh: user '{user}' does not exist")));
    }
    tables.set_user(user, UserField::Shell, shell);
    let what = format!("changed the shell of {user} to {shell}");
    store(call, tables, what)?;
    Ok(0)
}

/// chage(1), with days as numbers.
pub(super) fn chage(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let table = ["d|lastday=", "E|expiredate=", "I|inactive=", "m|mindays=", "M|maxdays=", "W|warndays="];
    let given = options::read("chage", call.args, &table)?;
    let [name] = given.operands.as_slice() else { return Ok(fail(call, SYNTAX, "Usage: chage [options] LOGIN")) };
    let mut tables = read(call)?;
    if tables.user(name).is_none() {
        return Ok(fail(call, 1, &format!("chage: user '{name}' does not exist in /etc/passwd")));
    }
    if given.options().next().is_none() {
        return Err(Reason::unsupported("chage", "values that it asks for"));
    }
    for (option, value) in given.options() {
        let field = match option {
            "lastday" => ShadowField::LastChange,
            "expiredate" => ShadowField::Expire,
            "inactive" => ShadowField::Inactive,
            "mindays" => ShadowField::Min,
            "maxdays" => ShadowField::Max,
            _ => ShadowField::Warn,
        };
        tables.set_shadow(name, field, &day("chage", value.unwrap_or_default())?);
    }
    let what = format!("changed user {name}: {}", call.args.join(" "));
    store(call, tables, what)?;
    Ok(0)
}

/// passwd(1), as far as it locks or unlocks: nothing sets a password in an image.
pub(super) fn passwd(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("passwd", call.args, &["l|lock", "u|unlock", "q|quiet"])?;
    let [name] = given.operands.as_slice() else { return Err(Reason::unsupported("passwd", "no account")) };
    let mut tables = read(call)?;
    if tables.user(name).is_none() {
        return Ok(fail(call, 1, &format!("passwd: user '{name}' does not exist")));
    }
    if given.has("lock") {
        lock(&mut tables, name);
    } else if !given.has("unlock") {
        return Err(Reason::unsupported("passwd", "a password that it asks for"));
    } else if !unlock(&mut tables, name) {
        return Ok(fail(call, 3, "passwd: unlocking the password would result in a passwordless account."));
    }
    let what = format!("locked or unlocked the password of {name}");
    store(call, tables, what)?;
    Ok(0)
}

/// pwconv(8), grpconv(8) and `shadowconfig on`: the shadow files are there already.
pub(super) fn shadowconfig(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    match call.args {
        [] => Ok(0),
        [on] if on == "on" => Ok(0),
        _ => Err(Reason::unsupported("shadowconfig", call.args.join(" "))),
    }
}
