//! What is written, wherever it comes from.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::flash::Source;
use crate::image::Manifest;
use crate::profile::Role;

/// An image that may be written.
pub(super) struct Image {
    pub(super) manifest: Manifest,
    pub(super) source: Box<dyn Source>,
    /// The node, and what makes the stick its own.
    pub(super) node: Option<String>,
    pub(super) seed: Option<Zeroizing<Vec<u8>>>,
    /// What the node is to K3s.
    pub(super) role: Option<Role>,
    /// Files that the writing depends on.
    pub(super) keep: Vec<PathBuf>,
}
