//! `control.tar`: the package's own description and its scripts.

use std::collections::HashSet;

use ::tar::EntryType;
use serde::{Deserialize, Serialize};

use super::error::Flaw;
use super::tar::TarEntry;
use crate::debian::deb822;
use crate::debian::relation::is_package_name;
use crate::debian::version::Version;

/// One file of `control.tar`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ControlMember {
    pub name: String,
    /// Bytes from the start of the decompressed `control.tar`.
    pub offset: u64,
    pub len: u64,
}

impl ControlMember {
    /// Its bytes; `None` if it reaches past the end.
    pub(super) fn bytes<'t>(&self, tar: &'t [u8]) -> Option<&'t [u8]> {
        let (offset, len) = (usize::try_from(self.offset).ok()?, usize::try_from(self.len).ok()?);
        tar.get(offset..offset.checked_add(len)?)
    }
}

/// The files of a `control.tar`, which has no subdirectories.
///
/// # Errors
/// There is a directory or link, or two files have the same name.
pub(super) fn members(entries: Vec<TarEntry>) -> Result<Vec<ControlMember>, Flaw> {
    let mut members: Vec<ControlMember> = Vec::new();
    let mut names = HashSet::new();
    for TarEntry { name, kind, offset, len, .. } in entries {
        let path = crate::tree::clean(&name).map_err(|source| Flaw::Path { member: name.clone(), source })?;
        if path.is_empty() && kind == EntryType::Directory {
            continue;
        }
        if path.is_empty() || path.contains('/') || kind != EntryType::Regular {
            return Err(Flaw::ControlMember(name));
        }
        if !names.insert(path.clone()) {
            return Err(Flaw::Duplicate { member: name });
        }
        members.push(ControlMember { name: path, offset, len });
    }
    Ok(members)
}

/// The fields of the control file. Name, version and architecture are present and well-formed.
///
/// # Errors
/// There is no such file, or it is malformed.
pub(super) fn fields(members: &[ControlMember], tar: &[u8]) -> Result<Vec<(String, String)>, Flaw> {
    let file = members.iter().find(|member| member.name == "control");
    let bytes = file.and_then(|member| member.bytes(tar)).ok_or(Flaw::NoControl)?;
    let text = str::from_utf8(bytes).map_err(|_| Flaw::ControlNotUtf8)?;
    let paragraphs = deb822::parse(text)?;
    let [paragraph] = paragraphs.as_slice() else { return Err(Flaw::ControlParagraphs(paragraphs.len())) };
    for field in ["Package", "Architecture"] {
        paragraph.get(field).filter(|value| is_package_name(value)).ok_or(Flaw::ControlField(field))?;
    }
    Version::parse(paragraph.get("Version").ok_or(Flaw::ControlField("Version"))?)?;
    Ok(paragraph.fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
}
