//! dpkg's database, so that `dpkg -l` on a node and scanners of the image know what is installed.
//!
//! Scanners look for regular files at `/var/lib/dpkg` of the image (Trivy reads `status` and `info/*.md5sums` there and
//! passes over links; Syft wants the same, and `conffiles`), but a node mounts its own `/var` over that. So the files
//! have a second name, as hard links, in `/usr/lib/sysimage/dpkg`, and tmpfiles.d links `/var/lib/dpkg` of a node
//! there. `symbols` and `shlibs` are left out: only building packages needs them, and they are most of the bytes.

mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::unpack::Diverted;
pub(crate) use status::{conffiles, md5, paragraph};

use super::{Context, EffectError, glx};
use crate::debian::Package;
use crate::tree::{Kind, Node, Tree};

const ORIGIN: &str = "effect:dpkg-db";
const ADMIN_DIR: &str = "var/lib/dpkg";
const COPY_DIR: &str = "usr/lib/sysimage/dpkg";

/// Members of `control.tar` that dpkg does not keep or nobody needs on a node.
const LEFT_OUT: [&str; 3] = ["control", "shlibs", "symbols"];

/// Modes and owners that scripts set with dpkg-statoverride: package and the line for the database. The
/// metadata effect does what the lines say.
const STAT_OVERRIDES: [(&str, &str); 2] = [
    ("dbus", "root messagebus 4754 /usr/lib/dbus-1.0/dbus-daemon-launch-helper\n"),
    ("lldpd", "_lldpd adm 4750 /usr/sbin/lldpcli\n"),
];

/// Writes the database of `context.packages`. Comes after all effects that add to it (alternatives).
///
/// # Errors
/// A conffile that cannot be read; something else at the database's place.
pub fn dpkg_db(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    files.insert("status".to_owned(), status::status(context.packages)?.into_bytes());
    files.insert("arch-native".to_owned(), format!("{}\n", context.profile.board.arch().name()).into_bytes());
    files.insert("diversions".to_owned(), diversions(tree, context)?.into_bytes());
    files.insert("statoverride".to_owned(), overrides(tree, context)?.into_bytes());
    files.insert("info/format".to_owned(), b"1\n".to_vec());
    for package in context.packages {
        let name = file_name(package);
        files.insert(format!("info/{name}.list"), list(package).into_bytes());
        for (member, bytes) in package.control.iter().filter(|(member, _)| !LEFT_OUT.contains(&member.as_str())) {
            files.insert(format!("info/{name}.{member}"), bytes.clone());
        }
    }
    for (path, bytes) in triggers(context.packages) {
        files.insert(format!("triggers/{path}"), bytes.into_bytes());
    }
    for (path, bytes) in files {
        let script = matches!(path.rsplit('.').next(), Some("preinst" | "postinst" | "prerm" | "postrm" | "config"));
        let mode = if path.starts_with("info/") && script { 0o755 } else { 0o644 };
        tree.put(&format!("{ADMIN_DIR}/{path}"), Node::file(mode, bytes).from(ORIGIN))?;
    }
    tree.put_new(&format!("{ADMIN_DIR}/updates"), Node::dir(0o755).from(ORIGIN))?;
    copy(tree)
}

/// Gives all of the database its second name outside `/var`.
fn copy(tree: &mut Tree) -> Result<(), EffectError> {
    let copies: Vec<(String, Node)> = tree
        .below(ADMIN_DIR)
        .map(|(path, node)| {
            let copy = match &node.kind {
                Kind::File(_) => Node { kind: Kind::HardLink(path.to_owned()), ..node.clone() },
                _ => node.clone(),
            };
            (format!("{COPY_DIR}{}", &path[ADMIN_DIR.len()..]), copy.from(ORIGIN))
        })
        .collect();
    for (path, node) in copies {
        tree.put(&path, node)?;
    }
    // `L+` also replaces what an earlier image of the same stick had there.
    let line = "# The database of the image's packages; /var is the node's own.\nL+ /var/lib/dpkg - - - - ../../usr/lib/sysimage/dpkg\n";
    tree.put("usr/lib/tmpfiles.d/imgbuild-dpkg.conf", Node::file(0o644, line).from(ORIGIN))?;
    Ok(())
}

/// What scripts have recorded in a file of the database; nothing if none did.
fn recorded(tree: &Tree, file: &str) -> Result<String, EffectError> {
    let path = format!("{ADMIN_DIR}/{file}");
    match tree.file(&path) {
        Some(content) => content.text().map_err(|source| EffectError::Read { path, source }),
        None => Ok(String::new()),
    }
}

/// What is diverted: each file's path, where it went, and whose place it is now (lib/dpkg/db-fsys-divert.c). What scripts
/// diverted comes first.
fn diversions(tree: &Tree, context: &Context<'_>) -> Result<String, EffectError> {
    let mut text = recorded(tree, "diversions")?;
    let known: BTreeSet<String> = text.lines().step_by(3).map(str::to_owned).collect();
    let others = effects_diversions(context)?;
    let others: Vec<&str> = others.lines().collect();
    for lines in others.chunks(3).filter(|lines| lines.first().is_some_and(|from| !known.contains(*from))) {
        let _ = writeln!(text, "{}", lines.join("\n"));
    }
    Ok(text)
}

/// Owners and modes that are other than their packages have them, those of scripts first.
fn overrides(tree: &Tree, context: &Context<'_>) -> Result<String, EffectError> {
    let mut text = recorded(tree, "statoverride")?;
    for (_, line) in STAT_OVERRIDES.iter().filter(|(package, _)| context.has(package)) {
        let path = |line: &str| line.trim_end().rsplit(' ').next().map(str::to_owned);
        if !text.lines().any(|known| path(known) == path(line)) {
            text.push_str(line);
        }
    }
    Ok(text)
}

/// The diversions that effects make.
fn effects_diversions(context: &Context<'_>) -> Result<String, EffectError> {
    let mut text = glx::diversions::database(context.packages)?;
    for Diverted { package, path, to } in context.declared.diverted(context.packages)? {
        let _ = writeln!(text, "/{path}\n/{to}\n{package}");
    }
    Ok(text)
}

/// The stem of a package's files in `info`: with architecture if several may be installed side by side.
fn file_name(package: &Package) -> String {
    if package.field("Multi-Arch") == Some("same") {
        format!("{}:{}", package.name, package.arch)
    } else {
        package.name.clone()
    }
}

/// The paths that a package owns, in archive order, the root directory as `/.`.
fn list(package: &Package) -> String {
    let mut text = String::from("/.\n");
    for member in package.members.iter().filter(|member| !member.path.is_empty()) {
        let _ = writeln!(text, "/{}", member.path);
    }
    text
}

/// Who waits for which trigger: paths in `File`, names in a file each (dpkg's doc/triggers.txt).
fn triggers(packages: &[Package]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([("File".to_owned(), String::new()), ("Unincorp".to_owned(), String::new())]);
    for package in packages {
        for line in package.control_text("triggers").unwrap_or_default().lines() {
            let mut words = line.split_whitespace();
            let suffix = match words.next() {
                Some("interest" | "interest-await") => "",
                Some("interest-noawait") => "/noawait",
                _ => continue,
            };
            let Some(trigger) = words.next() else { continue };
            let waiting = format!("{}{suffix}", file_name(package));
            if trigger.starts_with('/') {
                let _ = writeln!(files.entry("File".to_owned()).or_default(), "{trigger} {waiting}");
            } else {
                let _ = writeln!(files.entry(trigger.to_owned()).or_default(), "{waiting}");
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::sample;

    #[test]
    fn what_scripts_recorded_stays_and_effects_add_what_is_missing() {
        let profile = sample::profile();
        let package = |name: &str| Package {
            name: name.to_owned(),
            version: "1".to_owned(),
            arch: "amd64".to_owned(),
            fields: Vec::new(),
            control: BTreeMap::new(),
            members: Vec::new(),
        };
        let packages = [package("dbus"), package("lldpd")];
        let mut tree = Tree::new();
        let mut record = |file: &str, text: &str| {
            tree.put(&format!("{ADMIN_DIR}/{file}"), Node::file(0o644, text)).unwrap();
        };
        record("diversions", "/bin/a\n/bin/b\nlamp\n");
        record("statoverride", "root root 4755 /usr/sbin/lldpcli\n");
        dpkg_db(&mut tree, &Context { packages: &packages, ..sample::context(&profile) }).unwrap();
        let text = |file: &str| tree.file(&format!("{ADMIN_DIR}/{file}")).unwrap().text().unwrap();
        assert_eq!(text("diversions"), "/bin/a\n/bin/b\nlamp\n");
        assert_eq!(
            text("statoverride"),
            "root root 4755 /usr/sbin/lldpcli\nroot messagebus 4754 /usr/lib/dbus-1.0/dbus-daemon-launch-helper\n"
        );
    }
}
