//! `imgbuild init`: the files of a new workspace, those of the folder `workspace/` at the top of the source tree.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{FILE, json_schema};

/// Why a workspace was not made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("`{}` already has a {name}", dir.display())]
    Taken { dir: PathBuf, name: &'static str },
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
            Self::Io { .. } => "name a directory that you may write to",
        };
        Some(text.to_owned())
    }
}

/// Paths and texts of a new workspace, the cluster file last: where it is, all is.
fn files() -> [(&'static str, String); 5] {
    [
        (".gitignore", include_str!("../../workspace/gitignore").to_owned()),
        ("README.md", include_str!("../../workspace/README.md").to_owned()),
        ("cluster.schema.json", json_schema()),
        ("imgbuild.toml", include_str!("../../workspace/imgbuild.toml").to_owned()),
        (FILE, include_str!("../../workspace/cluster.toml").to_owned()),
    ]
}

/// Writes a workspace for the example cluster into `dir`, which is made if need be. Returns what was written. No file that
/// is there is touched.
///
/// # Errors
/// One of the files is there already, before anything is written; a directory that cannot be written.
pub fn init(dir: &Path) -> Result<Vec<PathBuf>, InitError> {
    let files = files();
    // The cluster file is what makes it a workspace, so it is named first.
    if let Some((name, _)) = files.iter().rev().find(|(name, _)| dir.join(name).symlink_metadata().is_ok()) {
        return Err(InitError::Taken { dir: dir.to_owned(), name });
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InitError::Io { path, source }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let mut written = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed(&path))?;
        file.write_all(text.as_bytes()).map_err(failed(&path))?;
        written.push(path);
    }
    Ok(written)
}
