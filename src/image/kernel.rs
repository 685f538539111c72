//! Finding the kernel in the tree that the packages made, and packing it for the loader that will read it.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

use super::boards::BootError;
use crate::format::Store;
use crate::profile::Board;
use crate::tree::{Content, Kind, Tree};

/// Of a kernel of 38 MB this leaves 14.6 MB; level 6 leaves 14.2 and takes half as long again.
const GZIP_LEVEL: u32 = 3;

/// The kernel that an image boots.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Its release (`6.12.117+deb13-arm64`), as in `/usr/lib/modules`.
    pub release: String,
    /// The bootable image: as the package ships it, an EFI program on both architectures, or packed.
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
    /// The kernel as the loader of `board` wants it. An arm64 `Image` does not unpack itself; a Raspberry Pi's firmware does that
    /// for gzip, which it knows by its first bytes (`arm_64bit` in its documentation of config.txt). So a stick holds, and a node
    /// reads, two fifths of its bytes. The result is kept in `store`.
    ///
    /// # Errors
    /// Of reading it.
    pub fn for_board(self, board: Board, store: &dyn Store) -> Result<Self, BootError> {
        if board != Board::Rpi4 {
            return Ok(self);
        }
        let key: [u8; 32] = Sha256::new_with_prefix(format!("imgbuild kernel, gzip {GZIP_LEVEL}\n"))
            .chain_update(self.image.digest().0)
            .finalize()
            .into();
        let packed = match store.get(&key) {
            Some(packed) => packed,
            None => {
                let packed = self.gzip().map_err(|source| BootError::Read { path: self.path(), source })?;
                store.put(&key, &packed);
                packed
            }
        };
        Ok(Self { image: packed.into(), ..self })
    }

    fn path(&self) -> String {
        format!("boot/vmlinuz-{}", self.release)
    }

    /// Without a name and a time, so that the same kernel gives the same bytes.
    fn gzip(&self) -> std::io::Result<Vec<u8>> {
        let mut packed = GzBuilder::new().write(Vec::new(), Compression::new(GZIP_LEVEL));
        packed.write_all(&self.image.read()?)?;
        packed.finish()
    }
}
