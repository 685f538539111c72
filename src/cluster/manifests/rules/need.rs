//! A Secret or `ConfigMap` that an object names.

use std::ops::Range;

/// A Secret or `ConfigMap` that an object needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need<'o> {
    /// `Secret` or `ConfigMap`.
    pub kind: &'static str,
    pub name: &'o str,
    /// Its namespace; none if it is not known, so that any will do.
    pub namespace: Option<&'o str>,
    /// The position of its name.
    pub place: Range<usize>,
}

impl Need<'_> {
    /// Whether `namespace/secret/name` means it.
    pub fn is(&self, expected: &str) -> bool {
        let Some((namespace, rest)) = expected.split_once('/') else { return false };
        self.is_in(namespace) && rest == format!("{}/{}", self.kind.to_ascii_lowercase(), self.name)
    }

    /// Whether it is found in a namespace.
    pub fn is_in(&self, namespace: &str) -> bool {
        self.namespace.is_none_or(|own| own == namespace)
    }
}
