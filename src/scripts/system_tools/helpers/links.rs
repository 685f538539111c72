//! Files that are enabled by a link to them, as web servers of Debian have it: `conf-enabled/x.conf` → `../conf-available/x.conf`.

use super::options;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

/// Whether `link` leads to the file at `target`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    There,
    Missing,
    /// Something else has the place.
    Other,
}

/// What is at the place of a link; one that leads nowhere is removed first.
pub(super) fn check(call: &mut Call<'_>, link: &str, target: &str) -> Result<Link, FileError> {
    use crate::tree::Kind;
    let is_link = match call.files.stat(link, false) {
        Ok((_, node)) => matches!(node.kind, Kind::Symlink(_)),
        Err(FileError::Missing) => return Ok(Link::Missing),
        Err(error) => return Err(error),
    };
    if !call.files.exists(link)? {
        call.files.unlink(link)?;
        return Ok(Link::Missing);
    }
    let same = is_link && call.files.locate(link, true)? == call.files.locate(target, true)?;
    Ok(if same { Link::There } else { Link::Other })
}

/// An error of the tree as a reason.
pub(super) fn refuse(error: FileError) -> Reason {
    match error {
        FileError::Reason(reason) => reason,
        error => Reason::Refused(error.to_string()),
    }
}

/// The names that the links or files `NN-NAME.conf` of a directory have, with those files' names.
fn numbered(call: &Call<'_>, dir: &str) -> Result<Vec<(String, String)>, Reason> {
    let names = match call.files.list(dir) {
        Ok(names) => names,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => Vec::new(),
    };
    let named = names.into_iter().filter_map(|file| {
        let (number, name) = file.strip_suffix(".conf")?.split_once('-')?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| (name.to_owned(), file.clone()))
    });
    Ok(named.collect())
}

/// The modules that a comment `# -*- depends: a, b -*-` names.
fn commented(text: &str, word: &str) -> Vec<String> {
    let start = format!("# -*- {word}: ");
    let lists = text.lines().filter_map(|line| line.split_once(&start)?.1.split_once(" -*-"));
    lists.flat_map(|(list, _)| list.split(',')).map(|name| name.trim().to_owned()).collect()
}

/// lighty-enable-mod(1) of lighttpd 1.4.
pub(super) fn lighty_enable_mod(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    const DIR: &str = "/etc/lighttpd";
    let mut todo = options::read("lighty-enable-mod", call.args, &[])?.operands;
    if todo.is_empty() {
        return Err(Reason::unsupported("lighty-enable-mod", "modules that it asks for"));
    }
    let available = numbered(call, &format!("{DIR}/conf-available"))?;
    let file_of = |name: &str| available.iter().find(|(known, _)| known == name).map(|(_, file)| file.clone());
    let (mut status, mut index) = (0, 0);
    while let Some(name) = todo.get(index).cloned() {
        index += 1;
        let Some(file) = file_of(&name) else {
            call.print(&format!("Ignoring unknown module: {name}\n"));
            status = 2;
            continue;
        };
        let enabled = numbered(call, &format!("{DIR}/conf-enabled"))?;
        let is_enabled = |name: &str| enabled.iter().any(|(known, _)| known == name);
        if is_enabled(&name) {
            call.print("already enabled\n");
            status = 2;
            continue;
        }
        let text = call.files.read_text(&format!("{DIR}/conf-available/{file}")).map_err(refuse)?;
        for other in commented(&text, "depends") {
            if file_of(&other).is_none() {
                call.print(&format!("Unresolved dependency: {other}\n"));
                return Ok(1);
            }
            if !is_enabled(&other) && !todo.contains(&other) {
                todo.push(other);
            }
        }
        if let Some(other) = commented(&text, "conflicts").into_iter().find(|other| is_enabled(other)) {
            call.print(&format!("Conflicting dependencies: {name} conflicts with {other}\n"));
            return Ok(1);
        }
        let link = format!("{DIR}/conf-enabled/{file}");
        call.files.symlink(&format!("../conf-available/{file}"), &link).map_err(refuse)?;
        call.print(&format!("Enabling {name}: ok\n"));
    }
    Ok(status)
}

/// icinga2-feature-enable: links in features-enabled (`FeatureUtility::EnableFeatures` of lib/cli/featureutility.cpp, 2.14).
pub(super) fn icinga2(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    const DIR: &str = "/etc/icinga2";
    let [object, verb, names @ ..] = call.args else { return Err(Reason::unsupported("icinga2", call.args.join(" "))) };
    if (object.as_str(), verb.as_str()) != ("feature", "enable") || names.iter().any(|name| name.contains(['*', '/'])) {
        return Err(Reason::unsupported("icinga2", call.args.join(" ")));
    }
    let mut status = 0;
    for name in names {
        let (file, link) =
            (format!("{DIR}/features-available/{name}.conf"), format!("{DIR}/features-enabled/{name}.conf"));
        if !call.files.exists(&file)? {
            call.print(&format!("critical/cli: Cannot enable feature '{name}'. Unknown feature.\n"));
            status = 1;
        } else if call.files.exists(&link)? {
            call.print(&format!("warning/cli: Feature '{name}' already enabled.\n"));
        } else {
            call.files.symlink(&format!("../features-available/{name}.conf"), &link).map_err(refuse)?;
            call.print(&format!(
                "Enabling feature {name}. Make sure to restart Icinga 2 for these changes to take effect.\n"
            ));
        }
    }
    Ok(status)
}
