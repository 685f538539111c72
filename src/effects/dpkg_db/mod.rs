//! dpkg's database, so that `dpkg -l` on a node and scanners of the image know what is installed.
//!
//! Scanners look for regular files at `/var/lib/dpkg` of the image (Trivy reads `status` and `info/*.md5sums` there and
//! passes over links; Syft wants the same, and `conffiles`), but a node mounts its own `/var` over that. So the files
//! have a second name, as hard links, in `/usr/lib/sysimage/dpkg`, and tmpfiles.d links `/var/lib/dpkg` of a node
//! there. `symbols` and `shlibs` are left out: only building packages needs them, and they are most of the bytes.

mod status;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::unpack::Diverted;
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
    files.insert("diversions".to_owned(), diversions(context)?.into_bytes());
    let overrides: String =
        STAT_OVERRIDES.iter().filter(|(package, _)| context.has(package)).map(|(_, line)| *line).collect();
    files.insert("statoverride".to_owned(), overrides.into_bytes());
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

/// What is diverted: each file's path, where it went, and whose place it is now (lib/dpkg/db-fsys-divert.c).
fn diversions(context: &Context<'_>) -> Result<String, EffectError> {
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
