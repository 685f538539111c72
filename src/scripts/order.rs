//! The order in which dpkg configures packages that are all unpacked: what a package depends on comes first (Debian Policy 7.2,
//! `process_queue` in dpkg's src/main/packages.c). Of packages that depend on each other, the one that comes first by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::debian::{Package, relation};

/// `packages` (sorted by name) in the order of configuration. The base system's own come first, since all others may rely on them
/// without naming them (Policy 3.8).
pub(super) fn order(packages: &[Package]) -> Vec<&Package> {
    let mut providers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, package) in packages.iter().enumerate() {
        providers.entry(package.name.clone()).or_default().push(number);
        for provided in relations(package, "Provides") {
            for name in provided {
                providers.entry(name).or_default().push(number);
            }
        }
    }
    let mut walk = Walk { packages, providers, seen: BTreeSet::new(), order: Vec::with_capacity(packages.len()) };
    // base-passwd and base-files make what even essential packages' scripts use.
    let rank = |package: &Package| match package.name.as_str() {
        "base-passwd" => 0,
        "base-files" => 1,
        _ if package.field("Essential") == Some("yes") => 2,
        _ => 3,
    };
    let mut numbers: Vec<usize> = (0..packages.len()).collect();
    numbers.sort_by_key(|number| rank(&packages[*number]));
    for number in numbers {
        walk.visit(number);
    }
    walk.order
}

struct Walk<'a> {
    packages: &'a [Package],
    providers: BTreeMap<String, Vec<usize>>,
    seen: BTreeSet<usize>,
    order: Vec<&'a Package>,
}

impl Walk<'_> {
    /// Puts a package after what it needs. Chains of dependencies are longer than a stack is sure to be deep, so the way is a list.
    fn visit(&mut self, first: usize) {
        let mut way = vec![(first, None::<Vec<usize>>)];
        while let Some((number, needs)) = way.last_mut() {
            let number = *number;
            let needs = match needs {
                Some(needs) => needs,
                None if !self.seen.insert(number) => {
                    way.pop();
                    continue;
                }
                needs => needs.insert(needed(&self.packages[number], &self.providers)),
            };
            match needs.pop() {
                Some(next) => way.push((next, None)),
                None => {
                    self.order.push(&self.packages[number]);
                    way.pop();
                }
            }
        }
    }
}

/// The packages that `package` needs, the first to be configured last in the list.
fn needed(package: &Package, providers: &BTreeMap<String, Vec<usize>>) -> Vec<usize> {
    let groups = relations(package, "Pre-Depends").into_iter().chain(relations(package, "Depends"));
    let mut needed: Vec<usize> =
        groups.filter_map(|names| names.iter().find_map(|name| providers.get(name)?.first().copied())).collect();
    needed.reverse();
    needed
}

/// The names of each group of alternatives in a relation field.
fn relations(package: &Package, field: &str) -> Vec<Vec<String>> {
    let text = package.field(field).unwrap_or_default();
    let groups = relation::parse(text).unwrap_or_default();
    groups.into_iter().map(|group| group.into_iter().map(|relation| relation.name.to_owned()).collect()).collect()
}
