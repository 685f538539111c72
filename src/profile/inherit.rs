//! How a file of a chain is laid over what it inherits, value by value.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::ProfileError;
use super::schema::List;
use super::values::{Edit, Spanned};
use crate::diagnostic::{Diagnostic, SourceText, closest};

/// A value without its place.
pub(super) fn plain<T: Into<String>>(value: Spanned<T>) -> String {
    value.0.into_inner().into()
}

pub(super) fn replace<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

/// Replaces the entry of the same name in its place, or adds one at the end.
pub(super) fn put<T>(list: &mut Vec<T>, new: T, name: impl Fn(&T) -> &str) {
    match list.iter_mut().find(|old| name(old) == name(&new)) {
        Some(old) => *old = new,
        None => list.push(new),
    }
}

/// Adds to and takes from an inherited list.
pub(super) fn edit<T: Into<String>>(
    list: &mut Vec<String>,
    edits: List<T>,
    at: &Arc<SourceText>,
) -> Result<(), ProfileError> {
    for Spanned(entry) in edits {
        let span = entry.span();
        match entry.into_inner() {
            Edit::Add(value) => {
                let value = value.into();
                if !list.contains(&value) {
                    list.push(value);
                }
            }
            Edit::Remove(value) => {
                let value = value.into();
                let Some(index) = list.iter().position(|inherited| *inherited == value) else {
                    return Err(not_inherited(&value, list.iter().map(String::as_str), at, span));
                };
                list.remove(index);
            }
        }
    }
    Ok(())
}

/// An entry that takes away what is not there.
pub(super) fn not_inherited<'a>(
    value: &str,
    inherited: impl Iterator<Item = &'a str>,
    at: &Arc<SourceText>,
    span: Range<usize>,
) -> ProfileError {
    let wrong = Diagnostic::new(at, Some(span), format!("`{value}` is not inherited, so `-{value}` removes nothing"));
    let hint = match closest(value, inherited) {
        Some(meant) => format!("did you mean `-{meant}`?"),
        None => "take this entry out".to_owned(),
    };
    wrong.hint(hint).into()
}

/// A file that names one thing twice contradicts itself.
pub(super) fn unique<'a>(
    at: &Arc<SourceText>,
    names: impl Iterator<Item = (&'a str, Range<usize>)>,
) -> Result<(), ProfileError> {
    let mut seen = BTreeSet::new();
    for (name, span) in names {
        if !seen.insert(name) {
            let twice = Diagnostic::new(at, Some(span), format!("`{name}` is given twice in this file"));
            return Err(twice.hint("keep one of the two entries").into());
        }
    }
    Ok(())
}
