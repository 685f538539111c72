//! `architectures` of an overlay and its conditions: for which boards it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::schema::{OverlayToml, WhenEntry};
use super::values::Spanned;
use super::{Arch, ProfileError};
use crate::diagnostic::{Diagnostic, SourceText};

/// Which architectures an overlay is for with the values that its parameters have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Architectures {
    /// All if there are none.
    pub(super) names: BTreeSet<Arch>,
    /// The parameters that decide it.
    pub(super) params: BTreeSet<String>,
}

impl Architectures {
    /// Those that it is for whatever its parameters are.
    pub(super) fn of(toml: &OverlayToml) -> Self {
        Self { names: plain(&toml.architectures), params: BTreeSet::new() }
    }

    /// Those that are left where a condition holds.
    ///
    /// # Errors
    /// None is left.
    pub(super) fn narrow(&mut self, when: &WhenEntry, at: &Arc<SourceText>) -> Result<(), ProfileError> {
        let Some(first) = when.architectures.first() else { return Ok(()) };
        let wanted = plain(&when.architectures);
        let both = if self.names.is_empty() { wanted } else { self.names.intersection(&wanted).copied().collect() };
        if both.is_empty() {
            let wrong = Diagnostic::new(at, Some(first.0.span()), "for these parameters no architecture is left");
            let hint = format!("without this condition the overlay is for {}: name one of them", spoken(&self.names));
            return Err(wrong.hint(hint).into());
        }
        self.names = both;
        self.params.extend(when.params.keys().map(|name| name.0.get_ref().0.clone()));
        Ok(())
    }
}

fn plain(values: &[Spanned<Arch>]) -> BTreeSet<Arch> {
    values.iter().map(|value| *value.0.get_ref()).collect()
}

/// Names with commas between.
pub(super) fn spoken(names: &BTreeSet<Arch>) -> String {
    names.iter().map(|name| name.name()).collect::<Vec<_>>().join(", ")
}
