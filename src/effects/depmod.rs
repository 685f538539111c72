//! The kernel module index, as the trigger of the kernel's packages has `depmod` make it.
//!
//! Reading four thousand compressed modules is the dearest of all effects, so its result is kept by the
//! digest of what it depends on: paths and contents of the modules and of the kernel's own lists.

use std::io::{self, Read};

use liblzma::bufread::XzDecoder;
use liblzma::stream::{IGNORE_CHECK, Stream};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::format::Store;
use crate::format::kmod::{self, BuildFiles, DependError, Module, ModuleError};
use crate::tree::{Content, Digest, Kind, Node, Tree, TreeError};

/// Where modules lie, one directory a kernel version.
const MODULES: &str = "usr/lib/modules";

/// Memory that decoding a module may take, in bytes; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 128 << 20;

/// Why no index could be made.
#[derive(Debug, thiserror::Error)]
pub enum DepmodError {
    #[error("cannot read kernel module `/{path}`")]
    Read { path: String, source: io::Error },
    #[error(transparent)]
    Module(#[from] ModuleError),
    #[error(transparent)]
    Depend(#[from] DependError),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Writes the index files of every kernel version in the tree.
///
/// # Errors
/// Modules that cannot be read, or that need each other in a circle or in too many ways.
pub fn depmod(tree: &mut Tree, store: &dyn Store) -> Result<(), DepmodError> {
    let mut versions: Vec<String> = tree
        .below(MODULES)
        .filter_map(|(path, node)| {
            let version = path.strip_prefix(MODULES)?.strip_prefix('/')?;
            (node.is_dir() && !version.contains('/')).then(|| version.to_owned())
        })
        .collect();
    versions.sort();
    for version in versions {
        for (name, bytes) in index(tree, &format!("{MODULES}/{version}"), store)? {
            tree.put(&format!("{MODULES}/{version}/{name}"), Node::file(0o644, bytes).from("effect:depmod"))?;
        }
    }
    Ok(())
}

/// The index files of the modules below `dir`, from the store if they are known.
fn index(tree: &Tree, dir: &str, store: &dyn Store) -> Result<Vec<(String, Vec<u8>)>, DepmodError> {
    let modules: Vec<(&str, &Content)> = tree
        .below(dir)
        .filter_map(|(path, node)| match &node.kind {
            Kind::File(content) if is_module(path) => Some((&path[dir.len() + 1..], content)),
            _ => None,
        })
        .collect();
    let key = key(tree, dir, &modules);
    if let Some(known) = store.get(&key.0).and_then(|bytes| unpack(&bytes)) {
        return Ok(known);
    }
    let parsed = modules
        .par_iter()
        .map(|(path, content)| {
            let bytes = module_bytes(&format!("{dir}/{path}"), content)?;
            Ok(Module::parse(path, &bytes)?)
        })
        .collect::<Result<Vec<_>, DepmodError>>()?;
    let text = |name: &str| -> Result<Vec<u8>, DepmodError> {
        let path = format!("{dir}/{name}");
        let read = tree.file(&path).map(|content| content.read().map(std::borrow::Cow::into_owned)).transpose();
        read.map(Option::unwrap_or_default).map_err(|source| DepmodError::Read { path, source })
    };
    let (order, builtin) = (text("modules.order")?, text("modules.builtin")?);
    let files = kmod::depmod(
        parsed,
        BuildFiles {
            order: &String::from_utf8_lossy(&order),
            builtin: &String::from_utf8_lossy(&builtin),
            builtin_modinfo: &text("modules.builtin.modinfo")?,
        },
    )?;
    let files: Vec<(String, Vec<u8>)> = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    store.put(&key.0, &pack(&files));
    Ok(files)
}

/// The uncompressed bytes of the module at `path` of a tree.
///
/// # Errors
/// One that cannot be read.
pub fn module_bytes(path: &str, content: &Content) -> Result<Vec<u8>, DepmodError> {
    let bytes = content.read().and_then(|bytes| decompress(path, &bytes));
    bytes.map_err(|source| DepmodError::Read { path: path.to_owned(), source })
}

/// Whether a path is that of a module, compressed or not.
#[must_use]
pub fn is_module(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    [".ko", ".ko.xz", ".ko.zst", ".ko.gz"].iter().any(|suffix| file.ends_with(suffix))
}

fn decompress(path: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match path.rsplit('.').next() {
        // The content was checked when it was read.
        Some("xz") => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, IGNORE_CHECK)?;
            XzDecoder::new_stream(bytes, stream).read_to_end(&mut out)?
        }
        Some("zst") => zstd::stream::read::Decoder::new(bytes)?.read_to_end(&mut out)?,
        Some("gz") => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out)?,
        _ => return Ok(bytes.to_vec()),
    };
    Ok(out)
}

/// What the index depends on. The leading words change when this code's result does.
fn key(tree: &Tree, dir: &str, modules: &[(&str, &Content)]) -> Digest {
    let mut hash = Sha256::new_with_prefix("imgbuild depmod 1\n");
    let lists = ["modules.builtin", "modules.builtin.modinfo", "modules.order"];
    let lists = lists.iter().filter_map(|name| Some((*name, tree.file(&format!("{dir}/{name}"))?)));
    for (path, content) in lists.chain(modules.iter().copied()) {
        hash.update(format!("{path}\0{}\n", content.digest()));
    }
    Digest(hash.finalize().into())
}

/// Files in a row: name, NUL, length as 8 bytes little-endian, bytes.
fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in files {
        out.extend(name.as_bytes());
        out.push(0);
        out.extend((bytes.len() as u64).to_le_bytes());
        out.extend(bytes);
    }
    out
}

/// Reads [`pack`]'s bytes; `None` if they are damaged, which costs a new computation only.
fn unpack(mut bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let name = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let (length, rest) = bytes[end + 1..].split_first_chunk::<8>()?;
        let (content, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        files.push((name, content.to_vec()));
        bytes = rest;
    }
    Some(files)
}
