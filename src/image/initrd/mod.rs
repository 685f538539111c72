//! The initial RAM file system: a selection of the root file system itself, so both are the same packages and bytes.
//!
//! Data takes this way: declared programs, units and rules (`contents`) → the libraries they link to or load
//! (`elf`) → kernel modules with what they depend on (`modules`) → a small tree → cpio → zstd.
//!
//! What happens in it on a node, all by units: `systemd-veritysetup` opens the root that `roothash=` names,
//! `/sysroot` is mounted, `systemd-repart` makes the state partition if there is none, `/var` is that, `/etc` is an
//! overlay of memory over the seed over the image, the root takes over. Where a step fails, the console says
//! which, in words, and the node restarts: there is no shell.

mod contents;
pub mod elf;
mod modules;
mod select;

use std::io;

use crate::diagnostic::{Mistakes, closest};
use crate::format::cpio::{self, CpioError};
use crate::profile::{Arch, Profile};
use crate::tree::{Content, Kind, Node, Tree, TreeError};
use contents::{ALIASES, DIRECTORIES, OWN_FILES, OWN_LINKS, PARTS, SYSTEM_UNITS, UNITS};
use elf::ElfError;
use modules::Index;
use select::Selection;

/// Where kernel modules lie, one directory a kernel.
const MODULES: &str = "usr/lib/modules";
/// Origin of the nodes that do not come from a package.
const ORIGIN: &str = "imgbuild:initrd";
/// Fast to unpack on a small board at any level. Level 9 takes twice as long here and saves 4 %, which a slow stick reads in
/// some 25 ms.
const ZSTD_LEVEL: i32 = 5;

/// Why there is no initrd.
#[derive(Debug, thiserror::Error)]
pub enum InitrdError {
    /// The root lacks something that the initrd is to take from it.
    #[error("the initrd needs `/{path}` from package `{package}`, which the image does not hold")]
    Missing { path: String, package: &'static str },
    /// A program in the initrd links to a library that the root lacks.
    #[error("`/{user}` needs the library `{library}`, which the image does not hold")]
    NoLibrary { library: String, user: String },
    /// A program cannot be understood.
    #[error("`/{path}` is not a readable ELF file")]
    Elf { path: String, source: ElfError },
    /// Not exactly one kernel is installed.
    #[error("the image must hold the modules of exactly one kernel below `/{MODULES}`, but has {found}")]
    Kernels { found: String },
    /// The kernel lacks a module.
    #[error("the kernel has no module `{module}`, neither as a file nor built in")]
    NoModule { module: String },
    /// Modules that a profile's files name and the kernel lacks.
    #[error("{0}")]
    Mistakes(#[source] Mistakes),
    /// A file of the root could not be read.
    #[error("cannot read `/{path}`")]
    Read { path: String, source: io::Error },
    /// A file could not be placed.
    #[error("the initrd's tree is not sound")]
    Tree(#[from] TreeError),
    /// The archive could not be written.
    #[error("cannot write the initrd's archive")]
    Cpio(#[from] CpioError),
    /// The archive could not be compressed.
    #[error("cannot compress the initrd")]
    Compress(#[source] io::Error),
}

impl InitrdError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { package, path } => {
                Some(format!("add `{package}` to the profile's packages, or take `{path}` out of its `drop` list"))
            }
            Self::NoLibrary { library, .. } => Some(format!("do not `drop` {library} from the image")),
            Self::Kernels { .. } => Some("install one kernel package, not several".to_owned()),
            Self::Mistakes(mistakes) => mistakes.hint(),
            Self::NoModule { .. } => Some("check `initrd_modules` in the profile's [kernel] table".to_owned()),
            _ => None,
        }
    }
}

/// What the initrd takes from any root, with the package that brings it; kernel modules and libraries come on top.
pub fn contents() -> impl Iterator<Item = (String, &'static str)> {
    let parts = PARTS.iter().flat_map(|part| part.paths.iter().map(|path| ((*path).to_owned(), part.package)));
    parts.chain(SYSTEM_UNITS.iter().map(|unit| (format!("{UNITS}/{unit}"), "systemd")))
}

/// Builds the initrd's tree from the finished `root` (after all effects: module lists and accounts are taken from it).
/// `extra_modules` are names of kernel modules to carry beside those that the job needs.
///
/// The binary module indexes are not in it: run depmod's effect over the result, whose
/// `usr/lib/modules/VERSION` holds the chosen modules and the kernel's own lists.
///
/// # Errors
/// Something that `root` lacks, or cannot be read.
pub fn build(root: &Tree, extra_modules: &[String], arch: Arch) -> Result<Tree, InitrdError> {
    let mut chosen = Selection::new(root, arch);
    for alias in ALIASES {
        chosen.take_if_there(alias)?;
    }
    for (path, package) in contents() {
        chosen.take(&path, package)?;
    }
    let kernel = kernel_directory(root)?;
    for module in modules(root, &kernel, extra_modules, arch)? {
        chosen.take(&format!("{kernel}/{module}"), "linux-image")?;
    }
    for list in ["modules.builtin", "modules.builtin.modinfo", "modules.order"] {
        chosen.take(&format!("{kernel}/{list}"), "linux-image")?;
    }
    let mut tree = chosen.finish();

    for (path, mode, text) in OWN_FILES {
        tree.put(path, Node::file(*mode, *text).from(ORIGIN))?;
    }
    for (path, target) in OWN_LINKS {
        tree.put(path, Node::symlink(*target).from(ORIGIN))?;
    }
    for (path, mode) in DIRECTORIES {
        tree.put(path, Node::dir(*mode).from(ORIGIN))?;
    }
    tree.check()?;
    Ok(tree)
}

/// Packs an initrd's tree as the kernel wants it: a cpio archive, compressed with zstd. All entries get the
/// modification time `mtime` (seconds since 1970).
///
/// # Errors
/// Of reading contents and of compressing.
pub fn pack(tree: &Tree, mtime: u32) -> Result<Vec<u8>, InitrdError> {
    let entries: Vec<cpio::Entry<'_>> =
        tree.iter().filter(|(path, _)| !path.is_empty()).map(|(path, node)| entry(path, node)).collect();
    let mut out = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(InitrdError::Compress)?;
    cpio::write(&entries, mtime, &mut out)?;
    out.finish().map_err(InitrdError::Compress)
}

fn entry<'a>(path: &'a str, node: &'a Node) -> cpio::Entry<'a> {
    let kind = match &node.kind {
        Kind::Dir => cpio::Kind::Dir,
        Kind::File(content) => cpio::Kind::File(content),
        Kind::Symlink(target) => cpio::Kind::Symlink(target),
        Kind::HardLink(target) => cpio::Kind::HardLink(target),
        Kind::CharDevice { major, minor } => cpio::Kind::CharDevice { major: *major, minor: *minor },
        Kind::BlockDevice { major, minor } => cpio::Kind::BlockDevice { major: *major, minor: *minor },
        Kind::Fifo => cpio::Kind::Fifo,
    };
    cpio::Entry { path, kind, mode: node.mode, uid: node.uid, gid: node.gid }
}

impl cpio::Source for Content {
    fn read(&self) -> io::Result<std::borrow::Cow<'_, [u8]>> {
        Self::read(self)
    }
}

/// The only directory of kernel modules in `root`.
fn kernel_directory(root: &Tree) -> Result<String, InitrdError> {
    let depth = MODULES.matches('/').count() + 1;
    let found: Vec<&str> = root
        .below(MODULES)
        .filter(|(path, node)| node.is_dir() && path.matches('/').count() == depth)
        .map(|(path, _)| path)
        .collect();
    match found.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(InitrdError::Kernels { found: "none".to_owned() }),
        many => Err(InitrdError::Kernels { found: many.join(", ") }),
    }
}

/// Checks that the kernel of the finished `root` has all modules that `profile` names, for the initrd or for later.
///
/// # Errors
/// Those that it lacks, or lists that cannot be read.
pub fn check_modules(root: &Tree, profile: &Profile) -> Result<(), InitrdError> {
    let kernel = &profile.kernel;
    let named = [("kernel.modules", &kernel.modules), ("kernel.initrd_modules", &kernel.initrd_modules)];
    let named = named.iter().flat_map(|(key, modules)| modules.iter().map(move |module| (*key, module.as_str())));
    let named: Vec<(&str, &str)> = named.collect();
    if named.is_empty() {
        return Ok(());
    }
    let lists = Lists::read(root, &kernel_directory(root)?)?;
    let mut mistakes = Vec::new();
    // Aliases are many and rarely what a profile names.
    let names = lists.names();
    let missing: Vec<_> = named.into_iter().filter(|(_, module)| !names.has(module)).collect();
    let index = if missing.is_empty() { names } else { lists.index() };
    for (key, module) in missing.into_iter().filter(|(_, module)| !index.has(module)) {
        let message = format!("the image's kernel has no module `{module}`, neither as a file nor built in");
        let Some(mistake) = profile.marks.mistake(key, module, message) else {
            return Err(InitrdError::NoModule { module: module.to_owned() });
        };
        let meant = closest(module, index.module_names()).map(|meant| format!("did you mean `{meant}`? "));
        let advice = "take it out, or see whether `drop` leaves its file out";
        mistakes.push(mistake.hint(meant.unwrap_or_default() + advice));
    }
    Mistakes::check(mistakes).map_err(InitrdError::Mistakes)
}

/// Paths of the chosen modules, relative to the kernel's directory.
fn modules(root: &Tree, kernel: &str, extra: &[String], arch: Arch) -> Result<Vec<String>, InitrdError> {
    let lists = Lists::read(root, kernel)?;
    Ok(lists.index().choose(arch, extra)?.into_iter().map(str::to_owned).collect())
}

/// The texts of a kernel's lists of modules.
struct Lists {
    dep: String,
    softdep: String,
    alias: String,
    builtin: String,
    modinfo: String,
}

impl Lists {
    fn read(root: &Tree, kernel: &str) -> Result<Self, InitrdError> {
        let list = |name: &str| text(root, &format!("{kernel}/{name}"));
        Ok(Self {
            dep: list("modules.dep")?,
            softdep: list("modules.softdep")?,
            alias: list("modules.alias")?,
            builtin: list("modules.builtin")?,
            modinfo: list("modules.builtin.modinfo")?,
        })
    }

    fn index(&self) -> Index<'_> {
        Index::parse(&self.dep, &self.softdep, &self.alias, &self.builtin, &self.modinfo)
    }

    /// The names of modules alone.
    fn names(&self) -> Index<'_> {
        Index::parse(&self.dep, "", "", &self.builtin, "")
    }
}

/// The text of one of the kernel's lists.
fn text(root: &Tree, path: &str) -> Result<String, InitrdError> {
    let content =
        root.file(path).ok_or_else(|| InitrdError::Missing { path: path.to_owned(), package: "linux-image" })?;
    content.text().map_err(|source| InitrdError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
