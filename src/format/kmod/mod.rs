//! The kernel module index: what `depmod` writes below `/usr/lib/modules/VERSION`.
//!
//! [`Module::parse`] reads one module's ELF image; [`depmod`] orders the modules, finds who needs whom, and returns
//! the text and binary index files. The behaviour follows kmod 34 (tools/depmod.c, libkmod/libkmod-elf.c), down to
//! the order of lines, so that the result equals the real tool's byte for byte. The one exception is the text
//! file `modules.symbols`, whose order in kmod is that of a hash table: here it is sorted.
//!
//! [`fit`] says whether a kernel would load modules that were compiled apart from it, and if not, why.

mod depend;
mod exports;
mod fit;
mod index;
mod loadable;
mod misfit;
mod module;
mod texts;

pub use depend::DependError;
pub use exports::{KernelExports, SymversError};
pub use fit::{depends, fit, vermagic};
pub use misfit::{FitError, Misfit};
pub use module::{Module, ModuleError, module_name};

use depend::Graph;

/// The files that the kernel's own build leaves beside its modules, as depmod reads them.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuildFiles<'a> {
    /// `modules.order`: paths of modules, uncompressed names, in link order.
    pub order: &'a str,
    /// `modules.builtin`: paths of what is compiled in.
    pub builtin: &'a str,
    /// `modules.builtin.modinfo`: NUL-separated `name.key=value` records.
    pub builtin_modinfo: &'a [u8],
}

/// Computes the index files of a set of modules. Returns (file name, content), sorted by name.
///
/// # Errors
/// Modules that need each other in a circle, or in too many ways.
pub fn depmod(modules: Vec<Module>, files: BuildFiles<'_>) -> Result<Vec<(&'static str, Vec<u8>)>, DependError> {
    let graph = Graph::new(modules, files.order)?;
    let lines = texts::dependency_lines(&graph)?;
    Ok(vec![
        ("modules.alias", texts::aliases(&graph)),
        ("modules.alias.bin", texts::aliases_index(&graph)),
        ("modules.builtin.alias.bin", texts::builtin_aliases_index(files.builtin_modinfo)),
        ("modules.builtin.bin", texts::builtin_index(files.builtin)),
        ("modules.dep", texts::dependencies(&lines)),
        ("modules.dep.bin", texts::dependencies_index(&graph, &lines)),
        ("modules.devname", texts::device_names(&graph)),
        ("modules.softdep", texts::soft_dependencies(&graph)),
        ("modules.symbols", texts::symbols(&graph)),
        ("modules.symbols.bin", texts::symbols_index(&graph)),
        ("modules.weakdep", texts::weak_dependencies(&graph)),
    ])
}
