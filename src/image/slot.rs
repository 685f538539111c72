//! A slot: everything that a node boots, made without knowing on which disk it will lie, or where on it.
//!
//! ```text
//! squashfs ─▶ verity ─▶ root hash ─▶ command line ─▶ boot files (board) ─▶ FAT32
//! ```
//! A disk image has room for two ([`Disk`](super::Disk)); the boot files are those of its first.

use std::fs::File;
use std::io::{self, Seek as _};

use super::boards::{self, BootParts};
use super::derive::InputDigest;
use super::layout;
use super::{Component, ImageError, Kernel, cmdline, listing};
use crate::format::Sparse;
use crate::format::signing::SigningKey;
use crate::format::spans::Span;
use crate::format::{fat, verity};
use crate::output::Progress;
use crate::profile::{ImageSettings, Profile};
use crate::tree::{Digest, Tree};

/// What a slot is made of.
#[derive(Clone, Copy)]
pub struct SlotParts<'a> {
    pub profile: &'a Profile,
    /// Seconds since 1970: every time stamp in the image.
    pub epoch: u64,
    pub packages: &'a [Component],
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
    /// Signs what UEFI firmware starts.
    pub secure_boot: Option<&'a SigningKey>,
}

impl<'a> SlotParts<'a> {
    fn boot(&self, cmdline: &'a str, image_id: &'a str) -> BootParts<'a> {
        let Self { profile, tree, kernel, initrd, secure_boot, .. } = *self;
        BootParts { profile, tree, kernel, initrd, cmdline, image_id, secure_boot }
    }
}

impl std::fmt::Debug for SlotParts<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SlotParts").field("profile", &self.profile.name).finish_non_exhaustive()
    }
}

/// A root file system, its verity hash tree, and the boot files whose command line has that tree's root hash.
#[derive(Debug)]
pub struct Slot<'a> {
    /// Its first `root_size` bytes are the root file system.
    pub root: &'a File,
    /// Bytes.
    pub root_size: u64,
    /// dm-verity's hash tree of the root file system, superblock included.
    pub hash_tree: Vec<u8>,
    pub root_hash: Digest,
    /// The boot partition: a FAT32 file system.
    pub boot: Sparse,
    /// The bytes of `boot` that its file system uses: tables and files, zeros in them included.
    pub(super) boot_used: Vec<Span>,
    pub kernel_release: &'a str,
    /// The kernel's command line.
    pub cmdline: String,
    /// Sixteen hexadecimal digits, derived from everything that went in.
    pub image_id: String,
    /// One line for each path of the root file system.
    pub listing: String,
    /// What identifiers are derived from, those of a disk that the slot lies on too.
    pub(super) inputs: InputDigest,
}

/// Phase told to [`Progress`].
const PHASE: &str = "verity";

impl<'a> Slot<'a> {
    /// Makes the slot.
    ///
    /// # Errors
    /// A boot file that is missing, boot files that do not fit their partition, and of reading the parts.
    pub fn new(parts: &SlotParts<'a>, progress: &dyn Progress) -> Result<Self, ImageError> {
        let SlotParts { profile, squashfs, .. } = *parts;
        let unread = |source| ImageError::Read { what: "the finished root file system", source };
        let root_size = squashfs.metadata().map_err(unread)?.len();
        let listing = listing(parts.root);
        let inputs = inputs(parts, &listing)?;

        progress.begin(PHASE, root_size);
        let (hash_tree, root_hash) = hash_tree(squashfs, &inputs).map_err(unread)?;
        progress.advance(PHASE, root_size);
        progress.finish(PHASE, &format!("root hash {root_hash}"));

        let image_id = image_id(&inputs, root_hash);
        let cmdline = format!("{} imgbuild.image={image_id}", cmdline(profile, root_hash.0));
        let mut boot = boards::boot_partition(&parts.boot(&cmdline, &image_id), &inputs)?;
        let label = layout::boot_label(profile.board);
        let boot_used = fat::used(&mut boot).map_err(|error| ImageError::Fat { label, source: error.into() })?;
        let (root, kernel_release) = (squashfs, parts.kernel.release.as_str());
        Ok(Self {
            root,
            root_size,
            hash_tree,
            root_hash,
            boot,
            boot_used,
            kernel_release,
            cmdline,
            image_id,
            listing,
            inputs,
        })
    }
}

/// dm-verity's hash tree of a root file system, and its root hash.
fn hash_tree(mut root: &File, inputs: &InputDigest) -> io::Result<(Vec<u8>, Digest)> {
    root.rewind()?;
    let options = verity::Options { salt: inputs.bytes("verity salt"), uuid: inputs.uuid("verity") };
    let mut tree = Vec::new();
    let summary = verity::write(root, &options, &mut tree)?;
    Ok((tree, Digest(summary.root_hash)))
}

/// Everything that decides the image's bytes, but for the programs that encode them.
fn inputs(parts: &SlotParts<'_>, listing: &str) -> Result<InputDigest, ImageError> {
    let profile = parts.profile;
    let ImageSettings { boot_size, root_size, seed_size, block_size, compression_level } = &profile.image;
    let sizes = format!("{boot_size} {root_size} {seed_size} {block_size} {compression_level}");
    // Neither the root hash nor the image's own identifier is known yet, and nothing else of the boot files, with kernel,
    // initrd and command line among them, depends on these.
    let boot = boards::digest(&parts.boot(&cmdline(profile, [0; 32]), ""))?;
    let mbr = format!("{:?}", layout::mbr_partitions(profile.board));
    let mut packages: Vec<String> = parts.packages.iter().map(|package| package.sha256.to_string()).collect();
    packages.sort_unstable();
    let epoch = parts.epoch.to_le_bytes();
    // Not the seed: a node's image is its profile's image with another seed.
    let texts = [&profile.name, profile.board.name(), &sizes, &mbr].map(str::as_bytes);
    let mut inputs = texts.to_vec();
    let listing = Digest::of(listing.as_bytes());
    inputs.extend([&epoch[..], &listing.0, &boot.0]);
    inputs.extend(packages.iter().map(String::as_bytes));
    Ok(InputDigest::of(inputs))
}

/// The root hash counts too: it depends on the programs that encoded the root.
fn image_id(inputs: &InputDigest, root_hash: Digest) -> String {
    let bytes = InputDigest::of([&inputs.bytes("image id")[..], &root_hash.0]).bytes("image id");
    Digest(bytes).to_string()[..16].to_owned()
}
