//! dpkg-statoverride(1), after src/statoverride/main.c: owner and mode of a path other than its package has them.

use std::fmt::Write as _;

use super::options::{self, Known, plain};
use super::packages::owns;
use super::patterns::pattern;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const NAME: &str = "dpkg-statoverride";
const FILE: &str = "/var/lib/dpkg/statoverride";

const OPTIONS: [Known; 9] = [
    plain("add", None),
    plain("remove", None),
    plain("list", None),
    plain("update", None),
    plain("quiet", None),
    // The old name of `--force-all`.
    plain("force", None),
    plain("force-all", None),
    plain("force-statoverride-add", None),
    plain("force-statoverride-remove", None),
];

/// An override as the file has it: `USER GROUP MODE PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Override {
    user: String,
    group: String,
    mode: u16,
    path: String,
}

impl Override {
    fn line(&self) -> String {
        format!("{} {} {:o} {}\n", self.user, self.group, self.mode, self.path)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let (user, group, mode, path) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let mode = u16::from_str_radix(mode, 8).ok()?;
        Some(Self { user: user.to_owned(), group: group.to_owned(), mode, path: path.to_owned() })
    }
}

pub(super) fn dpkg_statoverride(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read(NAME, call.args, &OPTIONS)?;
    let forced = |what: &str| given.has("force") || given.has("force-all") || given.has(what);
    let actions: Vec<&str> =
        given.options.iter().map(|(name, _)| *name).filter(|name| ["add", "remove", "list"].contains(name)).collect();
    match (actions.as_slice(), given.operands) {
        (["list"], operands) => list(call, operands),
        (["add"], [user, group, mode, path]) => {
            add(debian, call, [user, group, mode, path], given.has("update"), forced("force-statoverride-add"))
        }
        (["remove"], [path]) => remove(call, path, forced("force-statoverride-remove"), given.has("quiet")),
        (["add" | "remove"], _) => Ok(fail(call, "wrong number of arguments")),
        ([], _) => Ok(fail(call, "need an action option")),
        _ => Ok(fail(call, "conflicting actions")),
    }
}

fn fail(call: &mut Call<'_>, text: &str) -> u8 {
    call.complain(&format!("{NAME}: error: {text}"));
    2
}

fn read(call: &Call<'_>) -> Result<Vec<Override>, Reason> {
    let text = match call.files.read_text(FILE) {
        Ok(text) => text,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => String::new(),
    };
    let damaged = || Reason::Unreadable(FILE.to_owned());
    text.lines().map(|line| Override::parse(line).ok_or_else(damaged)).collect()
}

/// Writes them, sorted by path: dpkg's own order is that of a hash table.
fn write(call: &mut Call<'_>, mut overrides: Vec<Override>) -> Answer {
    overrides.sort_by(|one, other| one.path.cmp(&other.path));
    let mut text = String::new();
    for found in overrides {
        let _ = write!(text, "{}", found.line());
    }
    match call.files.write(FILE, text.as_bytes()) {
        Ok(()) => Ok(0),
        Err(error) => call.failed(NAME, FILE, error).map(|_| 2),
    }
}

/// A path as overrides have it: no slash at its end.
fn trimmed(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.strip_suffix("/.").unwrap_or(path)
}

/// `--list`: those that a pattern matches; exit status 1 if there are none.
fn list(call: &mut Call<'_>, patterns: &[String]) -> Answer {
    let all = ["*".to_owned()];
    let patterns = if patterns.is_empty() { &all[..] } else { patterns };
    let found = read(call)?;
    let matches = |found: &&Override| patterns.iter().any(|word| pattern(trimmed(word)).matches(&found.path));
    let text: String = found.iter().filter(matches).map(Override::line).collect();
    call.print(&text);
    Ok(u8::from(text.is_empty()))
}

/// A user or group by name or `#NUMBER`: its number, and what it is called in the list (`statdb_parse_uid` of
/// lib/dpkg/db-fsys-override.c, `statdb_node_print`).
fn account(call: &Call<'_>, file: &str, word: &str) -> Result<Option<(u32, String)>, Reason> {
    let text = match call.files.read_text(file) {
        Ok(text) => text,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => String::new(),
    };
    let accounts = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?, fields.nth(1)?.parse::<u32>().ok()?))
    });
    let mut accounts = accounts.collect::<Vec<_>>().into_iter();
    let found = match word.strip_prefix('#') {
        Some(digits) => {
            let Ok(number) = digits.parse() else { return Ok(None) };
            accounts.find(|(_, known)| *known == number).or(Some((word, number)))
        }
        None => accounts.find(|(name, _)| *name == word),
    };
    Ok(found.map(|(name, number)| (number, name.to_owned())))
}

fn add(
    debian: &Debian<'_>,
    call: &mut Call<'_>,
    [user, group, mode, path]: [&String; 4],
    updates: bool,
    forced: bool,
) -> Answer {
    let path = trimmed(path).to_owned();
    if path.contains('\n') {
        return Ok(fail(call, "path may not contain newlines"));
    }
    let mut overrides = read(call)?;
    if overrides.iter().any(|found| found.path == path) {
        if !forced {
            return Ok(fail(call, &format!("an override for '{path}' already exists; aborting")));
        }
        overrides.retain(|found| found.path != path);
    }
    let Some((uid, user)) = account(call, "/etc/passwd", user)? else {
        return Ok(fail(call, &format!("user '{user}' does not exist")));
    };
    let Some((gid, group)) = account(call, "/etc/group", group)? else {
        return Ok(fail(call, &format!("group '{group}' does not exist")));
    };
    let mode = u16::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777);
    let Some(mode) = mode else {
        return Ok(fail(call, "invalid statoverride mode"));
    };
    // In a `preinst` the package is not unpacked yet; when it is, its files get owner and mode from here.
    let comes = debian.script == "preinst" && owns(debian.package, &path);
    if updates || comes {
        match call.files.chown(&path, Some(uid), Some(gid), true).and_then(|()| call.files.chmod(&path, mode)) {
            Ok(()) => {}
            Err(FileError::Missing) => {
                call.complain(&format!("{NAME}: warning: --update given but {path} does not exist"));
            }
            Err(error) => return call.failed(NAME, &path, error).map(|_| 2),
        }
    }
    overrides.push(Override { user, group, mode, path });
    write(call, overrides)
}

fn remove(call: &mut Call<'_>, path: &str, forced: bool, is_quiet: bool) -> Answer {
    let path = trimmed(path);
    let mut overrides = read(call)?;
    let count = overrides.len();
    overrides.retain(|found| found.path != path);
    if overrides.len() < count {
        return write(call, overrides);
    }
    if !is_quiet {
        call.complain(&format!("{NAME}: warning: no override present"));
    }
    Ok(if forced { 0 } else { 2 })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, member, package};

    fn sample() -> Sample {
        let mut lamp = package("lamp", &[]);
        lamp.members.push(member("usr/bin/lamp", "x"));
        Sample::new(vec![lamp])
    }

    fn metadata(sample: &Sample, path: &str) -> (u32, u32, u16) {
        let (_, node) = sample.files.stat(path, true).unwrap();
        (node.uid, node.gid, node.mode)
    }

    #[test]
    fn an_override_is_recorded_and_applied_where_that_is_asked_for() {
        let mut sample = sample();
        assert_eq!(sample.run("dpkg-statoverride --list /usr/bin/lamp"), 1);
        assert_eq!(sample.run("dpkg-statoverride --quiet --add _lamp lamps 04750 /usr/bin/lamp"), 0);
        assert_eq!(metadata(&sample, "/usr/bin/lamp"), (0, 0, 0o644));
        assert_eq!(sample.run("dpkg-statoverride --list /usr/bin/lamp"), 0);
        assert_eq!(sample.out, "_lamp lamps 4750 /usr/bin/lamp\n");
        assert_eq!(sample.run("dpkg-statoverride --update --add _lamp lamps 04750 /usr/bin/lamp"), 2, "{}", sample.err);
        assert_eq!(sample.run("dpkg-statoverride --force-all --update --add root #7777 700 /usr/bin/lamp/"), 0);
        assert_eq!(metadata(&sample, "/usr/bin/lamp"), (0, 7777, 0o700));
        assert_eq!(sample.text("/var/lib/dpkg/statoverride"), "root #7777 700 /usr/bin/lamp\n");
    }

    #[test]
    fn what_a_preinst_overrides_of_its_own_package_is_unpacked_so() {
        let mut sample = sample();
        sample.script = "preinst";
        assert_eq!(sample.run("dpkg-statoverride --add _lamp root 4755 /usr/bin/lamp"), 0);
        assert_eq!(metadata(&sample, "/usr/bin/lamp"), (101, 0, 0o4755));
    }

    #[test]
    fn overrides_are_listed_by_pattern_and_removed() {
        let mut sample = sample();
        sample.run("dpkg-statoverride --add #0 root 755 /usr/bin/b");
        sample.run("dpkg-statoverride --add root root 1777 /etc/a");
        assert_eq!(sample.run("dpkg-statoverride --list"), 0);
        assert_eq!(sample.out, "root root 1777 /etc/a\nroot root 755 /usr/bin/b\n");
        assert_eq!(sample.run("dpkg-statoverride --list /usr/*"), 0);
        assert_eq!(sample.out, "root root 755 /usr/bin/b\n");
        assert_eq!(sample.run("dpkg-statoverride --remove /etc/a"), 0);
        assert_eq!(sample.run("dpkg-statoverride --remove /etc/a"), 2);
        assert_eq!(sample.run("dpkg-statoverride --force-statoverride-remove --remove /etc/a"), 0);
        assert_eq!(sample.run("dpkg-statoverride --list /etc/a/"), 1);
    }

    #[test]
    fn a_missing_file_is_a_warning_and_wrong_calls_are_exit_status_2() {
        let mut sample = sample();
        assert_eq!(sample.run("dpkg-statoverride --update --add root root 755 /usr/bin/none"), 0);
        assert!(sample.err.contains("does not exist"));
        for command in [
            "--add nobody root 755 /x",
            "--add root nogroup 755 /x",
            "--add root root 999 /x",
            "--add root root 17777 /x",
            "--add root root 755",
            "--remove",
            "root root 755 /x",
            "--add --list root root 755 /x",
        ] {
            assert_eq!(sample.run(&format!("dpkg-statoverride {command}")), 2, "{command}");
        }
        assert!(sample.try_run("dpkg-statoverride --root=/x --list").is_err());
    }
}
