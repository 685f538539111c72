//! Whether a kernel would load modules that were compiled apart from it, asked before anything boots.
//!
//! ```text
//! modules, Module.symvers, vermagic → what each module needs → who exports it → Misfits
//! ```
//!
//! The rules are those of the kernel's loader: kernel/module/main.c (`check_modinfo`, `resolve_symbol`, `inherit_taint`,
//! `verify_exported_symbols`), kernel/module/version.c and include/linux/license.h, as of Linux 6.12.

use std::collections::{BTreeMap, BTreeSet};

use object::elf::{EM_X86_64, Machine};

use super::exports::{Export, KernelExports};
use super::loadable::Loadable;
use super::misfit::{FitError, Misfit};
use super::{ModuleError, module_name};

/// Licences under which a module may use what is exported for the GPL only (include/linux/license.h).
const GPL_COMPATIBLE: [&str; 6] =
    ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

/// So much of a licence's name is told with each symbol, in characters.
const LICENCE_SHOWN: usize = 64;

/// Begins a namespace that is a list of the modules which may use the symbol, since Linux 6.16.
const FOR_MODULES: &str = "module:";

/// The `vermagic` of a module: the kernel that it was compiled for, release first, and how that is built.
///
/// # Errors
/// Bytes that are no module.
pub fn vermagic(path: &str, bytes: &[u8]) -> Result<Option<String>, ModuleError> {
    Ok(Loadable::parse(path, bytes)?.value("vermagic").map(str::to_owned))
}

/// The names of the modules that an uncompressed module depends on, as modpost found them (`depends` in .modinfo).
///
/// # Errors
/// Bytes that are no module.
pub fn depends(path: &str, bytes: &[u8]) -> Result<Vec<String>, ModuleError> {
    Ok(depends_of(&Loadable::parse(path, bytes)?).collect())
}

fn depends_of(module: &Loadable) -> impl Iterator<Item = String> {
    module.values("depends").flat_map(|list| list.split(',')).filter(|other| !other.is_empty()).map(module_name)
}

/// Holds uncompressed modules, each with its path, against a kernel for `machine` that exports `exports` and whose own modules
/// have this `vermagic`. A module that has the name of one of the kernel's own replaces that.
///
/// # Errors
/// All reasons for which the kernel would refuse them.
pub fn fit(
    modules: &[(&str, &[u8])],
    exports: &KernelExports,
    vermagic: &str,
    machine: Machine,
) -> Result<(), FitError> {
    let mut misfits = Vec::new();
    let mut readable = BTreeMap::new();
    for (path, bytes) in modules {
        match Loadable::parse(path, bytes) {
            Ok(module) => drop(readable.insert(*path, module)),
            Err(error) => misfits.push(((*path).to_owned(), Misfit::Unreadable(error.cause))),
        }
    }
    let world = World::new(&readable, exports, vermagic, machine);
    for (path, module) in &readable {
        misfits.extend(world.misfits(path, module).into_iter().map(|misfit| ((*path).to_owned(), misfit)));
    }
    misfits.sort();
    if misfits.is_empty() { Ok(()) } else { Err(FitError { kernel: vermagic.to_owned(), misfits }) }
}

/// What a module finds when it is loaded.
struct World<'a> {
    vermagic: &'a str,
    machine: Machine,
    kernel: &'a KernelExports,
    /// The names of the modules that are held against the kernel.
    names: BTreeSet<String>,
    /// What they export; of two that export the same, the first by path.
    own: BTreeMap<&'a str, &'a Export>,
    /// Names of modules that may not use what is for the GPL only, and the licence because of which.
    proprietary: BTreeMap<String, String>,
}

impl<'a> World<'a> {
    fn new(
        modules: &'a BTreeMap<&str, Loadable>,
        kernel: &'a KernelExports,
        vermagic: &'a str,
        machine: Machine,
    ) -> Self {
        let mut own = BTreeMap::new();
        for (symbol, export) in modules.values().flat_map(|module| &module.exports) {
            own.entry(symbol.as_str()).or_insert(export);
        }
        let names = modules.keys().map(|path| module_name(path)).collect();
        let proprietary = proprietary(modules, &own);
        Self { vermagic, machine, kernel, names, own, proprietary }
    }

    /// Who exports a symbol, other than a module of the kernel that one of the others replaces.
    fn find(&self, symbol: &str) -> Option<&Export> {
        let of_kernel = || self.kernel.symbols.get(symbol).filter(|export| !self.names.contains(&export.owner));
        self.own.get(symbol).copied().or_else(of_kernel)
    }

    fn misfits(&self, path: &str, module: &Loadable) -> Vec<Misfit> {
        if module.machine != self.machine {
            return vec![Misfit::Machine];
        }
        let mut found = Vec::new();
        if module.value("vermagic") != Some(self.vermagic) {
            found.push(Misfit::Vermagic(module.value("vermagic").map(str::to_owned)));
        }
        let name = module_name(path);
        if let Some(other) = [module.name.as_deref(), module.value("name")].into_iter().find(|n| *n != Some(&name)) {
            found.push(Misfit::Name(other.map(str::to_owned)));
        }
        let absent =
            depends_of(module).filter(|other| !self.names.contains(other) && !self.kernel.owners.contains(other));
        found.extend(absent.map(Misfit::Depends));
        found.extend(self.exported_twice(&name, module));
        let with_checksums = self.vermagic.split(' ').any(|word| word == "modversions");
        if with_checksums && module.versions.is_none() {
            found.push(Misfit::NoChecksums);
        }
        // The layout of `struct module` itself has a checksum, which every module brings.
        let layout = module.versions.iter().map(|_| ("module_layout", true));
        let needs = module.needs.iter().map(|(symbol, weak)| (symbol.as_str(), *weak));
        found.extend(needs.chain(layout).filter_map(|(symbol, weak)| self.unusable(&name, module, symbol, weak)));
        found
    }

    fn exported_twice(&self, name: &str, module: &Loadable) -> Vec<Misfit> {
        let owner = |symbol: &str| {
            let of_kernel = self.kernel.symbols.get(symbol).filter(|export| !self.names.contains(&export.owner));
            let mut others = self.own.get(symbol).copied().into_iter().chain(of_kernel);
            others.find(|export| export.owner != name).map(|export| export.owner.clone())
        };
        let twice = |symbol: &String| Some(Misfit::ExportedTwice { symbol: symbol.clone(), owner: owner(symbol)? });
        module.exports.keys().filter_map(twice).collect()
    }

    /// Why the module called `name` may not use `symbol`, if so.
    fn unusable(&self, name: &str, module: &Loadable, symbol: &str, weak: bool) -> Option<Misfit> {
        let symbol_name = || symbol.to_owned();
        let Some(export) = self.find(symbol) else {
            // Older linkers leave this name behind, of which nothing is used.
            let of_linker = self.machine == EM_X86_64 && symbol == "_GLOBAL_OFFSET_TABLE_";
            return (!weak && !of_linker).then(|| Misfit::Missing(symbol_name()));
        };
        let owner = || export.owner.clone();
        if let Some(licence) = self.proprietary.get(name).filter(|_| export.gpl_only) {
            // A weak one is then as one that nobody exports.
            return (!weak).then(|| Misfit::GplOnly {
                symbol: symbol_name(),
                owner: owner(),
                licence: licence.clone(),
            });
        }
        // A symbol without a checksum of its own, or of which the module has none, is let through with a warning.
        let now = module.versions.as_ref().and_then(|versions| versions.get(symbol)).zip(export.crc);
        if now.is_some_and(|(then, now)| *then != now) {
            return Some(Misfit::Checksum { symbol: symbol_name(), owner: owner() });
        }
        let namespace = export.namespace.as_str();
        (!imports(name, module, namespace))
            .then(|| Misfit::Namespace { symbol: symbol_name(), namespace: namespace.to_owned() })
    }
}

/// Whether a module may use symbols of a namespace.
fn imports(name: &str, module: &Loadable, namespace: &str) -> bool {
    let is_it = |pattern: &str| {
        let pattern = pattern.replace('-', "_");
        pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
    };
    match namespace.strip_prefix(FOR_MODULES) {
        Some(list) => list.split(',').any(is_it),
        None => namespace.is_empty() || module.values("import_ns").any(|import| import == namespace),
    }
}

/// Modules whose licence is not compatible with the GPL, and those that use symbols of such: they inherit it, and with it that
/// nothing which is for the GPL only is open to them.
fn proprietary(modules: &BTreeMap<&str, Loadable>, own: &BTreeMap<&str, &Export>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, module) in modules {
        let licence = module.value("license").unwrap_or("unspecified");
        if !GPL_COMPATIBLE.contains(&licence) {
            found.insert(module_name(path), licence.chars().take(LICENCE_SHOWN).collect());
        }
    }
    loop {
        let before = found.len();
        for (path, module) in modules {
            let mut owners = module.needs.keys().filter_map(|symbol| own.get(symbol.as_str()));
            let inherited = owners.find_map(|export| found.get(&export.owner)).cloned();
            if let Some(licence) = inherited {
                found.entry(module_name(path)).or_insert(licence);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}
