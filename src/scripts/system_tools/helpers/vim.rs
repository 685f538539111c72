//! helpztags(1) of vim-common: the list of tags in Vim's help files.

use std::collections::BTreeMap;

use super::links::refuse;
use super::options;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

/// Tags by name, with the file that has them.
type Tags = BTreeMap<Vec<u8>, String>;

/// helpztags(1) for one directory; compressed files are not read.
pub(super) fn helpztags(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("helpztags", call.args, &[])?;
    let dir = match given.operands.as_slice() {
        [dir] => dir,
        [] => {
            call.complain("Error: no directories given.");
            return Ok(255);
        }
        _ => return Err(Reason::unsupported("helpztags", "several directories")),
    };
    let names = match call.files.list(dir) {
        Ok(names) => names,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => return Ok(0),
    };
    call.print(&format!("Processing {dir}\n"));
    // Files in English before those in other languages (`.dex`), whose tags have a list of their own.
    let mut lists: BTreeMap<String, Tags> = BTreeMap::new();
    for name in names {
        let Some(list) = list_of(&name) else { continue };
        if name.strip_suffix(".gz").is_some() {
            return Err(Reason::unsupported("helpztags", format!("the compressed file `{name}`")));
        }
        let bytes = call.files.read(&format!("{dir}/{name}")).map_err(refuse)?.into_owned();
        let tags = lists.entry(list).or_default();
        for line in bytes.split(|byte| *byte == b'\n') {
            tags_of(line, |tag| {
                tags.insert(tag.to_vec(), name.clone());
            });
        }
    }
    for (list, tags) in lists.into_iter().filter(|(_, tags)| !tags.is_empty()) {
        let mut text = Vec::new();
        for (tag, file) in tags {
            text.extend_from_slice(&tag);
            text.extend_from_slice(format!("\t{file}\t/*").as_bytes());
            for byte in tag {
                // A search pattern, in which a backslash is doubled.
                text.extend(std::iter::repeat_n(byte, if byte == b'\\' { 2 } else { 1 }));
            }
            text.extend_from_slice(b"*\n");
        }
        call.files.write(&format!("{dir}/{list}"), &text).map_err(refuse)?;
    }
    Ok(0)
}

/// The list that a file's tags go to: `tags`, or `tags-de` for `x.dex`.
fn list_of(name: &str) -> Option<String> {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let (stem, kind) = plain.rsplit_once('.')?;
    if stem.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
        return None;
    }
    match kind.strip_suffix('x') {
        _ if kind == "txt" => Some("tags".to_owned()),
        Some(language) if language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            Some(format!("tags-{language}"))
        }
        _ => None,
    }
}

/// The tags of a line: `*tag*` between white space, without white space or bars in it.
fn tags_of(line: &[u8], mut found: impl FnMut(&[u8])) {
    let mut at = 0;
    while let Some(start) =
        line.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'*')).map(|found| at + found)
    {
        at = start + 1;
        let alone = start == 0 || line.get(start - 1).is_some_and(u8::is_ascii_whitespace);
        let rest = line.get(at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'*' || *byte == b'|' || byte.is_ascii_whitespace());
        let Some(end) = end.filter(|end| alone && *end > 0 && rest.get(*end) == Some(&b'*')) else { continue };
        if rest.get(end + 1).is_none_or(u8::is_ascii_whitespace) {
            found(rest.get(..end).unwrap_or_default());
            at += end + 1;
        }
    }
}
