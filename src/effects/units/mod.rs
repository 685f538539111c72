//! Which units start: enablement as `systemctl preset`, `systemctl enable` and the profile have it.
//!
//! Way of the data: debhelper's sections of `postinst` scripts name units that are enabled on first installation as
//! far as presets allow (deb-systemd-helper runs `systemctl preset --preset-mode=enable-only`); hand-written
//! scripts call `systemctl enable` outright; the profile adds and takes away. Each unit's `[Install]` section
//! says which links that makes below `/etc/systemd`.
//!
//! The helper's own records in `/var/lib/systemd/deb-systemd-helper-enabled` are left out: they only serve upgrades by
//! dpkg, and `/var` begins empty on the node. A preset file of our own is put in front of all others instead: a
//! machine without a fixed machine-id counts every boot as its first and presets *all* units (systemd(1),
//! "First Boot Semantics"), which would enable much that was never meant to run.

mod install;
mod preset;
mod runs_as;

use std::collections::BTreeSet;
use std::fmt::Write as _;

pub use install::Install;
use install::Name;
pub use preset::{Preset, Presets};

use super::declared::Fault;
use super::error::did_you_mean;
use super::first_boot;
use super::ledger::{self, Snippet};
use super::{Context, EffectError};
use crate::diagnostic::Mistakes;
use crate::tree::{Kind, Node, Tree, parent};

const ORIGIN: &str = "effect:units";

/// The preset file that repeats what is enabled and disables the rest.
const PRESET_FILE: &str = "00-imgbuild.preset";

/// Enables what packages and profile want. Needs the files of packages, profile and overlays in the tree.
///
/// # Errors
/// A unit of the profile that does not exist; a link over a place that is taken; a unit whose account nothing makes.
pub fn units(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let (mut system, user) = of_packages(tree, context)?;
    let profile = context.profile;
    let mut unknown = Vec::new();
    for unit in &profile.enable {
        if !system.enable(tree, unit)? {
            match profile.marks.mistake("units.enable", unit, format!("nothing brings the unit `{unit}`")) {
                Some(mistake) => unknown.push(mistake.hint(advice(tree, unit, ADD))),
                None => return Err(unplaced(tree, unit)),
            }
        }
    }
    for unit in &profile.disable {
        // What is not there does not start; but whoever named it in a file of the workspace meant something else.
        if !system.knows(tree, unit)
            && let Some(mistake) =
                profile.marks.mistake("units.disable", unit, format!("nothing brings the unit `{unit}`"))
        {
            unknown.push(mistake.hint(advice(tree, unit, ADD)));
        }
        system.disable(tree, unit);
    }
    Mistakes::check(unknown).map_err(EffectError::Mistakes)?;
    runs_as::check(tree, context.declared, system.enabled.iter(), |name| system.text(tree, name))?;
    system.write_preset(tree)?;
    user.write_preset(tree)
}

/// What [`units`] would refuse of the units that the workspace's ledger declares.
///
/// # Errors
/// As [`units`], of these.
pub(super) fn rehearse(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let (system, _) = of_packages(tree, context)?;
    let declared = context.declared.each(|effects| &effects.units).map(|(_, unit)| &unit.get_ref().0);
    let enabled = declared.filter(|unit| !context.profile.disable.contains(unit));
    runs_as::check(tree, context.declared, enabled, |name| system.text(tree, name))
}

/// Enables what packages want, and what the workspace's ledger declares beside their scripts.
///
/// # Errors
/// A link over a place that is taken; a declared unit that does not exist or is enabled already.
fn of_packages(tree: &mut Tree, context: &Context<'_>) -> Result<(Manager, Manager), EffectError> {
    let mut system = Manager::new(tree, "system");
    let mut user = Manager::new(tree, "user");
    for package in context.packages {
        for snippet in ledger::snippets(package) {
            if let Snippet::Enable { unit, user: for_users } = snippet {
                let manager = if for_users { &mut user } else { &mut system };
                manager.preset(tree, &unit)?;
            }
        }
        // Of a script that was evaluated it is known which of its commands were carried out.
        if context.requests.evaluated.contains(&package.name) {
            continue;
        }
        for unit in explicit(&ledger::hand_written(package)) {
            system.enable(tree, &unit)?;
        }
    }
    for unit in first_boot::first_boot(tree, context)? {
        system.enable(tree, &unit)?;
    }
    for unit in &context.requests.preset {
        system.preset(tree, unit)?;
    }
    for unit in &context.requests.enable {
        system.enable(tree, unit)?;
    }
    for unit in &context.requests.disable {
        system.disable(tree, unit);
    }
    for unit in &context.requests.preset_user {
        user.preset(tree, unit)?;
    }
    for unit in &context.requests.enable_user {
        user.enable(tree, unit)?;
    }
    for (entry, unit) in context.declared.each(|effects| &effects.units) {
        let name = &unit.get_ref().0;
        let fault = match system.fault(tree, name) {
            None if system.enable(tree, name)? => continue,
            fault => fault.unwrap_or_else(|| {
                let otherwise = "write the name of a unit that the package ships, or take it out of ledger.toml";
                Fault::new("nothing brings it", advice(tree, name, otherwise))
            }),
        };
        return Err(entry.refuse(unit, format!("unit `{name}`"), fault));
    }
    Ok((system, user))
}

fn unplaced(tree: &Tree, unit: &str) -> EffectError {
    EffectError::refused(format!("unit `{unit}`"), "the profile enables it, but nothing brings it")
        .with_hint(advice(tree, unit, ADD))
}

/// What helps where a profile names a unit that is not there.
const ADD: &str = "add the package, overlay or file that brings it, or take it out of the list";

/// What helps against a unit that is not there.
fn advice(tree: &Tree, unit: &str, otherwise: &str) -> String {
    const UNITS: &str = "usr/lib/systemd/system";
    let names = tree.below(UNITS).filter_map(|(path, _)| path.strip_prefix(UNITS)?.strip_prefix('/'));
    let names = names.filter(|name| !name.contains('/'));
    did_you_mean(unit, names, otherwise)
}

/// The units of literal `systemctl enable` commands.
fn explicit(script: &str) -> Vec<String> {
    let mut units = Vec::new();
    for line in script.lines() {
        let mut words = line.split_whitespace().skip_while(|word| *word == "if" || *word == "!");
        if words.next() != Some("systemctl") {
            continue;
        }
        let mut words = words.skip_while(|word| word.starts_with("${DPKG_ROOT:+") || word.starts_with('-'));
        if words.next() == Some("enable") {
            // `--now` starts them as well, which is for a running system.
            let words = words.skip_while(|word| word.starts_with('-'));
            units.extend(words.take_while(|word| word.contains('.') && !word.contains('$')).map(str::to_owned));
        }
    }
    units
}

/// The system's service manager, or that of all users.
struct Manager {
    /// `system` or `user`.
    instance: &'static str,
    presets: Presets,
    enabled: BTreeSet<String>,
}

impl Manager {
    fn new(tree: &Tree, instance: &'static str) -> Self {
        Self { instance, presets: Presets::read(tree, &format!("{instance}-preset")), enabled: BTreeSet::new() }
    }

    /// Enables `unit` if presets do not say otherwise.
    fn preset(&mut self, tree: &mut Tree, unit: &str) -> Result<(), EffectError> {
        if self.presets.query(unit) == Preset::Enable {
            self.enable(tree, unit)?;
        }
        Ok(())
    }

    /// Makes the links of `unit` and of the units it names with `Also=`. Says whether the unit exists.
    fn enable(&mut self, tree: &mut Tree, unit: &str) -> Result<bool, EffectError> {
        let Some((path, text)) = self.find(tree, &Name::parse(unit).file()) else { return Ok(false) };
        if !self.enabled.insert(unit.to_owned()) {
            return Ok(true);
        }
        let install = Install::parse(&text);
        for link in install.links(unit) {
            let at = format!("etc/systemd/{}/{link}", self.instance);
            // As systemctl: what is already there (an administrator's choice, or a mask) stays.
            tree.put_new(&at, Node::symlink(format!("/{path}")).from(ORIGIN))?;
        }
        for also in &install.also {
            self.enable(tree, also)?;
        }
        Ok(true)
    }

    /// Why enabling `unit`, which is there, would change nothing.
    fn fault(&self, tree: &Tree, unit: &str) -> Option<Fault> {
        let (_, text) = self.find(tree, &Name::parse(unit).file())?;
        if self.enabled.contains(unit) {
            return Some(Fault::idle("it is enabled already"));
        }
        let mask = format!("etc/systemd/{}/{unit}", self.instance);
        if matches!(tree.get(&mask).map(|node| &node.kind), Some(Kind::Symlink(to)) if to == "/dev/null") {
            let cure = format!("take away what masks it, the link `/{mask}`, or take the unit out of ledger.toml");
            return Some(Fault::new("it is masked", cure));
        }
        let install = Install::parse(&text);
        (install.links(unit).is_empty() && install.also.is_empty()).then(|| {
            let cure = "it is started by others, or not at all: take it out of ledger.toml";
            Fault::new("its `[Install]` section names nothing that would start it", cure)
        })
    }

    /// Whether a file or link makes `unit` known, by itself or by its template.
    fn knows(&self, tree: &Tree, unit: &str) -> bool {
        let template = Name::parse(unit).file();
        let dirs = ["etc/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];
        let paths =
            dirs.iter().flat_map(|dir| [unit, &*template].map(|name| format!("{dir}/{}/{name}", self.instance)));
        paths.into_iter().any(|path| tree.contains(&path))
    }

    /// Takes away every link by which `unit` would be started or is known by another name.
    fn disable(&mut self, tree: &mut Tree, unit: &str) {
        let dir = format!("etc/systemd/{}", self.instance);
        let links: Vec<String> = tree
            .below(&dir)
            .filter(|(path, node)| {
                let Kind::Symlink(target) = &node.kind else { return false };
                target != "/dev/null" && (base_name(path) == unit || base_name(target) == unit)
            })
            .map(|(path, _)| path.to_owned())
            .collect();
        for link in links {
            tree.remove(&link);
            if let Some(dir) = parent(&link)
                && tree.below(dir).next().is_none()
            {
                tree.remove(dir);
            }
        }
        self.enabled.remove(unit);
    }

    /// Where the unit file `name` lies, and what it says.
    fn find(&self, tree: &Tree, name: &str) -> Option<(String, String)> {
        ["etc/systemd", "usr/local/lib/systemd", "usr/lib/systemd"].iter().find_map(|dir| {
            let path = format!("{dir}/{}/{name}", self.instance);
            let text = tree.file(&path)?.text().ok()?;
            Some((path, text))
        })
    }

    /// What the file of `unit` says.
    fn text(&self, tree: &Tree, unit: &str) -> Option<String> {
        self.find(tree, &Name::parse(unit).file()).map(|(_, text)| text)
    }

    fn write_preset(&self, tree: &mut Tree) -> Result<(), EffectError> {
        let mut text = String::from("# What this image enables. Nothing else is enabled on a first boot.\n");
        for unit in &self.enabled {
            let _ = writeln!(text, "enable {unit}");
        }
        text.push_str("disable *\n");
        let path = format!("usr/lib/systemd/{}-preset/{PRESET_FILE}", self.instance);
        tree.put(&path, Node::file(0o644, text).from(ORIGIN))?;
        Ok(())
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
