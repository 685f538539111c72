//! Mistakes that were found together, so that a person mends them in one go.

use std::fmt;

use serde_json::{Value, json};

use super::Diagnostic;

/// One or more mistakes in files that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<Diagnostic>);

impl Mistakes {
    /// Fails with what was found, if that is anything.
    ///
    /// # Errors
    /// All of `found`.
    pub fn check(found: Vec<Diagnostic>) -> Result<(), Self> {
        if found.is_empty() { Ok(()) } else { Err(Self(found)) }
    }

    /// All of them as [`Diagnostic::render`] shows one, an empty line between two.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.0.iter().map(|mistake| mistake.render(color)).collect::<Vec<_>>().join("\n\n")
    }

    /// Each of them as programs get it.
    #[must_use]
    pub fn to_json(&self) -> Box<[Value]> {
        self.0.iter().map(|mistake| json!(mistake)).collect()
    }

    /// What to do about them.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hints: Vec<&str> = self.0.iter().filter_map(|mistake| mistake.hint.as_deref()).collect();
        (!hints.is_empty()).then(|| hints.join("; "))
    }
}

impl From<Diagnostic> for Mistakes {
    fn from(mistake: Diagnostic) -> Self {
        Self(vec![mistake])
    }
}

/// One line: `path:line:column: message` of each.
impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.0.iter().enumerate() {
            let separator = if number > 0 { "; " } else { "" };
            write!(out, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
