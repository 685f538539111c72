//! The driver's libraries in the tree, found as the toolkit finds them on a machine.
//!
//! Way of the data: the places where distributions put libraries (`pkg/lookup/library.go` of
//! NVIDIA/nvidia-container-toolkit) → `libcuda.so.VERSION`, whose name tells the version (`inferVersion` in
//! `internal/lookup/root/root.go`) → the directories of all files that end in it (`updateInfo`, there) → the libraries of those
//! directories (`pkg/nvcdi/driver-nvml.go`), each with the links that lead to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::effects::EffectError;
use crate::effects::ldconfig::{children, soname_of};
use crate::profile::Arch;
use crate::tree::{Kind, Tree, parent};

/// The library by which a driver is known.
const CUDA: &str = "libcuda.so.";
/// Of older drivers, the one library whose name does not end in the driver's version (`getLegacyNVVMLibraryMounts`).
const NVVM: &str = "libnvidia-nvvm70.so.";
/// The one subdirectory in which the toolkit looks too (`getVersionLibs`).
const VDPAU: &str = "vdpau";

/// The user's half of a driver.
#[derive(Debug)]
pub(super) struct Driver {
    pub version: String,
    /// The directories of its libraries: clean paths without links.
    pub dirs: BTreeSet<String>,
    pub libraries: Vec<Library>,
}

/// A library of the driver.
#[derive(Debug)]
pub(super) struct Library {
    /// Its file: a clean path without links.
    pub file: String,
    /// By what name programs ask for it; that of the file, if it has no other.
    pub soname: String,
    /// The links in the directories of libraries that lead to it: clean paths.
    pub links: BTreeSet<String>,
    /// Whether it belongs into the subdirectory for VDPAU.
    pub vdpau: bool,
}

impl Library {
    /// The directory and the name of its file.
    pub fn place(&self) -> (&str, &str) {
        (parent(&self.file).unwrap_or_default(), name_of(&self.file))
    }
}

/// The last component of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The regular file that `path` leads to, if there is one.
pub(super) fn file(tree: &Tree, path: &str) -> Option<String> {
    let real = tree.resolve(path, true).ok()?;
    matches!(tree.get(&real)?.kind, Kind::File(_) | Kind::HardLink(_)).then_some(real)
}

/// The driver in the tree; `None` if there is none.
///
/// # Errors
/// Libraries of several drivers; a library that cannot be read.
pub(super) fn find(tree: &Tree, arch: Arch) -> Result<Option<Driver>, EffectError> {
    let places = places(tree, arch)?;
    let Some(version) = version(tree, &places)? else { return Ok(None) };
    let belongs = |file: &str| {
        let name = name_of(file);
        name.ends_with(&format!(".so.{version}")) || name.starts_with(NVVM)
    };
    let mut dirs = BTreeSet::new();
    for (_, file) in places.iter().flat_map(|dir| files(tree, dir)) {
        if belongs(&file) && name_of(&file).starts_with("lib") {
            dirs.extend(parent(&file).map(str::to_owned));
        }
    }
    // By file: whether it is one for VDPAU, and its links.
    let mut found: BTreeMap<String, (bool, BTreeSet<String>)> = BTreeMap::new();
    for dir in places.union(&dirs) {
        for (vdpau, dir) in [(false, dir.clone()), (true, format!("{dir}/{VDPAU}"))] {
            for (path, file) in files(tree, &dir).filter(|(_, file)| belongs(file)) {
                let (_, links) = found.entry(file).or_insert_with(|| (vdpau, BTreeSet::new()));
                if tree.get(&path).is_some_and(|node| matches!(node.kind, Kind::Symlink(_))) {
                    links.insert(path);
                }
            }
        }
    }
    let mut libraries = Vec::new();
    for (file, (vdpau, links)) in found {
        let soname = soname_of(tree, &file, arch).map_err(|source| EffectError::Read { path: file.clone(), source })?;
        let soname = soname.unwrap_or_else(|| name_of(&file).to_owned());
        libraries.push(Library { file, soname, links, vdpau });
    }
    Ok(Some(Driver { version, dirs, libraries }))
}

/// Where libraries lie, as far as the tree has it.
fn places(tree: &Tree, arch: Arch) -> Result<BTreeSet<String>, EffectError> {
    let system = format!("usr/lib/{}", arch.triplet());
    let mut places = BTreeSet::new();
    for dir in [format!("{system}/nvidia/current"), system] {
        let real = tree.resolve(&dir, true)?;
        if tree.get(&real).is_some_and(crate::tree::Node::is_dir) {
            places.insert(real);
        }
    }
    Ok(places)
}

/// What a directory holds, each with the file that it leads to.
fn files<'a>(tree: &'a Tree, dir: &str) -> impl Iterator<Item = (String, String)> + use<'a> {
    let dir = dir.to_owned();
    let names = children(tree, &dir).filter(|name| name.contains(".so"));
    names.filter_map(move |name| {
        let path = format!("{dir}/{name}");
        let file = file(tree, &path)?;
        Some((path, file))
    })
}

/// The version of the one driver.
fn version(tree: &Tree, places: &BTreeSet<String>) -> Result<Option<String>, EffectError> {
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for (_, file) in places.iter().flat_map(|dir| files(tree, dir)) {
        // One part alone is an interface, as `libcuda.so.1` in a package for compiling: no driver.
        let version = name_of(&file).strip_prefix(CUDA).filter(|version| {
            version.contains('.') && version.chars().all(|char| char == '.' || char.is_ascii_digit())
        });
        if let Some(version) = version {
            versions.insert(version.to_owned(), file.clone());
        }
    }
    let mut all = versions.into_iter();
    let first = all.next();
    if let (Some((_, one)), Some((_, other))) = (&first, all.next()) {
        return Err(EffectError::refused(
            "the NVIDIA driver's libraries",
            format!("there are two versions of them: `/{one}` and `/{other}`"),
        )
        .with_hint(
            "leave out the packages of one version, or `drop` its libraries: a container is given those of the version that the kernel's module has",
        ));
    }
    Ok(first.map(|(version, _)| version))
}
