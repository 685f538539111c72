//! `/var/lib/dpkg/status`: a paragraph for each installed package, fields in dpkg's own order.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use crate::debian::Package;
use crate::effects::EffectError;
use crate::tree::Kind;

/// The order in which dpkg writes the fields it knows (`fieldinfos` in lib/dpkg/parse.c); all others follow as
/// they stand in the package.
const ORDER: [&str; 24] = [
    "Package",
    "Essential",
    "Protected",
    "Status",
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
    "Enhances",
    "Conffiles",
];

/// The whole file; `packages` are sorted by name.
pub(super) fn status(packages: &[Package]) -> Result<String, EffectError> {
    let mut text = String::new();
    for package in packages {
        text.push_str(&paragraph(package, "install ok installed")?);
        text.push('\n');
    }
    Ok(text)
}

/// What dpkg knows of one package, `status` being the value of `Status`; `dpkg --status` prints it too.
///
/// # Errors
/// A conffile that cannot be read.
pub(crate) fn paragraph(package: &Package, status: &str) -> Result<String, EffectError> {
    let mut text = String::new();
    for name in ORDER {
        match name {
            "Status" => field("Status", status, &mut text),
            "Conffiles" => {
                let lines = conffiles(package)?;
                if !lines.is_empty() {
                    let _ = writeln!(text, "Conffiles:\n{}", lines.join("\n"));
                }
            }
            name => {
                if let Some(value) = package.field(name) {
                    field(name, value, &mut text);
                }
            }
        }
    }
    if let Some(value) = package.field("Description") {
        field("Description", value, &mut text);
    }
    for (name, value) in &package.fields {
        if name != "Description" && !ORDER.contains(&name.as_str()) {
            field(name, value, &mut text);
        }
    }
    Ok(text)
}

fn field(name: &str, value: &str, text: &mut String) {
    let _ = writeln!(text, "{name}: {}", value.trim_end());
}

/// The lines of the field `Conffiles`, each with the blank before it: a conffile with the MD5 of what the package ships, by
/// which dpkg sees whether it was changed. Files that the package wants removed are listed without one, as dpkg does
/// (`conffiles` in deb-conffiles(5)).
///
/// # Errors
/// A conffile that cannot be read.
pub(crate) fn conffiles(package: &Package) -> Result<Vec<String>, EffectError> {
    let mut lines = Vec::new();
    for line in package.control_text("conffiles").unwrap_or_default().lines().map(str::trim_end) {
        if let Some(path) = line.strip_prefix("remove-on-upgrade ") {
            lines.push(format!(" {path} newconffile remove-on-upgrade"));
            continue;
        }
        let path = line.trim_start_matches('/');
        let content = package.members.iter().find_map(|member| match &member.node.kind {
            Kind::File(content) if member.path == path => Some(content),
            _ => None,
        });
        let Some(content) = content else { continue };
        let bytes = content.read().map_err(|source| EffectError::Read { path: path.to_owned(), source })?;
        lines.push(format!(" /{path} {}", md5(&bytes)));
    }
    Ok(lines)
}

/// MD5 in hexadecimal digits, as md5sum(1) prints it.
#[must_use]
pub(crate) fn md5(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Md5::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
