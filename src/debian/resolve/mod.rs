//! Which packages a list of wanted ones comes down to: what `apt-get --no-install-recommends install` chooses
//! on an empty system.
//!
//! [`Universe`] holds one candidate a name. `walk` goes through dependencies depth first in the order apt's
//! `MarkInstall` does: an alternative that is selected already wins, else the first that can be had, providers
//! of a virtual package ranked; a choice that runs into a conflict or an unsatisfiable dependency is undone and
//! the next alternative tried. No choice is tried twice, and all that is looked at is counted, so that time and memory have
//! a bound whatever the indexes say.

mod error;
mod strain;
mod universe;
mod walk;
mod why;

#[cfg(test)]
mod tests;

pub use error::{ResolveError, UnknownPackage};
pub use strain::Strain;
pub use universe::{Candidate, Universe};
pub use why::Reason;

use universe::{Id, Looks};

/// What was selected.
#[derive(Debug)]
pub struct Selection<'a> {
    universe: &'a Universe<'a>,
    /// Essential packages by name, then the wanted ones as given.
    roots: Vec<Id>,
    /// Ascending, which is the order of names.
    selected: Vec<Id>,
}

impl<'a> Selection<'a> {
    /// The selected packages, sorted by name.
    pub fn packages(&self) -> impl Iterator<Item = &'a Candidate<'a>> {
        self.selected.iter().map(|&id| self.universe.get(id))
    }

    /// Why `package` is selected: the shortest chain of dependencies from an essential or wanted package down
    /// to it. `None` if it is not selected.
    #[must_use]
    pub fn why(&self, package: &str) -> Option<Vec<Reason<'a>>> {
        why::why(self, package)
    }
}

/// Selects all packages marked `Essential: yes`, the `wanted` ones, and what these depend on.
///
/// # Errors
/// A wanted name that no source has; dependencies that cannot be fulfilled together; a field that cannot be
/// read.
pub fn resolve<'a>(universe: &'a Universe<'a>, wanted: &[String]) -> Result<Selection<'a>, ResolveError> {
    let roots = roots(universe, wanted)?;
    let selected = walk::walk(universe, &roots, Looks::default())?;
    Ok(Selection { universe, roots, selected })
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
