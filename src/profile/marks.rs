//! Who gave the values of a resolved profile, and where they were written: what later stages find wrong with one can be shown
//! at its place, and `why` can name whom it is from.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Origin;
use super::schema::List;
use super::values::{Edit, Spanned};
use crate::diagnostic::{Diagnostic, SourceText};

/// Marks by key (`packages`, `kernel.modules`, `user.shell`, …) and by the value there, or the name of the entry that the key
/// belongs to. What a default says has none.
#[derive(Debug, Clone, Default)]
pub struct Marks(BTreeMap<&'static str, BTreeMap<String, Vec<Mark>>>);

/// Who gave a value. What a board gives is written in no file.
#[derive(Debug, Clone)]
struct Mark {
    origin: Origin,
    place: Option<Place>,
}

/// A file and the bytes of it.
type Place = (Arc<SourceText>, Range<usize>);

/// The file of a profile or an overlay.
#[derive(Debug)]
pub(super) struct Written {
    pub origin: Origin,
    pub source: Arc<SourceText>,
}

/// Who gave a value, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Giver<'a> {
    pub origin: &'a Origin,
    /// Path of the file, and line from 1; none for a board.
    pub place: Option<(&'a str, usize)>,
}

impl Marks {
    /// A mistake in what `key` says of `value`; none if no file says it.
    #[must_use]
    pub fn mistake(&self, key: &str, value: &str, message: impl Into<String>) -> Option<Diagnostic> {
        let marks = self.0.get(key)?.get(value)?;
        let (source, span) = marks.iter().rev().find_map(|mark| mark.place.as_ref())?;
        Some(Diagnostic::new(source, Some(span.clone()), message))
    }

    /// Everybody whose word it is that `key` says `value`: the root of the `extends` chain first, then overlays, and the board
    /// last.
    pub fn givers(&self, key: &str, value: &str) -> impl Iterator<Item = Giver<'_>> {
        let marks = self.0.get(key).and_then(|marks| marks.get(value)).into_iter().flatten();
        marks.map(|Mark { origin, place }| {
            let place = place.as_ref().map(|(source, span)| {
                let line = source.text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1);
                (source.path.as_str(), line)
            });
            Giver { origin, place }
        })
    }

    fn add(&mut self, key: &'static str, value: &str, mark: Mark) {
        self.0.entry(key).or_default().entry(value.to_owned()).or_default().push(mark);
    }

    pub(super) fn note(&mut self, key: &'static str, value: &str, by: &Written, span: Range<usize>) {
        let Written { origin, source } = by;
        self.add(key, value, Mark { origin: origin.clone(), place: Some((Arc::clone(source), span)) });
    }

    /// Notes what is written nowhere.
    pub(super) fn note_unwritten(&mut self, key: &'static str, value: &str, origin: Origin) {
        self.add(key, value, Mark { origin, place: None });
    }

    /// Notes a value that takes the place of whatever was noted for it.
    pub(super) fn note_instead(&mut self, key: &'static str, value: &str, by: &Written, span: Range<usize>) {
        self.forget(key, value);
        self.note(key, value, by, span);
    }

    /// Notes a single value by what it is about.
    pub(super) fn note_about<T>(&mut self, key: &'static str, about: &str, by: &Written, value: Option<&Spanned<T>>) {
        if let Some(value) = value {
            self.note(key, about, by, value.0.span());
        }
    }

    /// Notes values by themselves.
    pub(super) fn note_each<'v, T: Clone + Into<String> + 'v>(
        &mut self,
        key: &'static str,
        by: &Written,
        values: impl IntoIterator<Item = &'v Spanned<T>>,
    ) {
        for Spanned(value) in values {
            self.note(key, &value.get_ref().clone().into(), by, value.span());
        }
    }

    /// Notes what a list adds, and forgets what it takes away.
    pub(super) fn note_added<T: Clone + Into<String>>(&mut self, key: &'static str, by: &Written, list: &List<T>) {
        for Spanned(entry) in list {
            match entry.get_ref() {
                Edit::Add(value) => self.note(key, &value.clone().into(), by, entry.span()),
                Edit::Remove(value) => self.forget(key, &value.clone().into()),
            }
        }
    }

    fn forget(&mut self, key: &'static str, value: &str) {
        if let Some(marks) = self.0.get_mut(key) {
            marks.remove(value);
        }
    }

    /// Adds those of `more` that `counts`, by key and value, behind what is there.
    pub(super) fn extend(&mut self, more: &Self, counts: impl Fn(&str, &str) -> bool) {
        for (key, values) in &more.0 {
            for (value, marks) in values.iter().filter(|(value, _)| counts(key, value)) {
                for mark in marks {
                    self.add(key, value, mark.clone());
                }
            }
        }
    }
}
