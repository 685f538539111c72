//! Files that appear all at once or not at all.
//!
//! Each is written under a temporary name in the output directory and renamed at the end. A temporary file is locked
//! while its process lives: one that is not locked was left behind by a build that was killed, and goes.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

const PREFIX: &str = ".imgbuild-";
const SUFFIX: &str = ".part";

/// Outputs on their way to a directory.
#[derive(Debug)]
pub(super) struct Outputs {
    dir: PathBuf,
    files: Vec<(String, NamedTempFile)>,
}

/// What went wrong, and with which file.
pub(super) type Failure = (PathBuf, io::Error);

impl Outputs {
    /// Makes `dir` if it is missing and takes away what killed builds left there.
    pub(super) fn new(dir: &Path) -> Result<Self, Failure> {
        let fail = |error| (dir.to_owned(), error);
        fs::create_dir_all(dir).map_err(fail)?;
        for entry in fs::read_dir(dir).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && is_abandoned(&path) {
                fs::remove_file(&path).map_err(|error| (path, error))?;
            }
        }
        Ok(Self { dir: dir.to_owned(), files: Vec::new() })
    }

    /// A new file that will be called `name`.
    pub(super) fn file(&mut self, name: &str) -> Result<File, Failure> {
        let make = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX).suffix(SUFFIX).permissions(Permissions::from_mode(0o644));
            let file = builder.tempfile_in(&self.dir)?;
            file.as_file().lock()?;
            let handle = file.as_file().try_clone()?;
            Ok((file, handle))
        };
        let (file, handle) = make().map_err(|error| (self.dir.join(name), error))?;
        self.files.push((name.to_owned(), file));
        Ok(handle)
    }

    /// A new file that will be called `name`, holding `bytes`.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let mut file = self.file(name)?;
        file.write_all(bytes).map_err(|error| (self.dir.join(name), error))
    }

    /// Gives all files their names, in the order they were made. The files of an earlier build that
    /// vouch for others, `vouchers`, go first, so that none ever vouches for a file that is not its own.
    pub(super) fn commit(self, vouchers: &[&str]) -> Result<(), Failure> {
        for name in vouchers {
            let path = self.dir.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err((path, error)),
                _ => {}
            }
        }
        for (name, file) in self.files {
            let path = self.dir.join(name);
            file.persist(&path).map_err(|error| (path, error.error))?;
        }
        Ok(())
    }
}

/// Whether nobody has `path` locked.
fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| !matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_appears_before_the_end_and_nothing_stays_after_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let mut outputs = Outputs::new(&dir.path().join("new")).unwrap();
        outputs.put("a", b"1").unwrap();
        assert!(!dir.path().join("new/a").exists());
        drop(outputs);
        assert!(names(&dir.path().join("new")).is_empty());

        let mut outputs = Outputs::new(dir.path()).unwrap();
        outputs.put("a", b"2").unwrap();
        outputs.commit(&["sums"]).unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"2");
        assert_eq!(fs::metadata(dir.path().join("a")).unwrap().permissions().mode() & 0o600, 0o600);
    }

    #[test]
    fn leftovers_of_a_killed_build_go_and_those_of_a_living_one_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".imgbuild-dead.part"), b"").unwrap();
        let mut living = Outputs::new(dir.path()).unwrap();
        assert!(names(dir.path()).is_empty());
        living.put("a", b"1").unwrap();
        Outputs::new(dir.path()).unwrap();
        assert_eq!(names(dir.path()).len(), 1);
    }
}
