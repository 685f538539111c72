//! The first stage: locked packages, downloaded, proved and unpacked; and whether all their scripts are known.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{PipelineError, PlannedPackage, Tools};
use crate::debian::{Package, deb};
use crate::fetch::Download;
use crate::lock::LockedPackage;
use crate::output::count;

/// Packages (sorted by name), opened. Those that were unpacked before are not downloaded again, nor is their download
/// looked at.
///
/// # Errors
/// A package that cannot be had, is damaged, or is not the one that the lock means.
pub(crate) fn unpacked(wanted: &[PlannedPackage<'_>], tools: Tools<'_>) -> Result<Vec<Package>, PipelineError> {
    let _guard = tools.cache.guard();
    let packs = tools.cache.packs();
    let mut found: Vec<Option<Package>> =
        wanted.par_iter().map(|package| deb::unpacked(package.download.sha256, &packs)).collect();
    let missing: Vec<usize> = (0..wanted.len()).filter(|number| found[*number].is_none()).collect();
    for (number, package) in unpack(wanted, &missing, &packs, tools)? {
        found[number] = Some(package);
    }
    let mut packages: Vec<Package> = found.into_iter().flatten().collect();
    for (package, wanted) in packages.iter().zip(wanted) {
        check_names(package, wanted.locked)?;
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// Downloads and unpacks those of `wanted` whose numbers are in `missing`.
fn unpack(
    wanted: &[PlannedPackage<'_>],
    missing: &[usize],
    packs: &Path,
    tools: Tools<'_>,
) -> Result<Vec<(usize, Package)>, PipelineError> {
    const PHASE: &str = "unpack";
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let progress = tools.progress;
    let downloads: Vec<Download> = missing.iter().map(|number| wanted[*number].download.clone()).collect();
    let paths = tools.fetcher.fetch_all(&downloads, progress)?;
    progress.begin(PHASE, downloads.iter().filter_map(|download| download.size).sum());
    // The largest first, each taken by whoever is free: one thread must not be left alone with the kernel at the end.
    let mut order: Vec<(usize, PathBuf)> = missing.iter().copied().zip(paths).collect();
    order.sort_by_key(|(number, _)| Reverse(wanted[*number].download.size));
    let unpacked = order
        .iter()
        .par_bridge()
        .map(|(number, path)| {
            let download = &wanted[*number].download;
            let failed = |source| PipelineError::Package { package: download.name.clone(), source };
            let package = deb::open(path, download.sha256, packs).map_err(failed)?;
            progress.advance(PHASE, download.size.unwrap_or(0));
            Ok((*number, package))
        })
        .collect::<Result<Vec<_>, PipelineError>>()?;
    let known = wanted.len() - missing.len();
    progress.finish(PHASE, &format!("{}, {known} of them unpacked before", count(wanted.len(), "package")));
    Ok(unpacked)
}

/// Refuses a package that is not the one that the lock means.
fn check_names(package: &Package, expected: &LockedPackage) -> Result<(), PipelineError> {
    if (package.name.as_str(), package.version.as_str()) == (&expected.name, &expected.version) {
        return Ok(());
    }
    Err(PipelineError::OtherPackage {
        locked: format!("{} {}", expected.name, expected.version),
        found: format!("{} {}", package.name, package.version),
    })
}
