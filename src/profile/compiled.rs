//! `[kernel-module.NAME]` of overlays: kernel modules that are compiled, and the patches in the overlay's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::error::known_names;
use super::inherit::{plain, unique};
use super::marks::Written;
use super::schema::{KernelModuleTable, ModulePatchEntry};
use super::values::{Identifier, KernelConditions, MakeArgument, Spanned};
use super::{KernelModule, KernelRange, Marks, ModulePatch, ProfileError, Workspace};
use crate::diagnostic::{Diagnostic, SourceText};

/// How a module outside of the kernel's tree is made of its source (Documentation/kbuild/modules.rst of the kernel).
const MAKE: [&str; 4] = ["-C", "/lib/modules/{kernel}/build", "M={source}", "modules"];

/// The kernel modules of the overlay `name`, by name. `elsewhere` are the patches of those that it has for other values of its
/// parameters.
///
/// # Errors
/// None of a source; two files of one name; a patch that is not there, or that no entry names.
pub(super) fn of(
    name: &str,
    tables: BTreeMap<Identifier, KernelModuleTable>,
    elsewhere: BTreeSet<String>,
    by: &Written,
    marks: &mut Marks,
    workspace: &Workspace,
) -> Result<BTreeMap<String, KernelModule>, ProfileError> {
    let patches = workspace.overlay_patches(name)?;
    let mut named = elsewhere;
    let mut modules = BTreeMap::new();
    for (Identifier(module), table) in tables {
        note(&module, &table, by, marks);
        named.extend(table.patches.iter().map(|patch| patch.file.0.get_ref().0.clone()));
        let found = module_of(&module, table, by, &patches)?;
        modules.insert(module, found);
    }
    check_files(&modules, by, marks)?;
    match patches.iter().find(|(file, _)| !named.contains(*file)) {
        Some((file, patch)) => Err(ProfileError::IdlePatch { path: patch.path.clone(), file: file.clone() }),
        None => Ok(modules),
    }
}

/// Notes what later stages may find wrong.
fn note(module: &str, table: &KernelModuleTable, by: &Written, marks: &mut Marks) {
    marks.note_about("kernel-module.package", module, by, Some(&table.package));
    marks.note_about("kernel-module.kernels", module, by, table.kernels.as_ref());
    for path in &table.modules {
        marks.note_about("kernel-module.modules", &format!("{module} {}", path.0.get_ref().0), by, Some(path));
    }
    for package in &table.same_version {
        let about = format!("{module} {}", package.0.get_ref().0);
        marks.note_about("kernel-module.same_version", &about, by, Some(package));
    }
}

fn module_of(
    module: &str,
    table: KernelModuleTable,
    by: &Written,
    patches: &BTreeMap<String, Arc<SourceText>>,
) -> Result<KernelModule, ProfileError> {
    let at = &by.source;
    if table.modules.is_empty() {
        let message = format!("kernel module `{module}` makes no module");
        let wrong = Diagnostic::new(at, Some(table.package.0.span()), message);
        return Err(wrong.hint("name what is compiled of this package: `modules = [\"example.ko\"]`").into());
    }
    unique(at, table.patches.iter().map(|patch| (&*patch.file.0.get_ref().0, patch.file.0.span())))?;
    let patch = |entry| patch_of(entry, at, patches);
    let default = || MAKE.iter().map(|argument| (*argument).to_owned()).collect();
    Ok(KernelModule {
        package: plain(table.package),
        source: table.source.into(),
        patches: table.patches.into_iter().map(patch).collect::<Result<_, _>>()?,
        make: table.make.map_or_else(default, |make: Vec<MakeArgument>| make.into_iter().map(Into::into).collect()),
        modules: table.modules.into_iter().map(plain).collect(),
        kernels: table.kernels.map(|Spanned(kernels)| range(&kernels.into_inner())).unwrap_or_default(),
        same_version: table.same_version.into_iter().map(plain).collect(),
        origin: by.origin.clone(),
    })
}

fn patch_of(
    entry: ModulePatchEntry,
    at: &Arc<SourceText>,
    patches: &BTreeMap<String, Arc<SourceText>>,
) -> Result<ModulePatch, ProfileError> {
    let span = entry.file.0.span();
    let name = plain(entry.file);
    let Some(patch) = patches.get(&name) else {
        let folder = at.path.strip_suffix("overlay.toml").unwrap_or_default();
        let missing = Diagnostic::new(at, Some(span), format!("there is no patch `{folder}patches/{name}`"));
        let known: Vec<String> = patches.keys().cloned().collect();
        let hint = match known.as_slice() {
            [] => "put the file there, or take this entry out".to_owned(),
            known => known_names("patches", &name, known),
        };
        return Err(missing.hint(hint).into());
    };
    Ok(ModulePatch { name, text: patch.text.clone(), kernels: entry.kernels.as_ref().map(range).unwrap_or_default() })
}

fn range(KernelConditions(text): &KernelConditions) -> KernelRange {
    KernelRange::parse(text).expect("conditions were checked when the overlay was read")
}

/// Refuses two modules of one name: a kernel knows a module by its file's name alone, and one directory of the image has all.
fn check_files(modules: &BTreeMap<String, KernelModule>, by: &Written, marks: &Marks) -> Result<(), ProfileError> {
    let mut files: BTreeMap<String, &str> = BTreeMap::new();
    for (module, KernelModule { modules, .. }) in modules {
        for path in modules {
            let Some(first) = files.insert(file_name(path), path) else { continue };
            let message = format!("`{first}` and `{path}` are modules of one name");
            let about = format!("{module} {path}");
            let wrong = marks.mistake("kernel-module.modules", &about, message.clone());
            let wrong = wrong.unwrap_or_else(|| Diagnostic::new(&by.source, None::<Range<usize>>, message));
            return Err(wrong.hint("keep one of the two: a kernel knows a module by its file's name").into());
        }
    }
    Ok(())
}

/// The name of a module's file, as the kernel compares it: `-` and `_` are one (modprobe(8)).
pub(super) fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).replace('-', "_")
}
