//! The depth-first selection.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Explanation, ResolveError};
use super::universe::{Id, Universe};
use crate::debian::relation::{self, Relation};

/// Longest chain of dependencies followed; real ones stay below 100. Bounds the stack against hostile indexes.
const MAX_DEPTH: usize = 500;

/// Why a package was tried and given up.
#[derive(Debug)]
pub(super) enum Refusal<'a> {
    /// `by`, one of the two, declares `relation` against the other one.
    Conflict { with: Id, by: Id, relation: &'a str },
    /// No alternative of `group` is left; `tried` could be had but were refused themselves.
    Unsatisfied { group: Vec<Relation<'a>>, tried: Vec<Id> },
}

struct Walk<'a> {
    universe: &'a Universe<'a>,
    selected: BTreeSet<Id>,
    /// The selected ones in order of selection, so that a failed choice can be undone.
    log: Vec<Id>,
    /// Once refused, never tried again; apt does the same by discarding the candidate.
    refused: BTreeMap<Id, Refusal<'a>>,
    /// Victim and declarer of each `Conflicts` and `Breaks` of every package that was ever selected.
    conflicts: BTreeMap<(Id, Id), &'a str>,
}

/// Selects `roots` and what they depend on; the result is in ascending order.
///
/// # Errors
/// See [`super::resolve`].
pub(super) fn walk<'a>(universe: &'a Universe<'a>, roots: &[Id]) -> Result<Vec<Id>, ResolveError> {
    let mut walk = Walk {
        universe,
        selected: BTreeSet::new(),
        log: Vec::new(),
        refused: BTreeMap::new(),
        conflicts: BTreeMap::new(),
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
        for undone in self.log.drain(mark..) {
            self.selected.remove(&undone);
        }
        Ok(false)
    }

    /// Selects `id` alone, unless that conflicts with what is selected.
    fn select(&mut self, id: Id) -> Result<bool, ResolveError> {
        let stanza = self.universe.stanza(id);
        for field in [stanza.conflicts, stanza.breaks] {
            for relation in relation::parse_flat(field).map_err(ResolveError::relation(stanza))? {
                // Conflicting with a name that one provides oneself excludes the other providers (Policy 7.6.2).
                for victim in self.universe.satisfiers(&relation).into_iter().filter(|&victim| victim != id) {
                    self.conflicts.insert((victim, id), relation.text);
                }
            }
        }
        let conflict = self.selected.iter().find_map(|&other| {
            let mine = self.conflicts.get(&(other, id)).map(|relation| (id, *relation));
            let theirs = || self.conflicts.get(&(id, other)).map(|relation| (other, *relation));
            mine.or_else(theirs).map(|(by, relation)| Refusal::Conflict { with: other, by, relation })
        });
        if let Some(conflict) = conflict {
            self.refused.insert(id, conflict);
            return Ok(false);
        }
        if self.selected.insert(id) {
            self.log.push(id);
        }
        Ok(true)
    }

    /// Selects what `id`, which is selected, depends on.
    fn expand(&mut self, id: Id, depth: usize) -> Result<bool, ResolveError> {
        let stanza = self.universe.stanza(id);
        if depth > MAX_DEPTH {
            return Err(ResolveError::TooDeep { package: stanza.name.to_owned(), limit: MAX_DEPTH });
        }
        for field in [stanza.pre_depends, stanza.depends] {
            for group in relation::parse(field).map_err(ResolveError::relation(stanza))? {
                let able: Vec<Id> = group.iter().flat_map(|relation| self.universe.satisfiers(relation)).collect();
                if able.iter().any(|id| self.selected.contains(id)) {
                    continue;
                }
                let mut found = false;
                for &choice in &able {
                    if self.install(choice, depth + 1)? {
                        found = true;
                        break;
                    }
                }
                if !found {
                    self.refused.insert(id, Refusal::Unsatisfied { group, tried: able });
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn impossible(&self, root: Id) -> ResolveError {
        ResolveError::Impossible(Explanation::new(self.universe, &self.refused, root))
    }
}
