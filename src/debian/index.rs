//! `Packages` indexes: an archive's list of its binary packages.
//!
//! A stanza borrows from the index text. Relations stay text until the resolver looks at the package: of 68 000
//! packages it looks at a few hundred.

use super::deb822::{self, Deb822Error, Paragraph};
use super::relation::is_package_name;
use super::version::{Version, VersionError};
use crate::tree::{self, Digest};

/// Most bytes of a `.deb`: twice the limit of its decompressed data. No sum of such sizes over a whole index overflows.
pub const MAX_DEB: u64 = 8 << 30;

/// A package's priority in the archive. It ranks packages that provide the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Required,
    Important,
    Standard,
    Optional,
    /// Also the value for a stanza without the field.
    Extra,
}

/// One binary package of an index.
#[derive(Debug, Clone)]
pub struct Stanza<'a> {
    pub name: &'a str,
    pub version: Version<'a>,
    /// `amd64`, `arm64`, `all`, …
    pub arch: &'a str,
    pub essential: bool,
    pub priority: Priority,
    /// Whether other packages may depend on `NAME:any` (`Multi-Arch: allowed`).
    pub multi_arch_allowed: bool,
    /// The `Source` field, or else the package's own name; may carry a version in parentheses.
    pub source: &'a str,
    pub pre_depends: &'a str,
    pub depends: &'a str,
    pub recommends: &'a str,
    pub conflicts: &'a str,
    pub breaks: &'a str,
    pub provides: &'a str,
    /// Path below the archive's base, clean and relative (`pool/main/…`).
    pub filename: &'a str,
    /// Bytes of the `.deb`.
    pub size: u64,
    /// Digest of the `.deb`.
    pub sha256: Digest,
}

/// Why an index was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error(transparent)]
    Format(#[from] Deb822Error),
    #[error("line {line}: package without a `{field}` field")]
    Missing { line: usize, field: &'static str },
    #[error("line {line}: `{value}` is not a package name")]
    Name { line: usize, value: String },
    #[error("line {line}: package `{package}`: {source}")]
    Version { line: usize, package: String, source: VersionError },
    #[error("line {line}: package `{package}`: field `{field}` has a bad value `{value}`")]
    Value { line: usize, package: String, field: &'static str, value: String },
}

/// Reads all stanzas of a `Packages` file.
///
/// # Errors
/// The first stanza that breaks the format, lacks a needed field, or has a field whose value could do harm
/// later, such as a `Filename` that leaves the archive.
pub fn parse(text: &str) -> Result<Vec<Stanza<'_>>, IndexError> {
    let mut stanzas = Vec::new();
    deb822::for_each(text, |paragraph| {
        stanzas.push(read(paragraph)?);
        Ok::<_, IndexError>(())
    })?;
    Ok(stanzas)
}

fn read<'a>(paragraph: &Paragraph<'a>) -> Result<Stanza<'a>, IndexError> {
    let line = paragraph.line;
    let need = |field| paragraph.get(field).ok_or(IndexError::Missing { line, field });
    let text = |field| paragraph.get(field).unwrap_or_default();
    let name = need("Package")?;
    if !is_package_name(name) {
        return Err(IndexError::Name { line, value: name.to_owned() });
    }
    let bad = |field, value: &str| IndexError::Value { line, package: name.to_owned(), field, value: value.to_owned() };
    let parsed = |field, ok: &dyn Fn(&str) -> bool| {
        let value = need(field)?;
        if ok(value) { Ok(value) } else { Err(bad(field, value)) }
    };
    let size = need("Size")?;
    let sha256 = need("SHA256")?;
    Ok(Stanza {
        name,
        version: Version::parse(need("Version")?).map_err(|source| IndexError::Version {
            line,
            package: name.to_owned(),
            source,
        })?,
        arch: parsed("Architecture", &is_package_name)?,
        essential: paragraph.get("Essential") == Some("yes"),
        priority: priority(text("Priority")),
        multi_arch_allowed: paragraph.get("Multi-Arch") == Some("allowed"),
        source: paragraph.get("Source").unwrap_or(name),
        pre_depends: text("Pre-Depends"),
        depends: text("Depends"),
        recommends: text("Recommends"),
        conflicts: text("Conflicts"),
        breaks: text("Breaks"),
        provides: text("Provides"),
        filename: filename(need("Filename")?).ok_or_else(|| bad("Filename", text("Filename")))?,
        size: size.parse().ok().filter(|size| *size <= MAX_DEB).ok_or_else(|| bad("Size", size))?,
        sha256: Digest::parse(sha256).ok_or_else(|| bad("SHA256", sha256))?,
    })
}

fn priority(text: &str) -> Priority {
    match text {
        "required" => Priority::Required,
        "important" => Priority::Important,
        "standard" => Priority::Standard,
        "optional" => Priority::Optional,
        _ => Priority::Extra,
    }
}

/// A clean path below the archive's base; those of flat repositories begin with `./`.
fn filename(text: &str) -> Option<&str> {
    let path = text.strip_prefix("./").unwrap_or(text);
    is_clean_path(path).then_some(path)
}

/// The path becomes part of a URL and of messages: nothing but a clean relative path of visible ASCII.
fn is_clean_path(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.contains(['?', '#', '\\', '%'])
        && tree::clean(path).is_ok_and(|clean| !clean.is_empty() && clean == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Package: a\nVersion: 1-1\nArchitecture: all\nFilename: pool/main/a/a_1-1_all.deb\nSize: 10\n\
        SHA256: 0000000000000000000000000000000000000000000000000000000000000000\n";

    #[test]
    fn a_stanza_is_read_with_defaults_for_what_is_absent() {
        let stanza = &parse(GOOD).unwrap()[0];
        assert_eq!((stanza.name, stanza.source, stanza.depends, stanza.size), ("a", "a", "", 10));
        assert_eq!(stanza.priority, Priority::Extra);
    }

    #[test]
    fn hostile_fields_are_refused() {
        let cases = [
            ("pool/main", "../main"),
            ("pool/main", "/pool/main"),
            ("pool/main", "pool//main"),
            ("pool/main", "pool/./main"),
            ("pool/main", "pool/m%2e%2e"),
            ("pool/main", "pool/ma in"),
            ("pool/main", "pool/mäin"),
            ("Package: a", "Package: ../a"),
            ("Package: a", "Package: "),
            ("Architecture: all", "Architecture: ../x"),
            ("Version: 1-1", "Version: 1/1"),
            ("Size: 10", "Size: -1"),
            ("Size: 10", "Size: 99999999999999999999"),
            ("Size: 10", "Size: 18446744073709551615"),
            ("Size: 10", "Size: 8589934593"),
            ("Size: 10\n", ""),
            ("SHA256: 00", "SHA256: 0"),
            ("SHA256: 00", "SHA256: gg"),
            ("Version: 1-1", "Version: 1-1\nversion: 2"),
        ];
        for (from, to) in cases {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD);
            assert!(parse(&text).is_err(), "{to:?}");
        }
    }
}
