//! Where the values of a resolved profile were written, so that what later stages find wrong with one can be shown at its
//! place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::schema::List;
use super::values::{Edit, Spanned};
use crate::diagnostic::{Diagnostic, SourceText};

/// Places by key (`packages`, `kernel.modules`, `user.shell`, …) and by the value there, or the name of the entry that the
/// key belongs to. What a default says has no place.
#[derive(Debug, Clone, Default)]
pub struct Marks(BTreeMap<&'static str, BTreeMap<String, Vec<Mark>>>);

/// A file and the bytes of it.
type Mark = (Arc<SourceText>, Range<usize>);

impl Marks {
    /// A mistake in what `key` says of `value`; none if no file says it.
    #[must_use]
    pub fn mistake(&self, key: &str, value: &str, message: impl Into<String>) -> Option<Diagnostic> {
        let (source, span) = self.0.get(key)?.get(value)?.last()?;
        Some(Diagnostic::new(source, Some(span.clone()), message))
    }

    /// All places where `key` says `value`, the root of the `extends` chain first and overlays last: path of the file, and
    /// line from 1.
    pub fn places(&self, key: &str, value: &str) -> impl Iterator<Item = (&str, usize)> {
        let marks = self.0.get(key).and_then(|marks| marks.get(value)).into_iter().flatten();
        marks.map(|(source, span)| {
            let line = source.text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1);
            (source.path.as_str(), line)
        })
    }

    pub(super) fn note(&mut self, key: &'static str, value: &str, at: &Arc<SourceText>, span: Range<usize>) {
        self.0.entry(key).or_default().entry(value.to_owned()).or_default().push((Arc::clone(at), span));
    }

    /// Notes a single value by what it is about.
    pub(super) fn note_about<T>(
        &mut self,
        key: &'static str,
        about: &str,
        at: &Arc<SourceText>,
        value: Option<&Spanned<T>>,
    ) {
        if let Some(value) = value {
            self.note(key, about, at, value.0.span());
        }
    }

    /// Notes values by themselves.
    pub(super) fn note_each<'v, T: Clone + Into<String> + 'v>(
        &mut self,
        key: &'static str,
        at: &Arc<SourceText>,
        values: impl IntoIterator<Item = &'v Spanned<T>>,
    ) {
        for Spanned(value) in values {
            self.note(key, &value.get_ref().clone().into(), at, value.span());
        }
    }

    /// Notes what a list adds, and forgets what it takes away.
    pub(super) fn note_added<T: Clone + Into<String>>(
        &mut self,
        key: &'static str,
        at: &Arc<SourceText>,
        list: &List<T>,
    ) {
        for Spanned(entry) in list {
            match entry.get_ref() {
                Edit::Add(value) => self.note(key, &value.clone().into(), at, entry.span()),
                Edit::Remove(value) => {
                    if let Some(marks) = self.0.get_mut(key) {
                        marks.remove(&value.clone().into());
                    }
                }
            }
        }
    }
}
