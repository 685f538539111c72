//! One export at a time into a directory: each adds to the sums that it finds there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::ReleaseError;
use crate::output::Progress;

/// While this lives, no other export writes to the directory. It is the directory itself that is locked, so that nothing is
/// left behind, not even the directory if it was made for nothing.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    dir: PathBuf,
    made: bool,
    /// None where the file system knows no locks.
    _lock: Option<File>,
}

impl DirectoryLock {
    /// Makes the directory if need be, and waits until nobody else writes to it.
    pub(super) fn acquire(dir: &Path, progress: &dyn Progress) -> Result<Self, ReleaseError> {
        let fail = |source| ReleaseError::Write { path: dir.to_owned(), source };
        let mut made = false;
        loop {
            made |= make(dir).map_err(fail)?;
            let guard = |lock| Self { dir: dir.to_owned(), made, _lock: lock };
            let file = match File::open(dir) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(fail)?,
            };
            let locked = match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    progress.warn(&format!("waiting for another export into `{}`", dir.display()));
                    file.lock()
                }
                Err(TryLockError::Error(error)) => Err(error),
                Ok(()) => Ok(()),
            };
            if let Err(error) = locked {
                progress.warn(&format!(
                    "cannot keep other exports from writing to `{}` at the same time: {error}",
                    dir.display()
                ));
                return Ok(guard(None));
            }
            // Whoever had the lock may have removed the directory.
            if is_at(&file, dir) {
                return Ok(guard(Some(file)));
            }
        }
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        if self.made {
            // A directory with files in it is not removed by this.
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

/// Makes `dir`; whether it had to be made.
fn make(dir: &Path) -> io::Result<bool> {
    if let Some(above) = dir.parent() {
        fs::create_dir_all(above)?;
    }
    match fs::create_dir(dir) {
        Err(_) if dir.is_dir() => Ok(false),
        made => made.map(|()| true),
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: io::Result<fs::Metadata>| metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()));
    id(file.metadata()).is_some_and(|ours| id(fs::metadata(path)) == Some(ours))
}
