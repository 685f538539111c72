//! Packages for the tests of this room.

use std::collections::BTreeMap;

use crate::debian::{Member, Package};
use crate::tree::Node;

/// A package with one script and files of these texts.
pub(super) fn package(name: &str, (script, text): (&str, &str), members: &[(&str, &str)]) -> Package {
    Package {
        name: name.to_owned(),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        fields: Vec::new(),
        control: BTreeMap::from([(script.to_owned(), text.as_bytes().to_vec())]),
        members: members
            .iter()
            .map(|(path, text)| Member { path: (*path).to_owned(), node: Node::file(0o644, *text).from(name) })
            .collect(),
    }
}
