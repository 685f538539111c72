//! Puts an image together and writes it, with all that describes it, into a directory.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::boards::{self, BootParts, boot_partition};
use super::layout::{self, Layout};
use super::manifest::{self, Encoders, FORMAT, Manifest, ManifestPartition, ManifestRange};
use super::map::{Bytes, Extent, Map, Ranges};
use super::outputs::{Outputs, Readers};
use super::{Component, ImageError, Kernel, Plan, Released, cmdline, listing, sbom};
use crate::format::Sparse;
use crate::format::fat;
use crate::format::gpt;
use crate::format::spans::Span;
use crate::format::verity;
use crate::output::Progress;
use crate::profile::{ImageSettings, Profile};
use crate::tree::{Digest, Tree};

/// What an image is put together from.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    pub profile: &'a Profile,
    /// Seconds since 1970: every time stamp in the image.
    pub epoch: u64,
    pub packages: &'a [Component],
    /// What in the tree is from no package, sorted by name.
    pub artifacts: &'a [Released],
    /// What all packages and effects made: device trees and boot loaders are taken from here.
    pub tree: &'a Tree,
    /// Of that tree, as the board's loader wants it.
    pub kernel: &'a Kernel,
    /// The part of it that is the root file system, for the listing.
    pub root: &'a Tree,
    /// The root file system, finished: an open file, which needs no name and so leaves nothing behind.
    pub squashfs: &'a File,
    /// The compressed initrd.
    pub initrd: &'a [u8],
    /// The seed partition's file system.
    pub seed: &'a [u8],
    /// What the outputs are called by: the profile's name, or that of the node whose seed this is.
    pub name: &'a str,
    /// Whether only their owner may look into the outputs, and into their directory if that is made.
    pub private: bool,
    /// Looks for what must not be published.
    pub search: &'a Search<'a>,
}

impl<'a> Parts<'a> {
    fn boot(&self, cmdline: &'a str, image_id: &'a str) -> BootParts<'a> {
        let Self { profile, tree, kernel, initrd, .. } = *self;
        BootParts { profile, tree, kernel, initrd, cmdline, image_id }
    }
}

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Parts").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Takes the place of what it reads, for messages, and says whether a secret is in there.
pub type Search<'a> = dyn Fn(&str, &mut dyn Read) -> Result<(), ImageError> + 'a;

/// Phases told to [`Progress`].
const VERITY: &str = "verity";
const WRITE: &str = "write";
/// Fixed names of outputs.
const SBOM: &str = "sbom.spdx.json";
const MANIFEST: &str = "manifest.json";
const SUMS: &str = "SHA256SUMS";

/// The names of the files that [`write`] makes for `name`, a profile's or a node's; the image is the first.
#[must_use]
pub fn file_names(name: &str) -> [String; 5] {
    [format!("{name}.img"), format!("{name}.files"), SBOM.to_owned(), MANIFEST.to_owned(), SUMS.to_owned()]
}

/// Writes `P.img`, `P.files`, `sbom.spdx.json`, `manifest.json` and `SHA256SUMS` into `out_dir`, `P` being the profile's
/// name, and gives the manifest. All of them are renamed into place at the end.
///
/// # Errors
/// A partition that is too small, a boot file that is missing, of reading the parts and of writing.
pub fn write(parts: &Parts<'_>, out_dir: &Path, progress: &dyn Progress) -> Result<Manifest, ImageError> {
    let profile = parts.profile;
    let unread = |source| ImageError::Read { what: "the finished root file system", source };
    let mut squashfs = parts.squashfs;
    let squashfs_len = squashfs.metadata().map_err(unread)?.len();
    squashfs.rewind().map_err(unread)?;
    check_size("root-a", "image.root", squashfs_len, profile.image.root_size)?;
    check_size("seed", "image.seed", parts.seed.len() as u64, profile.image.seed_size)?;
    let files = listing(parts.root);
    let plan = plan(parts, &files)?;

    progress.begin(VERITY, squashfs_len);
    let options = verity::Options { salt: plan.bytes("verity salt"), uuid: plan.uuid("verity") };
    let mut hashes = Vec::new();
    let root_hash = verity::write(squashfs, &options, &mut hashes).map_err(unread)?.root_hash;
    progress.advance(VERITY, squashfs_len);
    progress.finish(VERITY, &format!("root hash {}", Digest(root_hash)));

    let image_id = image_id(&plan, root_hash);
    let cmdline = format!("{} imgbuild.image={image_id}", cmdline(profile, root_hash));
    let layout = layout::layout(profile.board, &profile.image, &plan, root_hash);
    let mut boot = boot_partition(&parts.boot(&cmdline, &image_id), &layout, &plan)?;
    let boot_label = layout::boot_label(profile.board);
    let boot_used =
        fat::used(&mut boot).map_err(|error| ImageError::Fat { label: boot_label, source: error.into() })?;
    let table = gpt::write(layout.disk_guid, layout.size, &layout.entries(), layout.shown)?;
    let start = |label| layout.partition(label).offset;
    let mut extents = vec![
        Extent { offset: start("root-a"), bytes: Bytes::File { file: squashfs, len: squashfs_len } },
        Extent { offset: start("root-a-verity"), bytes: Bytes::Memory(&hashes) },
        Extent { offset: start("seed"), bytes: Bytes::Memory(parts.seed) },
    ];
    extents.extend(device(0, &table));
    let boot_start = start(boot_label);
    extents.extend(device(boot_start, &boot));
    // A table of zeros or a file's is what a reader looks at like any other.
    let whole: Vec<Span> = boot_used.into_iter().map(|(from, to)| (boot_start + from, boot_start + to)).collect();
    let borders = layout.partitions.iter().flat_map(|partition| [partition.offset, partition.offset + partition.size]);
    let map = Map::new(layout.size, extents, &whole, borders.collect());

    let image = format!("{}.img", parts.name);
    let mut outputs = Outputs::new(out_dir, if parts.private { Readers::Owner } else { Readers::All })?;
    let file = outputs.file(&image)?;
    let (image_sha256, ranges) = write_image(&map, &layout, &file, progress)
        .map_err(|source| ImageError::Write { path: out_dir.join(&image), source })?;
    let manifest = Manifest {
        format: FORMAT,
        profile: profile.name.clone(),
        node: parts.private.then(|| parts.name.to_owned()),
        board: profile.board.name().to_owned(),
        arch: profile.board.arch().name().to_owned(),
        image,
        image_sha256,
        image_size: layout.size,
        root_hash: Digest(root_hash),
        kernel: parts.kernel.release.clone(),
        cmdline,
        epoch: parts.epoch,
        tree_sha256: Digest::of(files.as_bytes()),
        disk_guid: layout.disk_guid,
        hybrid_mbr: layout.shown.to_vec(),
        partitions: layout.partitions.iter().map(|partition| ManifestPartition::new(partition, &ranges)).collect(),
        ranges,
        packages: manifest::packages(parts.packages),
        artifacts: parts.artifacts.iter().map(|artifact| artifact.entry.clone()).collect(),
        encoders: Encoders::of(profile),
        image_id,
    };
    // All but the seed, where secrets belong.
    let seed = layout.partition("seed");
    let within = seed.offset..seed.offset + seed.size;
    let public = manifest.ranges.iter().filter(|range| !within.contains(&range.offset));
    (parts.search)(&format!("image `{}`", manifest.image), &mut Ranges::new(&file, public))?;
    describe(parts, &files, &manifest, &mut outputs)?;
    outputs.commit(&[MANIFEST, SUMS])?;
    Ok(manifest)
}

/// Writes what describes the image: listing, SBOM, manifest, and the sums of all files last.
fn describe(parts: &Parts<'_>, files: &str, manifest: &Manifest, outputs: &mut Outputs) -> Result<(), ImageError> {
    let sbom = sbom(&manifest.profile, &manifest.image_id, manifest.epoch, parts.packages, parts.artifacts);
    let json = serde_json::to_string_pretty(manifest).expect("a manifest holds only text and numbers") + "\n";
    let listing = format!("{}.files", parts.name);
    let mut sums = vec![format!("{}  {}\n", manifest.image_sha256, manifest.image)];
    for (name, text) in [(listing.as_str(), files), (SBOM, &sbom), (MANIFEST, &json)] {
        (parts.search)(&format!("`{name}`"), &mut text.as_bytes())?;
        outputs.put(name, text.as_bytes())?;
        sums.push(format!("{}  {name}\n", Digest::of(text.as_bytes())));
    }
    Ok(outputs.put(SUMS, sums.concat().as_bytes())?)
}

/// Everything that decides the image's bytes, but for the programs that encode them.
fn plan(parts: &Parts<'_>, files: &str) -> Result<Plan, ImageError> {
    let profile = parts.profile;
    let ImageSettings { boot_size, root_size, seed_size, block_size, compression_level } = &profile.image;
    let sizes = format!("{boot_size} {root_size} {seed_size} {block_size} {compression_level}");
    // Neither the root hash nor the image's own identifier is known yet, and nothing else of the boot files, with kernel,
    // initrd and command line among them, depends on these.
    let boot = boards::digest(&parts.boot(&cmdline(profile, [0; 32]), ""))?;
    let mbr = format!("{:?}", layout::shown(profile.board));
    let mut packages: Vec<String> = parts.packages.iter().map(|package| package.sha256.to_string()).collect();
    packages.sort_unstable();
    let epoch = parts.epoch.to_le_bytes();
    // Not the seed: a node's image is its profile's image with another seed.
    let texts = [&profile.name, profile.board.name(), &sizes, &mbr].map(str::as_bytes);
    let mut inputs = texts.to_vec();
    let files = Digest::of(files.as_bytes());
    inputs.extend([&epoch[..], &files.0, &boot.0]);
    inputs.extend(packages.iter().map(String::as_bytes));
    Ok(Plan::of(inputs))
}

/// The root hash counts too: it tells of the programs that encoded the root.
fn image_id(plan: &Plan, root_hash: [u8; 32]) -> String {
    let bytes = Plan::of([&plan.bytes("image id")[..], &root_hash]).bytes("image id");
    Digest(bytes).to_string()[..16].to_owned()
}

/// Refuses content that does not fit its partition.
fn check_size(label: &'static str, key: &'static str, needed: u64, size: u64) -> Result<(), ImageError> {
    if needed > size {
        return Err(ImageError::TooSmall { label, key, needed, size });
    }
    Ok(())
}

/// The extents of a device that starts at `offset` of the image.
fn device(offset: u64, device: &Sparse) -> impl Iterator<Item = Extent<'_>> {
    device.extents().map(move |(at, bytes)| Extent { offset: offset + at, bytes: Bytes::Memory(bytes) })
}

/// Writes the image's data down to the disk and, beside that, takes the digest of the whole, which holes make the
/// longer of the two. An image that is there in name must be there after a power cut too: the next build only looks at its
/// size and date.
fn write_image(
    map: &Map<'_>,
    layout: &Layout,
    file: &File,
    progress: &dyn Progress,
) -> io::Result<(Digest, Vec<ManifestRange>)> {
    progress.begin(WRITE, layout.size + map.mapped());
    file.set_len(layout.size)?;
    let advance = |bytes| progress.advance(WRITE, bytes);
    let write = || map.write(file, advance).and_then(|ranges| file.sync_data().map(|()| ranges));
    let (digest, ranges) = rayon::join(|| map.digest(advance), write);
    let result = (digest?, ranges?);
    progress.finish(WRITE, &format!("{} MiB, {} MiB of it data", layout.size >> 20, map.mapped() >> 20));
    Ok(result)
}
