//! Kernel modules that overlays have compiled: taken from the cache by the digest of all that goes into them, or compiled now.
//!
//! ```text
//! recipe + locked source, headers, compiler ─▶ digest ─▶ cache ──┬─▶ modules ─▶ tree
//!                                                └─▶ compile ───┘
//! ```
//! What was compiled lies in the cache as one file a digest, which is also how it is carried to machines that cannot compile.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use object::elf::{EM_AARCH64, EM_X86_64, Machine};
use sha2::{Digest as _, Sha256};

use super::{PipelineError, Plan, PlannedPackage, Tools, repairing, unpacked};
use crate::cache::Cache;
use crate::debian::Package;
use crate::effects::{depmod, files as put};
use crate::fetch::Download;
use crate::files;
use crate::format::kmod::{self, KernelExports};
use crate::format::module_signature::sign_module;
use crate::format::signing::SigningKey;
use crate::kernel_module::artifact::{self, Manifest};
use crate::kernel_module::{self, Built, Job};
use crate::lock::LockedKernelModule;
use crate::profile::{Arch, KernelModule};
use crate::tree::{Digest, Kind, Node, Tree};

/// A kernel module as it is locked, what it is made of, and the digest of all that.
#[derive(Debug, Clone)]
pub(crate) struct PlannedModule<'a> {
    pub(crate) locked: &'a LockedKernelModule,
    pub(crate) recipe: &'a KernelModule,
    pub(crate) inputs: Digest,
}

/// What was compiled, and the digest of its file.
#[derive(Debug)]
pub(crate) struct Modules {
    pub(crate) manifest: Manifest,
    pub(crate) built: Vec<Built>,
    pub(crate) digest: Digest,
    /// Its file in the cache.
    pub(crate) file: PathBuf,
}

impl<'a> PlannedModule<'a> {
    /// `locked` as `recipe` has it compiled, with and of the packages of `toolchain`.
    pub(crate) fn new(
        locked: &'a LockedKernelModule,
        recipe: &'a KernelModule,
        toolchain: &[PlannedPackage<'_>],
    ) -> Self {
        Self { locked, recipe, inputs: inputs(locked, recipe, toolchain) }
    }

    /// Where its modules are in the image, by their file's name.
    fn place(&self, file: &str) -> String {
        // Before the kernel's own of the same name (`search` of depmod.d(5)).
        format!("usr/lib/modules/{}/updates/{}/{file}", self.locked.kernel, self.locked.name)
    }
}

/// Digest of everything that decides what the compiler makes. The leading words change when this program compiles otherwise.
fn inputs(locked: &LockedKernelModule, recipe: &KernelModule, toolchain: &[PlannedPackage<'_>]) -> Digest {
    let KernelModule { package, source, patches, make, modules, .. } = recipe;
    let patches: Vec<(&str, &str)> = patches
        .iter()
        .filter(|patch| patch.kernels.contains(&locked.kernel))
        .map(|patch| (patch.name.as_str(), patch.text.as_str()))
        .collect();
    let recipe = serde_json::json!([package, source, patches, make, modules]);
    let mut hash = Sha256::new_with_prefix("imgbuild kernel module 1\n");
    hash.update(format!("{} {} {recipe}\n", locked.kernel, locked.arch.name()));
    for PlannedPackage { locked, .. } in toolchain {
        hash.update(format!("{} {} {} {}\n", locked.name, locked.version, locked.arch, locked.sha256));
    }
    Digest(hash.finalize().into())
}

/// The kernel modules of `plan`, each from the cache or compiled.
///
/// # Errors
/// What cannot be compiled, here or at all; other bytes than the lock has.
pub(crate) fn made(plan: &Plan<'_>, tools: Tools<'_>) -> Result<Vec<Modules>, PipelineError> {
    plan.kernel_modules.iter().map(|module| made_one(module, &plan.toolchain, tools)).collect()
}

fn made_one(
    module: &PlannedModule<'_>,
    toolchain: &[PlannedPackage<'_>],
    tools: Tools<'_>,
) -> Result<Modules, PipelineError> {
    if let Some(known) = from_cache(module, tools.cache) {
        return Ok(known);
    }
    let modules = compiled(module, toolchain, tools)?;
    let LockedKernelModule { name, version, kernel, arch, result, .. } = module.locked;
    let manifest = Manifest::of(name, version, kernel, *arch, module.inputs, &modules);
    let bytes = artifact::pack(&manifest, &modules).map_err(|source| PipelineError::PackModules { source })?;
    let digest = Digest::of(&bytes);
    if let Some(expected) = result.filter(|expected| *expected != digest) {
        return Err(PipelineError::OtherResult { module: name.clone(), expected, found: digest });
    }
    let file = keep(module.inputs, &bytes, tools.cache)?;
    Ok(Modules { manifest, built: modules, digest, file })
}

/// What the cache has of a module; nothing if it is damaged, of somebody else, or not what the lock has.
pub(crate) fn from_cache(module: &PlannedModule<'_>, cache: &Cache) -> Option<Modules> {
    let file = file_of(module.inputs, cache);
    let is_own = |path: &Path| fs::metadata(path).is_ok_and(|found| files::is_own(&found));
    if !is_own(&file) || !file.parent().is_some_and(is_own) {
        return None;
    }
    let bytes = fs::read(&file).ok()?;
    let digest = Digest::of(&bytes);
    let (manifest, modules) = artifact::unpack(&bytes).ok()?;
    let is_right = manifest.inputs == module.inputs && module.locked.result.is_none_or(|result| result == digest);
    is_right.then_some(Modules { manifest, built: modules, digest, file })
}

/// The cache's file of what was compiled of these inputs.
pub(crate) fn file_of(inputs: Digest, cache: &Cache) -> PathBuf {
    cache.modules().join(format!("{inputs}{}", artifact::SUFFIX))
}

/// Puts the file of a module into the cache: whole or not at all.
///
/// # Errors
/// A cache that cannot be written.
pub(crate) fn keep(inputs: Digest, bytes: &[u8], cache: &Cache) -> Result<PathBuf, PipelineError> {
    let (dir, file) = (cache.modules(), file_of(inputs, cache));
    let write = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(&dir)?;
        let mut new = tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(&dir)?;
        new.write_all(bytes)?;
        new.persist(&file)?;
        Ok(())
    };
    write().map_err(|source| PipelineError::KeepModules { dir: dir.clone(), source })?;
    Ok(file)
}

/// Compiles a module, and holds what comes out against the kernel.
fn compiled(
    module: &PlannedModule<'_>,
    toolchain: &[PlannedPackage<'_>],
    tools: Tools<'_>,
) -> Result<Vec<Built>, PipelineError> {
    let LockedKernelModule { name, kernel, arch, package, .. } = module.locked;
    let packs: Vec<&Download> = toolchain.iter().map(|package| &package.download).collect();
    let built = repairing(&packs, tools, || {
        let packages = unpacked(toolchain, tools)?;
        let (sources, toolchain): (Vec<Package>, Vec<Package>) =
            packages.into_iter().partition(|found| found.name == *package);
        let source = sources.first().ok_or_else(|| PipelineError::NoSource { package: package.clone() })?;
        let job = Job { name, kernel, arch: *arch, toolchain: &toolchain, source, recipe: module.recipe };
        let built = kernel_module::compile(&job, tools.progress)?;
        check_fit(module.locked, &built, &toolchain)?;
        Ok(built)
    })?;
    Ok(built)
}

/// Holds modules against the kernel's headers: that they are for it, and that it has all that they need.
fn check_fit(locked: &LockedKernelModule, built: &[Built], headers: &[Package]) -> Result<(), PipelineError> {
    let kernel = &locked.kernel;
    let path = format!("usr/src/linux-headers-{kernel}/Module.symvers");
    let members = headers.iter().flat_map(|package| &package.members);
    let symvers = members.filter(|member| member.path == path).find_map(|member| match &member.node.kind {
        Kind::File(content) => Some(content),
        _ => None,
    });
    let symvers = symvers.ok_or_else(|| PipelineError::NoSymbols { kernel: kernel.clone() })?;
    let text = symvers.read().map_err(|source| PipelineError::Artifact { path: path.into(), source })?;
    let exports = KernelExports::parse(&String::from_utf8_lossy(&text))?;
    let modules: Vec<(&str, &[u8])> = built.iter().map(|it| (it.name.as_str(), it.bytes.as_slice())).collect();
    // The headers tell the release alone; the rest of what the kernel compares is held against its own modules in the tree.
    let first = modules.first().map(|(name, bytes)| kmod::vermagic(name, bytes)).transpose()?.flatten();
    let vermagic = first.filter(|found| found.split(' ').next() == Some(kernel.as_str()));
    Ok(kmod::fit(&modules, &exports, vermagic.as_ref().unwrap_or(kernel), machine(locked.arch))?)
}

/// The ELF machine that modules of an architecture are for.
fn machine(arch: Arch) -> Machine {
    match arch {
        Arch::Amd64 => EM_X86_64,
        Arch::Arm64 => EM_AARCH64,
    }
}

/// The modules with a signature by `key`, if there is one. The cache and the lock have them without: those are everybody's, and
/// the key is the owner's.
///
/// # Errors
/// A key that cannot sign.
pub(super) fn signed(made: Vec<Modules>, key: Option<&SigningKey>) -> Result<Vec<Modules>, PipelineError> {
    let Some(key) = key else { return Ok(made) };
    let sign = |built: Built| -> Result<Built, PipelineError> {
        let failed = |source| PipelineError::SignModule { module: built.name.clone(), source };
        let bytes = sign_module(&built.bytes, key).map_err(failed)?;
        Ok(Built { name: built.name, bytes })
    };
    let of = |modules: Modules| -> Result<Modules, PipelineError> {
        let built = modules.built.into_iter().map(sign).collect::<Result<_, _>>()?;
        Ok(Modules { built, ..modules })
    };
    made.into_iter().map(of).collect()
}

/// Puts the modules of a plan into the tree.
///
/// # Errors
/// Modules for another kernel than the tree's; a place where something else is.
pub(super) fn install(tree: &mut Tree, plan: &Plan<'_>, made: Vec<Modules>) -> Result<(), PipelineError> {
    for (planned, modules) in plan.kernel_modules.iter().zip(made) {
        let LockedKernelModule { name: of, kernel, .. } = planned.locked;
        let expected = vermagic_of(tree, kernel)?;
        let origin = format!("kernel-module:{of}");
        for Built { name, bytes } in modules.built {
            let found = kmod::vermagic(&name, &bytes)?.unwrap_or_default();
            if found != expected {
                let module = format!("{of}: {name}");
                return Err(PipelineError::OtherKernel { module, found, expected });
            }
            put::put(tree, &planned.place(&name), Node::file(0o644, bytes).from(&origin))?;
        }
    }
    Ok(())
}

/// What the modules of the tree's kernel were compiled for, by the first of them: all say the same.
fn vermagic_of(tree: &Tree, kernel: &str) -> Result<String, PipelineError> {
    let dir = format!("usr/lib/modules/{kernel}/kernel");
    let first = tree.below(&dir).find_map(|(path, node)| match &node.kind {
        Kind::File(content) if depmod::is_module(path) => Some((path, content)),
        _ => None,
    });
    let (path, content) = first.ok_or_else(|| PipelineError::NoKernel { kernel: kernel.to_owned() })?;
    Ok(kmod::vermagic(path, &depmod::module_bytes(path, content)?)?.unwrap_or_default())
}
