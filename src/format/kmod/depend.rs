//! Who needs whom: module order, symbol owners, the dependency graph and its topological numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::Module;

/// Modules that need each other in a circle, which the kernel could never load.
#[derive(Debug, thiserror::Error)]
#[error("kernel modules depend on each other in a circle: {}", .0.join(", "))]
pub struct CycleError(pub Vec<String>);

/// The modules in index order with their direct dependencies.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) modules: Vec<Module>,
    pub(super) names: Vec<String>,
    /// Which module exports a symbol; of several, the last in index order.
    pub(super) owners: BTreeMap<String, usize>,
    /// Direct dependencies of each module, in order of the symbols it needs.
    needs: Vec<Vec<usize>>,
    /// Position of each module in the topological order: those that nobody needs come first.
    rank: Vec<usize>,
}

impl Graph {
    /// Orders modules as `modules.order` says (others after them, by path), then links them.
    pub(super) fn new(modules: Vec<Module>, order: &str) -> Result<Self, CycleError> {
        let modules = in_order(one_of_each_name(modules), order);
        let names: Vec<String> = modules.iter().map(Module::name).collect();
        let mut owners = BTreeMap::new();
        for (number, module) in modules.iter().enumerate() {
            for symbol in &module.exports {
                owners.insert(symbol.clone(), number);
            }
        }
        let mut needs: Vec<Vec<usize>> = Vec::with_capacity(modules.len());
        for module in &modules {
            let mut direct = Vec::new();
            let mut seen = BTreeSet::new();
            for symbol in &module.needs {
                if let Some(owner) = owners.get(symbol.strip_prefix('.').unwrap_or(symbol))
                    && seen.insert(*owner)
                {
                    direct.push(*owner);
                }
            }
            needs.push(direct);
        }
        let rank = ranks(&needs, &names)?;
        Ok(Self { modules, names, owners, needs, rank })
    }

    /// All modules that module `number` needs, directly or not, nearest users first.
    pub(super) fn closure(&self, number: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut todo = self.needs[number].clone();
        while let Some(next) = todo.pop() {
            if seen.insert(next) {
                found.push(next);
                todo.extend(&self.needs[next]);
            }
        }
        found.sort_by_key(|number| self.rank[*number]);
        found
    }
}

/// Of modules with one name, the one below `updates/` wins, as in depmod's default search order; else the first path.
fn one_of_each_name(mut modules: Vec<Module>) -> Vec<Module> {
    modules.sort_by(|a, b| (!a.path.starts_with("updates/"), &a.path).cmp(&(!b.path.starts_with("updates/"), &b.path)));
    let mut seen = BTreeSet::new();
    modules.retain(|module| seen.insert(module.name()));
    modules.sort_by(|a, b| a.path.cmp(&b.path));
    modules
}

fn in_order(mut modules: Vec<Module>, order: &str) -> Vec<Module> {
    let mut position: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, line) in order.lines().enumerate() {
        position.entry(line).or_insert(number);
    }
    modules.sort_by_key(|module| position.get(without_compression(&module.path)).copied().unwrap_or(usize::MAX));
    modules
}

fn without_compression(path: &str) -> &str {
    [".xz", ".zst", ".gz"].iter().find_map(|suffix| path.strip_suffix(suffix)).unwrap_or(path)
}

/// Topological numbers: repeatedly takes the newest module without remaining users (a stack, as kmod does).
fn ranks(needs: &[Vec<usize>], names: &[String]) -> Result<Vec<usize>, CycleError> {
    let mut users = vec![0_usize; needs.len()];
    for direct in needs {
        for dependency in direct {
            users[*dependency] += 1;
        }
    }
    let mut ready: Vec<usize> = (0..needs.len()).filter(|number| users[*number] == 0).collect();
    let mut rank = vec![usize::MAX; needs.len()];
    let mut next = 0;
    while let Some(number) = ready.pop() {
        rank[number] = next;
        next += 1;
        for dependency in &needs[number] {
            users[*dependency] -= 1;
            if users[*dependency] == 0 {
                ready.push(*dependency);
            }
        }
    }
    if next < needs.len() {
        return Err(CycleError(
            (0..needs.len()).filter(|number| rank[*number] == usize::MAX).map(|number| names[number].clone()).collect(),
        ));
    }
    Ok(rank)
}
