//! Writes a disk image, and the files that describe it, into a directory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::disk::Disk;
use super::manifest::{self, Encoders, FORMAT, Manifest, ManifestPartition, ManifestRange};
use super::map::{Map, Ranges};
use super::outputs::{Outputs, Visibility};
use super::{ArtifactComponent, Brought, Component, ImageError, sbom};
use crate::format::sums;
use crate::output::Progress;
use crate::profile::Profile;
use crate::tree::Digest;

/// A disk image to be written, and what its manifest and SBOM say of it.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    pub disk: &'a Disk<'a>,
    pub profile: &'a Profile,
    /// Seconds since 1970: every time stamp in the image.
    pub epoch: u64,
    pub packages: &'a [Component],
    /// What in the image is from no package, sorted by name.
    pub artifacts: &'a [ArtifactComponent],
    /// The files that its profile and overlays bring, by path.
    pub files: &'a [Brought],
    /// What the files are called by: the profile's name, or that of the node whose seed this is.
    pub name: &'a str,
    /// Whether only their owner may read the files, and their directory if that is made.
    pub private: bool,
    /// Looks for what must not be published.
    pub search: &'a SecretSearch<'a>,
}

impl std::fmt::Debug for Image<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Image").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Reads what the reader gives to its end; a secret in it is the error, whose text says that it is in the named place.
pub type SecretSearch<'a> = dyn Fn(&str, &mut dyn Read) -> Result<(), ImageError> + 'a;

/// Phase told to [`Progress`].
const PHASE: &str = "write";
/// Fixed names of outputs.
const SBOM: &str = "sbom.spdx.json";
const MANIFEST: &str = "manifest.json";
const SUMS: &str = "SHA256SUMS";

/// The names of the files that [`write`] makes for `name`, a profile's or a node's; the image is the first.
#[must_use]
pub fn file_names(name: &str) -> [String; 5] {
    [format!("{name}.img"), format!("{name}.files"), SBOM.to_owned(), MANIFEST.to_owned(), SUMS.to_owned()]
}

/// Writes `NAME.img`, `NAME.files`, `sbom.spdx.json`, `manifest.json` and `SHA256SUMS` into `out_dir`, and gives the manifest.
/// All of them are renamed into place at the end.
///
/// # Errors
/// Of reading the parts and of writing; a secret outside the seed.
pub fn write(image: &Image<'_>, out_dir: &Path, progress: &dyn Progress) -> Result<Manifest, ImageError> {
    let name = format!("{}.img", image.name);
    let visibility = if image.private { Visibility::OwnerOnly } else { Visibility::Everyone };
    let mut outputs = Outputs::new(out_dir, visibility)?;
    let file = outputs.file(&name)?;
    let (sha256, ranges) = write_disk(&image.disk.map(), image.disk.layout.size, &file, progress)
        .map_err(|source| ImageError::Write { path: out_dir.join(&name), source })?;
    let manifest = manifest(image, name, sha256, ranges);
    // All but the seed, where secrets belong.
    let seed = image.disk.seed_bytes();
    let public = manifest.ranges.iter().filter(|range| !seed.contains(&range.offset));
    (image.search)(&format!("image `{}`", manifest.image), &mut Ranges::new(&file, public))?;
    describe(image, &manifest, &mut outputs)?;
    outputs.commit(&[MANIFEST, SUMS])?;
    Ok(manifest)
}

/// The manifest of the image file `name` with this digest and these ranges.
fn manifest(image: &Image<'_>, name: String, image_sha256: Digest, ranges: Vec<ManifestRange>) -> Manifest {
    let Image { disk: &Disk { slot, ref layout, .. }, profile, .. } = *image;
    Manifest {
        format: FORMAT,
        profile: profile.name.clone(),
        node: image.private.then(|| image.name.to_owned()),
        board: profile.board.name().to_owned(),
        arch: profile.board.arch().name().to_owned(),
        image_id: slot.image_id.clone(),
        image: name,
        image_sha256,
        image_size: layout.size,
        root_hash: slot.root_hash,
        kernel: slot.kernel_release.to_owned(),
        cmdline: slot.cmdline.clone(),
        epoch: image.epoch,
        tree_sha256: Digest::of(slot.listing.as_bytes()),
        disk_guid: layout.disk_guid,
        hybrid_mbr: layout.mbr_partitions.to_vec(),
        partitions: layout.partitions.iter().map(|partition| ManifestPartition::new(partition, &ranges)).collect(),
        ranges,
        packages: manifest::packages(image.packages),
        artifacts: image.artifacts.iter().map(|artifact| artifact.entry.clone()).collect(),
        encoders: Encoders::of(profile),
    }
}

/// Writes what describes the image: listing, SBOM, manifest, and the sums of all files last.
fn describe(image: &Image<'_>, manifest: &Manifest, outputs: &mut Outputs) -> Result<(), ImageError> {
    let sbom =
        sbom(&manifest.profile, &manifest.image_id, manifest.epoch, image.packages, image.artifacts, image.files);
    let json = serde_json::to_string_pretty(manifest).expect("a manifest holds only text and numbers") + "\n";
    let listing = format!("{}.files", image.name);
    let mut sums = sums::line(&manifest.image, manifest.image_sha256);
    for (name, text) in [(listing.as_str(), &image.disk.slot.listing), (SBOM, &sbom), (MANIFEST, &json)] {
        (image.search)(&format!("`{name}`"), &mut text.as_bytes())?;
        outputs.put(name, text.as_bytes())?;
        sums += &sums::line(name, Digest::of(text.as_bytes()));
    }
    Ok(outputs.put(SUMS, sums.as_bytes())?)
}

/// Writes the disk's data to `file` and waits until the storage device has it. Beside that, it takes the digest of the whole,
/// holes included, which makes that the longer of the two. An image that is there in name must be there after a power cut too:
/// the next build only looks at its size and date.
fn write_disk(
    map: &Map<'_>,
    size: u64,
    file: &File,
    progress: &dyn Progress,
) -> io::Result<(Digest, Vec<ManifestRange>)> {
    progress.begin(PHASE, size + map.mapped());
    file.set_len(size)?;
    let advance = |bytes| progress.advance(PHASE, bytes);
    let write = || map.write(file, advance).and_then(|ranges| file.sync_data().map(|()| ranges));
    let (digest, ranges) = rayon::join(|| map.digest(advance), write);
    let result = (digest?, ranges?);
    progress.finish(PHASE, &format!("{} MiB, {} MiB of it data", size >> 20, map.mapped() >> 20));
    Ok(result)
}
