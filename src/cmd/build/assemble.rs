//! From unpacked packages to the parts of an image, each stage with its place in the cache.

use std::io::{Seek, Write};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::cmd::session::Session;
use crate::debian::Package;
use crate::effects::{self, Context, depmod, unpack};
use crate::exit::Failure;
use crate::format::{NoStore, Store};
use crate::image::{self, ImageError, Kernel, initrd, k3s, layout, node};
use crate::lock::IdMap;
use crate::output::{bytes, count};
use crate::profile::Profile;
use crate::tree::{Kind, Node, Tree};

/// Largest squashfs block; the seed's files are small, so its size does not matter.
const SEED_BLOCK: u32 = 128 * 1024;

/// The node's whole tree: packages, K3s, effects, overlays, and what makes it an immutable node.
pub(super) fn tree(
    session: &Session<'_>,
    profile: &Profile,
    packages: &[Package],
    k3s: Option<&k3s::Files>,
    ids: &IdMap,
    epoch: u64,
) -> Result<Tree, Failure> {
    const PHASE: &str = "effects";
    let progress = session.console.progress();
    progress.begin(PHASE, 0);
    let mut tree = unpack::unpack(packages)?;
    // Before effects, which let files of overlays win.
    if let Some(files) = k3s {
        k3s::install(&mut tree, profile, files)?;
    }
    let context = Context { profile, packages, ids, epoch };
    effects::apply(&mut tree, &context, &session.cache)?;
    node::install(&mut tree, layout::STATE, profile.led.as_deref())?;
    tree.check()?;
    initrd::check_modules(&tree, profile)?;
    progress.finish(PHASE, &count(tree.len(), "path"));
    Ok(tree)
}

/// The kernel as the board's loader wants it.
pub(super) fn kernel(session: &Session<'_>, profile: &Profile, tree: &Tree) -> Result<Kernel, Failure> {
    let kernel = Kernel::find(tree).and_then(|kernel| kernel.for_board(profile.board, &session.cache));
    Ok(kernel.map_err(ImageError::from)?)
}

/// The compressed initrd, kept by what it holds.
pub(super) fn initrd(session: &Session<'_>, profile: &Profile, tree: &Tree, epoch: u64) -> Result<Vec<u8>, Failure> {
    const PHASE: &str = "initrd";
    let progress = session.console.progress();
    progress.begin(PHASE, 0);
    let mut initrd = initrd::build(tree, &profile.kernel.initrd_modules, profile.board.arch())?;
    depmod::depmod(&mut initrd, &session.cache)?;
    let key: [u8; 32] = Sha256::new_with_prefix("imgbuild initrd 1\n")
        .chain_update(epoch.to_le_bytes())
        .chain_update(image::listing(&initrd))
        .finalize()
        .into();
    let packed = match session.cache.get(&key) {
        Some(packed) => packed,
        None => {
            let packed = initrd::pack(&initrd, seconds(epoch))?;
            session.cache.put(&key, &packed);
            packed
        }
    };
    progress.finish(PHASE, &format!("{}, {}", count(initrd.len(), "path"), bytes(packed.len() as u64)));
    Ok(packed)
}

/// The root file system.
pub(super) fn squashfs(
    session: &Session<'_>,
    profile: &Profile,
    root: &Tree,
    epoch: u64,
    out: &mut (impl Write + Seek),
) -> Result<(), Failure> {
    const PHASE: &str = "compress";
    let progress = session.console.progress();
    progress.begin(PHASE, 0);
    let settings = &profile.image;
    let summary =
        image::squashfs(root, settings.block_size, settings.compression_level, seconds(epoch), &session.cache, out)?;
    progress.finish(PHASE, &format!("{}, {}", count(root.len(), "path"), bytes(summary.image_len)));
    Ok(())
}

/// The seed partition's file system, in memory that is overwritten in the end.
pub(super) fn seed(tree: &Tree, level: i32, epoch: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let contents = |node: &Node| if let Kind::File(content) = &node.kind { content.len() } else { 0 };
    // Room for everything, so that it does not move while it grows, which would leave a copy.
    let room = tree.iter().map(|(path, node)| contents(node) + path.len() as u64 + 256).sum::<u64>() + (64 << 10);
    let mut image = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    image::squashfs(tree, SEED_BLOCK, level, seconds(epoch), &NoStore, &mut std::io::Cursor::new(&mut *image))?;
    Ok(image)
}

/// File systems count in 32 bits; 2106 is their problem.
fn seconds(epoch: u64) -> u32 {
    u32::try_from(epoch).unwrap_or(u32::MAX)
}
