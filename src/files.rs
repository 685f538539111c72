//! Reading the files that a person names or keeps in a workspace: plain files, and nothing else; and whether files can be
//! made in a directory that a person names, and who may write to what lies there.
//!
//! Opening a pipe waits for somebody who writes to it, and a device such as `/dev/zero` never ends.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{Access, OFlags, access};

/// Opens a file for reading.
///
/// # Errors
/// What the system says, and what is no plain file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let what = if kind.is_dir() { "a directory" } else { "a pipe, socket or device" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file")))
}

/// All bytes of a file.
///
/// # Errors
/// As [`open`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// As [`open`], and bytes that are no UTF-8.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Whether a file or directory is this user's or root's, and nobody may write to it but its owner and its group, which the
/// owner chose.
pub(crate) fn is_own(metadata: &Metadata) -> bool {
    [rustix::process::geteuid().as_raw(), 0].contains(&metadata.uid()) && metadata.mode() & 0o002 == 0
}

/// The directory `dir`, or the nearest above it that exists.
pub(crate) fn nearest_existing_ancestor(dir: &Path) -> &Path {
    let above = dir.ancestors().find(|above| above.as_os_str().is_empty() || above.exists()).unwrap_or(dir);
    if above.as_os_str().is_empty() { Path::new(".") } else { above }
}

/// Whether this user may make files in `dir`, or make it first where it is missing. Nothing is made.
///
/// # Errors
/// What the system would say: no permission, a file system that is read-only, a file in the place of a directory.
pub(crate) fn may_fill(dir: &Path) -> io::Result<()> {
    let existing = nearest_existing_ancestor(dir);
    if !existing.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(access(existing, Access::WRITE_OK | Access::EXEC_OK)?)
}
