//! What a profile and its overlays give themselves, and which of them does.

use super::answer::{Asker, Given};
use super::packages::clean;
use crate::profile::{Origin, Overlay, Profile};

/// The file, link, directory or download that the profile puts at a clean path.
pub(super) fn file(profile: &Profile, path: &str) -> Option<Given> {
    let at = |given: &String| clean(given) == path;
    if let Some((given, file)) = profile.files.iter().find(|(given, _)| at(given)) {
        let kind = match &file.symlink {
            Some(target) => format!("a link of the profile, to `{target}`"),
            None if file.directory => "a directory of the profile".to_owned(),
            None => "a file of the profile".to_owned(),
        };
        let has = |overlay: &&Overlay| overlay.files.keys().any(at) || overlay.artifacts.keys().any(at);
        let others = profile.overlays.iter().filter(has);
        return Some(placed(profile, given, &file.origin, &kind, others));
    }
    let (given, artifact) = profile.artifacts.iter().find(|(given, _)| at(given))?;
    let kind = format!("a download of the profile, from {}", artifact.url);
    Some(placed(profile, given, &artifact.origin, &kind, std::iter::empty()))
}

/// What is at a path, and by whom; `having` are all overlays with something there.
fn placed<'a>(
    profile: &Profile,
    path: &str,
    origin: &Origin,
    kind: &str,
    having: impl Iterator<Item = &'a Overlay>,
) -> Given {
    let by = match profile.overlays.iter().find(|overlay| overlay.origin() == *origin) {
        Some(overlay) => of_overlay(overlay, path),
        None => profile.marks.givers("file.path", path).last().map(Asker::from),
    };
    // Two overlays may give the same directory, and then neither gives way.
    let instead_of =
        having.filter(|_| matches!(origin, Origin::Profile(_))).filter_map(|other| of_overlay(other, path));
    let left_out = if profile.dropped().is_match(path) { ", and `drop` leaves it out of the image" } else { "" };
    let says = format!("/{path} is {kind}{left_out}");
    Given { says, by: by.into_iter().collect(), instead_of: instead_of.collect() }
}

/// The file in an overlay's folder that becomes a path, or the line that describes it.
fn of_overlay(overlay: &Overlay, path: &str) -> Option<Asker> {
    let is_in_folder = overlay.files.get(path).is_some_and(|file| file.symlink.is_none() && !file.directory);
    if is_in_folder {
        return Some(Asker::new(&overlay.origin(), Some(format!("{}/files/{path}", overlay.folder)), None));
    }
    let described = ["overlay.file", "artifact.path"].into_iter().flat_map(|key| overlay.marks.givers(key, path));
    described.map(Asker::from).next()
}

/// A manifest of an overlay, by its file's name.
pub(super) fn manifest(profile: &Profile, name: &str) -> Option<Given> {
    let template = profile.manifests.get(name)?;
    let by = vec![Asker::new(&template.origin, Some(template.source.path.clone()), None)];
    Some(Given { says: format!("{name} is a manifest of the profile"), by, instead_of: Vec::new() })
}

/// Whether the profile switches a unit on or off.
pub(super) fn unit(profile: &Profile, name: &str) -> Option<Given> {
    let is = |list: &[String]| list.iter().any(|unit| unit == name);
    let enabled = is(&profile.enable);
    if !enabled && !is(&profile.disable) {
        return None;
    }
    let says = format!("{name} is {} by the profile", if enabled { "enabled" } else { "disabled" });
    let differs = |overlay: &Overlay| overlay.units.get(name).is_some_and(|choice| *choice != enabled);
    Some(told(profile, "units", name, says, differs))
}

/// A kernel module or a kernel setting of the profile, with its kind.
pub(super) fn setting(profile: &Profile, name: &str) -> Option<(&'static str, Given)> {
    if let Some(value) = profile.sysctl.get(name) {
        let says = format!("{name} is set to `{value}` by the profile");
        let differs = |overlay: &Overlay| overlay.sysctl.get(name).is_some_and(|other| other != value);
        return Some(("sysctl", told(profile, "sysctl", name, says, differs)));
    }
    if let Some(answer) = profile.debconf.get(name) {
        let says = format!("{name} is answered `{answer}` by the profile, where a package asks debconf");
        let differs = |overlay: &Overlay| overlay.debconf.get(name).is_some_and(|other| other != answer);
        return Some(("debconf", told(profile, "debconf", name, says, differs)));
    }
    // The kernel takes `-` and `_` for the same.
    let is = |module: &&String| module.replace('-', "_") == name.replace('-', "_");
    let lists = [
        ("kernel.modules", &profile.kernel.modules, "is loaded at boot, as a kernel module of the profile"),
        (
            "kernel.initrd_modules",
            &profile.kernel.initrd_modules,
            "is in the initrd, as a kernel module of the profile",
        ),
    ];
    lists.into_iter().find_map(|(key, modules, how)| {
        let module = modules.iter().find(is)?;
        Some(("module", told(profile, key, module, format!("{module} {how}"), |_| false)))
    })
}

/// A sentence with those whose word it is, and the overlays whose other word does not count.
fn told(profile: &Profile, key: &str, value: &str, says: String, differs: impl Fn(&Overlay) -> bool) -> Given {
    let others = profile.overlays.iter().filter(|overlay| differs(overlay));
    let instead_of = others.filter_map(|overlay| overlay.marks.givers(key, value).next().map(Asker::from));
    let by = profile.marks.givers(key, value).map(Asker::from).collect();
    Given { says, by, instead_of: instead_of.collect() }
}

/// Names that [`setting`] knows.
pub(super) fn settings(profile: &Profile) -> impl Iterator<Item = &str> {
    let modules = profile.kernel.modules.iter().chain(&profile.kernel.initrd_modules);
    modules.chain(profile.sysctl.keys()).chain(profile.debconf.keys()).map(String::as_str)
}

/// Paths that [`file`] knows.
pub(super) fn paths(profile: &Profile) -> impl Iterator<Item = &str> {
    profile.files.keys().chain(profile.artifacts.keys()).map(String::as_str)
}
