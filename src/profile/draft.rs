//! A profile in the making: the files of an `extends` chain laid over each other, the root of the chain first.
//!
//! Single values: the later file wins. Lists: the later file adds, or takes away with `-`. Tables and named
//! entries: by key.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::config_txt::ConfigDraft;
use super::entries::{file_of, network_of, source_of, user_of};
use super::inherit::{edit, not_inherited, plain, put, replace, unique};
use super::k3s::K3sDraft;
use super::marks::Written;
use super::params::{self, Settings};
use super::schema::{ImageTable, List, ProfileToml, SourceEntry, UnitsTable, UserEntry, apart};
use super::values::{Edit, Glob, PartitionSize, Spanned, Unit};
use super::{
    Board, ImageSettings, Kernel, KernelModule, ManifestTemplate, Marks, Network, Origin, Overlay, Profile,
    ProfileArtifact, ProfileError, ProfileFile, Recommends, Source, User, Workspace, cmdline, openings,
};
use crate::diagnostic::{Diagnostic, SourceText};

/// One file of the chain.
#[derive(Debug)]
pub(super) struct Layer {
    pub name: String,
    pub source: Arc<SourceText>,
    pub toml: ProfileToml,
}

/// What the files so far say.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub description: Option<String>,
    pub board: Option<Board>,
    pub config_txt: ConfigDraft,
    hostname: Option<String>,
    pub overlays: Vec<String>,
    /// Where each overlay was last named.
    pub overlay_places: BTreeMap<String, (Arc<SourceText>, Range<usize>)>,
    /// What is said of overlays' parameters, by overlay.
    pub settings: BTreeMap<String, Settings>,
    pub packages: Vec<String>,
    recommends: Option<bool>,
    /// Whether what packages recommend comes along, by their names.
    pub recommends_of: BTreeMap<String, bool>,
    drop: Vec<String>,
    /// What of `drop` a file of the chain takes away, and where; overlays may give it.
    undropped: BTreeMap<String, Undropped>,
    timezone: Option<String>,
    ntp: Vec<String>,
    locale: Option<String>,
    serial: Option<bool>,
    led: Option<String>,
    pub kernel: Kernel,
    pub sysctl: BTreeMap<String, String>,
    pub debconf: BTreeMap<String, String>,
    /// Whether a unit is enabled, by its name.
    pub units: BTreeMap<String, bool>,
    k3s: K3sDraft,
    image: ImageDraft,
    pub files: BTreeMap<String, ProfileFile>,
    pub artifacts: BTreeMap<String, ProfileArtifact>,
    pub kernel_modules: BTreeMap<String, KernelModule>,
    pub manifests: BTreeMap<String, ManifestTemplate>,
    pub expects: BTreeSet<String>,
    /// The overlays themselves, once they are read.
    pub combined: Vec<Overlay>,
    users: Vec<User>,
    networks: Vec<Network>,
    pub sources: Vec<Source>,
    pub marks: Marks,
}

/// An entry of `drop` that takes a glob away.
#[derive(Debug)]
struct Undropped {
    place: (Arc<SourceText>, Range<usize>),
    /// Whether anybody gives that glob.
    is_inherited: bool,
}

#[derive(Debug, Default)]
struct ImageDraft {
    boot: Option<u64>,
    root: Option<u64>,
    seed: Option<u64>,
    block_size: Option<u32>,
    level: Option<i32>,
}

impl Draft {
    /// Lays a file over what is there.
    ///
    /// # Errors
    /// Whatever is wrong in the file beyond single values.
    pub(super) fn lay(&mut self, layer: Layer, workspace: &Workspace) -> Result<(), ProfileError> {
        let Layer { name, source, toml } = layer;
        let by = &Written { origin: Origin::Profile(name.clone()), source };
        let at = &by.source;
        replace(&mut self.description, toml.description.map(Into::into));
        let (board, config) = toml.board.into_parts();
        replace(&mut self.board, board);
        self.config_txt.lay(config, by, &mut self.marks)?;
        replace(&mut self.hostname, toml.hostname.map(Into::into));
        self.marks.note_each("timezone", by, &toml.timezone);
        self.marks.note_each("locale", by, &toml.locale);
        replace(&mut self.timezone, toml.timezone.map(plain));
        replace(&mut self.locale, toml.locale.map(plain));
        replace(&mut self.serial, toml.serial);
        replace(&mut self.led, toml.status.led.map(Into::into));
        let ImageTable { boot, root, seed, .. } = &toml.image;
        for (key, size) in [("image.boot", boot), ("image.root", root), ("image.seed", seed)] {
            self.marks.note_about(key, "", by, size.as_ref());
        }
        let size = |size: Spanned<PartitionSize>| size.0.into_inner().0;
        replace(&mut self.image.boot, toml.image.boot.map(size));
        replace(&mut self.image.root, toml.image.root.map(size));
        replace(&mut self.image.seed, toml.image.seed.map(size));
        replace(&mut self.image.block_size, toml.image.block_size.map(|size| size.0));
        replace(&mut self.image.level, toml.image.level.map(|level| level.0));
        for Spanned(overlay) in &toml.overlays {
            if let Edit::Add(name) = overlay.get_ref() {
                self.overlay_places.insert(name.0.clone(), (Arc::clone(at), overlay.span()));
            }
        }
        let (packages, recommends_of) = apart(toml.packages, at)?;
        self.marks.note_added("packages", by, &packages);
        self.marks.note_added("kernel.modules", by, &toml.kernel.modules);
        self.marks.note_added("kernel.initrd_modules", by, &toml.kernel.initrd_modules);
        self.marks.note_added("kernel.cmdline", by, &toml.kernel.cmdline);
        self.marks.note_each("units.enable", by, &toml.units.enable);
        // What the program's own profiles and overlays switch off is for whoever has it; a file of the workspace names
        // what it knows.
        if workspace.owns(&format!("profiles/{name}.toml")) {
            self.marks.note_each("units.disable", by, &toml.units.disable);
        }
        params::check_names(&toml.settings, at, workspace)?;
        params::lay(&mut self.settings, toml.settings, by);
        edit(&mut self.overlays, toml.overlays, at)?;
        edit(&mut self.packages, packages, at)?;
        replace(&mut self.recommends, toml.recommends);
        self.recommends_of.extend(recommends_of);
        self.recommends_of.retain(|package, _| self.packages.contains(package));
        self.lay_drop(toml.drop, at);
        edit(&mut self.ntp, toml.ntp, at)?;
        replace(&mut self.kernel.version, toml.kernel.version.map(Into::into));
        edit(&mut self.kernel.modules, toml.kernel.modules, at)?;
        edit(&mut self.kernel.initrd_modules, toml.kernel.initrd_modules, at)?;
        edit(&mut self.kernel.cmdline, toml.kernel.cmdline, at)?;
        for (name, value) in toml.sysctl {
            self.marks.note_instead("sysctl", &name.0, by, value.0.span());
            self.sysctl.insert(name.0, value.0.into_inner().0);
        }
        for (question, reply) in toml.debconf {
            self.marks.note_instead("debconf", &question.0, by, reply.0.span());
            self.debconf.insert(question.0, reply.0.into_inner().0);
        }
        for Spanned(unit) in toml.units.enable.iter().chain(&toml.units.disable) {
            self.marks.note_instead("units", &unit.get_ref().0, by, unit.span());
        }
        self.units.extend(unit_choices(toml.units, at)?);
        self.marks.note_added("k3s.taints", by, &toml.k3s.taints);
        self.marks.note_added("k3s.preload", by, &toml.k3s.preload);
        self.k3s.lay(toml.k3s, at)?;
        unique(at, toml.files.iter().map(|file| (&*file.path.0.get_ref().0, file.path.0.span())))?;
        for file in toml.files {
            let path = file.path.0.get_ref().0.trim_start_matches('/');
            self.marks.note_about("file.path", path, by, Some(&file.path));
            self.marks.note_about("file.user", path, by, file.user.as_ref());
            self.marks.note_about("file.group", path, by, file.group.as_ref());
            let (path, file) = file_of(file, at, workspace, &by.origin)?;
            self.files.insert(path, file);
        }
        unique(at, toml.users.iter().map(|user| (&*user.name.0.get_ref().0, user.name.0.span())))?;
        for user in toml.users {
            self.mark_user(&user, by);
            put(&mut self.users, user_of(user), |user| &user.name);
        }
        unique(at, toml.networks.iter().map(|network| (&*network.name.0.get_ref().0, network.name.0.span())))?;
        for network in toml.networks {
            put(&mut self.networks, network_of(network, at)?, |network| &network.name);
        }
        unique(at, toml.sources.iter().map(|source| (&*source.name.0.get_ref().0, source.name.0.span())))?;
        for entry in toml.sources {
            note_source(&mut self.marks, &entry, by);
            put(&mut self.sources, source_of(entry, at, workspace)?, |source| &source.name);
        }
        Ok(())
    }

    /// Adds to what is left out of the image, and takes away what this chain or an overlay gives.
    fn lay_drop(&mut self, edits: List<Glob>, at: &Arc<SourceText>) {
        for Spanned(entry) in edits {
            let span = entry.span();
            match entry.into_inner() {
                Edit::Add(Glob(glob)) => {
                    self.undropped.remove(&glob);
                    add_missing(&mut self.drop, &[glob]);
                }
                Edit::Remove(Glob(glob)) => {
                    let is_inherited = self.drop.contains(&glob);
                    self.drop.retain(|inherited| *inherited != glob);
                    self.undropped.insert(glob, Undropped { place: (Arc::clone(at), span), is_inherited });
                }
            }
        }
    }

    /// Whether it takes something of `drop` away that only an overlay can give.
    pub(super) fn takes_from_overlays(&self) -> bool {
        self.undropped.values().any(|undropped| !undropped.is_inherited)
    }

    /// Leaves out of the image what overlays do, but for what the profile takes away.
    ///
    /// # Errors
    /// An entry that takes away what nobody gives.
    pub(super) fn drop_more<'a>(&mut self, globs: impl Iterator<Item = &'a String>) -> Result<(), ProfileError> {
        for glob in globs {
            match self.undropped.get_mut(glob) {
                Some(undropped) => undropped.is_inherited = true,
                None => add_missing(&mut self.drop, std::slice::from_ref(glob)),
            }
        }
        match self.undropped.iter().find(|(_, undropped)| !undropped.is_inherited) {
            Some((glob, Undropped { place: (at, span), .. })) => {
                Err(not_inherited(glob, self.drop.iter().map(String::as_str), at, span.clone()))
            }
            None => Ok(()),
        }
    }

    fn mark_user(&mut self, user: &UserEntry, by: &Written) {
        let name = &user.name.0.get_ref().0;
        self.marks.note_about("user", name, by, Some(&user.name));
        self.marks.note_about("user.shell", name, by, user.shell.as_ref());
        for group in &user.groups {
            self.marks.note_about("user.groups", &format!("{name} {}", group.0.get_ref().0), by, Some(group));
        }
    }

    /// Fills in the defaults and the board's own packages. `leaf` is the file that was asked for.
    ///
    /// # Errors
    /// No board, no source, or a file where another path needs a directory.
    pub(super) fn finish(mut self, name: &str, leaf: &Arc<SourceText>) -> Result<Profile, ProfileError> {
        let incomplete = |message: &str, hint: &str| Diagnostic::new(leaf, None, message).hint(hint);
        let Some(board) = self.board else {
            let hint = "it can be extended; to build it, add `board = \"uefi-amd64\"`, `\"uefi-arm64\"` or `\"rpi4\"`";
            return Err(incomplete(&format!("profile `{name}` names no board"), hint).into());
        };
        if self.sources.is_empty() {
            let hint = "write `extends = \"base\"`, which names Debian's archives, or add a [[source]]";
            return Err(incomplete(&format!("profile `{name}` has no package source"), hint).into());
        }
        for package in board.packages() {
            self.marks.note_unwritten("packages", package, Origin::Board(board));
            self.packages.push((*package).to_owned());
        }
        self.packages.sort();
        self.packages.dedup();
        let chosen = |wanted: bool| {
            self.units.iter().filter(|(_, enabled)| **enabled == wanted).map(|(unit, _)| unit.clone()).collect()
        };
        let k3s = self.k3s.finish(leaf, &self.marks)?;
        let config_txt = self.config_txt.finish(name, board)?;
        openings::refuse(&self.files, &self.users, &self.marks)?;
        cmdline::check_length(&self.kernel.cmdline, board, &self.marks, leaf)?;
        Ok(Profile {
            name: name.to_owned(),
            description: self.description.unwrap_or_default(),
            board,
            config_txt,
            hostname: self.hostname,
            packages: self.packages,
            recommends: Recommends::new(self.recommends.unwrap_or(false), self.recommends_of),
            // The image's paths have no leading slash.
            drop: self.drop.iter().map(|glob| glob.trim_start_matches('/').to_owned()).collect(),
            kernel: self.kernel,
            sysctl: self.sysctl,
            debconf: self.debconf,
            users: self.users,
            networks: self.networks,
            timezone: self.timezone.unwrap_or_else(|| "Etc/UTC".to_owned()),
            ntp: self.ntp,
            locale: self.locale.unwrap_or_else(|| "C.UTF-8".to_owned()),
            enable: chosen(true),
            disable: chosen(false),
            image: self.image.finish(),
            serial: self.serial.unwrap_or(false),
            led: self.led,
            k3s,
            sources: self.sources,
            files: self.files,
            artifacts: self.artifacts,
            kernel_modules: self.kernel_modules,
            manifests: self.manifests,
            expects: self.expects,
            overlays: self.combined,
            marks: self.marks,
        })
    }
}

impl ImageDraft {
    fn finish(self) -> ImageSettings {
        const MIB: u64 = 1 << 20;
        ImageSettings {
            // Kernel, initrd and the Pi's firmware take 50 MiB; boots have failed elsewhere on full boot partitions.
            boot_size: self.boot.unwrap_or(96 * MIB),
            root_size: self.root.unwrap_or(256 * MIB),
            seed_size: self.seed.unwrap_or(4 * MIB),
            block_size: self.block_size.unwrap_or(128 << 10),
            compression_level: self.level.unwrap_or(3),
        }
    }
}

/// Adds what of `more` a list has not yet.
pub(super) fn add_missing(list: &mut Vec<String>, more: &[String]) {
    for value in more {
        if !list.contains(value) {
            list.push(value.clone());
        }
    }
}

/// Notes what locking may find wrong with a source.
pub(super) fn note_source(marks: &mut Marks, entry: &SourceEntry, by: &Written) {
    let name = &entry.name.0.get_ref().0;
    for pattern in &entry.only {
        marks.note_about("source.only", &format!("{name} {}", pattern.0.get_ref().0), by, Some(pattern));
    }
}

/// Which units a file enables (`true`) and disables.
pub(super) fn unit_choices(units: UnitsTable, at: &Arc<SourceText>) -> Result<BTreeMap<String, bool>, ProfileError> {
    let name = |Spanned(unit): Spanned<Unit>| unit.into_inner().0;
    let mut choices: BTreeMap<String, bool> = units.enable.into_iter().map(|unit| (name(unit), true)).collect();
    for unit in units.disable {
        let span = unit.0.span();
        let unit = name(unit);
        if choices.get(&unit) == Some(&true) {
            let both = Diagnostic::new(at, Some(span), format!("`{unit}` is both enabled and disabled in this file"));
            return Err(both.hint("keep one of the two entries").into());
        }
        choices.insert(unit, false);
    }
    Ok(choices)
}
