//! Whether a given set of packages still goes together at the versions that a universe offers.

use std::collections::BTreeSet;

use super::error::ResolveError;
use super::universe::{Looks, Universe};
use super::walk::groups;
use crate::debian::relation;

/// A relation of a package that the versions on offer break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strain<'a> {
    /// Whose relation it is.
    pub package: &'a str,
    /// The packages that it is about.
    pub others: Vec<&'a str>,
}

impl<'a> Universe<'a> {
    /// The broken relations of the packages called `names`, and of those that they newly need.
    ///
    /// # Errors
    /// A relation that cannot be read.
    pub fn strains(&self, mut names: BTreeSet<&'a str>) -> Result<Vec<Strain<'a>>, ResolveError> {
        let looks = Looks::default();
        let mut strains = Vec::new();
        let mut open: Vec<&str> = names.iter().copied().collect();
        while let Some(id) = open.pop().map(|name| self.find(name)) {
            let Some(id) = id else { continue };
            let stanza = self.stanza(id);
            looks.take(1)?;
            for group in groups(stanza)? {
                let able: Vec<&'a str> = group
                    .iter()
                    .flat_map(|relation| self.satisfiers(relation))
                    .map(|id| self.stanza(id).name)
                    .collect();
                looks.take(group.len().saturating_add(able.len()))?;
                match able.first() {
                    None => strains.push(Strain {
                        package: stanza.name,
                        others: group.iter().map(|relation| relation.name).collect(),
                    }),
                    Some(best) if !able.iter().any(|name| names.contains(name)) => {
                        names.insert(best);
                        open.push(best);
                    }
                    Some(_) => {}
                }
            }
            for field in [stanza.conflicts, stanza.breaks] {
                for relation in relation::parse_flat(field).map_err(ResolveError::relation(stanza))? {
                    let victims = self.satisfiers(&relation);
                    looks.take(victims.len().saturating_add(1))?;
                    let victims = victims.into_iter().filter(|&victim| victim != id);
                    let others: Vec<&str> =
                        victims.map(|id| self.stanza(id).name).filter(|name| names.contains(name)).collect();
                    if !others.is_empty() {
                        strains.push(Strain { package: stanza.name, others });
                    }
                }
            }
        }
        Ok(strains)
    }
}
