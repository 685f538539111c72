//! Overlays: folders of files that profiles share, folded into a draft after its `extends` chain.
//!
//! A profile wins over its overlays; two overlays that disagree are an error, since their order means nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::checks::hidden_below;
use super::config_txt::line::settings;
use super::draft::{Draft, unit_choices};
use super::error::known_names;
use super::inherit::plain;
use super::parse::parse;
use super::resolved::glob_of;
use super::schema::OverlayToml;
use super::values::{Account, Line, ManifestGlob, Mode, Spanned};
use super::{ManifestTemplate, ProfileArtifact, ProfileError, ProfileFile, Workspace, artifact};
use crate::diagnostic::{Diagnostic, SourceText};
use crate::tree::{Content, parent};

/// What the overlays so far gave, with the name of the one that did.
#[derive(Debug, Default)]
struct Given {
    sysctl: BTreeMap<String, (String, String)>,
    units: BTreeMap<String, (bool, String)>,
    files: BTreeMap<String, ProfileFile>,
    artifacts: BTreeMap<String, ProfileArtifact>,
    /// Settings of config.txt, each with the filters that it stands under.
    config_txt: BTreeMap<String, (String, String)>,
}

/// Folds the overlays of `draft` into it.
///
/// # Errors
/// A broken overlay; two that give one thing differently; a file where something else needs a directory.
pub(super) fn fold(draft: &mut Draft, workspace: &Workspace) -> Result<(), ProfileError> {
    let mut given = Given::default();
    let decided: BTreeMap<String, String> = settings(draft.config_txt.lines()).into_iter().map(owned).collect();
    for name in draft.overlays.clone() {
        let Some(source) = workspace.overlay_toml(&name)? else {
            return Err(unknown(draft, &name, workspace));
        };
        let mut toml: OverlayToml = parse(&source)?;
        draft.marks.note_each("packages", &source, &toml.packages);
        draft.marks.note_each("kernel.modules", &source, &toml.modules);
        draft.marks.note_each("units.enable", &source, &toml.units.enable);
        add_missing(&mut draft.packages, toml.packages.drain(..).map(plain));
        add_missing(&mut draft.kernel.modules, toml.modules.drain(..).map(plain));
        mark_owners(draft, &toml, &source);
        let config = std::mem::take(&mut toml.board.config);
        for (key, value) in settings(config.iter().map(|line| line.0.get_ref().0.as_str())).into_iter().map(owned) {
            give(&mut given.config_txt, &decided, key, value, &name)?;
        }
        draft.config_txt.precede(config, &source, &mut draft.marks);
        for (key, value) in std::mem::take(&mut toml.sysctl) {
            give(&mut given.sysctl, &draft.sysctl, key.0, value.0, &name)?;
        }
        for (unit, enabled) in unit_choices(std::mem::take(&mut toml.units), &source)? {
            give(&mut given.units, &draft.units, unit, enabled, &name)?;
        }
        draft.marks.note_each("expects", &source, &toml.expects);
        draft.expects.extend(toml.expects.drain(..).map(plain));
        let artifacts = artifact::of(&name, &mut toml, draft.board, &source, &mut draft.marks)?;
        let verbatim = std::mem::take(&mut toml.verbatim);
        let files = files_of(&name, toml, &source, workspace)?;
        for (path, (span, artifact)) in artifacts {
            if files.contains_key(&path) {
                let message = format!("overlay `{name}` has a file for `/{path}` too");
                let hint = format!("remove `overlays/{name}/files/{path}`, or this entry");
                return Err(Diagnostic::new(&source, Some(span), message).hint(hint).into());
            }
            if draft.files.contains_key(&path) {
                continue;
            }
            if let Some(other) = given.artifacts.get(&path) {
                let (first, second) = (other.origin.clone(), artifact.origin);
                return Err(ProfileError::Conflict { what: format!("`/{path}`"), first, second });
            }
            given.artifacts.insert(path, artifact);
        }
        for (path, file) in files {
            if draft.files.contains_key(&path) {
                continue;
            }
            if let Some(other) = given.files.get(&path).filter(|other| !same_directory(other, &file)) {
                let first = other.origin.clone();
                return Err(ProfileError::Conflict { what: format!("`/{path}`"), first, second: file.origin });
            }
            given.files.insert(path, file);
        }
        for (file, template) in manifests_of(&name, verbatim, &source, workspace)? {
            if let Some(other) = draft.manifests.get(&file) {
                let (first, second) = (other.origin.clone(), template.origin);
                return Err(ProfileError::Conflict { what: format!("manifest `{file}`"), first, second });
            }
            draft.manifests.insert(file, template);
        }
    }
    draft.sysctl.extend(given.sysctl.into_iter().map(|(key, (value, _))| (key, value)));
    draft.units.extend(given.units.into_iter().map(|(unit, (enabled, _))| (unit, enabled)));
    draft.files.extend(given.files);
    draft.artifacts = given.artifacts;
    for (path, artifact) in &draft.artifacts {
        if let Some(file) = draft.files.get(path) {
            let (first, second) = (file.origin.clone(), artifact.origin.clone());
            return Err(ProfileError::Conflict { what: format!("`/{path}`"), first, second });
        }
    }
    let files = draft.files.iter().map(|(path, file)| (path.as_str(), (file.origin.as_str(), file.directory)));
    let artifacts = draft.artifacts.iter().map(|(path, artifact)| (path.as_str(), (artifact.origin.as_str(), false)));
    nothing_below_a_file(&files.chain(artifacts).collect())
}

/// The manifests of an overlay, by file name.
fn manifests_of(
    name: &str,
    verbatim: Vec<Spanned<ManifestGlob>>,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<BTreeMap<String, ManifestTemplate>, ProfileError> {
    let mut manifests = BTreeMap::new();
    for (file, source) in workspace.overlay_manifests(name)? {
        if file.contains('/') || file.strip_suffix(".yaml").is_none() {
            return Err(ProfileError::OddManifest { path: source.path.clone() });
        }
        manifests.insert(file, ManifestTemplate { source, origin: format!("overlay:{name}"), verbatim: false });
    }
    for glob in verbatim {
        let span = glob.0.span();
        let glob = plain(glob);
        let matcher = glob_of(&glob).expect("globs were checked when the overlay was read").compile_matcher();
        let mut found = false;
        for (_, template) in manifests.iter_mut().filter(|(file, _)| matcher.is_match(file.as_str())) {
            template.verbatim = true;
            found = true;
        }
        if !found {
            let message = format!("`{glob}` is no manifest of overlay `{name}`");
            let hint = format!("name files that lie in `overlays/{name}/manifests/`");
            return Err(Diagnostic::new(at, Some(span), message).hint(hint).into());
        }
    }
    Ok(manifests)
}

/// Notes where the owners of files are named that the profile does not give itself.
fn mark_owners(draft: &mut Draft, toml: &OverlayToml, at: &Arc<SourceText>) {
    let files = toml.files.iter().map(|entry| (&entry.path, &entry.user, &entry.group));
    let directories = toml.directories.iter().map(|entry| (&entry.path, &entry.user, &entry.group));
    for (path, user, group) in files.chain(directories) {
        let path = path.0.get_ref().0.trim_start_matches('/');
        if !draft.files.contains_key(path) {
            draft.marks.note_about("file.user", path, at, user.as_ref());
            draft.marks.note_about("file.group", path, at, group.as_ref());
        }
    }
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

fn owned((key, value): (String, &str)) -> (String, String) {
    (key, value.to_owned())
}

fn add_missing(list: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for value in more {
        if !list.contains(&value) {
            list.push(value);
        }
    }
}

/// Notes what an overlay gives, unless the profile decides it; another overlay may only have given the same.
fn give<T: PartialEq>(
    given: &mut BTreeMap<String, (T, String)>,
    decided: &BTreeMap<String, T>,
    key: String,
    value: T,
    overlay: &str,
) -> Result<(), ProfileError> {
    let origin = format!("overlay:{overlay}");
    match given.get(&key) {
        _ if decided.contains_key(&key) => {}
        Some((other, first)) if *other != value => {
            return Err(ProfileError::Conflict { what: format!("`{key}`"), first: first.clone(), second: origin });
        }
        _ => {
            given.insert(key, (value, origin));
        }
    }
    Ok(())
}

fn same_directory(one: &ProfileFile, two: &ProfileFile) -> bool {
    let metadata = |file: &ProfileFile| (file.directory, file.mode, file.user.clone(), file.group.clone());
    one.directory && metadata(one) == metadata(two)
}

/// Everything that one overlay puts into the image, by clean path.
fn files_of(
    name: &str,
    toml: OverlayToml,
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
        origin: format!("overlay:{name}"),
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
    for entry in toml.files {
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
    for entry in toml.directories {
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

/// Origins by path, and whether a directory is there.
fn nothing_below_a_file(files: &BTreeMap<&str, (&str, bool)>) -> Result<(), ProfileError> {
    for (path, (origin, _)) in files {
        let mut above = parent(path);
        while let Some(dir) = above {
            if let Some((blocking, false)) = files.get(dir) {
                return Err(ProfileError::FileAbove {
                    file: dir.to_owned(),
                    first: (*blocking).to_owned(),
                    path: (*path).to_owned(),
                    second: (*origin).to_owned(),
                });
            }
            above = parent(dir);
        }
    }
    Ok(())
}
