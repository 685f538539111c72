//! Names of accounts and groups, from `/etc/passwd` and `/etc/group` of the tree.

use crate::shell::{FileError, Files, Reason};

/// A user and a group to give to a file; none stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Owner {
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

/// What chown(1) calls an invalid user, group or spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid(pub String);

/// The fields of a line of `/etc/passwd` or `/etc/group` that matter here.
struct Entry {
    name: String,
    id: u32,
    /// The login group, in `/etc/passwd`.
    group: Option<u32>,
}

fn entries(files: &Files, path: &str) -> Result<Vec<Entry>, Reason> {
    let text = match files.read_text(path) {
        Ok(text) => text,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => return Ok(Vec::new()),
    };
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        let group = fields.next().and_then(|group| group.parse().ok());
        Some(Entry { name: name.to_owned(), id: id.parse().ok()?, group })
    };
    Ok(text.lines().filter_map(entry).collect())
}

/// The number that `text` is, with `+` or without.
fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|id| plain && *id != u32::MAX)
}

/// A user's number and login group.
fn user(files: &Files, text: &str) -> Result<Option<(u32, Option<u32>)>, Reason> {
    let entry = entries(files, "/etc/passwd")?.into_iter().find(|entry| entry.name == text);
    Ok(match entry {
        Some(entry) => Some((entry.id, entry.group)),
        None => number(text).map(|uid| (uid, None)),
    })
}

/// A group's number.
fn group(files: &Files, text: &str) -> Result<Option<u32>, Reason> {
    let entry = entries(files, "/etc/group")?.into_iter().find(|entry| entry.name == text);
    Ok(entry.map(|entry| entry.id).or_else(|| number(text)))
}

/// A user that an option names.
pub(super) fn parse_user(files: &Files, text: &str) -> Result<Result<u32, Invalid>, Reason> {
    Ok(user(files, text)?.map(|(uid, _)| uid).ok_or_else(|| Invalid(format!("invalid user: '{text}'"))))
}

/// A group, as chgrp(1) reads it.
pub(super) fn parse_group(files: &Files, text: &str) -> Result<Result<u32, Invalid>, Reason> {
    Ok(group(files, text)?.ok_or_else(|| Invalid(format!("invalid group: '{text}'"))))
}

/// `user`, `user:group`, `user:` (the login group), `:group`, and the same with `.` where that is no user's name (chown(1)).
pub(super) fn parse_owner(files: &Files, text: &str) -> Result<Result<Owner, Invalid>, Reason> {
    let found = split(files, text, text.split_once(':'))?;
    match (&found, text.split_once('.')) {
        (Err(_), Some(parts)) if !text.contains(':') => Ok(split(files, text, Some(parts))?.or(found)),
        _ => Ok(found),
    }
}

fn split(files: &Files, text: &str, parts: Option<(&str, &str)>) -> Result<Result<Owner, Invalid>, Reason> {
    let (name, group_name) = parts.unwrap_or((text, ""));
    let mut owner = Owner::default();
    if !name.is_empty() {
        let Some((uid, login_group)) = user(files, name)? else {
            return Ok(Err(Invalid(format!("invalid user: '{text}'"))));
        };
        owner.uid = Some(uid);
        if parts.is_some() && group_name.is_empty() {
            let Some(gid) = login_group else { return Ok(Err(Invalid(format!("invalid spec: '{text}'")))) };
            owner.gid = Some(gid);
        }
    }
    if !group_name.is_empty() {
        let Some(gid) = group(files, group_name)? else {
            return Ok(Err(Invalid(format!("invalid group: '{text}'"))));
        };
        owner.gid = Some(gid);
    }
    Ok(Ok(owner))
}

/// The name of the account with this number.
pub(super) fn user_name(files: &Files, uid: u32) -> Result<Option<String>, Reason> {
    name(files, "/etc/passwd", uid)
}

/// The name of the group with this number.
pub(super) fn group_name(files: &Files, gid: u32) -> Result<Option<String>, Reason> {
    name(files, "/etc/group", gid)
}

fn name(files: &Files, path: &str, id: u32) -> Result<Option<String>, Reason> {
    Ok(entries(files, path)?.into_iter().find(|entry| entry.id == id).map(|entry| entry.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Node, Tree};

    #[test]
    fn an_owner_is_a_name_or_a_number_and_a_group() {
        let mut tree = Tree::new();
        let passwd = "root:x:0:0:root:/root:/bin/sh\nmail:x:8:8::/var/mail:\nfirst.last:x:1001:1002::/:\n";
        tree.put("etc/passwd", Node::file(0o644, passwd)).unwrap();
        tree.put("etc/group", Node::file(0o644, "root:x:0:\nadm:x:4:syslog\nmail:x:8:\n")).unwrap();
        let files = Files::new(tree, "test");
        let owner = |uid, gid| Some(Owner { uid, gid });
        for (text, expected) in [
            ("mail", owner(Some(8), None)),
            ("mail:", owner(Some(8), Some(8))),
            ("root:adm", owner(Some(0), Some(4))),
            ("root.adm", owner(Some(0), Some(4))),
            ("first.last", owner(Some(1001), None)),
            ("first.last:adm", owner(Some(1001), Some(4))),
            (":adm", owner(None, Some(4))),
            (":", owner(None, None)),
            ("", owner(None, None)),
            ("12:13", owner(Some(12), Some(13))),
            ("+12", owner(Some(12), None)),
            ("12:", None),
            ("nobody-here", None),
            ("root:nobody-here", None),
            ("root.nobody-here", None),
            ("4294967295", None),
            ("-1", None),
        ] {
            assert_eq!(parse_owner(&files, text).unwrap().ok(), expected, "{text}");
        }
        assert_eq!(parse_group(&files, "adm").unwrap(), Ok(4));
        assert_eq!(user_name(&files, 8).unwrap().as_deref(), Some("mail"));
        assert_eq!(group_name(&files, 9).unwrap(), None);
    }
}
