//! Why a package was selected.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::Selection;
use super::universe::Id;
use crate::debian::relation;

/// One step of a chain of dependencies and recommendations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason<'a> {
    /// The chain's start: every system has it.
    Essential { package: &'a str },
    /// The chain's start: the profile names it.
    Wanted { package: &'a str },
    /// `by`, the package of the previous step, depends on `package`; `relation` is quoted as written.
    Needed { package: &'a str, by: &'a str, relation: &'a str },
    /// `by` recommends `package`, and that counts.
    Recommended { package: &'a str, by: &'a str, relation: &'a str },
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Essential { package } => write!(out, "{package} is essential"),
            Self::Wanted { package } => write!(out, "{package} is wanted by the profile"),
            Self::Needed { package, by, relation } if relation == package => write!(out, "{by} needs {package}"),
            Self::Needed { package, by, relation } => write!(out, "{by} needs {package} (`{relation}`)"),
            Self::Recommended { package, by, relation } if relation == package => {
                write!(out, "{package} is recommended by {by}")
            }
            Self::Recommended { package, by, relation } => {
                write!(out, "{package} is recommended by {by} (`{relation}`)")
            }
        }
    }
}

/// A selected package that recommends one that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommending<'a> {
    pub package: &'a str,
    /// Whether what it recommends comes along, if it can be had.
    pub counts: bool,
    /// A selected package that is as good, by the relation itself.
    pub instead: Option<&'a str>,
}

pub(super) fn recommending<'a>(selection: &Selection<'a>, package: &str) -> Vec<Recommending<'a>> {
    let universe = selection.universe;
    let mut found = Vec::new();
    for &id in &selection.selected {
        let stanza = universe.stanza(id);
        for group in relation::parse(stanza.recommends).unwrap_or_default() {
            if group.iter().any(|relation| relation.name == package) {
                let instead = group.iter().flat_map(|relation| universe.satisfiers(relation));
                let instead = instead.into_iter().find(|id| selection.selected.contains(id));
                found.push(Recommending {
                    package: stanza.name,
                    counts: selection.recommending.contains(&id),
                    instead: instead.map(|id| universe.stanza(id).name),
                });
            }
        }
    }
    found
}

/// What is known to be selected, and why: by package, the one before it in its chain, and the last step.
type Reasons<'a> = BTreeMap<Id, (Option<Id>, Reason<'a>)>;

/// A breadth-first search from the roots. Wanted packages come before essential ones, since they tell the user more.
/// Recommendations are only followed once no dependency leads on: what is needed would be there without them.
pub(super) fn why<'a>(selection: &Selection<'a>, package: &str) -> Option<Vec<Reason<'a>>> {
    let universe = selection.universe;
    let goal = universe.find(package).filter(|id| selection.selected.contains(id))?;
    let (essential, wanted): (Vec<Id>, Vec<Id>) =
        selection.roots.iter().partition(|&&id| universe.stanza(id).essential);
    let mut reasons: Reasons<'a> = BTreeMap::new();
    reasons.extend(wanted.iter().map(|&id| (id, (None, Reason::Wanted { package: universe.stanza(id).name }))));
    reasons.extend(essential.iter().map(|&id| (id, (None, Reason::Essential { package: universe.stanza(id).name }))));
    let mut reached: Vec<Id> = wanted.into_iter().chain(essential).collect();
    while !reached.is_empty() && !reasons.contains_key(&goal) {
        let mut queue: VecDeque<Id> = reached.iter().copied().collect();
        reached.clear();
        while let Some(id) = queue.pop_front() {
            reached.push(id);
            let stanza = universe.stanza(id);
            queue.extend(follow(
                selection,
                id,
                [stanza.pre_depends, stanza.depends],
                &mut reasons,
                |package, relation| Reason::Needed { package, by: stanza.name, relation },
            ));
        }
        let recommending = reached.into_iter().filter(|id| selection.recommending.contains(id));
        reached = recommending
            .flat_map(|id| {
                let stanza = universe.stanza(id);
                follow(selection, id, [stanza.recommends], &mut reasons, |package, relation| Reason::Recommended {
                    package,
                    by: stanza.name,
                    relation,
                })
            })
            .collect();
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

/// The selected packages that fields of `id` name and nothing led to so far; `reason` says how it leads to them.
fn follow<'a, const FIELDS: usize>(
    selection: &Selection<'a>,
    id: Id,
    fields: [&'a str; FIELDS],
    reasons: &mut Reasons<'a>,
    reason: impl Fn(&'a str, &'a str) -> Reason<'a>,
) -> Vec<Id> {
    let universe = selection.universe;
    let mut found = Vec::new();
    for relation in fields.into_iter().filter_map(|field| relation::parse(field).ok()).flatten().flatten() {
        for other in universe.satisfiers(&relation) {
            if selection.selected.contains(&other) && !reasons.contains_key(&other) {
                reasons.insert(other, (Some(id), reason(universe.stanza(other).name, relation.text)));
                found.push(other);
            }
        }
    }
    found
}
