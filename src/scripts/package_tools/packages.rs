//! What dpkg's programs know of packages: by name, with their state, and which files they own.

use crate::debian::Package;
use crate::scripts::debian::Debian;

/// The state of a package while scripts run (dpkg(1), "Package states"): all are unpacked, and configured one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its `preinst` runs.
    HalfInstalled,
    Unpacked,
    /// Its `postinst` runs.
    HalfConfigured,
    Installed,
}

impl State {
    pub(super) fn of(debian: &Debian<'_>, package: &Package) -> Self {
        if debian.requests.configured.contains(&package.name) {
            Self::Installed
        } else if package.name != debian.package.name {
            Self::Unpacked
        } else if debian.script == "preinst" {
            Self::HalfInstalled
        } else {
            Self::HalfConfigured
        }
    }

    /// As `db:Status-Status` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HalfInstalled => "half-installed",
            Self::Unpacked => "unpacked",
            Self::HalfConfigured => "half-configured",
            Self::Installed => "installed",
        }
    }

    /// The error flag.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::HalfInstalled => "reinstreq",
            Self::Unpacked | Self::HalfConfigured | Self::Installed => "ok",
        }
    }

    /// The three letters of `db:Status-Abbrev`.
    pub(super) fn abbreviation(self) -> &'static str {
        match self {
            Self::HalfInstalled => "iHR",
            Self::Unpacked => "iU ",
            Self::HalfConfigured => "iF ",
            Self::Installed => "ii ",
        }
    }

    /// The field `Status`.
    pub(super) fn field(self) -> String {
        format!("install {} {}", self.flag(), self.name())
    }
}

/// The architecture that dpkg takes a package to be of: `all` is the native one where instances are told apart.
fn is_of(debian: &Debian<'_>, package: &Package, arch: &str) -> bool {
    arch == "any" || package.arch == arch || (package.arch == "all" && arch == debian.arch.name())
}

/// The package that `NAME` or `NAME:ARCHITECTURE` means.
pub(super) fn find<'a>(debian: &Debian<'a>, word: &str) -> Option<&'a Package> {
    let (name, arch) = word.split_once(':').map_or((word, None), |(name, arch)| (name, Some(arch)));
    let package = debian.packages.iter().find(|package| package.name == name)?;
    arch.is_none_or(|arch| is_of(debian, package, arch)).then_some(package)
}

/// A package's name as dpkg prints it where there may be several instances (`pnaw_nonambig`).
pub(super) fn shown(package: &Package) -> String {
    if package.field("Multi-Arch") == Some("same") {
        format!("{}:{}", package.name, package.arch)
    } else {
        package.name.clone()
    }
}

/// The paths that a package owns, absolute, in its archive's order.
pub(super) fn paths(package: &Package) -> impl Iterator<Item = String> {
    let members = package.members.iter().filter(|member| !member.path.is_empty());
    std::iter::once("/.".to_owned()).chain(members.map(|member| format!("/{}", member.path)))
}

/// Whether a package owns the absolute path, which is compared as it is written.
pub(super) fn owns(package: &Package, path: &str) -> bool {
    match path.strip_prefix('/') {
        Some(path) if !path.is_empty() => package.members.iter().any(|member| member.path == path),
        _ => false,
    }
}

/// A member of `control.tar` at its path in dpkg's database, which is written last of all (`/var/lib/dpkg/info`).
pub(super) fn control_path(package: &Package, member: &str) -> Option<String> {
    package.control.contains_key(member).then(|| format!("/var/lib/dpkg/info/{}.{member}", shown(package)))
}
