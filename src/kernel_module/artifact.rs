//! Compiled kernel modules as one file: what the cache keeps, and what is carried to machines that cannot compile.
//!
//! A tar archive (POSIX.1-1988 `ustar`) with a manifest first, then the modules in its order. Its owners, modes and times are
//! fixed, so that the same modules are the same bytes; its SHA-256 is what the lock has.

use std::io::{self, Cursor, Read};

use serde::{Deserialize, Serialize};
use tar::{Archive, Builder, EntryType, Header};

use super::Built;
use crate::profile::Arch;
use crate::tree::Digest;

/// The manifest's name in the archive.
const MANIFEST: &str = "manifest.json";
/// Most bytes of a manifest; one of five modules has 1 KB.
const MAX_MANIFEST: u64 = 1 << 20;
/// Most bytes of a module. NVIDIA's largest has 100 MB before it is stripped.
const MAX_MODULE: u64 = 512 << 20;
/// How names of these files end.
pub const SUFFIX: &str = ".modules.tar";

/// What the modules are, and what they were compiled of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the file format: 1.
    pub schema: u32,
    /// The kernel module's name in overlays.
    pub name: String,
    /// Version of the package with its source.
    pub version: String,
    /// The kernel's release.
    pub kernel: String,
    pub arch: Arch,
    /// Digest of everything that went into it: source, patches, make line, headers, compiler.
    pub inputs: Digest,
    /// In the order of the overlay.
    pub modules: Vec<ModuleEntry>,
}

/// One module of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleEntry {
    /// Its file's name (`nvidia.ko`).
    pub file: String,
    pub size: u64,
    pub sha256: Digest,
}

/// Why a file is not taken for compiled kernel modules.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("it is not an archive of kernel modules: {0}")]
    Archive(#[from] io::Error),
    #[error("its manifest cannot be read: {0}")]
    Manifest(#[from] serde_json::Error),
    #[error("its manifest is of version {0}, and this imgbuild knows 1 only")]
    Version(u32),
    #[error("it has `{found}` where its manifest has {expected}")]
    Other { found: String, expected: String },
    #[error("`{file}` in it is not what its manifest says: other bytes")]
    Bytes { file: String },
}

impl Manifest {
    /// The version that is written, and the only one that is read.
    pub const SCHEMA: u32 = 1;

    /// The manifest of modules that were compiled.
    #[must_use]
    pub fn of(name: &str, version: &str, kernel: &str, arch: Arch, inputs: Digest, modules: &[Built]) -> Self {
        let entry = |built: &Built| ModuleEntry {
            file: built.name.clone(),
            size: built.bytes.len() as u64,
            sha256: Digest::of(&built.bytes),
        };
        Self {
            schema: Self::SCHEMA,
            name: name.to_owned(),
            version: version.to_owned(),
            kernel: kernel.to_owned(),
            arch,
            inputs,
            modules: modules.iter().map(entry).collect(),
        }
    }

    /// The name of the file: what it holds, for people.
    #[must_use]
    pub fn file_name(&self) -> String {
        // An epoch's colon is no character for file names on every system.
        format!("{}_{}_{}{SUFFIX}", self.name, self.version.replace(':', "."), self.kernel)
    }
}

/// The file of modules with their `manifest`.
///
/// # Errors
/// None that memory does not give.
pub fn pack(manifest: &Manifest, modules: &[Built]) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
    let mut archive = Builder::new(Vec::new());
    let files = modules.iter().map(|built| (built.name.as_str(), built.bytes.as_slice()));
    for (name, bytes) in std::iter::once((MANIFEST, json.as_slice())).chain(files) {
        let mut header = Header::new_ustar();
        header.set_path(name)?;
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(EntryType::Regular);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        archive.append(&header, bytes)?;
    }
    archive.into_inner()
}

/// Reads a file of modules; every module has the digest that its manifest says.
///
/// # Errors
/// What is no such file, or one that contradicts itself.
pub fn unpack(bytes: &[u8]) -> Result<(Manifest, Vec<Built>), ArtifactError> {
    let mut archive = Archive::new(Cursor::new(bytes));
    let mut entries = archive.entries()?;
    let mut next = |expected: &str, most: u64| -> Result<Vec<u8>, ArtifactError> {
        let other = |found: String| ArtifactError::Other { found, expected: format!("`{expected}`") };
        let entry = entries.next().ok_or_else(|| other("nothing".to_owned()))??;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if name != expected || entry.header().entry_type() != EntryType::Regular {
            return Err(other(name));
        }
        let mut content = Vec::new();
        entry.take(most).read_to_end(&mut content)?;
        Ok(content)
    };
    let manifest: Manifest = serde_json::from_slice(&next(MANIFEST, MAX_MANIFEST)?)?;
    if manifest.schema != Manifest::SCHEMA {
        return Err(ArtifactError::Version(manifest.schema));
    }
    let mut modules = Vec::new();
    for ModuleEntry { file, size, sha256 } in &manifest.modules {
        let is_name = file.strip_suffix(".ko").is_some() && !file.contains(['/', '\0']);
        let bytes = next(file, MAX_MODULE)?;
        if !is_name || bytes.len() as u64 != *size || Digest::of(&bytes) != *sha256 {
            return Err(ArtifactError::Bytes { file: file.clone() });
        }
        modules.push(Built { name: file.clone(), bytes });
    }
    match entries.next() {
        None => Ok((manifest, modules)),
        Some(more) => Err(ArtifactError::Other {
            found: String::from_utf8_lossy(&more?.path_bytes()).into_owned(),
            expected: "nothing more".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Manifest, Vec<Built>) {
        let built = |name: &str, bytes: &[u8]| Built { name: name.to_owned(), bytes: bytes.to_vec() };
        let modules = vec![built("b.ko", b"second of the alphabet"), built("a.ko", &[7; 1000])];
        let manifest = Manifest::of("hello", "1:2.0-1", "6.12.118+deb13-amd64", Arch::Amd64, Digest([3; 32]), &modules);
        (manifest, modules)
    }

    #[test]
    fn what_is_packed_is_read_again() {
        let (manifest, modules) = sample();
        let bytes = pack(&manifest, &modules).unwrap();
        let (read, contents) = unpack(&bytes).unwrap();
        assert_eq!(read, manifest);
        let contents: Vec<(&str, usize)> = contents.iter().map(|it| (it.name.as_str(), it.bytes.len())).collect();
        assert_eq!(contents, [("b.ko", 22), ("a.ko", 1000)]);
        assert_eq!(manifest.file_name(), "hello_1.2.0-1_6.12.118+deb13-amd64.modules.tar");
        assert_eq!(bytes, pack(&manifest, &modules).unwrap());
    }

    #[test]
    fn other_bytes_and_other_files_than_the_manifest_has_are_refused() {
        let (manifest, modules) = sample();
        let bytes = pack(&manifest, &modules).unwrap();
        let mut changed = bytes.clone();
        let at = changed.windows(6).position(|window| window == b"second").unwrap();
        changed[at] = b'S';
        assert_eq!(
            unpack(&changed).unwrap_err().to_string(),
            "`b.ko` in it is not what its manifest says: other bytes"
        );
        let more =
            pack(&manifest, &[modules, vec![Built { name: "c.ko".to_owned(), bytes: vec![1] }]].concat()).unwrap();
        assert_eq!(unpack(&more).unwrap_err().to_string(), "it has `c.ko` where its manifest has nothing more");
        assert!(matches!(unpack(b"no archive"), Err(ArtifactError::Archive(_) | ArtifactError::Other { .. })));
        let cut = &bytes[..bytes.len() / 2];
        assert!(unpack(cut).is_err());
    }

    #[test]
    fn a_module_outside_its_place_is_refused() {
        let (mut manifest, _) = sample();
        manifest.modules[0].file = "../b.ko".to_owned();
        let json = serde_json::to_vec(&manifest).unwrap();
        let mut archive = Builder::new(Vec::new());
        let mut header = Header::new_ustar();
        header.set_path(MANIFEST).unwrap();
        header.set_size(json.len() as u64);
        header.set_cksum();
        archive.append(&header, json.as_slice()).unwrap();
        assert!(unpack(&archive.into_inner().unwrap()).is_err());
    }
}
