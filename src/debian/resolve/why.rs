//! Why a package was selected.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::Selection;
use super::universe::Id;
use crate::debian::relation;

/// One step of a chain of dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason<'a> {
    /// The chain's start: every system has it.
    Essential { package: &'a str },
    /// The chain's start: the profile names it.
    Wanted { package: &'a str },
    /// `by`, the package of the previous step, depends on `package`; `relation` is quoted as written.
    Needed { package: &'a str, by: &'a str, relation: &'a str },
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Essential { package } => write!(out, "{package} is essential"),
            Self::Wanted { package } => write!(out, "{package} is wanted by the profile"),
            Self::Needed { package, by, relation } if relation == package => write!(out, "{by} needs {package}"),
            Self::Needed { package, by, relation } => write!(out, "{by} needs {package} (`{relation}`)"),
        }
    }
}

/// A breadth-first search from the roots. Wanted packages come before essential ones, since they tell the user more.
pub(super) fn why<'a>(selection: &Selection<'a>, package: &str) -> Option<Vec<Reason<'a>>> {
    let universe = selection.universe;
    let goal = universe.find(package).filter(|id| selection.selected.binary_search(id).is_ok())?;
    let (essential, wanted): (Vec<Id>, Vec<Id>) =
        selection.roots.iter().partition(|&&id| universe.stanza(id).essential);
    let mut reasons: BTreeMap<Id, (Option<Id>, Reason<'a>)> = BTreeMap::new();
    reasons.extend(wanted.iter().map(|&id| (id, (None, Reason::Wanted { package: universe.stanza(id).name }))));
    reasons.extend(essential.iter().map(|&id| (id, (None, Reason::Essential { package: universe.stanza(id).name }))));
    let mut queue: VecDeque<Id> = wanted.into_iter().chain(essential).collect();
    while let Some(id) = queue.pop_front()
        && !reasons.contains_key(&goal)
    {
        let stanza = universe.stanza(id);
        let groups = [stanza.pre_depends, stanza.depends].into_iter().filter_map(|field| relation::parse(field).ok());
        for relation in groups.flatten().flatten() {
            for needed in universe.satisfiers(&relation) {
                if selection.selected.binary_search(&needed).is_ok() && !reasons.contains_key(&needed) {
                    let package = universe.stanza(needed).name;
                    let reason = Reason::Needed { package, by: stanza.name, relation: relation.text };
                    reasons.insert(needed, (Some(id), reason));
                    queue.push_back(needed);
                }
            }
        }
    }
    let mut chain = Vec::new();
    let mut at = Some(goal);
    while let Some(id) = at {
        let (parent, reason) = reasons.get(&id)?;
        chain.push(reason.clone());
        at = *parent;
    }
    chain.reverse();
    Some(chain)
}
