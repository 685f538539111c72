//! The image to write, wherever it comes from.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::flash::Source;
use crate::image::Manifest;
use crate::profile::Role;

/// An image that may be written.
pub(super) struct Image {
    pub(super) manifest: Manifest,
    pub(super) source: Box<dyn Source>,
    /// The node whose stick it becomes, and that node's seed.
    pub(super) node: Option<String>,
    pub(super) seed: Option<Zeroizing<Vec<u8>>>,
    /// The node's role in K3s.
    pub(super) role: Option<Role>,
    /// Files that are read while writing, so their disk must not be written to.
    pub(super) protected_paths: Vec<PathBuf>,
}
