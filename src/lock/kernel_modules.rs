//! Locking kernel modules that overlays have compiled: for which kernel, of which source, and with which compiler.
//!
//! The kernel is the one that the profile was locked to. What its modules are compiled with is chosen as a profile's packages
//! are, for the machine that compiles; headers and sources are taken alone, since of these nothing is started.

use super::kernel::{flavour, kernel_of, newest_kernel};
use super::narrowed::narrow;
use super::pins::{Sources, hold, pins};
use super::priority::prefer;
use super::select::locked_package;
use super::upstream::upstream;
use super::{Lock, LockError, LockedKernelModule, LockedPackage, Update};
use crate::debian::archive::FetchedIndex;
use crate::debian::index::{self, Stanza};
use crate::debian::resolve::{Candidate, Universe, resolve};
use crate::diagnostic::Mistakes;
use crate::profile::{Arch, KernelModule, Profile, Recommends};

/// What kernel modules are compiled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The architecture of the machine that compiles.
    pub arch: Arch,
    /// Packages for that machine; what they depend on comes along.
    pub resolved: Vec<String>,
    /// Packages that are of no use but for their files: the kernel's headers.
    pub alone: Vec<(Arch, String)>,
}

/// The verified indexes for one architecture.
#[derive(Debug, Clone, Copy)]
pub struct Indexes<'a> {
    pub arch: Arch,
    pub indexes: &'a [FetchedIndex],
}

/// The kernel modules of `profile` for the kernel among its `packages`, without results, and what they are compiled with and
/// of. `image` are the indexes for the image's architecture, `build` those for that of the `toolchain`.
///
/// # Errors
/// A kernel that a module is not known to work with; packages that no source has.
pub fn lock_kernel_modules(
    profile: &Profile,
    packages: &[LockedPackage],
    toolchain: &Toolchain,
    (image, build): (Indexes<'_>, Indexes<'_>),
    (previous, update): (&Lock, Update<'_>),
) -> Result<(Vec<LockedKernelModule>, Vec<LockedPackage>), LockError> {
    let (kernel, kernel_package) =
        kernel_of(packages).ok_or_else(|| LockError::NoKernel { profile: profile.name.clone() })?;
    let (of_image, of_build) = (stanzas(profile, image)?, stanzas(profile, build)?);
    for (name, module) in &profile.kernel_modules {
        check_kernel(profile, (name, module), kernel, &of_image)?;
    }
    let mut chosen = resolved(profile, toolchain, &of_build, previous, update)?;
    for (arch, name) in &toolchain.alone {
        let stanzas = if *arch == image.arch { &of_image } else { &of_build };
        // Of a kernel the headers of the same build alone fit.
        let same = |stanza: &Stanza<'_>| stanza.version.as_str() == kernel_package.version;
        let headers = newest(stanzas, *arch, name, same).ok_or_else(|| LockError::NoHeaders {
            kernel: kernel.to_owned(),
            package: name.clone(),
            version: kernel_package.version.clone(),
        })?;
        chosen.push(locked_package(&headers));
    }
    let mut modules = Vec::new();
    for (name, module) in &profile.kernel_modules {
        let source = source(profile, name, module, image.arch, &of_image, previous, update)?;
        same_version(module, &source, packages).map_err(|(package, has)| LockError::OtherVersion {
            module: name.clone(),
            source_package: format!("{} {}", source.name, source.version),
            package: format!("{package} {has}"),
        })?;
        modules.push(LockedKernelModule {
            name: name.clone(),
            kernel: kernel.to_owned(),
            arch: image.arch,
            package: source.name.clone(),
            version: source.version.clone(),
            result: None,
            profiles: Vec::new(),
        });
        chosen.push(source);
    }
    for package in &mut chosen {
        "not run".clone_into(&mut package.scripts);
    }
    chosen.sort_by(|a, b| (&a.name, &a.arch).cmp(&(&b.name, &b.arch)));
    chosen.dedup_by(|a, b| a.sha256 == b.sha256 && a.path == b.path);
    Ok((modules, chosen))
}

/// What the sources have for one architecture, as far as the profile lets it in.
fn stanzas<'a>(profile: &Profile, from: Indexes<'a>) -> Result<Vec<(&'a str, Vec<Stanza<'a>>)>, LockError> {
    let mut sources = Vec::new();
    for FetchedIndex { state, text } in from.indexes {
        let stanzas = index::parse(text)
            .map_err(|source| LockError::Index { name: state.name.clone(), source: Box::new(source) })?;
        sources.push((state.name.as_str(), stanzas));
    }
    // Patterns that match nothing were told of when the image's packages were chosen; for another architecture they need not.
    let _ = narrow(profile, &mut sources);
    prefer(profile, from.arch.name(), &mut sources);
    Ok(sources)
}

/// Refuses a kernel that a module is not known to work with.
fn check_kernel(
    profile: &Profile,
    (name, module): (&str, &KernelModule),
    kernel: &str,
    sources: &Sources<'_>,
) -> Result<(), LockError> {
    if module.kernels.contains(kernel) {
        return Ok(());
    }
    let newest = newest_kernel(sources, flavour(kernel), |release| module.kernels.contains(release)).map(str::to_owned);
    let error = LockError::UnknownKernel {
        module: name.to_owned(),
        kernel: kernel.to_owned(),
        kernels: module.kernels.to_string(),
        newest,
        origin: module.origin.to_string(),
    };
    Err(placed(profile, "kernel-module.kernels", name, &error).map_or(error, LockError::Unknown))
}

/// The error at the place where a file names what is wrong, if one does.
fn placed(profile: &Profile, key: &str, about: &str, error: &LockError) -> Option<Mistakes> {
    let mistake = profile.marks.mistake(key, about, error.to_string())?;
    Mistakes::check(vec![mistake.hint(error.hint().unwrap_or_default())]).err()
}

/// The compiler and all that it depends on.
fn resolved(
    profile: &Profile,
    toolchain: &Toolchain,
    sources: &Sources<'_>,
    previous: &Lock,
    update: Update<'_>,
) -> Result<Vec<LockedPackage>, LockError> {
    let arch = toolchain.arch.name();
    let failed = |source| LockError::Resolve {
        profile: format!("{} (what its kernel modules are compiled with)", profile.name),
        kept: false,
        narrowed: Vec::new(),
        source: Box::new(source),
    };
    let locked = previous.toolchain_of(&profile.name).filter(|package| [arch, "all"].contains(&package.arch.as_str()));
    let pins = pins(locked, arch, sources, &Recommends::default(), update).map_err(failed)?;
    let universe = Universe::new(arch, hold(sources, &pins)).map_err(failed)?;
    let selection = resolve(&universe, &toolchain.resolved, &Recommends::default()).map_err(failed)?;
    Ok(selection.packages().map(locked_package).collect())
}

/// The package with the source of a module: the locked version as long as a source has it, else the newest.
fn source(
    profile: &Profile,
    name: &str,
    module: &KernelModule,
    arch: Arch,
    sources: &Sources<'_>,
    previous: &Lock,
    update: Update<'_>,
) -> Result<LockedPackage, LockError> {
    let package = &module.package;
    let stays = match update {
        Update::Everything => false,
        Update::Nothing => true,
        Update::Packages(named) => !named.contains(package),
    };
    let locked = previous.toolchain_of(&profile.name).find(|locked| stays && locked.name == *package);
    let kept = locked.and_then(|locked| newest(sources, arch, package, |it| it.version.as_str() == locked.version));
    let found = kept.or_else(|| newest(sources, arch, package, |_| true)).ok_or_else(|| {
        let error = LockError::NoModuleSource { module: name.to_owned(), package: package.clone() };
        placed(profile, "kernel-module.package", name, &error).map_or(error, LockError::Unknown)
    })?;
    Ok(locked_package(&found))
}

/// The newest version of a package that `is_right`.
fn newest<'a>(
    sources: &Sources<'a>,
    arch: Arch,
    name: &str,
    is_right: impl Fn(&Stanza<'_>) -> bool,
) -> Option<Candidate<'a>> {
    let mut best: Option<Candidate<'a>> = None;
    for (source, stanzas) in sources {
        let fits = |stanza: &&Stanza<'_>| stanza.name == name && [arch.name(), "all"].contains(&stanza.arch);
        for stanza in stanzas.iter().filter(fits).filter(|stanza| is_right(stanza)) {
            if best.as_ref().is_none_or(|best| best.stanza.version < stanza.version) {
                best = Some(Candidate { source, stanza: stanza.clone() });
            }
        }
    }
    best
}

/// Holds the packages that must be of the source's version against it; the first that is not, and its version. Debian's revision
/// does not count: it is of the packaging.
fn same_version<'a>(
    module: &KernelModule,
    source: &LockedPackage,
    packages: &'a [LockedPackage],
) -> Result<(), (&'a str, &'a str)> {
    let wanted = upstream(&source.version);
    let named = packages.iter().filter(|package| module.same_version.contains(&package.name));
    match named.into_iter().find(|package| upstream(&package.version) != wanted) {
        Some(package) => Err((&package.name, &package.version)),
        None => Ok(()),
    }
}
