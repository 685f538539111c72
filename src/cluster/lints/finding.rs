//! The types of lints and their findings.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::Inputs;
use crate::diagnostic::{Diagnostic, Severity};

/// A rule.
#[derive(Clone, Copy)]
pub struct Lint {
    /// Never changes: a letter, three digits, words (`C012-duplicate-address`).
    pub code: &'static str,
    pub severity: Severity,
    /// What is wrong; the heading in docs/lints.md.
    pub title: &'static str,
    /// Why that breaks something: part of a sentence, without a capital and a full stop.
    pub why: &'static str,
    pub find: fn(&Inputs<'_>) -> Vec<Mistake>,
}

impl fmt::Debug for Lint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code)
    }
}

/// A place that breaks a rule: what is wrong there and, as its hint, how to fix it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The node that it concerns; none if it concerns the whole cluster.
    pub node: Option<String>,
    pub diagnostic: Diagnostic,
}

impl Mistake {
    /// The same mistake with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.diagnostic.hint = Some(hint.into());
        self
    }
}

/// A mistake and the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static str,
    pub severity: Severity,
    /// Empty where the message says it.
    pub why: &'static str,
    pub node: Option<String>,
    pub diagnostic: Diagnostic,
}

impl Finding {
    pub(super) fn new(lint: &Lint, mistake: Mistake) -> Self {
        let Lint { code, severity, why, .. } = *lint;
        let Mistake { node, diagnostic } = mistake;
        Self { code, severity, why, node, diagnostic }
    }

    /// Several lines of text, in the style of a compiler's errors.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.diagnostic.render_finding(self.severity, self.code, self.why, color)
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let position = self.diagnostic.position();
        let value: Value = json!({
            "code": self.code,
            "severity": self.severity,
            "node": self.node,
            "file": self.diagnostic.source.path,
            "line": position.map(|(line, _)| line),
            "column": position.map(|(_, column)| column),
            "message": self.diagnostic.message,
            "why": (!self.why.is_empty()).then_some(self.why),
            "hint": self.diagnostic.hint,
        });
        value.serialize(out)
    }
}
