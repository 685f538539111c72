//! Files that appear all at once or not at all.
//!
//! Each is written without a name (`O_TMPFILE`) and gets its name at the end, so that nothing is left of a build that stops
//! before, in whichever way. Where the file system or the operating system cannot do that, the file has a temporary name until
//! then and is locked while its process lives: a temporary file without a lock was left behind by a build that was killed, and
//! is removed.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::files::{self, nearest_existing_ancestor};

const PREFIX: &str = ".imgbuild-";
const SUFFIX: &str = ".part";

/// Who may read outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Everyone to whom the umask leaves it.
    Everyone,
    /// Their owner alone, whatever directory they lie in: they hold secrets.
    OwnerOnly,
}

impl Visibility {
    fn directory_mode(self) -> u32 {
        if self == Self::Everyone { 0o777 } else { 0o700 }
    }

    fn file_mode(self) -> u32 {
        if self == Self::Everyone { 0o666 } else { 0o600 }
    }
}

/// Outputs on their way to a directory.
#[derive(Debug)]
pub(crate) struct Outputs {
    dir: PathBuf,
    visibility: Visibility,
    /// Where the files lie until then: `dir`, or the nearest directory above it that exists.
    temporary_dir: PathBuf,
    files: Vec<(String, Temporary)>,
}

/// What went wrong, and with which file.
pub(crate) type Failure = (PathBuf, io::Error);

impl Outputs {
    /// Removes what killed builds left. A missing directory is made at the end, so that a failed build leaves none.
    pub(crate) fn new(dir: &Path, visibility: Visibility) -> Result<Self, Failure> {
        let temporary_dir = nearest_existing_ancestor(dir).to_owned();
        let fail = |error| (dir.to_owned(), error);
        for entry in fs::read_dir(&temporary_dir).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && is_abandoned(&path) {
                fs::remove_file(&path).map_err(|error| (path, error))?;
            }
        }
        Ok(Self { dir: dir.to_owned(), visibility, temporary_dir, files: Vec::new() })
    }

    /// A new file that will be called `name`.
    pub(crate) fn file(&mut self, name: &str) -> Result<File, Failure> {
        let make = || {
            let file = Temporary::new_in(&self.temporary_dir, self.visibility)?;
            let handle = file.file().try_clone()?;
            Ok((file, handle))
        };
        let (file, handle) = make().map_err(|error| (self.dir.join(name), error))?;
        self.files.push((name.to_owned(), file));
        Ok(handle)
    }

    /// A new file that will be called `name`, holding `bytes`.
    pub(crate) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let mut file = self.file(name)?;
        file.write_all(bytes).map_err(|error| (self.dir.join(name), error))
    }

    /// Gives all files their names, in the order they were made. Those of an earlier build that hold digests of others, `lists`,
    /// are removed first, so that none ever has a digest that is not that of the file beside it.
    pub(crate) fn commit(self, lists: &[&str]) -> Result<(), Failure> {
        make(&self.dir, self.visibility.directory_mode()).map_err(|error| (self.dir.clone(), error))?;
        for name in lists {
            let path = self.dir.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err((path, error)),
                _ => {}
            }
        }
        for (name, file) in self.files {
            let path = self.dir.join(name);
            file.persist(&path).map_err(|error| (path, error))?;
        }
        Ok(())
    }
}

/// Makes a directory with this mode; the mode of one that exists is not changed.
fn make(dir: &Path, mode: u32) -> io::Result<()> {
    if let Some(above) = dir.parent() {
        fs::create_dir_all(above)?;
    }
    match fs::DirBuilder::new().mode(mode).create(dir) {
        Err(_) if dir.is_dir() => Ok(()),
        made => made,
    }
}

/// A file that has no name yet, or a temporary one.
#[derive(Debug)]
enum Temporary {
    Unnamed(File),
    Named(NamedTempFile),
}

impl Temporary {
    fn new_in(dir: &Path, visibility: Visibility) -> io::Result<Self> {
        match unnamed::open(dir, visibility.file_mode()) {
            Some(file) => Ok(Self::Unnamed(file)),
            None => Self::named_in(dir, visibility),
        }
    }

    fn named_in(dir: &Path, visibility: Visibility) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX).permissions(Permissions::from_mode(visibility.file_mode()));
        let file = builder.tempfile_in(dir)?;
        file.as_file().lock()?;
        Ok(Self::Named(file))
    }

    fn file(&self) -> &File {
        match self {
            Self::Unnamed(file) => file,
            Self::Named(file) => file.as_file(),
        }
    }

    /// Calls it `path`, in place of what was called so before.
    fn persist(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Unnamed(file) => unnamed::link(&file, path),
            Self::Named(file) => file.persist(path).map(drop).map_err(|error| error.error),
        }
    }
}

#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat};
    use rustix::io::Errno;

    /// A file without a name that can get one in `dir`; none if the file system cannot do that.
    pub(super) fn open(dir: &Path, mode: u32) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(dir, flags, Mode::from_raw_mode(mode)).ok()?);
        own_path(&file).exists().then_some(file)
    }

    /// Calls `file` `path`. A link takes no name that is in use, so what has it goes first: no temporary name is ever
    /// seen, and the lists of digests that had the old one are gone by then.
    pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
        loop {
            match linkat(CWD, own_path(file), CWD, path, AtFlags::SYMLINK_FOLLOW) {
                Err(Errno::EXIST) => match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                },
                result => return Ok(result?),
            }
        }
    }

    fn own_path(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }
}

#[cfg(not(target_os = "linux"))]
mod unnamed {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn open(_: &Path, _: u32) -> Option<File> {
        None
    }

    pub(super) fn link(_: &File, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether nobody has `path` locked.
fn is_abandoned(path: &Path) -> bool {
    files::open(path).is_ok_and(|file| !matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
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
        let mut outputs = Outputs::new(&dir.path().join("new/er"), Visibility::OwnerOnly).unwrap();
        outputs.put("a", b"1").unwrap();
        drop(outputs);
        assert!(names(dir.path()).is_empty());
        let mut outputs = Outputs::new(&dir.path().join("new"), Visibility::OwnerOnly).unwrap();
        outputs.put("a", b"1").unwrap();
        outputs.commit(&[]).unwrap();
        assert_eq!(names(&dir.path().join("new")), ["a"]);
        assert_eq!(fs::metadata(dir.path().join("new")).unwrap().permissions().mode() & 0o777, 0o700);

        for text in [b"2", b"3"] {
            let mut outputs = Outputs::new(dir.path(), Visibility::Everyone).unwrap();
            outputs.put("a", text).unwrap();
            fs::write(dir.path().join("sums"), b"of the last one").unwrap();
            outputs.commit(&["sums"]).unwrap();
            assert_eq!(fs::read(dir.path().join("a")).unwrap(), text);
            assert_eq!(names(dir.path()), ["a", "new"]);
        }
        assert_eq!(fs::metadata(dir.path().join("a")).unwrap().permissions().mode() & 0o700, 0o600);
    }

    #[test]
    fn what_is_private_is_its_owners_alone_in_a_directory_of_all() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let mut outputs = Outputs::new(dir.path(), Visibility::OwnerOnly).unwrap();
        outputs.put("a", b"1").unwrap();
        outputs.files.push(("b".to_owned(), Temporary::named_in(dir.path(), Visibility::OwnerOnly).unwrap()));
        outputs.commit(&[]).unwrap();
        for name in ["a", "b"] {
            assert_eq!(fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn leftovers_of_a_killed_build_go_and_those_of_a_living_one_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".imgbuild-dead.part"), b"").unwrap();
        let living = Temporary::named_in(dir.path(), Visibility::Everyone).unwrap();
        let mut outputs = Outputs::new(dir.path(), Visibility::Everyone).unwrap();
        assert_eq!(names(dir.path()).len(), 1, "the living one");
        outputs.files.push(("a".to_owned(), living));
        outputs.commit(&[]).unwrap();
        assert_eq!(names(dir.path()), ["a"]);
    }
}
