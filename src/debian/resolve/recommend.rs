//! Recommended packages: what comes along beside the dependencies, as far as it can be had.
//!
//! They come in when all dependencies are selected, so that they take nothing away: no package that is selected goes, none
//! is replaced, and nothing that could be installed without them cannot be installed with them. The order is that of apt's
//! `MarkInstall` (apt-pkg/depcache.cc): depth first, of each package the dependencies before its `Recommends`, and what a
//! recommended package needs and recommends before the next. An alternative that is selected by then is enough, else the
//! first that can be had is taken; a group of which none can be had is left out, for it is not critical.
//!
//! apt takes recommendations on the way, so that there one may decide between alternatives that a later package depends on. Here
//! it never does: with recommendations there is all that is there without them.

use std::collections::BTreeSet;

use super::error::ResolveError;
use super::select::Selector;
use super::universe::Id;
use crate::debian::relation;
use crate::profile::Recommends;

/// A step of the walk.
enum Step<'a> {
    /// A selected package.
    Visit(Id),
    /// What is left of a package's `Recommends`: it is read group by group, as one that recommends thousands is waiting for
    /// each of them.
    Add { by: Id, field: &'a str },
}

/// Adds to what is selected for `roots` what is recommended, and gives the packages whose recommendations count.
///
/// # Errors
/// A `Recommends` field that cannot be read; chains and archives without end.
pub(super) fn add(
    selector: &mut Selector<'_>,
    roots: &[Id],
    recommends: &Recommends,
) -> Result<BTreeSet<Id>, ResolveError> {
    if recommends.is_usual() {
        return Ok(BTreeSet::new());
    }
    let universe = selector.universe();
    let counts = |id: Id| recommends.of(universe.stanza(id).name);
    let mut counting: BTreeSet<Id> = if recommends.by_default {
        selector.selected().iter().copied().filter(|&id| counts(id)).collect()
    } else {
        // What others need too would be there anyway, and as in an `apt-get install` later brings nothing new.
        let others: Vec<Id> = roots.iter().copied().filter(|&id| !counts(id)).collect();
        let anyway = selector.needed(&others)?;
        selector.selected().iter().copied().filter(|&id| counts(id) || !anyway.contains(&id)).collect()
    };
    let mut seen = BTreeSet::new();
    let mut steps: Vec<Step<'_>> = roots.iter().rev().map(|&root| Step::Visit(root)).collect();
    while let Some(step) = steps.pop() {
        match step {
            Step::Visit(id) => {
                if !seen.insert(id) {
                    continue;
                }
                if counting.contains(&id) {
                    steps.push(Step::Add { by: id, field: universe.stanza(id).recommends });
                }
                let mut needed = Vec::new();
                for group in selector.groups(id)? {
                    let able = selector.able(&group)?;
                    needed.extend(able.into_iter().filter(|id| selector.selected().contains(id) && !seen.contains(id)));
                }
                steps.extend(needed.into_iter().rev().map(Step::Visit));
            }
            Step::Add { by, field } => {
                let (first, rest) = field.split_once(',').unwrap_or((field, ""));
                if !rest.is_empty() {
                    steps.push(Step::Add { by, field: rest });
                }
                for group in relation::parse(first).map_err(ResolveError::relation(universe.stanza(by)))? {
                    let added = selector.add_any(&group)?;
                    steps.extend(added.first().map(|&id| Step::Visit(id)));
                    counting.extend(added.into_iter().filter(|&id| !recommends.by_default || counts(id)));
                }
            }
        }
    }
    Ok(counting)
}
