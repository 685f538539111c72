//! Lays overlays under the profile that names them.
//!
//! What the profile says itself wins over its overlays; two overlays that disagree are an error, since their order means
//! nothing.

use std::collections::BTreeMap;

use super::compiled::file_name;
use super::config_txt::line::settings;
use super::draft::{Draft, add_missing};
use super::{KernelModule, Origin, Overlay, ProfileError, ProfileFile};
use crate::tree::parent;

/// Adds to `draft` what `overlays` give and it does not decide itself.
///
/// # Errors
/// Two overlays that give one thing differently; a file where something else needs a directory.
pub(super) fn combine(draft: &mut Draft, overlays: Vec<Overlay>) -> Result<(), ProfileError> {
    for overlay in &overlays {
        add_missing(&mut draft.packages, &overlay.packages);
        add_missing(&mut draft.kernel.modules, &overlay.modules);
        draft.expects.extend(overlay.expects.iter().cloned());
        draft.marks.extend(&overlay.marks, |key, value| match key {
            "sysctl" => !draft.sysctl.contains_key(value),
            "debconf" => !draft.debconf.contains_key(value),
            "units" => !draft.units.contains_key(value),
            "source.only" => !draft.sources.iter().any(|source| value.split(' ').next() == Some(source.name.as_str())),
            "file.user" | "file.group" => !draft.files.contains_key(value),
            _ => true,
        });
    }
    let of_package = |package: &str| format!("`recommends` of package `{package}`");
    let recommends = |overlay: &Overlay| overlay.recommends.clone();
    let given_recommends = given(&overlays, recommends, &draft.recommends_of, PartialEq::eq, of_package)?;
    draft.recommends_of.extend(given_recommends);
    let named = |key: &str| format!("`{key}`");
    let config_txt = |overlay: &Overlay| settings_of(overlay.config_txt.lines());
    let decided = settings_of(draft.config_txt.lines()).into_iter().collect();
    given(&overlays, config_txt, &decided, PartialEq::eq, named)?;
    for overlay in &overlays {
        draft.config_txt.precede(&overlay.config_txt);
    }
    draft.sysctl.extend(given(&overlays, |overlay| overlay.sysctl.clone(), &draft.sysctl, PartialEq::eq, named)?);
    draft.debconf.extend(given(&overlays, |overlay| overlay.debconf.clone(), &draft.debconf, PartialEq::eq, named)?);
    draft.units.extend(given(&overlays, |overlay| overlay.units.clone(), &draft.units, PartialEq::eq, named)?);
    let at_path = |path: &str| format!("`/{path}`");
    draft.artifacts = given(&overlays, |overlay| overlay.artifacts.clone(), &draft.files, |_, _| false, at_path)?;
    draft.files.extend(given(&overlays, |overlay| overlay.files.clone(), &draft.files, same_directory, at_path)?);
    let manifest = |file: &str| format!("manifest `{file}`");
    draft.manifests = given(&overlays, |overlay| overlay.manifests.clone(), &draft.manifests, |_, _| false, manifest)?;
    draft.drop_more(overlays.iter().flat_map(|overlay| &overlay.drop))?;
    let decided = draft.sources.iter().map(|source| (source.name.clone(), ())).collect();
    let source = |name: &str| format!("source `{name}`");
    draft
        .sources
        .extend(given(&overlays, |overlay| overlay.sources.clone(), &decided, PartialEq::eq, source)?.into_values());
    draft.kernel_modules = kernel_modules_of(&overlays)?;
    no_two_at_a_path(draft)?;
    draft.combined = overlays;
    Ok(())
}

/// What the overlays give, by key, where nothing is `decided`. Two of them may give the same, as `agree` has it; `named` is
/// what a message calls it.
fn given<T, I: IntoIterator<Item = (String, T)>, D>(
    overlays: &[Overlay],
    of: impl Fn(&Overlay) -> I,
    decided: &BTreeMap<String, D>,
    agree: impl Fn(&T, &T) -> bool,
    named: impl Fn(&str) -> String,
) -> Result<BTreeMap<String, T>, ProfileError> {
    let mut given: BTreeMap<String, (T, &Overlay)> = BTreeMap::new();
    for overlay in overlays {
        for (key, value) in of(overlay).into_iter().filter(|(key, _)| !decided.contains_key(key)) {
            if let Some((other, first)) = given.get(&key)
                && !agree(other, &value)
            {
                return Err(conflict(named(&key), first.origin(), overlay.origin()));
            }
            given.insert(key, (value, overlay));
        }
    }
    Ok(given.into_iter().map(|(key, (value, _))| (key, value)).collect())
}

/// The kernel modules that the overlays have compiled, by name.
fn kernel_modules_of(overlays: &[Overlay]) -> Result<BTreeMap<String, KernelModule>, ProfileError> {
    let mut modules = BTreeMap::new();
    let mut files: BTreeMap<String, &Origin> = BTreeMap::new();
    for (name, module) in overlays.iter().flat_map(|overlay| &overlay.kernel_modules) {
        let second = &module.origin;
        let two = |what: String, first: &Origin| {
            Err(ProfileError::TwoModules { what, first: first.clone(), second: second.clone() })
        };
        if let Some(KernelModule { origin: first, .. }) = modules.insert(name.clone(), module.clone()) {
            return two(format!("kernel module `{name}`"), &first);
        }
        for path in &module.modules {
            // Two of one overlay were refused when it was read.
            if let Some(first) = files.insert(file_name(path), second) {
                return two(format!("kernel module `{path}`"), first);
            }
        }
    }
    Ok(modules)
}

/// What lines of config.txt set.
fn settings_of<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    settings(lines).into_iter().map(|(key, value)| (key, value.to_owned())).collect()
}

fn conflict(what: String, first: Origin, second: Origin) -> ProfileError {
    ProfileError::Conflict { what, first, second }
}

fn same_directory(one: &ProfileFile, two: &ProfileFile) -> bool {
    let metadata = |file: &ProfileFile| (file.directory, file.mode, file.user.clone(), file.group.clone());
    one.directory && metadata(one) == metadata(two)
}

/// Refuses a file by URL beside a file of one path, and whatever stands where another path needs a directory.
fn no_two_at_a_path(draft: &Draft) -> Result<(), ProfileError> {
    // Whose a path is, and whether it is a directory.
    let mut paths: BTreeMap<&str, (&Origin, bool)> = BTreeMap::new();
    paths.extend(draft.files.iter().map(|(path, file)| (path.as_str(), (&file.origin, file.directory))));
    for (path, artifact) in &draft.artifacts {
        if let Some((first, _)) = paths.insert(path, (&artifact.origin, false)) {
            return Err(conflict(format!("`/{path}`"), first.clone(), artifact.origin.clone()));
        }
    }
    for (path, (origin, _)) in &paths {
        let mut above = parent(path);
        while let Some(dir) = above {
            if let Some((blocking, false)) = paths.get(dir) {
                return Err(ProfileError::FileAbove {
                    file: dir.to_owned(),
                    first: (*blocking).clone(),
                    path: (*path).to_owned(),
                    second: (*origin).clone(),
                });
            }
            above = parent(dir);
        }
    }
    Ok(())
}
