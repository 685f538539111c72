//! All packages that could be installed: one candidate per name, and the names that each provides.

use std::cell::Cell;
use std::cmp::Reverse;

use super::ResolveError;
use crate::debian::index::Stanza;
use crate::debian::relation::{self, Relation};
use crate::debian::version::Version;

/// All candidates of all sources for one architecture.
#[derive(Debug)]
pub struct Universe<'a> {
    arch: String,
    /// Sorted by name, one per name; a package's position is its [`Id`].
    candidates: Vec<Candidate<'a>>,
    /// Sorted by name, then by provider.
    provides: Vec<Provide<'a>>,
}

/// The version of a package that would be installed.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Name of the source that has it.
    pub source: &'a str,
    pub stanza: Stanza<'a>,
}

#[derive(Debug)]
struct Provide<'a> {
    name: &'a str,
    version: Option<Version<'a>>,
    provider: Id,
}

/// Position of a candidate in its universe.
pub(super) type Id = usize;

/// Most packages, relations and candidates that one selection examines, counted with repetitions. A few thousand packages need
/// some hundred thousand. Without a limit, many packages that depend on a name that many provide would cost the product of
/// both numbers, in time and memory.
const MAX_WORK: usize = 8_000_000;

/// How much of [`MAX_WORK`] is left.
#[derive(Debug)]
pub(super) struct WorkBudget(Cell<usize>);

impl Default for WorkBudget {
    fn default() -> Self {
        Self::new(MAX_WORK)
    }
}

impl WorkBudget {
    pub(super) fn new(most: usize) -> Self {
        Self(Cell::new(most))
    }

    /// Uses up `more` of it.
    ///
    /// # Errors
    /// Not enough is left.
    pub(super) fn take(&self, more: usize) -> Result<(), ResolveError> {
        let left = self.0.get().checked_sub(more).ok_or(ResolveError::TooMuch)?;
        self.0.set(left);
        Ok(())
    }
}

impl<'a> Universe<'a> {
    /// Takes the stanzas of each source, with the source's name as in the lock, in the profile's order. Stanzas of architectures
    /// other than `arch` and `all` are left out. The candidate of a name is its highest version in all sources, as if all had
    /// the same priority; among equal versions the first source's.
    ///
    /// # Errors
    /// The `Provides` field of a candidate cannot be read.
    pub fn new(
        arch: &str,
        sources: impl IntoIterator<Item = (&'a str, Vec<Stanza<'a>>)>,
    ) -> Result<Self, ResolveError> {
        let mut candidates: Vec<Candidate<'a>> = sources
            .into_iter()
            .flat_map(|(source, stanzas)| stanzas.into_iter().map(move |stanza| Candidate { source, stanza }))
            .filter(|candidate| candidate.stanza.arch == arch || candidate.stanza.arch == "all")
            .collect();
        // The sort is stable, so the order of the sources decides between equal versions.
        candidates.sort_by(|a, b| {
            a.stanza.name.cmp(b.stanza.name).then_with(|| Reverse(a.stanza.version).cmp(&Reverse(b.stanza.version)))
        });
        candidates.dedup_by(|later, first| later.stanza.name == first.stanza.name);
        let mut provides = Vec::new();
        for (provider, Candidate { stanza, .. }) in candidates.iter().enumerate() {
            for relation in relation::parse_flat(stanza.provides).map_err(ResolveError::relation(stanza))? {
                let version = relation.version.map(|(_, version)| version);
                provides.push(Provide { name: relation.name, version, provider });
            }
        }
        provides.sort_by_key(|provide| (provide.name, provide.provider));
        Ok(Self { arch: arch.to_owned(), candidates, provides })
    }

    pub(super) fn get(&self, id: Id) -> &Candidate<'a> {
        &self.candidates[id]
    }

    pub(super) fn stanza(&self, id: Id) -> &Stanza<'a> {
        &self.candidates[id].stanza
    }

    pub(super) fn find(&self, name: &str) -> Option<Id> {
        self.candidates.binary_search_by_key(&name, |candidate| candidate.stanza.name).ok()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.candidates.iter().map(|candidate| candidate.stanza.name)
    }

    pub(super) fn essential(&self) -> impl Iterator<Item = Id> {
        (0..self.candidates.len()).filter(|&id| self.stanza(id).essential)
    }

    /// The packages that provide `name` in any version.
    pub(super) fn providers(&self, name: &str) -> impl Iterator<Item = Id> {
        self.provides_of(name).iter().map(|provide| provide.provider)
    }

    /// The candidates that satisfy `relation`, best first: the package of that name, then those that provide it,
    /// essential ones first, then by priority, then by name. This is the order of apt's `CompareProviders`, whose older form
    /// breaks the last tie by the order of names in its cache.
    pub(super) fn satisfiers(&self, relation: &Relation<'_>) -> Vec<Id> {
        let real = self
            .find(relation.name)
            .filter(|&id| relation.accepts(Some(&self.stanza(id).version)) && self.qualifies(relation, id));
        let mut providers: Vec<Id> = self
            .provides_of(relation.name)
            .iter()
            .filter(|provide| relation.accepts(provide.version.as_ref()) && self.qualifies(relation, provide.provider))
            .map(|provide| provide.provider)
            .filter(|&id| Some(id) != real)
            .collect();
        providers.sort_by_key(|&id| (!self.stanza(id).essential, self.stanza(id).priority, id));
        providers.dedup();
        real.into_iter().chain(providers).collect()
    }

    fn provides_of(&self, name: &str) -> &[Provide<'a>] {
        let start = self.provides.partition_point(|provide| provide.name < name);
        let len = self.provides[start..].partition_point(|provide| provide.name == name);
        &self.provides[start..][..len]
    }

    /// `:any` requires a package marked `Multi-Arch: allowed`; any other qualifier is an architecture.
    fn qualifies(&self, relation: &Relation<'_>, id: Id) -> bool {
        match relation.qualifier {
            None => true,
            Some("any") => self.stanza(id).multi_arch_allowed,
            Some(arch) => arch == self.arch,
        }
    }
}
