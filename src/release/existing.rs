//! Files of other profiles that lie in the directory of a release already: their sums stay in the list.

use std::io;
use std::path::Path;

use super::{ReleaseError, SUMS};
use crate::files;
use crate::format::Sums;
use crate::tree::Digest;

/// The sums of the files in `dir`, except for `own`, which are about to be written, and for files that are no longer there; none
/// if there is no list. Each file is read and compared with its sum, since the new list may be signed.
pub(super) fn sums(dir: &Path, own: &[&str]) -> Result<Sums, ReleaseError> {
    let path = dir.join(SUMS);
    let text = match files::open(&path).and_then(io::read_to_string) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sums::default()),
        read => read.map_err(|source| ReleaseError::Read { path: path.clone(), source })?,
    };
    let sums = Sums::parse(&text).map_err(|line| ReleaseError::Sums { path, line })?;
    let mut right = Sums::default();
    for (name, digest) in sums.iter().filter(|(name, _)| !own.contains(name)) {
        let path = dir.join(name);
        match files::open(&path).and_then(Digest::of_all) {
            Ok(found) if found == digest => right.put(name, digest),
            Ok(_) => return Err(ReleaseError::OtherProfile { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ReleaseError::Read { path, source }),
        }
    }
    Ok(right)
}
