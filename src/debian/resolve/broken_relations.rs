//! Whether the relations of a given set of packages still hold at the versions that a universe offers.

use std::collections::BTreeSet;

use super::error::ResolveError;
use super::select::groups;
use super::universe::{Universe, WorkBudget};
use crate::debian::relation;
use crate::profile::Recommends;

/// A relation of a package that does not hold at the offered versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRelation<'a> {
    /// The package that declares the relation.
    pub package: &'a str,
    /// The packages that the relation names.
    pub others: Vec<&'a str>,
}

impl<'a> Universe<'a> {
    /// The broken relations of the packages called `names`, and of those that they newly need.
    ///
    /// # Errors
    /// A relation cannot be read.
    pub fn broken_relations(&self, mut names: BTreeSet<&'a str>) -> Result<Vec<BrokenRelation<'a>>, ResolveError> {
        let budget = WorkBudget::default();
        let mut broken_relations = Vec::new();
        let mut open: Vec<&str> = names.iter().copied().collect();
        while let Some(id) = open.pop().map(|name| self.find(name)) {
            let Some(id) = id else { continue };
            let stanza = self.stanza(id);
            budget.take(1)?;
            for group in groups(stanza)? {
                let able: Vec<&'a str> = group
                    .iter()
                    .flat_map(|relation| self.satisfiers(relation))
                    .map(|id| self.stanza(id).name)
                    .collect();
                budget.take(group.len().saturating_add(able.len()))?;
                match able.first() {
                    None => broken_relations.push(BrokenRelation {
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
                    budget.take(victims.len().saturating_add(1))?;
                    let victims = victims.into_iter().filter(|&victim| victim != id);
                    let others: Vec<&str> =
                        victims.map(|id| self.stanza(id).name).filter(|name| names.contains(name)).collect();
                    if !others.is_empty() {
                        broken_relations.push(BrokenRelation { package: stanza.name, others });
                    }
                }
            }
        }
        Ok(broken_relations)
    }

    /// The `Recommends` of the packages called `names` that do not hold and would at the versions of `newest`, where one of
    /// `names` has to be of another version for it. What is recommended may be missing, but what is there for that reason is
    /// not left behind, as apt moves along what such a field was satisfied by (apt-pkg/depcache.cc, Debian bug #470115).
    ///
    /// # Errors
    /// A relation cannot be read.
    pub fn broken_recommendations(
        &self,
        names: &BTreeSet<&'a str>,
        recommends: &Recommends,
        newest: &Self,
    ) -> Result<Vec<BrokenRelation<'a>>, ResolveError> {
        let budget = WorkBudget::default();
        let mut broken_relations = Vec::new();
        for id in names.iter().filter(|name| recommends.of(name)).filter_map(|name| self.find(name)) {
            let stanza = self.stanza(id);
            for group in relation::parse(stanza.recommends).map_err(ResolveError::relation(stanza))? {
                let mut is_met = [false; 2];
                for (universe, is_met) in [self, newest].into_iter().zip(&mut is_met) {
                    let able = group.iter().flat_map(|relation| universe.satisfiers(relation)).collect::<Vec<_>>();
                    budget.take(group.len().saturating_add(able.len()))?;
                    *is_met = able.into_iter().any(|id| names.contains(universe.stanza(id).name));
                }
                if is_met == [false, true] {
                    let others = group.iter().map(|relation| relation.name).filter(|name| names.contains(name));
                    broken_relations.push(BrokenRelation { package: stanza.name, others: others.collect() });
                }
            }
        }
        Ok(broken_relations)
    }
}
