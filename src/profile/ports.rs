//! `ports` of an overlay: what its pods or services open on nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProfileError;
use super::schema::PortEntry;
use super::values::Spanned;
use crate::diagnostic::{Diagnostic, SourceText};

/// A port that an overlay's pods or services open on nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Port {
    pub port: u16,
    pub protocol: Protocol,
    /// What it is for.
    pub description: String,
}

/// What a port speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
}

impl Port {
    /// As people write it: `9100/tcp`.
    #[must_use]
    pub fn spoken(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        format!("{}/{protocol}", self.port)
    }
}

/// The ports of an overlay.
///
/// # Errors
/// One that is given twice.
pub(super) fn ports_of(entries: Vec<Spanned<PortEntry>>, at: &Arc<SourceText>) -> Result<BTreeSet<Port>, ProfileError> {
    let mut ports: BTreeMap<(u16, Protocol), Port> = BTreeMap::new();
    for entry in entries {
        let span: Range<usize> = entry.0.span();
        let PortEntry { port, protocol, description } = entry.0.into_inner();
        let port = Port { port: port.0, protocol, description: description.into() };
        let spoken = port.spoken();
        if ports.insert((port.port, protocol), port).is_some() {
            let wrong = Diagnostic::new(at, Some(span), format!("port {spoken} is given twice in this file"));
            return Err(wrong.hint("keep one of the two entries").into());
        }
    }
    Ok(ports.into_values().collect())
}
