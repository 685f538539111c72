//! Who needs whom: module order, symbol owners, the dependency graph and its topological numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::Module;

/// Most that the dependencies of all modules may come to: for each way from a module to one that it needs, directly or not, a
/// byte and those of that module's path. A chain makes it grow with the square of its length; Debian's kernels come to
/// some 5 MB.
const MOST: usize = 128 << 20;

/// Modules whose dependencies make no index.
#[derive(Debug, thiserror::Error)]
pub enum DependError {
    /// The kernel could never load them.
    #[error("kernel modules depend on each other in a circle: {}", .0.join(", "))]
    Circle(Vec<String>),
    /// The index of so many dependencies would fill memory and disk.
    #[error("{modules} kernel modules depend on each other in more ways than an index can list")]
    TooMany { modules: usize },
}

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
    pub(super) fn new(modules: Vec<Module>, order: &str) -> Result<Self, DependError> {
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

    /// For each module, in index order, all that it needs, directly or not, nearest users first.
    ///
    /// # Errors
    /// More than [`MOST`].
    pub(super) fn closures(&self) -> Result<Vec<Vec<usize>>, DependError> {
        let mut left = MOST;
        let all = (0..self.modules.len()).map(|number| self.closure(number, &mut left));
        all.collect::<Option<_>>().ok_or(DependError::TooMany { modules: self.modules.len() })
    }

    /// What module `number` needs; none if that is more than what is `left`.
    fn closure(&self, number: usize, left: &mut usize) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut todo = vec![number];
        while let Some(user) = todo.pop() {
            for next in &self.needs[user] {
                *left = left.checked_sub(1 + self.modules[*next].path.len())?;
                if seen.insert(*next) {
                    found.push(*next);
                    todo.push(*next);
                }
            }
        }
        found.sort_by_key(|number| self.rank[*number]);
        Some(found)
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
fn ranks(needs: &[Vec<usize>], names: &[String]) -> Result<Vec<usize>, DependError> {
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
        return Err(DependError::Circle(
            (0..needs.len()).filter(|number| rank[*number] == usize::MAX).map(|number| names[number].clone()).collect(),
        ));
    }
    Ok(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Modules that need each other in a row, with paths of `length` bytes.
    fn chain(modules: usize, length: usize) -> Graph {
        let module = |number: usize| Module {
            path: format!("{number:0>length$}.ko", length = length - 3),
            exports: vec![format!("s{number}")],
            needs: vec![format!("s{}", number + 1)],
            info: Vec::new(),
        };
        Graph::new((0..modules).map(module).collect(), "").unwrap()
    }

    #[test]
    fn a_chain_whose_index_would_fill_the_disk_is_refused() {
        let short = chain(600, 100).closures().unwrap();
        assert_eq!((short[0].len(), short[599].len()), (599, 0));
        let error = chain(600, 1000).closures().unwrap_err().to_string();
        assert_eq!(error, "600 kernel modules depend on each other in more ways than an index can list");
    }
}
