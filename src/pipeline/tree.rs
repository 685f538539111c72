//! The third stage: the node's whole root file system, as a value in memory.

use super::{PipelineError, Plan, Tools};
use crate::debian::Package;
use crate::effects::{self, Context, unpack};
use crate::image::{ImageError, Search, initrd, k3s, layout, node};
use crate::output::count;
use crate::tree::{Content, Kind, Tree};

/// Packages, artifacts, effects, files of overlays, and what makes it an immutable node.
///
/// # Errors
/// Packages that do not go together, an effect that fails, modules that the kernel does not have.
pub(super) fn tree(
    plan: &Plan<'_>,
    packages: &[Package],
    k3s: Option<k3s::Files>,
    tools: Tools<'_>,
) -> Result<Tree, PipelineError> {
    const PHASE: &str = "effects";
    let Plan { profile, ids, epoch, .. } = *plan;
    tools.progress.begin(PHASE, 0);
    let mut tree = unpack::unpack(packages)?;
    // Before effects, which let files of overlays win.
    if let Some(files) = k3s {
        k3s::install(&mut tree, profile, &files)?;
    }
    let context = Context { profile, packages, ids, epoch };
    effects::apply(&mut tree, &context, tools.cache)?;
    node::install(&mut tree, layout::STATE, profile.led.as_deref())?;
    tree.check()?;
    initrd::check_modules(&tree, profile)?;
    tools.progress.finish(PHASE, &count(tree.len(), "path"));
    Ok(tree)
}

/// Looks for secrets in what this program or the user wrote: packages and artifacts are public, and locked by their digests.
///
/// # Errors
/// A secret that is there.
pub(super) fn search(tree: &Tree, search: &Search<'_>) -> Result<(), ImageError> {
    for (path, node) in tree.iter() {
        if let Kind::File(Content::Bytes(bytes)) = &node.kind {
            search(&format!("file `/{path}` ({})", node.origin), &mut &bytes[..])?;
        }
    }
    Ok(())
}
