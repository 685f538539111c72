//! What a workspace's `ledger.toml` declares beside a script that it accepts: the owner's own model of a package.
//!
//! Way of the data: the ledger is read with all its entries ([`form`]); those that accept a script of a package of the image
//! become [`Declared`], which effects find in their context. Accounts, alternatives and units are made by the effects of
//! these names, beside those that packages bring; directories, files and links are made here ([`paths`]), and files are diverted
//! when packages are unpacked ([`diversions`]). What would change nothing is a mistake, shown at its place in the ledger: the owner
//! meant something else.

mod diversions;
mod form;
mod paths;
mod values;

use std::fmt;
use std::sync::Arc;

pub(super) use form::{Account, Alternative, Directory, Diversion, Effects, File, Group, Link, Slave};
pub(super) use paths::paths;
use toml::Spanned;

use super::EffectError;
use crate::diagnostic::{Diagnostic, SourceText};

/// Where everything that is declared comes from.
pub(super) const ORIGIN: &str = "effect:declared";

/// An entry of the ledger with what it declares.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The package as the ledger calls it.
    pub package: String,
    /// `preinst`, `postinst` or `config`.
    pub script: String,
    pub effects: Effects,
    pub source: Arc<SourceText>,
}

impl Entry {
    /// A declared effect `what`, whose name stands at `at`, that cannot be, and why.
    pub fn mistake<T>(&self, at: &Spanned<T>, what: impl fmt::Display, Fault { cause, cure }: Fault) -> Diagnostic {
        let Self { package, script, source, .. } = self;
        let message = format!("{what}, declared for `{script}` of {package}: {cause}");
        Diagnostic::new(source, Some(at.span()), message).hint(cure)
    }

    /// The same as an error.
    pub fn refuse<T>(&self, at: &Spanned<T>, what: impl fmt::Display, fault: Fault) -> EffectError {
        EffectError::Mistakes(self.mistake(at, what, fault).into())
    }
}

/// Why a declared effect cannot be, and what helps.
#[derive(Debug)]
pub(super) struct Fault {
    pub cause: String,
    pub cure: String,
}

impl Fault {
    pub fn new(cause: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { cause: cause.into(), cure: cure.into() }
    }

    /// Of an effect that changes nothing.
    pub fn idle(cause: impl Into<String>) -> Self {
        Self::new(cause, "it does nothing: take it out of ledger.toml, or declare what the script really does")
    }
}

/// The entries that accept scripts of an image's packages and declare something, in the ledger's order.
#[derive(Debug, Clone, Default)]
pub struct Declared(Vec<Entry>);

impl Declared {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    /// Of a workspace that declares nothing.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: Declared = Declared(Vec::new());
        &NONE
    }

    /// Whether nothing is declared.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All effects of one kind with their entries.
    pub(super) fn each<'d, T: 'd>(&'d self, kind: fn(&Effects) -> &[T]) -> impl Iterator<Item = (&'d Entry, &'d T)> {
        self.0.iter().flat_map(move |entry| kind(&entry.effects).iter().map(move |effect| (entry, effect)))
    }
}

#[cfg(test)]
mod tests;
