//! Files with secrets: they are read only if they are private, and written completely or not at all.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::SecretsError;

/// Far more than all secrets of a cluster together.
const MAX: u64 = 4 << 20;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Only its owner.
    Private,
    /// Everybody whom the user's umask allows, since its content is encrypted.
    Public,
}

/// A file's bytes. A link is followed, and what it leads to is what is judged. `place` is what errors call the file.
///
/// # Errors
/// A file that others may read or own, where it must be private; one that everybody may write to; one that cannot be read; none.
pub(super) fn read(path: &Path, place: &str, access: Access) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let failed = |source| SecretsError::Io { action: "read", place: place.to_owned(), source };
    // Without this flag, opening a pipe would block before its type could be checked.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    // Check the open file, not its path, which may lead to another file by now.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(SecretsError::NotAFile { place: place.to_owned() });
    }
    match access {
        Access::Private => judge(&metadata, rustix::process::geteuid().as_raw(), place)?,
        Access::Public if metadata.mode() & 0o002 != 0 => {
            return Err(SecretsError::Writable { place: place.to_owned(), mode: metadata.mode() & 0o7777 });
        }
        Access::Public => {}
    }
    read_all(file, metadata.len()).map_err(failed)
}

/// All of a stream, without copies that stay in memory.
pub(super) fn read_all(from: impl Read, expected: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // One byte more, so that reading to the end does not make the buffer grow.
    let capacity = usize::try_from(expected.min(MAX)).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    if from.take(MAX + 1).read_to_end(&mut bytes)? as u64 > MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than all secrets can be"));
    }
    Ok(bytes)
}

fn judge(metadata: &Metadata, me: u32, place: &str) -> Result<(), SecretsError> {
    let mode = metadata.mode() & 0o7777;
    if metadata.uid() != me {
        return Err(SecretsError::Foreign { place: place.to_owned(), owner: metadata.uid() });
    }
    if mode & 0o077 != 0 {
        return Err(SecretsError::Exposed { place: place.to_owned(), mode });
    }
    Ok(())
}

/// Writes a new file.
///
/// # Errors
/// The file exists, or the directory cannot be written.
pub(super) fn create(path: &Path, place: &str, bytes: &[u8], access: Access) -> Result<(), SecretsError> {
    write(path, place, bytes, access, false)
}

/// Replaces a file's content. If the path is a link, its target is replaced, which may lie on an encrypted disk on purpose.
///
/// # Errors
/// The directory cannot be written.
pub(super) fn replace(path: &Path, place: &str, bytes: &[u8], access: Access) -> Result<(), SecretsError> {
    write(path, place, bytes, access, true)
}

fn write(path: &Path, place: &str, bytes: &[u8], access: Access, replace: bool) -> Result<(), SecretsError> {
    let mode = if access == Access::Private { 0o600 } else { 0o666 };
    let written = || {
        let target = if replace { path.canonicalize()? } else { path.to_owned() };
        let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        let persisted = if replace { file.persist(&target) } else { file.persist_noclobber(&target) };
        persisted.map_err(|error| error.error)?;
        // Until the directory is synced too, a power failure can undo the rename.
        File::open(dir)?.sync_all()
    };
    written().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => SecretsError::Exists { place: place.to_owned() },
        _ => SecretsError::Io { action: "write", place: place.to_owned(), source },
    })
}

/// Decodes UTF-8, without the bytes in the error.
pub(super) fn text(bytes: &[u8], place: &str) -> Result<Zeroizing<String>, SecretsError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(SecretsError::NotText { place: place.to_owned() }),
    }
}
