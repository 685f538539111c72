//! The keys of a manifest's JSON, for [`Manifest::parse`](super::Manifest::parse) alone: what is read here has not been checked.

use serde::Deserialize;
use uuid::Uuid;

use super::{Encoders, Manifest, ManifestPackage, ManifestPartition, ManifestRange};
use crate::tree::Digest;

/// The fields of [`Manifest`], which the compiler holds against its own.
#[derive(Deserialize)]
#[serde(remote = "Manifest")]
struct Wire {
    format: u32,
    profile: String,
    #[serde(default)]
    node: Option<String>,
    board: String,
    arch: String,
    image_id: String,
    image: String,
    image_sha256: Digest,
    image_size: u64,
    root_hash: Digest,
    kernel: String,
    cmdline: String,
    epoch: u64,
    tree_sha256: Digest,
    disk_guid: Uuid,
    /// Form 1 has none.
    #[serde(default)]
    hybrid_mbr: Vec<u32>,
    partitions: Vec<ManifestPartition>,
    ranges: Vec<ManifestRange>,
    packages: Vec<ManifestPackage>,
    /// Early manifests of form 1 have none.
    #[serde(default)]
    artifacts: Vec<ManifestPackage>,
    encoders: Encoders,
}

/// The manifest that `text` is, and nothing behind it.
pub(super) fn read(text: &[u8]) -> serde_json::Result<Manifest> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let manifest = Wire::deserialize(&mut reader)?;
    reader.end()?;
    Ok(manifest)
}
