//! The position of each key in the text of a TOML file, so that a lint can point at it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, SourceText};

/// The positions in a file by dotted key: `server`, `node.pi1.disk.0.label`. Entries of lists count from 0.
#[derive(Debug, Clone)]
pub struct SourceSpans {
    source: Arc<SourceText>,
    spans: Spans,
}

impl SourceSpans {
    /// The positions in a text; empty if it is not valid TOML.
    #[must_use]
    pub fn of(source: &Arc<SourceText>) -> Self {
        let mut spans = Spans::new();
        if let Ok(document) = DeTable::parse(&source.text) {
            table("", document.get_ref(), &mut spans);
        }
        Self { source: Arc::clone(source), spans }
    }

    /// The file.
    #[must_use]
    pub fn source(&self) -> &Arc<SourceText> {
        &self.source
    }

    /// A mistake in the value of `key`; of the whole file if it has no such key.
    #[must_use]
    pub fn value(&self, key: &str, message: impl Into<String>) -> Diagnostic {
        let span = self.spans.get(key).map(|(_, value)| value.clone());
        Diagnostic::new(&self.source, span, message)
    }

    /// A mistake in `key` itself, or in what its table lacks.
    #[must_use]
    pub fn key(&self, key: &str, message: impl Into<String>) -> Diagnostic {
        let span = self.spans.get(key).map(|(key, _)| key.clone());
        Diagnostic::new(&self.source, span, message)
    }
}

/// The spans of each key and its value; for an entry of a list, both are the entry.
type Spans = BTreeMap<String, (Range<usize>, Range<usize>)>;

fn table(above: &str, table: &DeTable<'_>, spans: &mut Spans) {
    for (key, entry) in table {
        let name = format!("{above}{}", key.get_ref());
        below(&name, entry.get_ref(), spans);
        spans.insert(name, (key.span(), entry.span()));
    }
}

fn below(name: &str, value: &DeValue<'_>, spans: &mut Spans) {
    match value {
        DeValue::Table(inner) => table(&format!("{name}."), inner, spans),
        DeValue::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                let name = format!("{name}.{index}");
                below(&name, entry.get_ref(), spans);
                spans.insert(name, (entry.span(), entry.span()));
            }
        }
        _ => {}
    }
}
