//! Reading and writing `imgbuild.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Lock, LockedPackage};
use crate::debian::date;
use crate::debian::index::MAX_DEB;
use crate::debian::relation::is_package_name;
use crate::debian::version::Version;
use crate::files;
use crate::tree;

const HEADER: &str = "\
# Made by `imgbuild lock`: exactly what the images of this workspace are made of. Commit it; do not edit it.
# `imgbuild lock --update [PACKAGE...]` moves to newer packages, `imgbuild lock --check` tells whether it still fits.

";

/// The -1 of 32 and of 16 bits, which system calls and old file systems take for "none", and the number of `nobody`, whom
/// the kernel shows as the owner where it knows none (systemd, "Users, Groups, UIDs and GIDs on systemd Systems").
/// base-passwd has `nobody` and `nogroup`, so no lock pins them.
const NO_ACCOUNTS: [u32; 3] = [u32::MAX, u16::MAX as u32, 65534];

/// Why a lock file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LockFileError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is damaged: line {line}: {problem}", path.display())]
    Syntax { path: PathBuf, line: usize, problem: String },
    #[error("{}: {reason}", path.display())]
    Invalid { path: PathBuf, reason: String },
}

impl LockFileError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => Some("it must be a plain UTF-8 file that you may read and replace".to_owned()),
            Self::Syntax { .. } | Self::Invalid { .. } => Some(
                "take it from version control again; or remove it and run `imgbuild lock`, which takes the \
                 newest packages and forgets the pinned account numbers"
                    .to_owned(),
            ),
        }
    }
}

impl Lock {
    /// Reads a lock file; none if there is none.
    ///
    /// # Errors
    /// A file that cannot be read, has another format version, or contradicts itself.
    pub fn load(path: &Path) -> Result<Option<Self>, LockFileError> {
        let text = match files::text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LockFileError::Io { path: path.to_owned(), source }),
        };
        Self::parse(&text, path).map(Some)
    }

    /// Reads the text of a lock file, which messages call `path`.
    ///
    /// # Errors
    /// A text of another format version, or one that contradicts itself.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LockFileError> {
        let lock: Self = toml::from_str(text).map_err(|error| {
            let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            LockFileError::Syntax { path: path.to_owned(), line, problem: error.message().replace('\n', ", ") }
        })?;
        match lock.check() {
            Ok(()) => Ok(lock),
            Err(reason) => Err(LockFileError::Invalid { path: path.to_owned(), reason }),
        }
    }

    /// Writes a lock file: whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), LockFileError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The umask takes away what others may not do.
        let write = || {
            let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
            file.write_all(self.to_text().as_bytes())?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|source| LockFileError::Io { path: path.to_owned(), source })
    }

    /// The text of its file: the same lock always gives the same text.
    ///
    /// # Panics
    /// Never: all it holds are texts, numbers and lists of them.
    #[must_use]
    pub fn to_text(&self) -> String {
        let body = toml::to_string(self).expect("a lock has nothing that TOML cannot hold");
        format!("{HEADER}{body}")
    }

    /// What a file by hand or by a bad merge may get wrong, in words.
    fn check(&self) -> Result<(), String> {
        if self.version != Self::VERSION {
            return Err(format!("format version {}, this imgbuild knows {} only", self.version, Self::VERSION));
        }
        let mut used_sources = BTreeSet::new();
        let mut newest = BTreeMap::new();
        for source in &self.sources {
            let what = format!("source `{}`", source.name);
            let Some(date) = date::parse_rfc3339(&source.date) else {
                return Err(format!("{what}: `{}` is not a date", source.date));
            };
            for profile in self.known(&source.profiles, &what)? {
                let newest = newest.entry(profile).or_insert(date);
                *newest = date.max(*newest);
                if !used_sources.insert((profile, source.name.as_str())) {
                    return Err(format!("profile `{profile}` has {what} twice"));
                }
            }
        }
        for (name, profile) in &self.profiles {
            let newest = newest.get(name.as_str()).copied().unwrap_or(0);
            if profile.epoch != newest {
                let newest = format!("{newest}, the newest date of its sources");
                return Err(format!("profile `{name}`: its epoch is {}, not {newest}", profile.epoch));
            }
            if u32::try_from(profile.epoch).is_err() {
                return Err(format!("profile `{name}`: no file can be of its epoch, {}", profile.epoch));
            }
        }
        let mut used_packages = BTreeSet::new();
        for package in &self.packages {
            let what = format!("package `{}` {}", package.name, package.version);
            check_package(package, &what)?;
            for profile in self.known(&package.profiles, &what)? {
                if !used_sources.contains(&(profile, package.source.as_str())) {
                    return Err(format!("{what}: profile `{profile}` has no source `{}`", package.source));
                }
                if !["all", self.profiles[profile].arch.name()].contains(&package.arch.as_str()) {
                    return Err(format!("{what}: profile `{profile}` is not for {}", package.arch));
                }
                if !used_packages.insert((profile, package.name.as_str())) {
                    return Err(format!("profile `{profile}` has package `{}` twice", package.name));
                }
            }
        }
        for package in &self.toolchain {
            let what = format!("toolchain package `{}` {}", package.name, package.version);
            check_package(package, &what)?;
            for profile in self.known(&package.profiles, &what)? {
                if !used_sources.contains(&(profile, package.source.as_str())) {
                    return Err(format!("{what}: profile `{profile}` has no source `{}`", package.source));
                }
            }
        }
        for module in &self.kernel_modules {
            let what = format!("kernel module `{}` for {}", module.name, module.kernel);
            let is_source =
                |package: &&LockedPackage| (&package.name, &package.version) == (&module.package, &module.version);
            for profile in self.known(&module.profiles, &what)? {
                if self.profiles[profile].arch != module.arch {
                    return Err(format!("{what}: profile `{profile}` is not for {}", module.arch.name()));
                }
                if !self.toolchain_of(profile).any(|package| is_source(&package)) {
                    let (package, version) = (&module.package, &module.version);
                    return Err(format!("{what}: the toolchain of profile `{profile}` lacks `{package}` {version}"));
                }
            }
        }
        for (kind, ids) in [("user", &self.ids.users), ("group", &self.ids.groups)] {
            let mut used = BTreeSet::new();
            for (name, number) in ids {
                if *number == 0 && name != "root" {
                    return Err(format!("{kind} `{name}` has the number of root, 0"));
                }
                if NO_ACCOUNTS.contains(number) {
                    return Err(format!("{kind} `{name}` has the number {number}, which stands for no account"));
                }
                if !used.insert(number) {
                    return Err(format!("{kind} `{name}` has the number {number} of another one"));
                }
            }
        }
        let mut used_artifacts = BTreeSet::new();
        for artifact in &self.artifacts {
            let what = format!("artifact `{}` {}", artifact.name, artifact.version);
            if tree::clean(&artifact.path).as_ref() != Ok(&artifact.path) {
                return Err(format!("{what}: path `{}` leaves the mirror", artifact.path));
            }
            if artifact.size > MAX_DEB {
                return Err(format!("{what}: {} bytes are more than any file of a release has", artifact.size));
            }
            for profile in self.known(&artifact.profiles, &what)? {
                if self.profiles[profile].arch != artifact.arch {
                    return Err(format!("{what}: profile `{profile}` is not for {}", artifact.arch.name()));
                }
                if !used_artifacts.insert((profile, artifact.name.as_str())) {
                    return Err(format!("profile `{profile}` has artifact `{}` twice", artifact.name));
                }
            }
        }
        self.check_carried()
    }

    /// As [`Lock::check`], of container images and charts.
    fn check_carried(&self) -> Result<(), String> {
        let mut used_charts = BTreeSet::new();
        for chart in &self.charts {
            chart.check()?;
            let what = format!("chart `{}` {}", chart.name, chart.version);
            for profile in self.known(&chart.profiles, &what)? {
                if !used_charts.insert((profile, &chart.name, &chart.version, &chart.repo)) {
                    return Err(format!("profile `{profile}` has {what} twice"));
                }
            }
        }
        let mut used_images = BTreeSet::new();
        for image in &self.images {
            image.check()?;
            let what = format!("image `{}`", image.name);
            for profile in self.known(&image.profiles, &what)? {
                if self.profiles[profile].arch != image.arch {
                    return Err(format!("{what}: profile `{profile}` is not for {}", image.arch.name()));
                }
                if !used_images.insert((profile, image.name.as_str())) {
                    return Err(format!("profile `{profile}` has {what} twice"));
                }
            }
        }
        Ok(())
    }

    /// The names in `profiles`, all of which must be locked profiles.
    fn known<'a>(&self, profiles: &'a [String], what: &str) -> Result<impl Iterator<Item = &'a str> + use<'a>, String> {
        match profiles.iter().find(|profile| !self.profiles.contains_key(*profile)) {
            Some(unknown) => Err(format!("{what}: no profile `{unknown}` is locked")),
            None => Ok(profiles.iter().map(String::as_str)),
        }
    }
}

/// What the entry of a package, `what`, may get wrong by itself.
fn check_package(package: &LockedPackage, what: &str) -> Result<(), String> {
    if !is_package_name(&package.name) || Version::parse(&package.version).is_err() {
        return Err(format!("{what}: not a package's name and version"));
    }
    if tree::clean(&package.path).as_ref() != Ok(&package.path) {
        return Err(format!("{what}: path `{}` leaves the archive", package.path));
    }
    if package.size > MAX_DEB {
        return Err(format!("{what}: {} bytes are more than any package has", package.size));
    }
    Ok(())
}
