//! (stub, signatures first)
use super::Package;
use crate::tree::Digest;
use std::path::Path;
/// Why a `.deb` was refused.
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct DebError;
/// Reads a verified `.deb`; decompressed data goes to `packs_dir/<sha256>.tar` + `.idx`.
pub fn open(deb: &Path, sha256: Digest, packs_dir: &Path) -> Result<Package, DebError> {
    let _ = (deb, sha256, packs_dir);
    unimplemented!()
}
