//! The files of an image that are its profile's and its overlays' own, for the SBOM.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;

use sha1::{Digest as _, Sha1};

use super::k3s::MANIFESTS;
use crate::profile::Profile;
use crate::tree::{Digest, Kind, Tree};

/// A file that a profile or an overlay brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// Clean path.
    pub path: String,
    /// `overlay:NAME` or `profile:NAME`.
    pub origin: String,
    /// SPDX asks for a SHA-1 of every file (2.3, clause 8.4), 40 hexadecimal digits.
    pub sha1: String,
    pub sha256: Digest,
}

/// The files in `root` that `profile` and its overlays bring, manifests with them; those by URL are told as artifacts.
///
/// # Errors
/// Of reading contents.
pub fn brought(profile: &Profile, root: &Tree) -> io::Result<Vec<Brought>> {
    let origins: BTreeSet<String> = profile.files.values().map(|file| file.origin.to_string()).collect();
    // Where they lie once links are followed, such as those of the merged `/usr`.
    let downloads: BTreeSet<String> =
        profile.artifacts.keys().filter_map(|path| root.resolve(path, false).ok()).collect();
    let mut found = Vec::new();
    for (path, node) in root.iter() {
        let Kind::File(content) = &node.kind else { continue };
        let manifest = path.strip_prefix(MANIFESTS).and_then(|name| profile.manifests.get(name.strip_prefix('/')?));
        let origin = match manifest {
            Some(template) => template.origin.to_string(),
            None if origins.contains(&node.origin) && !downloads.contains(path) => node.origin.clone(),
            None => continue,
        };
        let bytes = content.read()?;
        let sha1 = Sha1::digest(&bytes).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes all that is written");
            hex
        });
        found.push(Brought { path: path.to_owned(), origin, sha1, sha256: content.digest() });
    }
    Ok(found)
}
