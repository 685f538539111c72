//! Where profiles and overlays come from: the workspace's folders, and beneath them, name by name, the ones that
//! are embedded in the program.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ProfileError;
use super::parse::parse;
use super::schema::WorkspaceToml;
use crate::diagnostic::SourceText;
use crate::files;

/// The top-level `profiles/` and `overlays/` folders by path, sorted (`build.rs`).
static EMBEDDED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Where a profile or an overlay comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Home {
    /// A file of the workspace, which wins.
    Workspace,
    /// Embedded in the program.
    Program,
}

impl Home {
    /// As lists show it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Program => "program",
        }
    }
}

/// A directory with a person's profiles, overlays and settings, over the embedded ones.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    root: Option<PathBuf>,
    mirror: Option<String>,
    k3s_mirror: Option<String>,
    k3s_channels: Option<String>,
    releases: Option<String>,
    release_key: Option<String>,
}

impl Workspace {
    /// Just what is embedded in the program.
    #[must_use]
    pub fn embedded() -> Self {
        Self::default()
    }

    /// The workspace at `root`, with its `imgbuild.toml` if it has one. An empty directory is a workspace too.
    ///
    /// # Errors
    /// An `imgbuild.toml` that cannot be read or is not valid.
    pub fn open(root: &Path) -> Result<Self, ProfileError> {
        let mut workspace = Self { root: Some(root.to_owned()), ..Self::default() };
        if let Some((bytes, shown)) = workspace.read_own("imgbuild.toml")? {
            let config: WorkspaceToml = parse(&text(bytes, shown)?)?;
            workspace.mirror = config.mirror.map(Into::into);
            workspace.k3s_mirror = config.k3s_mirror.map(Into::into);
            workspace.k3s_channels = config.k3s_channels.map(Into::into);
            workspace.releases = config.releases.map(Into::into);
            workspace.release_key = config.release_key;
        }
        Ok(workspace)
    }

    /// Its directory.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The `mirror` of its `imgbuild.toml`: the URL above `debian/` and `debian-security/`, or of `debian/`.
    #[must_use]
    pub fn mirror(&self) -> Option<&str> {
        self.mirror.as_deref()
    }

    /// The `k3s_mirror` of its `imgbuild.toml`: a URL that K3s's releases lie below.
    #[must_use]
    pub fn k3s_mirror(&self) -> Option<&str> {
        self.k3s_mirror.as_deref()
    }

    /// The `k3s_channels` of its `imgbuild.toml`: the URL of K3s's release channels.
    #[must_use]
    pub fn k3s_channels(&self) -> Option<&str> {
        self.k3s_channels.as_deref()
    }

    /// The `releases` of its `imgbuild.toml`: a URL that releases of its images lie below.
    #[must_use]
    pub fn releases(&self) -> Option<&str> {
        self.releases.as_deref()
    }

    /// The `release_key` of its `imgbuild.toml`: a minisign public key.
    #[must_use]
    pub fn release_key(&self) -> Option<&str> {
        self.release_key.as_deref()
    }

    /// The file at a clean relative path, its own one or the embedded one, and the path to show.
    pub(crate) fn read(&self, path: &str) -> Result<Option<(Vec<u8>, String)>, ProfileError> {
        if let Some(own) = self.read_own(path)? {
            return Ok(Some(own));
        }
        let embedded = EMBEDDED.binary_search_by_key(&path, |(name, _)| name).ok().map(|index| EMBEDDED[index].1);
        Ok(embedded.map(|bytes| (bytes.to_vec(), format!("<embedded>/{path}"))))
    }

    /// As [`Workspace::read`], for text.
    pub(super) fn read_text(&self, path: &str) -> Result<Option<Arc<SourceText>>, ProfileError> {
        self.read(path)?.map(|(bytes, shown)| text(bytes, shown)).transpose()
    }

    pub(crate) fn read_own(&self, path: &str) -> Result<Option<(Vec<u8>, String)>, ProfileError> {
        let Some(root) = &self.root else { return Ok(None) };
        let file = root.join(path);
        let shown = show(&file);
        match files::read(&file) {
            Ok(bytes) => Ok(Some((bytes, shown))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(ProfileError::Read { path: shown, source }),
        }
    }

    /// Whether the file at a clean relative path is the workspace's own.
    pub(super) fn owns(&self, path: &str) -> bool {
        self.root.as_ref().is_some_and(|root| root.join(path).exists())
    }

    /// Where the file at a clean relative path comes from.
    pub(super) fn home(&self, path: &str) -> Home {
        if self.owns(path) { Home::Workspace } else { Home::Program }
    }

    /// Where the overlay `name` comes from.
    pub(super) fn overlay_home(&self, name: &str) -> Home {
        self.home(&format!("overlays/{name}/overlay.toml"))
    }

    /// Whether it has a profile of this name itself.
    #[must_use]
    pub(crate) fn has_profile(&self, name: &str) -> bool {
        self.owns(&format!("profiles/{name}.toml"))
    }

    /// Names of all profiles, sorted.
    pub(crate) fn profile_names(&self) -> Result<Vec<String>, ProfileError> {
        self.names("profiles", |entry| entry.strip_suffix(".toml"))
    }

    /// Names of all overlays, sorted.
    pub(super) fn overlay_names(&self) -> Result<Vec<String>, ProfileError> {
        self.names("overlays", |entry| entry.strip_suffix("/overlay.toml"))
    }

    fn names(&self, folder: &str, name_of: impl Fn(&str) -> Option<&str>) -> Result<Vec<String>, ProfileError> {
        let mut names = Vec::new();
        for (path, _) in EMBEDDED {
            names
                .extend(path.strip_prefix(folder).and_then(|rest| name_of(rest.strip_prefix('/')?)).map(str::to_owned));
        }
        if let Some(root) = &self.root {
            let mut entries = BTreeMap::new();
            walk(&root.join(folder), "", 2, &mut entries)?;
            names.extend(entries.keys().filter_map(|entry| name_of(entry)).map(str::to_owned));
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The `overlay.toml` of the overlay `name`. The whole folder comes from one place: the workspace if it has the
    /// overlay, else the program.
    pub(super) fn overlay_toml(&self, name: &str) -> Result<Option<Arc<SourceText>>, ProfileError> {
        let path = format!("overlays/{name}/overlay.toml");
        match self.own_overlay(name) {
            Some(_) => self.read_own(&path)?.map(|(bytes, shown)| text(bytes, shown)).transpose(),
            None => self.read_text(&path),
        }
    }

    /// Its files, by path below `files/`.
    pub(super) fn overlay_files(&self, name: &str) -> Result<BTreeMap<String, Vec<u8>>, ProfileError> {
        let found = self.overlay_folder(name, "files")?;
        Ok(found.into_iter().map(|(path, (bytes, _))| (path, bytes)).collect())
    }

    /// Its templates of manifests, by path below `manifests/`.
    pub(super) fn overlay_manifests(&self, name: &str) -> Result<BTreeMap<String, Arc<SourceText>>, ProfileError> {
        self.overlay_texts(name, "manifests")
    }

    /// Its changes to the source of kernel modules, by path below `patches/`.
    pub(super) fn overlay_patches(&self, name: &str) -> Result<BTreeMap<String, Arc<SourceText>>, ProfileError> {
        self.overlay_texts(name, "patches")
    }

    /// The texts in a folder of an overlay, by path below it.
    fn overlay_texts(&self, name: &str, folder: &str) -> Result<BTreeMap<String, Arc<SourceText>>, ProfileError> {
        let found = self.overlay_folder(name, folder)?;
        found.into_iter().map(|(path, (bytes, shown))| Ok((path, text(bytes, shown)?))).collect()
    }

    /// What lies in a folder of an overlay: bytes and the path to show, by path below it.
    fn overlay_folder(&self, name: &str, folder: &str) -> Result<BTreeMap<String, (Vec<u8>, String)>, ProfileError> {
        if let Some(own) = self.own_overlay(name) {
            let mut found = BTreeMap::new();
            for dir in [own.clone(), own.join(folder)] {
                // As for files in it: what a link leads to may lie outside the workspace.
                if fs::symlink_metadata(&dir).is_ok_and(|meta| meta.is_symlink()) {
                    let hint = "make it a directory of the workspace: what a link leads to may lie outside";
                    return Err(ProfileError::OddFile { path: show(&dir), kind: "a symbolic link", hint });
                }
            }
            walk(&own.join(folder), "", usize::MAX, &mut found)?;
            return found.into_iter().map(|(path, file)| Ok((path, (read_plain(&file)?, show(&file))))).collect();
        }
        let folder = format!("overlays/{name}/{folder}/");
        let files = EMBEDDED.iter().filter_map(|(path, bytes)| Some((path, path.strip_prefix(&folder)?, *bytes)));
        Ok(files
            .map(|(path, below, bytes)| (below.to_owned(), (bytes.to_vec(), format!("<embedded>/{path}"))))
            .collect())
    }

    fn own_overlay(&self, name: &str) -> Option<PathBuf> {
        Some(self.root.as_ref()?.join("overlays").join(name)).filter(|folder| folder.is_dir())
    }
}

/// All that is not a directory below `dir`, at most `depth` levels down, by relative path. No directory, no files.
fn walk(dir: &Path, above: &str, depth: usize, found: &mut BTreeMap<String, PathBuf>) -> Result<(), ProfileError> {
    let failed = |source| ProfileError::Read { path: show(dir), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let Some(name) = entry.file_name().to_str().map(|name| format!("{above}{name}")) else {
            let hint = "give the file another name; paths of an image are UTF-8";
            return Err(ProfileError::OddFile { path: show(&path), kind: "a file whose name is not UTF-8", hint });
        };
        if entry.file_type().map_err(failed)?.is_dir() {
            if depth > 1 {
                walk(&path, &format!("{name}/"), depth - 1, found)?;
            }
        } else {
            found.insert(name, path);
        }
    }
    Ok(())
}

/// Links are not followed: what they lead to may lie outside the workspace and differs by host.
fn read_plain(path: &Path) -> Result<Vec<u8>, ProfileError> {
    let failed = |source| ProfileError::Read { path: show(path), source };
    let kind = fs::symlink_metadata(path).map_err(failed)?.file_type();
    if kind.is_symlink() {
        let hint = "declare a symbolic link in `overlay.toml`: [[file]] with `path` and `symlink`";
        return Err(ProfileError::OddFile { path: show(path), kind: "a symbolic link", hint });
    }
    if !kind.is_file() {
        let hint = "take it out; a file in `/usr/lib/tmpfiles.d` of the image makes pipes and devices at boot";
        return Err(ProfileError::OddFile { path: show(path), kind: "a pipe, socket or device", hint });
    }
    files::read(path).map_err(failed)
}

pub(crate) fn text(bytes: Vec<u8>, path: String) -> Result<Arc<SourceText>, ProfileError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::new(SourceText { path, text })),
        Err(error) => Err(ProfileError::Read { path, source: io::Error::new(io::ErrorKind::InvalidData, error) }),
    }
}

/// A path as a person would write it: without the `./` of the current directory.
fn show(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
