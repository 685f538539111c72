//! The directory: reads what is there, and writes what was planned. Nothing is read or written through a link, and a file gets
//! its name only when all are on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::path::{RECORD, is_clean};
use super::{GitopsError, Plan, Step};
use crate::files;
use crate::tree::Digest;

/// What the names of files begin and end with that have none of their own yet. Argo CD reads none of these.
const UNNAMED: (&str, &str) = (".imgbuild-", ".tmp");

/// Refuses a path that leads elsewhere than below the repository's top.
fn below(path: &str) -> Result<(), GitopsError> {
    if is_clean(path) { Ok(()) } else { Err(GitopsError::BadStep { path: path.to_owned() }) }
}

/// A directory with a repository, or for one.
#[derive(Debug)]
pub struct Repository {
    /// Its own path, no link.
    dir: PathBuf,
    /// What was offered at the last run, by path; none if there was no run.
    pub record: Option<BTreeMap<String, Digest>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    schema: u32,
    /// SHA-256 of each file as it was last offered.
    files: BTreeMap<String, Digest>,
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GitopsError {
    let path = path.to_owned();
    move |source| GitopsError::Io { doing, path, source }
}

impl Repository {
    /// The repository in `dir`, or an empty one if there is no such directory.
    ///
    /// # Errors
    /// What is no directory; a record that cannot be read.
    pub fn open(dir: &Path) -> Result<Self, GitopsError> {
        let dir = match fs::canonicalize(dir) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => dir.to_owned(),
            Err(error) => return Err(failed("read", dir)(error)),
        };
        if dir.exists() && !dir.is_dir() {
            return Err(GitopsError::InTheWay { path: dir, what: "no directory" });
        }
        let repository = Self { dir, record: None };
        let record = match repository.find(RECORD)? {
            Some(path) => Some(read_record(&path)?),
            None => None,
        };
        Ok(Self { record, ..repository })
    }

    /// The digests of those of `paths` that are there.
    ///
    /// # Errors
    /// Links, and what is no file.
    pub fn digests<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p String>,
    ) -> Result<BTreeMap<String, Digest>, GitopsError> {
        let mut found = BTreeMap::new();
        for path in paths {
            if let Some(file) = self.find(path)? {
                let bytes = files::read(&file).map_err(failed("read", &file))?;
                found.insert(path.clone(), Digest::of(&bytes));
            }
        }
        Ok(found)
    }

    /// The file at a path; none if there is nothing.
    fn find(&self, path: &str) -> Result<Option<PathBuf>, GitopsError> {
        below(path)?;
        let mut at = self.dir.clone();
        let mut steps = path.split('/').peekable();
        while let Some(step) = steps.next() {
            at.push(step);
            let kind = match fs::symlink_metadata(&at) {
                Ok(metadata) => metadata.file_type(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed("read", &at)(error)),
            };
            let what = match (kind.is_symlink(), steps.peek().is_some()) {
                (true, _) => "a link, and nothing is written through one",
                (false, true) if !kind.is_dir() => "in the place of a directory",
                (false, false) if !kind.is_file() => "in the place of a file",
                _ => continue,
            };
            return Err(GitopsError::InTheWay { path: at, what });
        }
        Ok(Some(at))
    }

    /// Carries a plan out. All texts are on the disk before the first gets its name; directories that were made for them go again
    /// if that fails.
    ///
    /// # Errors
    /// A directory or a file that cannot be written; a path that leads elsewhere.
    pub fn write(&self, plan: &Plan) -> Result<(), GitopsError> {
        let known = || plan.texts.keys().chain(plan.record.keys());
        let steps = plan.steps.iter().map(Step::path);
        known().map(String::as_str).chain(steps).try_for_each(below)?;
        // Two runs at once would take each other's files for left ones.
        let lock = fs::File::open(&self.dir).ok();
        lock.iter().try_for_each(fs::File::lock).map_err(failed("lock", &self.dir))?;
        self.clear(known().chain(self.record.iter().flat_map(BTreeMap::keys)));
        let record = Record { schema: 1, files: plan.record.clone() };
        let record = serde_json::to_string_pretty(&record).expect("paths and digests are plain JSON") + "\n";
        let texts = plan.texts.iter().map(|(path, text)| (self.dir.join(path), text.as_str()));
        let texts: Vec<(PathBuf, &str)> = texts.chain([(self.dir.join(RECORD), record.as_str())]).collect();
        let mut made = Vec::new();
        let staged = stage(&texts, &mut made);
        let staged = staged.inspect_err(|_| made.iter().rev().for_each(|dir| drop(fs::remove_dir(dir))))?;
        for (file, path) in staged {
            file.persist(&path).map_err(|error| failed("write", &path)(error.error))?;
        }
        for step in &plan.steps {
            if let Step::Remove(path) = step {
                let file = self.dir.join(path);
                fs::remove_file(&file).map_err(failed("remove", &file))?;
                self.prune(file.parent());
            }
        }
        Ok(())
    }

    /// Removes what a run that was killed left: files without their names yet, beside those of `paths`.
    fn clear<'p>(&self, paths: impl Iterator<Item = &'p String>) {
        let folder = |path: &'p String| path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folders: BTreeSet<&str> = paths.map(folder).chain([""]).collect();
        for folder in folders {
            let dir = self.dir.join(folder);
            let is_own = |name: &str| name.starts_with(UNNAMED.0) && name.ends_with(UNNAMED.1);
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                // One that stays is in nobody's way.
                if is_file && entry.file_name().to_str().is_some_and(is_own) && fs::remove_file(entry.path()).is_ok() {
                    self.prune(Some(&dir));
                }
            }
        }
    }

    /// Removes directories that are empty, up to the repository's own.
    fn prune(&self, from: Option<&Path>) {
        let mut dir = from;
        while let Some(empty) = dir.filter(|dir| *dir != self.dir && fs::remove_dir(dir).is_ok()) {
            dir = empty.parent();
        }
    }
}

/// Writes texts into files that have no names of their own yet, and go unless they get them. Notes the directories that it makes.
fn stage(texts: &[(PathBuf, &str)], made: &mut Vec<PathBuf>) -> Result<Vec<(NamedTempFile, PathBuf)>, GitopsError> {
    let mut folders = BTreeSet::new();
    let mut staged = Vec::new();
    for (path, text) in texts {
        let folder = path.parent().expect("it is below the repository");
        if folders.insert(folder) {
            let missing: Vec<&Path> =
                folder.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
            for dir in missing.into_iter().rev() {
                fs::create_dir(dir).map_err(failed("make", dir))?;
                made.push(dir.to_owned());
            }
        }
        let write = || {
            // The umask takes away what others may not do.
            let mut builder = tempfile::Builder::new();
            builder.prefix(UNNAMED.0).suffix(UNNAMED.1).permissions(Permissions::from_mode(0o666));
            let mut file = builder.tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        staged.push((write().map_err(failed("write", path))?, path.clone()));
    }
    Ok(staged)
}

fn read_record(path: &Path) -> Result<BTreeMap<String, Digest>, GitopsError> {
    let wrong = |why: String| GitopsError::BadRecord { path: path.to_owned(), why };
    let text = files::text(path).map_err(failed("read", path))?;
    let record: Record = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if record.schema != 1 {
        return Err(wrong(format!("it is of schema {}, which this program does not know", record.schema)));
    }
    // They are opened and removed below the repository.
    match record.files.keys().find(|path| !is_clean(path)) {
        Some(path) => Err(wrong(format!("`{}` is no path of the repository", path.escape_debug()))),
        None => Ok(record.files),
    }
}
