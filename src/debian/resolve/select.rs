//! The depth-first selection of packages.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Explanation, ResolveError};
use super::universe::{Id, Universe, WorkBudget};
use crate::debian::index::Stanza;
use crate::debian::relation::{self, Relation};

/// Longest chain of dependencies that is followed; real ones stay below 100. It bounds the stack for hostile indexes.
const MAX_DEPTH: usize = 250;
/// Most packages whose dependencies are selected again after one was deselected; real sets need a handful.
const MAX_REPAIRS: usize = 1000;

/// Why a package was refused.
#[derive(Debug)]
pub(super) enum Refusal<'a> {
    /// It conflicts with a selected package: `by`, one of the two, declares `relation` against the other.
    Conflict { with: Id, by: Id, relation: &'a str },
    /// No alternative of `group` is left: those in `tried` are available, but were refused.
    Unsatisfied { group: Vec<Relation<'a>>, tried: Vec<Id> },
}

/// A change that can be undone.
#[derive(Debug, Clone, Copy)]
enum Change {
    Selected(Id),
    Evicted(Id),
}

/// The packages that are selected, and what is known of the others.
#[derive(Debug)]
pub(super) struct Selector<'a> {
    universe: &'a Universe<'a>,
    selected: BTreeSet<Id>,
    log: Vec<Change>,
    /// Refused packages, which are never tried again; apt does the same by discarding the candidate.
    refused: BTreeMap<Id, Refusal<'a>>,
    /// For each `Conflicts` and `Breaks` of every package that was ever selected: the package it excludes and the one that
    /// declares it.
    conflicts: BTreeMap<(Id, Id), &'a str>,
    /// The roots and what they need without an alternative; these are never deselected.
    forced: BTreeSet<Id>,
    /// Packages whose dependencies are being selected; these are not deselected either.
    open: BTreeSet<Id>,
    /// Whether what is selected stays: packages are only added.
    settled: bool,
    budget: WorkBudget,
}

/// Selects `roots` and what they depend on.
///
/// # Errors
/// See [`super::resolve`].
pub(super) fn select<'a>(
    universe: &'a Universe<'a>,
    roots: &[Id],
    budget: WorkBudget,
) -> Result<Selector<'a>, ResolveError> {
    let mut selector = Selector {
        universe,
        selected: BTreeSet::new(),
        log: Vec::new(),
        refused: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        forced: roots.iter().copied().collect(),
        open: BTreeSet::new(),
        settled: false,
        budget,
    };
    // All roots are selected before any dependency, so that they win every choice between alternatives.
    for &root in roots {
        if !selector.select(root)? {
            return Err(selector.impossible(root));
        }
    }
    for &root in roots {
        if !selector.expand(root, 0)? {
            return Err(selector.impossible(root));
        }
    }
    selector.repair(roots)?;
    selector.settled = true;
    Ok(selector)
}

impl<'a> Selector<'a> {
    pub(super) fn universe(&self) -> &'a Universe<'a> {
        self.universe
    }

    pub(super) fn selected(&self) -> &BTreeSet<Id> {
        &self.selected
    }

    pub(super) fn into_selected(self) -> BTreeSet<Id> {
        self.selected
    }

    /// Selects `id` with all its dependencies. On failure all changes are undone, except that `id` is refused.
    fn install(&mut self, id: Id, depth: usize) -> Result<bool, ResolveError> {
        if self.refused.contains_key(&id) {
            return Ok(false);
        }
        let mark = self.log.len();
        if self.select(id)? && self.expand(id, depth)? {
            return Ok(true);
        }
        while self.log.len() > mark {
            match self.log.pop() {
                Some(Change::Selected(undone)) => {
                    self.selected.remove(&undone);
                }
                Some(Change::Evicted(back)) => {
                    self.refused.remove(&back);
                    self.selected.insert(back);
                }
                None => break,
            }
        }
        Ok(false)
    }

    /// Selects `id` without its dependencies. Selected packages that it conflicts with are deselected if allowed; otherwise `id`
    /// is refused.
    fn select(&mut self, id: Id) -> Result<bool, ResolveError> {
        let stanza = self.universe.stanza(id);
        // The selected packages that conflict with it; its own declarations come first.
        let mut against: BTreeMap<Id, (Id, &str)> = BTreeMap::new();
        for (&(_, other), relation) in self.conflicts.range((id, Id::MIN)..=(id, Id::MAX)) {
            self.budget.take(1)?;
            if self.selected.contains(&other) {
                against.insert(other, (other, relation));
            }
        }
        for field in [stanza.conflicts, stanza.breaks] {
            for relation in relation::parse_flat(field).map_err(ResolveError::relation(stanza))? {
                // A package may conflict with a name that it provides itself, to exclude all other providers (Policy 7.6.2).
                let victims = self.universe.satisfiers(&relation);
                self.budget.take(victims.len().saturating_add(1))?;
                for victim in victims.into_iter().filter(|&victim| victim != id) {
                    self.conflicts.insert((victim, id), relation.text);
                    if self.selected.contains(&victim) {
                        against.insert(victim, (id, relation.text));
                    }
                }
            }
        }
        let mut evicted = Vec::new();
        for (other, (by, relation)) in against {
            if by == id && !self.settled && !self.forced.contains(&other) && !self.open.contains(&other) {
                evicted.push((other, Refusal::Conflict { with: id, by, relation }));
            } else {
                self.refused.insert(id, Refusal::Conflict { with: other, by, relation });
                return Ok(false);
            }
        }
        for (other, refusal) in evicted {
            self.selected.remove(&other);
            self.refused.insert(other, refusal);
            self.log.push(Change::Evicted(other));
        }
        if self.selected.insert(id) {
            self.log.push(Change::Selected(id));
        }
        Ok(true)
    }

    /// Selects the dependencies of `id`, which is selected.
    fn expand(&mut self, id: Id, depth: usize) -> Result<bool, ResolveError> {
        let stanza = self.universe.stanza(id);
        if depth > MAX_DEPTH {
            return Err(ResolveError::TooDeep { package: stanza.name.to_owned(), limit: MAX_DEPTH });
        }
        self.open.insert(id);
        let mut missing = None;
        for group in self.groups(id)? {
            let able = self.able(&group)?;
            let only = if self.forced.contains(&id) && able.len() == 1 { able.first().copied() } else { None };
            let newly_forced = only.is_some_and(|only| self.forced.insert(only));
            let done = if able.iter().any(|id| self.selected.contains(id)) {
                // What a forced package needs without an alternative is forced too.
                !newly_forced || self.expand(able[0], depth.saturating_add(1))?
            } else {
                self.install_any(&able, depth.saturating_add(1))?
            };
            if !done {
                missing = Some(Refusal::Unsatisfied { group, tried: able });
                break;
            }
        }
        self.open.remove(&id);
        let Some(refusal) = missing else { return Ok(true) };
        self.refused.insert(id, refusal);
        Ok(false)
    }

    fn install_any(&mut self, choices: &[Id], depth: usize) -> Result<bool, ResolveError> {
        for &choice in choices {
            if self.install(choice, depth)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Selects other dependencies for packages of which one was deselected, and deselects what is no longer needed.
    fn repair(&mut self, roots: &[Id]) -> Result<(), ResolveError> {
        for _ in 0..MAX_REPAIRS {
            self.selected = self.needed(roots)?;
            let mut broken = None;
            for &id in &self.selected {
                if !self.has_all_it_needs(id)? {
                    broken = Some(id);
                    break;
                }
            }
            let Some(id) = broken else { return Ok(()) };
            if self.expand(id, 0)? {
                continue;
            }
            if roots.contains(&id) {
                return Err(self.impossible(id));
            }
            self.selected.remove(&id);
        }
        Err(ResolveError::Unsettled { limit: MAX_REPAIRS })
    }

    fn has_all_it_needs(&self, id: Id) -> Result<bool, ResolveError> {
        for group in self.groups(id)? {
            if !self.able(&group)?.iter().any(|id| self.selected.contains(id)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds to a settled selection the first package of `group` that can be had with all its dependencies, and gives what
    /// was added, that package first; nothing if one of the group is selected, or none can be had.
    pub(super) fn add_any(&mut self, group: &[Relation<'a>]) -> Result<Vec<Id>, ResolveError> {
        let choices = self.able(group)?;
        if choices.iter().any(|choice| self.selected.contains(choice)) {
            return Ok(Vec::new());
        }
        // What was refused beside something that gave way since may be had by now.
        self.refused.clear();
        let mark = self.log.len();
        if !self.install_any(&choices, 0)? {
            return Ok(Vec::new());
        }
        let added = self.log.get(mark..).unwrap_or_default().iter().filter_map(|change| match change {
            Change::Selected(id) => Some(*id),
            Change::Evicted(_) => None,
        });
        Ok(added.collect())
    }

    /// The selected packages that can be reached from `roots`.
    pub(super) fn needed(&self, roots: &[Id]) -> Result<BTreeSet<Id>, ResolveError> {
        let mut needed: BTreeSet<Id> = roots.iter().copied().collect();
        let mut queue = roots.to_vec();
        while let Some(id) = queue.pop() {
            for group in self.groups(id)? {
                for able in self.able(&group)? {
                    if self.selected.contains(&able) && needed.insert(able) {
                        queue.push(able);
                    }
                }
            }
        }
        Ok(needed)
    }

    /// A package's dependencies.
    pub(super) fn groups(&self, id: Id) -> Result<Vec<Vec<Relation<'a>>>, ResolveError> {
        self.budget.take(1)?;
        groups(self.universe.stanza(id))
    }

    /// All candidates that satisfy one of the alternatives, best first.
    pub(super) fn able(&self, group: &[Relation<'a>]) -> Result<Vec<Id>, ResolveError> {
        let mut able = Vec::new();
        let mut seen = BTreeSet::new();
        for relation in group {
            let satisfiers = self.universe.satisfiers(relation);
            self.budget.take(satisfiers.len().saturating_add(1))?;
            able.extend(satisfiers.into_iter().filter(|id| seen.insert(*id)));
        }
        Ok(able)
    }

    fn impossible(&self, root: Id) -> ResolveError {
        ResolveError::Impossible(Explanation::new(self.universe, &self.refused, root))
    }
}

/// A package's dependencies: groups of alternatives.
pub(super) fn groups<'a>(stanza: &Stanza<'a>) -> Result<Vec<Vec<Relation<'a>>>, ResolveError> {
    let mut groups = relation::parse(stanza.pre_depends).map_err(ResolveError::relation(stanza))?;
    groups.extend(relation::parse(stanza.depends).map_err(ResolveError::relation(stanza))?);
    Ok(groups)
}
