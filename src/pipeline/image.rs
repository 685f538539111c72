//! The last stage: from the tree to kernel, initrd, root file system and seed, and from these to the finished files.

use std::fs::File;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::images::PlannedImage;
use super::kernel_modules::PlannedModule;
use super::plan::{Artifact, PlannedPackage, Source};
use super::{PipelineError, Plan, Tools};
use crate::debian::Package;
use crate::effects::depmod;
use crate::files;
use crate::format::signing::SigningKey;
use crate::format::squashfs::SquashfsError;
use crate::format::{NoStore, Store as _};
use crate::image::{
    self, ArtifactComponent, Component, Disk, Image, ImageError, Kernel, Made, Manifest, ManifestPackage, SecretSearch,
    Slot, SlotParts, initrd,
};
use crate::output::{bytes, count};
use crate::tree::{Digest, Kind, Node, Tree};

/// Largest squashfs block; the seed's files are small, so its size does not matter.
const SEED_BLOCK: u32 = 128 * 1024;
/// zstd level of the seed, which is tiny.
const SEED_LEVEL: i32 = 3;

/// Where an image goes, and for whom.
pub(crate) struct Target<'a> {
    /// The directory for its files; made if need be.
    pub(crate) dir: &'a Path,
    /// The node whose seed goes in, and that seed; none for an image that can be published.
    pub(crate) node: Option<(&'a str, &'a Tree)>,
    /// Signs what UEFI firmware starts; none for an image that starts without Secure Boot alone.
    pub(crate) secure_boot: Option<&'a SigningKey>,
    /// Looks for what must not be published.
    pub(crate) search: &'a SecretSearch<'a>,
}

/// Makes the parts of the image, and of these its files; `compiled` are the digests of the plan's kernel modules, in its order.
///
/// # Errors
/// A kernel or boot file that is missing, a part too large for its partition, a secret outside the seed, files that cannot
/// be written.
pub(super) fn write(
    plan: &Plan<'_>,
    packages: &[Package],
    compiled: &[Digest],
    tree: &Tree,
    target: &Target<'_>,
    tools: Tools<'_>,
) -> Result<Manifest, PipelineError> {
    let Plan { profile, epoch, .. } = *plan;
    let root = image::without_boot_files(tree);
    let dir = target.dir;
    let mut squashfs = tempfile::tempfile_in(files::nearest_existing_ancestor(dir))
        .map_err(|source| PipelineError::Unwritable { dir: dir.to_owned(), source })?;
    // Neither keeps all cores busy from its beginning to its end.
    let ((kernel, initrd), written) = rayon::join(
        || rayon::join(|| kernel(plan, tree, tools), || initrd(plan, tree, tools)),
        || root_file_system(plan, &root, tools, &mut squashfs),
    );
    let (kernel, initrd) = (kernel?, initrd?);
    written.map_err(|source| PipelineError::Root { dir: dir.to_owned(), source })?;
    let empty = image::seed::empty();
    let seed = seed(target.node.map_or(&empty, |(_, seed)| seed), epoch)?;
    let (components, artifacts) = (components(plan, packages), artifacts(plan, compiled));
    let parts = SlotParts {
        profile,
        epoch,
        packages: &components,
        tree,
        kernel: &kernel,
        root: &root,
        squashfs: &squashfs,
        initrd: &initrd,
        secure_boot: target.secure_boot,
    };
    let slot = Slot::new(&parts, tools.progress)?;
    let files = image::brought(profile, &root)
        .map_err(|source| ImageError::Read { what: "a file of the profile or its overlays", source })?;
    let disk = Disk::new(&slot, profile.board, &profile.image, &seed)?;
    let image = Image {
        disk: &disk,
        profile,
        epoch,
        packages: &components,
        artifacts: &artifacts,
        files: &files,
        name: target.node.map_or(&profile.name, |(name, _)| name),
        private: target.node.is_some(),
        search: target.search,
    };
    Ok(image::write(&image, dir, tools.progress)?)
}

/// The kernel as the board's loader wants it.
fn kernel(plan: &Plan<'_>, tree: &Tree, tools: Tools<'_>) -> Result<Kernel, ImageError> {
    Ok(Kernel::find(tree)?.for_board(plan.profile.board, tools.cache)?)
}

/// The compressed initrd, kept by what it holds.
fn initrd(plan: &Plan<'_>, tree: &Tree, tools: Tools<'_>) -> Result<Vec<u8>, PipelineError> {
    const PHASE: &str = "initrd";
    let Plan { profile, epoch, .. } = *plan;
    let Tools { cache, progress, .. } = tools;
    progress.begin(PHASE, 0);
    let mut initrd = initrd::build(tree, &profile.kernel.initrd_modules, profile.board.arch())?;
    depmod::depmod(&mut initrd, cache)?;
    let key: [u8; 32] = Sha256::new_with_prefix("imgbuild initrd 1\n")
        .chain_update(epoch.to_le_bytes())
        .chain_update(image::listing(&initrd))
        .finalize()
        .into();
    let packed = match cache.get(&key) {
        Some(packed) => packed,
        None => {
            let packed = initrd::pack(&initrd, seconds(epoch))?;
            cache.put(&key, &packed);
            packed
        }
    };
    progress.finish(PHASE, &format!("{}, {}", count(initrd.len(), "path"), bytes(packed.len() as u64)));
    Ok(packed)
}

/// The root file system; blocks that were compressed before come from the cache.
fn root_file_system(plan: &Plan<'_>, root: &Tree, tools: Tools<'_>, out: &mut File) -> Result<(), SquashfsError> {
    const PHASE: &str = "compress";
    let settings = &plan.profile.image;
    let Tools { cache, progress, .. } = tools;
    progress.begin(PHASE, 0);
    let (block_size, level) = (settings.block_size, settings.compression_level);
    let summary = image::squashfs(root, block_size, level, seconds(plan.epoch), cache, out)?;
    progress.finish(PHASE, &format!("{}, {}", count(root.len(), "path"), bytes(summary.image_len)));
    Ok(())
}

/// What the seed partition of a stick holds, in memory that is overwritten in the end. `epoch` is in seconds since 1970.
///
/// # Errors
/// Of making the file system.
pub(crate) fn seed(tree: &Tree, epoch: u64) -> Result<Zeroizing<Vec<u8>>, SquashfsError> {
    let contents = |node: &Node| if let Kind::File(content) = &node.kind { content.len() } else { 0 };
    // Room for everything, so that it does not move while it grows, which would leave a copy.
    let room = tree.iter().map(|(path, node)| contents(node) + path.len() as u64 + 256).sum::<u64>() + (64 << 10);
    let mut image = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    image::squashfs(tree, SEED_BLOCK, SEED_LEVEL, seconds(epoch), &NoStore, &mut std::io::Cursor::new(&mut *image))?;
    Ok(image)
}

/// The packages as manifest and SBOM need them.
fn components(plan: &Plan<'_>, packages: &[Package]) -> Vec<Component> {
    let pairs = packages.iter().zip(&plan.packages);
    let component = |(package, planned): (&Package, &PlannedPackage<'_>)| Component {
        wanted_by: plan.profile.wanted_by(&package.name).iter().map(ToString::to_string).collect(),
        ..Component::new(package, planned.locked.sha256)
    };
    pairs.map(component).collect()
}

/// The artifacts as manifest and SBOM need them, sorted by name; `compiled` are the digests of the plan's kernel modules.
fn artifacts(plan: &Plan<'_>, compiled: &[Digest]) -> Vec<ArtifactComponent> {
    let of = |artifact: &Artifact| ArtifactComponent {
        entry: ManifestPackage {
            name: artifact.name.clone(),
            version: artifact.version.clone(),
            arch: artifact.arch.to_owned(),
            sha256: artifact.download.sha256,
            wanted_by: Some(&artifact.install.origin)
                .filter(|_| artifact.source == Source::Url)
                .cloned()
                .into_iter()
                .collect(),
        },
        made: match artifact.download.urls.first() {
            Some(url) if artifact.source != Source::Release => Made::Downloaded { url: url.clone() },
            _ => Made::Released,
        },
    };
    let modules = |(planned, digest): (&PlannedModule<'_>, &Digest)| ArtifactComponent {
        entry: ManifestPackage {
            name: planned.locked.name.clone(),
            version: planned.locked.version.clone(),
            arch: planned.locked.arch.name().to_owned(),
            sha256: *digest,
            wanted_by: vec![planned.recipe.origin.to_string()],
        },
        made: Made::Compiled { package: planned.locked.package.clone(), kernel: planned.locked.kernel.clone() },
    };
    let images = |planned: &PlannedImage<'_>| {
        let digits = planned.image.sha256.to_string();
        let pulled = &planned.image.name;
        ArtifactComponent {
            entry: ManifestPackage {
                name: format!("{}/{}", pulled.registry, pulled.repository),
                version: pulled.tag.clone().unwrap_or_else(|| format!("sha256:{}", &digits[..12])),
                arch: planned.locked.arch.name().to_owned(),
                sha256: planned.image.sha256,
                wanted_by: Vec::new(),
            },
            made: Made::Pulled,
        }
    };
    let mut all: Vec<ArtifactComponent> = plan.artifacts.iter().map(of).collect();
    all.extend(plan.images.iter().map(images));
    all.extend(plan.kernel_modules.iter().zip(compiled).map(modules));
    all.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
    all
}

/// As file systems count, in 32 bits, which end in 2106: a lock with a later date is refused when it is read.
fn seconds(epoch: u64) -> u32 {
    u32::try_from(epoch).unwrap_or(u32::MAX)
}
