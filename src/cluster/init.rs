//! `imgbuild init`: the files of a new workspace, those of the folder `workspace/` at the top of the source tree.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{FILE, json_schema};
use crate::files;
use crate::profile::Workspace;

/// Files that a fresh repository often has already.
const README: &str = "README.md";
const IGNORED: &str = ".gitignore";
/// The profile of the control node, and the directory that it is in.
const SERVER: &str = "profiles/server.toml";
const PROFILES: &str = "profiles";

/// Why a workspace was not made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("`{}` already has a {name}", dir.display())]
    Taken { dir: PathBuf, name: &'static str },
    #[error("`{}` is a file, not a directory for a workspace", dir.display())]
    NoDirectory { dir: PathBuf },
    /// git reads no rules through a symbolic link (gitignore(5)).
    #[error("{} is a symbolic link, through which git reads no rules: secrets.toml would not be ignored", path.display())]
    Link { path: PathBuf },
    #[error("cannot write {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl InitError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Taken { name, .. } if *name == FILE => "edit it, or name another directory; nothing was written",
            Self::Taken { .. } => "move it away, or name another directory; nothing was written",
            Self::Link { .. } => "put a file with the same lines in its place; nothing was written",
            Self::NoDirectory { .. } => "name a directory, which is made if need be",
            Self::Io { .. } => "name a directory that you may write to",
        };
        Some(text.to_owned())
    }
}

/// Paths and texts of a new workspace, the cluster file last: where it is, all is.
fn files() -> [(&'static str, String); 7] {
    let schema = json_schema(&Workspace::embedded()).expect("the program's own overlays are sound");
    [
        (IGNORED, include_str!("../../workspace/gitignore").to_owned()),
        (README, include_str!("../../workspace/README.md").to_owned()),
        ("cluster.schema.json", schema),
        ("imgbuild.toml", include_str!("../../workspace/imgbuild.toml").to_owned()),
        (SERVER, include_str!("../../workspace/profiles/server.toml").to_owned()),
        ("renovate.json5", include_str!("../../workspace/renovate.json5").to_owned()),
        (FILE, include_str!("../../workspace/cluster.toml").to_owned()),
    ]
}

/// The result of [`init`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Files that are new, or have new lines.
    pub files: Vec<PathBuf>,
    /// Files that were there and were left as they were.
    pub kept: Vec<PathBuf>,
}

/// Writes a workspace for the example cluster into `dir`, which is made if need be, and may be a fresh repository: a README.md
/// that is there stays as it is, and a .gitignore gets the lines that it lacks. No other file that is there is touched. Where
/// something cannot be written, nothing stays that was.
///
/// # Errors
/// One of the other files is there already, before anything is written; a directory that cannot be made or written.
pub fn init(dir: &Path) -> Result<Written, InitError> {
    if fs::metadata(dir).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(InitError::NoDirectory { dir: dir.to_owned() });
    }
    let files = files();
    let is_there = |name: &str| dir.join(name).symlink_metadata().is_ok();
    // The cluster file is what makes it a workspace, so it is named first.
    if let Some((name, _)) = files.iter().rev().find(|(name, _)| ![README, IGNORED].contains(name) && is_there(name)) {
        return Err(InitError::Taken { dir: dir.to_owned(), name });
    }
    let ignored = dir.join(IGNORED);
    if ignored.is_symlink() {
        return Err(InitError::Link { path: ignored });
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InitError::Io { path, source }
    };
    let profiles = dir.join(PROFILES);
    let made: Vec<&Path> = [profiles.as_path(), dir].into_iter().filter(|path| !path.exists()).collect();
    let undo = |error| {
        for path in &made {
            // What cannot be taken away is as little of use as before.
            let _ = fs::remove_dir(path);
        }
        error
    };
    fs::create_dir_all(&profiles).map_err(failed(&profiles)).map_err(undo)?;
    // All of them are on the disk before one gets its name.
    let mut whole = Vec::new();
    let mut kept = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        let text = match (name, is_there(name)) {
            (README, true) => {
                kept.push(path);
                continue;
            }
            (_, true) => match with_lines(&path, &text).map_err(failed(&path)).map_err(undo)? {
                Some(text) => text,
                None => {
                    kept.push(path);
                    continue;
                }
            },
            (_, false) => text,
        };
        let file = temporary(dir, &text);
        whole.push((file.map_err(failed(&path)).map_err(undo)?, path));
    }
    let mut written: Vec<PathBuf> = Vec::new();
    for (file, path) in whole {
        let is_new = !path.ends_with(IGNORED);
        let persisted = if is_new { file.persist_noclobber(&path) } else { file.persist(&path) };
        if let Err(error) = persisted {
            for path in written.iter().filter(|path| !path.ends_with(IGNORED)) {
                let _ = fs::remove_file(path);
            }
            return Err(undo(InitError::Io { path, source: error.error }));
        }
        written.push(path);
    }
    Ok(Written { files: written, kept })
}

/// A file in `dir` that holds `text`, has no name of its own yet, and goes unless it gets one.
fn temporary(dir: &Path, text: &str) -> io::Result<NamedTempFile> {
    // The umask takes away what others may not do.
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The text of the file at `path` with those rules of `more` that it lacks, each below its comment, at its end, where they win;
/// none if it has all.
fn with_lines(path: &Path, more: &str) -> io::Result<Option<String>> {
    let text = files::text(path)?;
    let has = |rule: &str| text.lines().any(|own| own.trim_end() == rule);
    let mut lacking = String::new();
    for part in more.split("\n\n") {
        let mut comment = String::new();
        let mut new = String::new();
        for line in part.lines() {
            if line.starts_with('#') {
                comment.push_str(line);
                comment.push('\n');
            // An exception counts only behind the rule that it is from.
            } else if !has(line) || (line.starts_with('!') && !new.is_empty()) {
                new.push_str(&std::mem::take(&mut comment));
                new.push_str(line);
                new.push('\n');
            }
        }
        if !new.is_empty() {
            lacking.push('\n');
            lacking.push_str(&new);
        }
    }
    if lacking.is_empty() {
        return Ok(None);
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Ok(Some(format!("{text}{gap}{lacking}")))
}
