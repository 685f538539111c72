//! dpkg's list of diversions: three lines each, from where, to where, and whose (lib/dpkg/db-fsys-divert.c).

use std::fmt::Write as _;

use crate::shell::{Call, FileError, Reason};

pub(super) const FILE: &str = "/var/lib/dpkg/diversions";

/// A diversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diversion {
    pub from: String,
    pub to: String,
    /// None for a local one, which holds for the files of all packages.
    pub package: Option<String>,
}

impl Diversion {
    /// As dpkg-divert's messages have it (`diversion_describe` of src/divert/main.c).
    pub(super) fn described(&self) -> String {
        let Self { from, to, package } = self;
        match package {
            None => format!("local diversion of {from} to {to}"),
            Some(package) => format!("diversion of {from} to {to} by {package}"),
        }
    }
}

/// All of them, in the order of the file.
pub(super) fn read(call: &Call<'_>) -> Result<Vec<Diversion>, Reason> {
    let text = match call.files.read_text(FILE) {
        Ok(text) => text,
        Err(FileError::Reason(reason)) => return Err(reason),
        Err(_) => String::new(),
    };
    let mut diversions = Vec::new();
    let mut lines = text.lines();
    while let (Some(from), Some(to), Some(package)) = (lines.next(), lines.next(), lines.next()) {
        let package = Some(package.to_owned()).filter(|package| package != ":");
        diversions.push(Diversion { from: from.to_owned(), to: to.to_owned(), package });
    }
    Ok(diversions)
}

/// Writes them, sorted by what they divert: dpkg's own order is that of a hash table.
pub(super) fn write(call: &mut Call<'_>, mut diversions: Vec<Diversion>) -> Result<(), FileError> {
    diversions.sort_by(|one, other| one.from.cmp(&other.from));
    let mut text = String::new();
    for Diversion { from, to, package } in diversions {
        let _ = writeln!(text, "{from}\n{to}\n{}", package.as_deref().unwrap_or(":"));
    }
    call.files.write(FILE, text.as_bytes())
}
