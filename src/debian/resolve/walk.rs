//! The depth-first selection.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Explanation, ResolveError};
use super::universe::{Id, Looks, Universe};
use crate::debian::index::Stanza;
use crate::debian::relation::{self, Relation};

/// Longest chain of dependencies followed; real ones stay below 100. Bounds the stack against hostile indexes.
const MAX_DEPTH: usize = 250;
/// Most packages looked at again after one they needed gave way; real sets need a handful.
const MAX_REPAIRS: usize = 1000;

/// Why a package was tried and given up.
#[derive(Debug)]
pub(super) enum Refusal<'a> {
    /// `by`, one of the two, declares `relation` against the other one.
    Conflict { with: Id, by: Id, relation: &'a str },
    /// No alternative of `group` is left; `tried` could be had but were refused themselves.
    Unsatisfied { group: Vec<Relation<'a>>, tried: Vec<Id> },
}

/// What can be undone.
#[derive(Debug, Clone, Copy)]
enum Change {
    Selected(Id),
    Evicted(Id),
}

struct Walk<'a> {
    universe: &'a Universe<'a>,
    selected: BTreeSet<Id>,
    log: Vec<Change>,
    /// Once refused, never tried again; apt does the same by discarding the candidate.
    refused: BTreeMap<Id, Refusal<'a>>,
    /// Victim and declarer of each `Conflicts` and `Breaks` of every package that was ever selected.
    conflicts: BTreeMap<(Id, Id), &'a str>,
    /// The roots and what they need without an alternative: these never give way.
    forced: BTreeSet<Id>,
    /// Packages whose dependencies are being selected; they do not give way either.
    open: BTreeSet<Id>,
    looks: Looks,
}

/// Selects `roots` and what they depend on; the result is in ascending order.
///
/// # Errors
/// See [`super::resolve`].
pub(super) fn walk<'a>(universe: &'a Universe<'a>, roots: &[Id], looks: Looks) -> Result<Vec<Id>, ResolveError> {
    let mut walk = Walk {
        universe,
        selected: BTreeSet::new(),
        log: Vec::new(),
        refused: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        forced: roots.iter().copied().collect(),
        open: BTreeSet::new(),
        looks,
    };
    // All roots come before any dependency, so that they win every choice between alternatives.
    for &root in roots {
        if !walk.select(root)? {
            return Err(walk.impossible(root));
        }
    }
    for &root in roots {
        if !walk.expand(root, 0)? {
            return Err(walk.impossible(root));
        }
    }
    walk.repair(roots)?;
    Ok(walk.selected.into_iter().collect())
}

impl<'a> Walk<'a> {
    /// Selects `id` with all it depends on. On failure everything is as before, except that `id` is refused.
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

    /// Selects `id` alone. Selected packages that it conflicts with give way if they may; otherwise `id` is
    /// refused.
    fn select(&mut self, id: Id) -> Result<bool, ResolveError> {
        let stanza = self.universe.stanza(id);
        // Who excludes it or is excluded by it, of those that are selected; its own word counts first.
        let mut against: BTreeMap<Id, (Id, &str)> = BTreeMap::new();
        for (&(_, other), relation) in self.conflicts.range((id, Id::MIN)..=(id, Id::MAX)) {
            self.looks.take(1)?;
            if self.selected.contains(&other) {
                against.insert(other, (other, relation));
            }
        }
        for field in [stanza.conflicts, stanza.breaks] {
            for relation in relation::parse_flat(field).map_err(ResolveError::relation(stanza))? {
                // Conflicting with a name that one provides oneself excludes the other providers (Policy 7.6.2).
                let victims = self.universe.satisfiers(&relation);
                self.looks.take(victims.len().saturating_add(1))?;
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
            if by == id && !self.forced.contains(&other) && !self.open.contains(&other) {
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

    /// Selects what `id`, which is selected, depends on.
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
                // What is forced passes that on to what it needs.
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

    /// Finds something else for those whose dependency gave way, and lets go of what nothing needs any more.
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

    /// The selected packages that can be reached from `roots`.
    fn needed(&self, roots: &[Id]) -> Result<BTreeSet<Id>, ResolveError> {
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

    /// What a package depends on.
    fn groups(&self, id: Id) -> Result<Vec<Vec<Relation<'a>>>, ResolveError> {
        self.looks.take(1)?;
        groups(self.universe.stanza(id))
    }

    /// All candidates that fulfil one of the alternatives, best first.
    fn able(&self, group: &[Relation<'a>]) -> Result<Vec<Id>, ResolveError> {
        let mut able = Vec::new();
        let mut seen = BTreeSet::new();
        for relation in group {
            let satisfiers = self.universe.satisfiers(relation);
            self.looks.take(satisfiers.len().saturating_add(1))?;
            able.extend(satisfiers.into_iter().filter(|id| seen.insert(*id)));
        }
        Ok(able)
    }

    fn impossible(&self, root: Id) -> ResolveError {
        ResolveError::Impossible(Explanation::new(self.universe, &self.refused, root))
    }
}

/// What a package depends on: groups of alternatives.
pub(super) fn groups<'a>(stanza: &Stanza<'a>) -> Result<Vec<Vec<Relation<'a>>>, ResolveError> {
    let mut groups = relation::parse(stanza.pre_depends).map_err(ResolveError::relation(stanza))?;
    groups.extend(relation::parse(stanza.depends).map_err(ResolveError::relation(stanza))?);
    Ok(groups)
}
