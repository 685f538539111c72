//! adduser(8) and addgroup(8) of Debian 13 (adduser 3.152).
//!
//! People's accounts are not modelled: they want a password, and an image's people are those of its profile.

use super::files::{add_group, entry, fail, is_field, read, refused, store};
use super::options::{self, Given};
use crate::effects::accounts::{SYSTEM, Tables};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const OPTIONS: [&str; 25] = [
    "allow-all-names",
    "allow-badname",
    "allow-bad-names",
    "force-badname",
    "gecos|comment:",
    "debug",
    "stdoutmsglevel=",
    "stderrmsglevel=",
    "logmsglevel=",
    "disabled-login",
    "disabled-password",
    "firstgid=",
    "firstuid=",
    "lastgid=",
    "lastuid=",
    "gid=",
    "uid=",
    "group",
    "home=",
    "ingroup=",
    "no-create-home",
    "q|quiet",
    "shell=",
    "system",
    "verbose",
];

// Exit statuses, `Debian::AdduserRetvalues`.
pub(super) const EXISTS: u8 = 11;
pub(super) const MISSING: u8 = 12;
pub(super) const OTHER_PROPERTIES: u8 = 13;
const ID_IN_USE: u8 = 21;
const BAD_NAME: u8 = 31;
const BAD_HOME: u8 = 32;
pub(super) const INVALID_CALL: u8 = 51;
const EXCLUSIVE: u8 = 53;
const ABORTED: u8 = 61;

/// Numbers of people's groups.
const PEOPLE: std::ops::RangeInclusive<u32> = crate::lock::IdMap::PEOPLE;

/// adduser(8)
pub(super) fn adduser(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(debian, call, "adduser")
}

/// addgroup(8): adduser(8) with `--group`.
pub(super) fn addgroup(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(debian, call, "addgroup")
}

fn run(debian: &mut Debian<'_>, call: &mut Call<'_>, command: &str) -> Answer {
    let given = options::read(command, call.args, &OPTIONS)?;
    default_configuration(call)?;
    let is_user = command == "adduser";
    let (system, group) = (given.has("system"), given.has("group"));
    let name = match given.operands.as_slice() {
        [name] => name.clone(),
        [user, group_name] if is_user && !system && !group => return join(call, user, group_name),
        _ => return Ok(fail(call, INVALID_CALL, "adduser: Only one or two names allowed.")),
    };
    if !is_name(&name, system, &given) {
        return Ok(fail(call, BAD_NAME, "adduser: Please enter a username matching the regular expression."));
    }
    let groups = [group, given.has("ingroup"), given.has("gid")];
    if is_user && groups.iter().filter(|given| **given).count() > 1 {
        return Ok(fail(call, EXCLUSIVE, "adduser: The --group, --ingroup, and --gid options are mutually exclusive."));
    }
    match (is_user, system, group) {
        (true, true, _) => system_user(debian, call, &given, &name),
        (false, true, _) => system_group(debian, call, &given, &name),
        (true, false, false) => Err(Reason::unsupported(command, "a person's account (without --system)")),
        (false, false, _) | (true, false, true) => plain_group(debian, call, &given, &name),
    }
}

/// Refuses settings of adduser.conf(5): the package's own file only has comments.
fn default_configuration(call: &Call<'_>) -> Result<(), Reason> {
    let text = match call.files.read_text("/etc/adduser.conf") {
        Ok(text) => text,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => return Ok(()),
    };
    let setting = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    setting.map_or(Ok(()), |line| {
        Err(Reason::unsupported("adduser", format!("the setting `{}` of /etc/adduser.conf", line.trim())))
    })
}

/// Whether the name passes `NAME_REGEX` or `SYS_NAME_REGEX`, or what the options allow instead.
fn is_name(name: &str, system: bool, given: &Given) -> bool {
    let digits = name.strip_prefix('-').unwrap_or(name);
    let bad = |char: char| matches!(char, ':' | ',' | '/') || char.is_whitespace();
    if name.is_empty()
        || (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        || name == "."
        || name == ".."
        || name.len() > 32
        || name.starts_with(['-', '+', '~'])
        || name.contains(bad)
    {
        return false;
    }
    let stem = name.strip_suffix('$').unwrap_or(name);
    let of = |first: &dyn Fn(u8) -> bool, more: &[u8]| {
        stem.bytes().next().is_some_and(first)
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    of(&|byte| byte.is_ascii_alphabetic() || (system && byte == b'_'), b"_-")
        || given.has("allow-all-names")
        || (["allow-badname", "allow-bad-names", "force-badname"].iter().any(|name| given.has(name))
            && of(&|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'), b"_.-"))
}

/// A number that an option gives.
fn number(given: &Given, option: &str) -> Result<Option<u32>, Reason> {
    let parse = |text: &str| text.parse().map_err(|_| Reason::unsupported("adduser", format!("`--{option} {text}`")));
    given.value(option).map(parse).transpose()
}

/// The numbers that may be given to a new account: `FIRST_SYSTEM_UID` to `LAST_SYSTEM_UID` or what the options say.
fn range(
    given: &Given,
    kind: char,
    default: std::ops::RangeInclusive<u32>,
) -> Result<std::ops::RangeInclusive<u32>, Reason> {
    let first = number(given, if kind == 'u' { "firstuid" } else { "firstgid" })?;
    let last = number(given, if kind == 'u' { "lastuid" } else { "lastgid" })?;
    Ok(first.unwrap_or(*default.start())..=last.unwrap_or(*default.end()))
}

/// `adduser USER GROUP`
fn join(call: &mut Call<'_>, user: &str, group: &str) -> Answer {
    let mut tables = read(call)?;
    if tables.user(user).is_none() {
        return Ok(fail(call, MISSING, &format!("adduser: The user `{user}' does not exist.")));
    }
    let Some(found) = tables.group(group) else {
        return Ok(fail(call, MISSING, &format!("adduser: The group `{group}' does not exist.")));
    };
    if found.members.iter().any(|member| member == user) {
        call.complain(&format!("adduser: The user `{user}' is already a member of `{group}'."));
        return Ok(0);
    }
    tables.join(user, group);
    store(call, tables, format!("made user {user} a member of group {group}"))?;
    Ok(0)
}

/// `addgroup --system GROUP`
fn system_group(debian: &mut Debian<'_>, call: &mut Call<'_>, given: &Given, name: &str) -> Answer {
    let mut tables = read(call)?;
    let wanted = number(given, "gid")?;
    if let Some(found) = tables.group(name) {
        let same = wanted.is_none_or(|gid| gid == found.gid) && SYSTEM.contains(&found.gid);
        let text = format!("adduser: The group `{name}' already exists and is not a system group. Exiting.");
        return Ok(if same { 0 } else { fail(call, OTHER_PROPERTIES, &text) });
    }
    if wanted.is_some_and(|gid| tables.group_of(gid).is_some()) {
        // The name is free, but the number is not: existing_group_status says that it differs.
        return Ok(fail(
            call,
            OTHER_PROPERTIES,
            &format!("adduser: The group `{name}' already exists, but has a different GID."),
        ));
    }
    let gid = match wanted {
        Some(gid) => add_group(debian, &mut tables, name, [gid])?,
        None => add_group(debian, &mut tables, name, range(given, 'g', SYSTEM)?)?,
    };
    store(call, tables, format!("added group {name} ({gid})"))?;
    Ok(0)
}

/// `addgroup GROUP`
fn plain_group(debian: &mut Debian<'_>, call: &mut Call<'_>, given: &Given, name: &str) -> Answer {
    let mut tables = read(call)?;
    if tables.group(name).is_some() {
        return Ok(fail(call, EXISTS, &format!("adduser: The group `{name}' already exists.")));
    }
    let gid = match number(given, "gid")? {
        Some(gid) if tables.group_of(gid).is_some() => {
            return Ok(fail(call, ID_IN_USE, &format!("adduser: The GID `{gid}' is already in use.")));
        }
        Some(gid) => add_group(debian, &mut tables, name, [gid])?,
        None => add_group(debian, &mut tables, name, range(given, 'g', PEOPLE)?)?,
    };
    store(call, tables, format!("added group {name} ({gid})"))?;
    Ok(0)
}

/// `adduser --system USER`
fn system_user(debian: &mut Debian<'_>, call: &mut Call<'_>, given: &Given, name: &str) -> Answer {
    let mut tables = read(call)?;
    let wanted = number(given, "uid")?;
    if let Some(found) = tables.user(name) {
        let same = wanted.is_none_or(|uid| uid == found.uid) && SYSTEM.contains(&found.uid);
        let text = format!("adduser: The user `{name}' already exists, but is not a system user. Exiting.");
        return Ok(if same { 0 } else { fail(call, OTHER_PROPERTIES, &text) });
    }
    if wanted.is_some_and(|uid| tables.user_of(uid).is_some()) {
        return Ok(fail(
            call,
            OTHER_PROPERTIES,
            &format!("adduser: The user `{name}' already exists with a different UID."),
        ));
    }
    let home = given.value("home").filter(|home| !home.is_empty()).unwrap_or("/nonexistent").to_owned();
    let shell = given.value("shell").filter(|shell| !shell.is_empty()).unwrap_or("/usr/sbin/nologin").to_owned();
    let gecos = given.value("comment").unwrap_or_default().to_owned();
    if !home.starts_with('/') {
        return Ok(fail(call, BAD_HOME, "adduser: The home dir must be an absolute path."));
    }
    for text in [&home, &shell, &gecos] {
        if !is_field(text) {
            return Err(Reason::unsupported("adduser", format!("the text `{}`", text.escape_debug())));
        }
    }
    let own_group = given.has("group");
    let gid = match primary_group(given, &tables)? {
        Some(Ok(gid)) => Some(gid),
        Some(Err(text)) => return Ok(fail(call, MISSING, &text)),
        None => tables.group(name).map(|group| group.gid),
    };
    let new_group = own_group && gid.is_none();
    let numbers = debian.accounts.numbers();
    let uid = match wanted {
        Some(uid) => numbers.user(name, false, [uid]),
        None => numbers.user(name, new_group, range(given, 'u', SYSTEM)?),
    };
    let uid = uid.map_err(refused)?;
    let gid = match gid {
        Some(gid) => gid,
        // One number for both, as the tools of other systems have it; adduser takes the first that is free of each.
        None => add_group(debian, &mut tables, name, [uid].into_iter().chain(range(given, 'g', SYSTEM)?))?,
    };
    tables.add_user(&entry(name, uid, gid, &home, &shell, &gecos), debian.accounts.days());
    let own = if new_group { " with a group of its own" } else { "" };
    store(call, tables, format!("added user {name} ({uid}:{gid}){own}, home {home}"))?;
    if given.has("no-create-home") {
        return Ok(0);
    }
    make_home(call, &home, uid, gid)
}

/// The number of the group that `--ingroup`, `--gid` or none of the three options names; `None` for `--group`.
fn primary_group(given: &Given, tables: &Tables) -> Result<Option<Result<u32, String>>, Reason> {
    if given.has("group") {
        return Ok(None);
    }
    if let Some(gid) = number(given, "gid")? {
        let missing = || format!("adduser: No group with GID {gid} found.");
        return Ok(Some(tables.group_of(gid).map(|group| group.gid).ok_or_else(missing)));
    }
    let name = given.value("ingroup").unwrap_or("nogroup");
    let missing = || format!("adduser: The group `{name}' does not exist.");
    Ok(Some(tables.group(name).map(|group| group.gid).ok_or_else(missing)))
}

/// `create_homedir` for a system's account: mode 0755 (`SYS_DIR_MODE`), nothing in it; what is there stays as it is.
fn make_home(call: &mut Call<'_>, home: &str, uid: u32, gid: u32) -> Answer {
    let parts: Vec<&str> = home.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first() == Some(&"nonexistent") || call.files.exists(home)? {
        return Ok(0);
    }
    let mut path = String::new();
    for part in parts {
        path = format!("{path}/{part}");
        if call.files.is_dir(&path)? {
            continue;
        }
        if let Err(error) = call.files.mkdir(&path, 0o755) {
            return call.failed("adduser", &path, error).map(|_| ABORTED);
        }
    }
    let done = call.files.chown(&path, Some(uid), Some(gid), true).and_then(|()| call.files.chmod(&path, 0o755));
    done.map_or_else(|error| call.failed("adduser", &path, error).map(|_| ABORTED), |()| Ok(0))
}
