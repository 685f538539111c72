//! Overlays: folders of files that profiles share, with what those files need. Each is read here for itself, into a value;
//! `combine` lays them under a profile.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::architectures::Architectures;
use super::checks::hidden_below;
use super::config_txt::Block;
use super::draft::{Draft, note_source, unit_choices};
use super::entries::source_of;
use super::error::known_names;
use super::inherit::{plain, unique};
use super::marks::Written;
use super::parse::parse;
use super::resolved::glob_of;
use super::schema::{DirectoryEntry, OverlayEntry, OverlayToml, SourceEntry, UnitsTable, apart};
use super::values::{Account, Line, ManifestGlob, Mode, Spanned};
use super::{
    KernelModule, ManifestTemplate, Marks, Origin, Params, Port, ProfileArtifact, ProfileError, ProfileFile, Source,
    Via, Workspace, artifact, compiled, params, ports, via,
};
use crate::diagnostic::{Diagnostic, SourceText};
use crate::tree::Content;

/// An overlay as it is by itself, for one board.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Its folder, as messages show it.
    pub folder: String,
    /// The values of its parameters; those that have none are left out.
    pub params: Params,
    /// Roles that it has, its own name among them.
    pub provides: BTreeSet<String>,
    /// Roles that an overlay of its profile must have.
    pub needs: BTreeSet<String>,
    /// Roles that no other overlay of its profile may have.
    pub conflicts: BTreeSet<String>,
    pub(super) architectures: Architectures,
    /// What it opens on nodes.
    pub ports: BTreeSet<Port>,
    pub packages: Vec<String>,
    /// Whether what packages recommend comes along, by their names.
    pub recommends: BTreeMap<String, bool>,
    /// Archives by name.
    pub sources: BTreeMap<String, Source>,
    /// Globs of what the image leaves out, with a leading slash.
    pub drop: Vec<String>,
    /// Kernel modules that are loaded at boot.
    pub modules: Vec<String>,
    pub(super) config_txt: Block,
    /// Kernel settings by sysctl name.
    pub sysctl: BTreeMap<String, String>,
    /// Answers to debconf's questions.
    pub debconf: BTreeMap<String, String>,
    /// Whether a unit is enabled, by its full name.
    pub units: BTreeMap<String, bool>,
    /// By clean path.
    pub files: BTreeMap<String, ProfileFile>,
    /// By clean path; those for the board's architecture alone.
    pub artifacts: BTreeMap<String, ProfileArtifact>,
    /// Kernel modules that it has compiled, by name.
    pub kernel_modules: BTreeMap<String, KernelModule>,
    /// How its manifests reach the cluster.
    pub via: Via,
    /// Templates by file name.
    pub manifests: BTreeMap<String, ManifestTemplate>,
    /// What its manifests need and something in the cluster makes.
    pub expects: BTreeSet<String>,
    /// Where all this was written.
    pub marks: Marks,
}

impl Overlay {
    /// It, as whom its values are from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::Overlay(self.name.clone())
    }
}

/// The overlays that `draft` names, in its order.
///
/// # Errors
/// One that is not there, or is broken.
pub(super) fn of(draft: &Draft, workspace: &Workspace) -> Result<Vec<Overlay>, ProfileError> {
    let mut overlays = Vec::new();
    for name in &draft.overlays {
        let Some(source) = workspace.overlay_toml(name)? else { return Err(unknown(draft, name, workspace)) };
        overlays.push(read(name, source, draft, workspace)?);
    }
    Ok(overlays)
}

/// An overlay for a profile's board and settings, of its `overlay.toml` and its folder. A profile without a board is refused
/// elsewhere.
pub(super) fn read(
    name: &str,
    source: Arc<SourceText>,
    draft: &Draft,
    workspace: &Workspace,
) -> Result<Overlay, ProfileError> {
    let mut toml: OverlayToml = parse(&source)?;
    via::refuse_parameter(&toml, &source)?;
    let elsewhere = params::patches(&toml.whens);
    let conditional = params::manifests(&toml.whens);
    let of_cluster = params::of_cluster(&toml);
    let mut architectures = Architectures::of(&toml);
    let params = params::apply(name, &mut toml, &mut architectures, draft.settings.get(name), &source)?;
    let (packages, recommends) = apart(std::mem::take(&mut toml.packages), &source)?;
    let by = Written { origin: Origin::Overlay(name.to_owned()), source };
    let mut marks = marks_of(&toml, &by);
    marks.note_each("packages", &by, &packages);
    params::note(&mut marks, name, draft.settings.get(name));
    let at = &by.source;
    let artifacts = artifact::of(&mut toml, draft.board, &by, &mut marks)?;
    let files = files_of(name, std::mem::take(&mut toml.files), std::mem::take(&mut toml.directories), at, workspace)?;
    if let Some((path, (span, _))) = artifacts.iter().find(|(path, _)| files.contains_key(*path)) {
        let message = format!("overlay `{name}` has a file for `/{path}` too");
        let hint = format!("remove `overlays/{name}/files/{path}`, or this entry");
        return Err(Diagnostic::new(at, Some(span.clone()), message).hint(hint).into());
    }
    let kernel_modules =
        compiled::of(name, std::mem::take(&mut toml.kernel_modules), elsewhere, &by, &mut marks, workspace)?;
    let chosen = (toml.verbatim, conditional, &*toml.held);
    let mut manifests = manifests_of(name, (&params, &of_cluster), chosen, at, workspace)?;
    let via = via::of(name, !manifests.is_empty(), toml.via.as_ref(), draft.settings.get(name), at)?;
    for template in manifests.values_mut() {
        template.via = via;
    }
    Ok(Overlay {
        name: name.to_owned(),
        description: toml.description.map(Into::into).unwrap_or_default(),
        folder: at.path.strip_suffix("/overlay.toml").unwrap_or(&at.path).to_owned(),
        provides: toml.provides.into_iter().map(plain).chain([name.to_owned()]).collect(),
        needs: toml.needs.into_iter().map(plain).collect(),
        conflicts: toml.conflicts.into_iter().map(plain).collect(),
        sources: sources_of(toml.sources, at, workspace)?,
        architectures,
        ports: ports::ports_of(toml.ports, at)?,
        drop: toml.drop.into_iter().map(plain).collect(),
        packages: packages.into_iter().map(plain).collect(),
        recommends,
        modules: toml.modules.into_iter().map(plain).collect(),
        config_txt: Block::new(toml.board.config, at),
        sysctl: toml.sysctl.into_iter().map(|(key, value)| (key.0, value.0.into_inner().0)).collect(),
        debconf: toml.debconf.into_iter().map(|(key, reply)| (key.0, reply.0.into_inner().0)).collect(),
        units: unit_choices(toml.units, at)?,
        files,
        artifacts: artifacts.into_iter().map(|(path, (_, artifact))| (path, artifact)).collect(),
        kernel_modules,
        via,
        manifests,
        params,
        expects: toml.expects.into_iter().map(plain).collect(),
        marks,
    })
}

/// Where the values of an overlay were written.
fn marks_of(toml: &OverlayToml, by: &Written) -> Marks {
    let mut marks = Marks::default();
    marks.note_each("needs", by, &toml.needs);
    marks.note_each("kernel.modules", by, &toml.modules);
    marks.note_each("board.config", by, &toml.board.config);
    for (key, value) in &toml.sysctl {
        marks.note("sysctl", &key.0, by, value.0.span());
    }
    for (question, reply) in &toml.debconf {
        marks.note("debconf", &question.0, by, reply.0.span());
    }
    let UnitsTable { enable, disable } = &toml.units;
    marks.note_each("units.enable", by, enable);
    marks.note_each("units", by, enable.iter().chain(disable));
    marks.note_about("via", "", by, toml.via.as_ref());
    marks.note_each("expects", by, &toml.expects);
    for entry in &toml.sources {
        note_source(&mut marks, entry, by);
    }
    let files = toml.files.iter().map(|entry| (&entry.path, &entry.user, &entry.group));
    let directories = toml.directories.iter().map(|entry| (&entry.path, &entry.user, &entry.group));
    for (path, user, group) in files.chain(directories) {
        let about = path.0.get_ref().0.trim_start_matches('/');
        marks.note_about("overlay.file", about, by, Some(path));
        marks.note_about("file.user", about, by, user.as_ref());
        marks.note_about("file.group", about, by, group.as_ref());
    }
    marks
}

/// The archives of an overlay, by name.
fn sources_of(
    entries: Vec<SourceEntry>,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<BTreeMap<String, Source>, ProfileError> {
    unique(at, entries.iter().map(|entry| (&*entry.name.0.get_ref().0, entry.name.0.span())))?;
    let sources = entries.into_iter().map(|entry| source_of(entry, at, workspace));
    sources.map(|source| source.map(|source| (source.name.clone(), source))).collect()
}

/// The manifests of an overlay, by file name: but for those that conditions name and none that holds does.
fn manifests_of(
    name: &str,
    (params, of_cluster): (&Params, &BTreeSet<String>),
    (verbatim, conditional, held): (Vec<Spanned<ManifestGlob>>, Vec<Spanned<ManifestGlob>>, &[String]),
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<BTreeMap<String, ManifestTemplate>, ProfileError> {
    let mut manifests = BTreeMap::new();
    for (file, source) in workspace.overlay_manifests(name)? {
        if file.contains('/') || file.strip_suffix(".yaml").is_none() {
            return Err(ProfileError::OddManifest { path: source.path.clone() });
        }
        let origin = Origin::Overlay(name.to_owned());
        let (params, of_cluster) = (params.clone(), of_cluster.clone());
        let (verbatim, via) = (false, Via::default());
        manifests.insert(file, ManifestTemplate { source, origin, params, of_cluster, verbatim, via });
    }
    let named = |globs: Vec<Spanned<ManifestGlob>>, manifests: &BTreeMap<String, ManifestTemplate>| {
        let mut found = BTreeSet::new();
        for glob in globs {
            let span = glob.0.span();
            let glob = plain(glob);
            let files = matching(&glob, manifests);
            if files.is_empty() {
                let message = format!("`{glob}` is no manifest of overlay `{name}`");
                let hint = format!("name files that lie in `overlays/{name}/manifests/`");
                return Err(Diagnostic::new(at, Some(span), message).hint(hint));
            }
            found.extend(files);
        }
        Ok(found)
    };
    for file in named(verbatim, &manifests)? {
        manifests.entry(file).and_modify(|template| template.verbatim = true);
    }
    let held: BTreeSet<String> = held.iter().flat_map(|glob| matching(glob, &manifests)).collect();
    let conditional = named(conditional, &manifests)?;
    manifests.retain(|file, _| !conditional.contains(file) || held.contains(file));
    Ok(manifests)
}

/// The manifests that a glob means.
fn matching(glob: &str, manifests: &BTreeMap<String, ManifestTemplate>) -> Vec<String> {
    let matcher = glob_of(glob).expect("globs were checked when the overlay was read").compile_matcher();
    manifests.keys().filter(|file| matcher.is_match(file.as_str())).cloned().collect()
}

fn unknown(draft: &Draft, name: &str, workspace: &Workspace) -> ProfileError {
    let known = match workspace.overlay_names() {
        Ok(known) => known,
        Err(error) => return error,
    };
    let (source, span) = &draft.overlay_places[name];
    let hint = format!(
        "{}; an overlay is a folder `overlays/NAME/` with an `overlay.toml`",
        known_names("overlays", name, &known)
    );
    Diagnostic::new(source, Some(span.clone()), format!("there is no overlay `{name}`")).hint(hint).into()
}

/// Everything that one overlay puts into the image, by clean path.
fn files_of(
    name: &str,
    entries: Vec<OverlayEntry>,
    directories: Vec<DirectoryEntry>,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<BTreeMap<String, ProfileFile>, ProfileError> {
    let of_root = |content: Content, mode: u16| ProfileFile {
        content,
        mode,
        user: "root".to_owned(),
        group: "root".to_owned(),
        symlink: None,
        directory: false,
        origin: Origin::Overlay(name.to_owned()),
    };
    let found = workspace.overlay_files(name)?;
    if let Some((path, top)) = found.keys().find_map(|path| Some((path, hidden_below(path)?))) {
        let path = format!("overlays/{name}/files/{path}");
        return Err(ProfileError::Hidden { path, top: format!("/{top}") });
    }
    let found = found.into_iter();
    let mut files: BTreeMap<_, _> = found.map(|(path, bytes)| (path, of_root(bytes.into(), 0o644))).collect();
    let mut declared = BTreeSet::new();
    let mut once = |path: &str, span: Range<usize>| {
        if declared.insert(path.to_owned()) {
            return Ok(());
        }
        let twice = Diagnostic::new(at, Some(span), format!("`{path}` is given twice in this file"));
        Err(twice.hint("keep one of the two entries"))
    };
    for entry in entries {
        let (path, span) = (entry.path.0.get_ref().0.as_str(), entry.path.0.span());
        once(path, span.clone())?;
        let wrong = |message: String, hint: String| Diagnostic::new(at, Some(span), message).hint(hint);
        let key = path.trim_start_matches('/').to_owned();
        match (files.contains_key(&key), &entry.symlink) {
            (false, None) => {
                let message = format!("overlay `{name}` has no file for `{path}`");
                let hint = format!("add `overlays/{name}/files/{key}`, or `symlink` if it is a link");
                return Err(wrong(message, hint).into());
            }
            (true, Some(_)) => {
                let message = format!("`{path}` is declared a link, yet there is a file for it");
                return Err(wrong(message, format!("remove `overlays/{name}/files/{key}` or `symlink`")).into());
            }
            _ => {}
        }
        let file = files.entry(key).or_insert_with(|| of_root("".into(), 0o644));
        describe(file, entry.mode, entry.user, entry.group);
        file.symlink = entry.symlink.map(|Line(target)| target);
    }
    for entry in directories {
        let (path, span) = (entry.path.0.get_ref().0.as_str(), entry.path.0.span());
        once(path, span)?;
        let mut directory = of_root("".into(), 0o755);
        directory.directory = true;
        describe(&mut directory, entry.mode, entry.user, entry.group);
        files.insert(path.trim_start_matches('/').to_owned(), directory);
    }
    Ok(files)
}

fn describe(
    file: &mut ProfileFile,
    mode: Option<Mode>,
    user: Option<Spanned<Account>>,
    group: Option<Spanned<Account>>,
) {
    if let Some(Mode(mode)) = mode {
        file.mode = mode;
    }
    if let Some(user) = user {
        file.user = plain(user);
    }
    if let Some(group) = group {
        file.group = plain(group);
    }
}
