//! ucfq(1): what ucf and ucfr remember of packages and files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::super::system_tools::options;
use super::state;
use crate::effects::dpkg_db::md5;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const NAME: &str = "ucfq";

pub(super) fn ucfq(_debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read(NAME, call.args, &["w|with-colons", "state-dir=", "v|verbose"])?;
    if !given.has("with-colons") {
        // A table for people.
        return Err(Reason::unsupported(NAME, "anything but --with-colons"));
    }
    let dir = state::dir(call, given.value("state-dir"));
    let registry = state::text(call.files, &format!("{dir}/registry"))?.unwrap_or_default();
    let hashes = state::text(call.files, &format!("{dir}/hashfile"))?.unwrap_or_default();
    // Files by name, each with its package.
    let mut files: BTreeMap<String, Option<String>> = BTreeMap::new();
    for word in given.operands.iter().filter(|word| word.contains('/')) {
        if !word.starts_with('/') {
            call.complain(&format!("Need a fully qualified path name for config file \"{word}\""));
            return Ok(0);
        }
        files.insert(word.clone(), None);
    }
    for package in given.operands.iter().filter(|word| !word.contains('/')) {
        for line in registry.lines() {
            let mut words = line.split_whitespace();
            if let (Some(owner), Some(file)) = (words.next(), words.next())
                && owner == package
            {
                files.insert(file.to_owned(), Some(package.clone()));
            }
        }
    }
    let mut text = String::new();
    for (file, package) in files {
        let package = package.or_else(|| state::keys(&registry, &file).first().map(|owner| (*owner).to_owned()));
        let exists = call.files.exists(&file)?;
        let name = if exists { state::real(call.files, &file)? } else { file.clone() };
        let modified = match (state::keys(&hashes, &file).first(), call.files.read(&file)) {
            (_, Err(FileError::Reason(reason))) => return Err(reason),
            (Some(sum), Ok(bytes)) if md5(&bytes) == *sum => "No",
            (Some(_), Ok(_)) => "Yes",
            _ => "",
        };
        let exists = if exists { "Yes" } else { "" };
        let _ = writeln!(text, "{name}:{}:{exists}:{modified}", package.unwrap_or_default());
    }
    call.print(&text);
    Ok(0)
}
