//! What `ldconfig` does when libraries are installed: links from SONAMEs to files, and `/etc/ld.so.cache`.
//!
//! [`dirs`] reads which directories hold libraries, [`scan`] looks through each of them with [`soname`] reading the ELF
//! files, and [`crate::format::ldso_cache`] writes what was found. The behaviour follows glibc 2.41
//! (`elf/ldconfig.c`) as Debian builds it.

mod dirs;
mod scan;
mod soname;

use std::io;

use object::elf::{EM_AARCH64, EM_X86_64, Machine};

use crate::format::ldso_cache::{self, FLAGS_AARCH64, FLAGS_X86_64, Library, TooLarge};
use crate::profile::Arch;
use crate::tree::{Kind, Node, Tree, TreeError};

pub(super) use dirs::children;

const CACHE: &str = "etc/ld.so.cache";
/// How the C library introduces itself in its own file.
const BANNER: &[u8] = b"GNU C Library ";

/// Why the cache could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LdconfigError {
    #[error("cannot read `/{path}`")]
    Read { path: String, source: io::Error },
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Makes the links and the cache for the libraries in `tree`, replacing a cache that is there.
///
/// # Errors
/// A library or configuration file that cannot be read. Files that are no libraries for `arch` are passed over.
pub fn ldconfig(tree: &mut Tree, arch: Arch) -> Result<(), LdconfigError> {
    let mut libraries = Vec::new();
    for dir in dirs::search_path(tree, arch)? {
        for stale in scan::stale_links(tree, &dir) {
            tree.remove(&stale);
        }
        for found in scan::scan(tree, &dir, machine(arch))? {
            let file = if dir.hwcaps.is_some() {
                // The loader takes these by the name of the file.
                &found.name
            } else {
                if !found.is_link {
                    link(tree, &dir.real, &found.soname, &found.name)?;
                }
                &found.soname
            };
            libraries.push(Library {
                path: format!("{}/{file}", dir.path),
                soname: found.soname,
                flags: flags(arch),
                hwcaps: dir.hwcaps.clone(),
            });
        }
    }
    let generator = generator(tree, arch)?;
    let cache = ldso_cache::encode(&libraries, &generator)?;
    tree.put(CACHE, Node::file(0o644, cache).from("effect:ldconfig"))?;
    Ok(())
}

/// Lets `dir/soname` lead to `dir/file`, unless it does already or is no link.
fn link(tree: &mut Tree, dir: &str, soname: &str, file: &str) -> Result<(), LdconfigError> {
    let path = format!("{dir}/{soname}");
    let leads_there = tree.contains(&path) && scan::inode(tree, &path) == scan::inode(tree, &format!("{dir}/{file}"));
    let in_the_way = tree.get(&path).is_some_and(|node| !matches!(node.kind, Kind::Symlink(_)));
    if !leads_there && !in_the_way {
        tree.put(&path, Node::symlink(file).from("effect:ldconfig"))?;
    }
    Ok(())
}

/// The SONAME of the library at `path`; `None` if it has none, or is no library for `arch`.
///
/// # Errors
/// Of reading the file.
pub(super) fn soname_of(tree: &Tree, path: &str, arch: Arch) -> io::Result<Option<String>> {
    let Some(content) = tree.file(path) else { return Ok(None) };
    Ok(soname::read(content, machine(arch))?.and_then(|library| library.soname))
}

/// What `ldconfig` of the C library in the tree would call itself.
fn generator(tree: &Tree, arch: Arch) -> Result<String, LdconfigError> {
    let path = format!("usr/lib/{}/libc.so.6", arch.triplet());
    let Some(content) = tree.file(&path) else { return Ok("ldconfig".to_owned()) };
    let bytes = content.read().map_err(|source| LdconfigError::Read { path, source })?;
    let banner = bytes.windows(BANNER.len()).position(|window| window == BANNER).and_then(|start| {
        let text = &bytes[start + BANNER.len()..];
        let end = text.windows(2).position(|window| window == b".\n")?;
        std::str::from_utf8(&text[..end]).ok()
    });
    Ok(banner.map_or_else(|| "ldconfig".to_owned(), |banner| format!("ldconfig {banner}")))
}

fn machine(arch: Arch) -> Machine {
    match arch {
        Arch::Amd64 => EM_X86_64,
        Arch::Arm64 => EM_AARCH64,
    }
}

fn flags(arch: Arch) -> u32 {
    match arch {
        Arch::Amd64 => FLAGS_X86_64,
        Arch::Arm64 => FLAGS_AARCH64,
    }
}

#[cfg(test)]
mod tests;
