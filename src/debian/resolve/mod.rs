//! Resolves wanted packages to the set that `apt-get install` chooses on an empty system, with `--no-install-recommends` or,
//! where a profile asks for that, without it.
//!
//! [`Universe`] has one candidate per name. `select` follows dependencies depth first, in the order of apt's `MarkInstall`: an
//! alternative that is already selected wins, else the first one that is available, where providers of a virtual package are
//! ranked. A choice that leads to a conflict or an unsatisfiable dependency is undone, and the next alternative is tried. No
//! choice is tried twice, and all work is counted against a budget, so that time and memory are bounded for any index.
//! What is recommended is added at the end (`recommend`), where it cannot be in the way of anything.

mod broken_relations;
mod error;
mod recommend;
mod select;
mod universe;
mod why;

#[cfg(test)]
mod tests;

pub use broken_relations::BrokenRelation;
pub use error::{ResolveError, UnknownPackage};
pub use universe::{Candidate, Universe};
pub use why::{Reason, Recommending};

use std::collections::BTreeSet;

use universe::{Id, WorkBudget};

use crate::profile::Recommends;

/// The selected packages.
#[derive(Debug)]
pub struct Selection<'a> {
    universe: &'a Universe<'a>,
    /// Essential packages by name, then the wanted ones as given.
    roots: Vec<Id>,
    selected: BTreeSet<Id>,
    /// Those of them whose recommended packages come along.
    recommending: BTreeSet<Id>,
}

impl<'a> Selection<'a> {
    /// The selected packages, sorted by name.
    pub fn packages(&self) -> impl Iterator<Item = &'a Candidate<'a>> {
        self.selected.iter().map(|&id| self.universe.get(id))
    }

    /// The selected packages that recommend `package`, which is not selected, in the order of their names.
    #[must_use]
    pub fn recommending(&self, package: &str) -> Vec<Recommending<'a>> {
        why::recommending(self, package)
    }

    /// Why `package` is selected: the shortest chain of dependencies from an essential or wanted package down
    /// to it, with as few recommendations in it as possible. `None` if it is not selected.
    #[must_use]
    pub fn why(&self, package: &str) -> Option<Vec<Reason<'a>>> {
        why::why(self, package)
    }
}

/// Selects all packages marked `Essential: yes`, the `wanted` ones, what these depend on, and what is recommended where that
/// comes along.
///
/// # Errors
/// No source has a wanted name, dependencies cannot be satisfied together, or a field cannot be read.
pub fn resolve<'a>(
    universe: &'a Universe<'a>,
    wanted: &[String],
    recommends: &Recommends,
) -> Result<Selection<'a>, ResolveError> {
    let roots = roots(universe, wanted)?;
    let mut selector = select::select(universe, &roots, WorkBudget::default())?;
    let recommending = recommend::add(&mut selector, &roots, recommends)?;
    Ok(Selection { universe, roots, selected: selector.into_selected(), recommending })
}

fn roots(universe: &Universe<'_>, wanted: &[String]) -> Result<Vec<Id>, ResolveError> {
    let mut roots: Vec<Id> = universe.essential().collect();
    let mut unknown = Vec::new();
    for name in wanted {
        match universe.find(name) {
            Some(id) if roots.contains(&id) => {}
            Some(id) => roots.push(id),
            None => unknown.push(UnknownPackage::new(universe, name)),
        }
    }
    if unknown.is_empty() { Ok(roots) } else { Err(ResolveError::Unknown(unknown)) }
}
