//! Which kernel a profile is locked to. Debian's packages have its release in their names; the one that a board names
//! (`linux-image-amd64`) depends on the newest.

use super::pins::Sources;
use super::{LockError, LockedPackage};
use crate::profile::{Profile, Recommends, kernel_version};

/// How the package of a kernel is called, before its release.
const IMAGE: &str = "linux-image-";

/// The release of the kernel among locked packages (`6.12.118+deb13-amd64`), and its package; none if there is no kernel of
/// Debian's.
#[must_use]
pub fn kernel_of(packages: &[LockedPackage]) -> Option<(&str, &LockedPackage)> {
    packages.iter().find_map(|package| release_of(&package.name).map(|release| (release, package)))
}

/// The release in the name of a kernel's package: not of one that stands for the newest kernel, nor of one without Debian's
/// signature or of debug symbols.
fn release_of(package: &str) -> Option<&str> {
    let release = package.strip_prefix(IMAGE)?;
    let is_release = release.starts_with(|first: char| first.is_ascii_digit());
    (is_release && !["-dbg", "-unsigned"].iter().any(|end| release.ends_with(end))).then_some(release)
}

/// What a release ends in: `amd64`; Debian's `rt-amd64` and `cloud-amd64` are others.
pub(super) fn flavour(release: &str) -> &str {
    release.split_once('-').map_or("", |(_, flavour)| flavour)
}

/// The release of the newest kernel of a flavour that `is_right`.
pub(super) fn newest_kernel<'a>(sources: &Sources<'a>, of: &str, is_right: impl Fn(&str) -> bool) -> Option<&'a str> {
    let all = sources.iter().flat_map(|(_, stanzas)| stanzas);
    let kernels = all.filter_map(|stanza| release_of(stanza.name).map(|release| (&stanza.version, release)));
    let right = kernels.filter(|(_, release)| flavour(release) == of && is_right(release));
    right.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, release)| release)
}

/// The packages that a profile wants which `locked` are for, and of which of them the recommended ones come along.
#[must_use]
pub fn wanted(profile: &Profile, locked: &[LockedPackage]) -> (Vec<String>, Recommends) {
    let release = kernel_of(locked).map(|(release, _)| release).filter(|_| profile.kernel.version.is_some());
    release
        .map_or_else(|| (profile.packages.clone(), profile.recommends.clone()), |release| of_release(profile, release))
}

/// The packages that `profile` wants and of which of them the recommended ones come along, the kernel's being of the version
/// that it asks for.
///
/// # Errors
/// No source has such a kernel.
pub(super) fn with_kernel(profile: &Profile, sources: &Sources<'_>) -> Result<(Vec<String>, Recommends), LockError> {
    let Some(version) = &profile.kernel.version else {
        return Ok((profile.packages.clone(), profile.recommends.clone()));
    };
    let (arch, numbers) = (profile.board.arch().name(), kernel_version(version));
    let found = newest_kernel(sources, arch, |release| kernel_version(release).starts_with(&numbers));
    let Some(release) = found else {
        let newest = newest_kernel(sources, arch, |_| true).map(str::to_owned);
        return Err(LockError::NoSuchKernel { profile: profile.name.clone(), version: version.clone(), newest });
    };
    Ok(of_release(profile, release))
}

/// As [`with_kernel`], for that release.
fn of_release(profile: &Profile, release: &str) -> (Vec<String>, Recommends) {
    let newest_name = format!("{IMAGE}{}", profile.board.arch().name());
    let others = profile.packages.iter().filter(|package| **package != newest_name).cloned();
    let kernel = format!("{IMAGE}{release}");
    let mut recommends = profile.recommends.clone();
    if recommends.except.remove(&newest_name) {
        recommends.except.insert(kernel.clone());
    }
    (others.chain([kernel]).collect(), recommends)
}
