//! Finding the kernel in the tree that the packages made.

use super::boards::BootError;
use crate::tree::{Content, Kind, Tree};

/// The kernel that an image boots.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Its release (`6.12.117+deb13-arm64`), as in `/usr/lib/modules`.
    pub release: String,
    /// The bootable image as the package ships it; an EFI program on both architectures.
    pub image: Content,
}

impl Kernel {
    /// The one kernel in `tree`, `boot/vmlinuz-RELEASE`.
    ///
    /// # Errors
    /// None or several.
    pub fn find(tree: &Tree) -> Result<Self, BootError> {
        let mut found: Vec<Self> = tree
            .below("boot")
            .filter_map(|(path, node)| match (path.strip_prefix("boot/vmlinuz-"), &node.kind) {
                (Some(release), Kind::File(image)) => Some(Self { release: release.to_owned(), image: image.clone() }),
                _ => None,
            })
            .collect();
        match (found.pop(), found.as_slice()) {
            (Some(kernel), []) => Ok(kernel),
            (None, _) => Err(BootError::NoKernel),
            (Some(last), others) => {
                let releases = others.iter().chain([&last]).map(|kernel| kernel.release.clone()).collect();
                Err(BootError::SeveralKernels { releases })
            }
        }
    }
}
