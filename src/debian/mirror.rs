//! Where Debian's archives are fetched from.
//!
//! In this order: what the user names (flag, environment, workspace), what the host's own apt uses if it is Debian, the
//! public default. Mirrors need not be trusted: all files are verified by signature or digest.

use std::path::Path;

mod apt;

pub use apt::AptMirrors;

use crate::files;
use crate::urls::{WebUrl, shown};

/// Debian's main archive when nothing else is known.
pub const DEFAULT_DEBIAN: &str = "https://mirrors.kernel.org/debian";

/// Debian's security archive when nothing else is known.
pub const DEFAULT_SECURITY: &str = "https://mirrors.kernel.org/debian-security";

/// Where packages are fetched that the mirror no longer has.
pub const DEFAULT_SNAPSHOT: &str = "https://snapshot.debian.org";

/// Seconds after a Release file's date at which a snapshot surely has its packages: snapshots are taken four times a day.
const SNAPSHOT_DELAY: u64 = 12 * 60 * 60;

/// Base URLs of Debian's archives, without a trailing slash; of a mirror on this machine, of its directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    pub debian: WebUrl,
    pub security: WebUrl,
    pub snapshot: WebUrl,
}

/// The URL of a mirror cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("mirror `{}` is not an `http://` or `https://` address, nor a directory's absolute path", shown(address))]
pub struct MirrorError {
    pub address: String,
}

impl MirrorError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let written = if self.address.contains("://") || self.address.contains(char::is_whitespace) {
            format!("write it like `{DEFAULT_DEBIAN}`")
        } else {
            format!("write it with its scheme: `http://{}`", self.address)
        };
        Some(written)
    }
}

impl Mirror {
    /// Chooses the mirror.
    ///
    /// `named` is the user's choice: either the URL of the main archive, which ends in `/debian` and has the security archive
    /// beside it in `debian-security`, or the URL of the directory that holds both; or the absolute path of such a directory.
    /// `snapshot` replaces [`DEFAULT_SNAPSHOT`].
    ///
    /// # Errors
    /// One of the user's URLs is malformed.
    pub fn choose(named: Option<&str>, apt: &AptMirrors, snapshot: Option<&str>) -> Result<Self, MirrorError> {
        let snapshot = address(snapshot.unwrap_or(DEFAULT_SNAPSHOT))?;
        let Some(named) = named else {
            let or = |apt: &Option<WebUrl>, default| apt.clone().map_or_else(|| address(default), Ok);
            let (debian, security) = (or(&apt.debian, DEFAULT_DEBIAN)?, or(&apt.security, DEFAULT_SECURITY)?);
            return Ok(Self { debian, security, snapshot });
        };
        let named = address(named)?;
        let debian = if named.file_name() == Some("debian") { named } else { named.below(&["debian"]) };
        Ok(Self { security: debian.beside("debian-security"), debian, snapshot })
    }

    /// The base URL of a profile source's `archive`.
    #[must_use]
    pub fn base<'a>(&'a self, archive: &'a str) -> &'a str {
        match archive {
            "debian" => self.debian.as_str(),
            "debian-security" => self.security.as_str(),
            other => other.trim_end_matches('/'),
        }
    }

    /// All URLs of the file at `path` below an archive's base, the mirror's first. For Debian's own archives the second one is
    /// in the snapshot taken after `date` (seconds since 1970), the date of a Release file that lists the file.
    #[must_use]
    pub fn urls(&self, archive: &str, path: &str, date: u64) -> Vec<String> {
        let mut urls = vec![format!("{}/{path}", self.base(archive))];
        if matches!(archive, "debian" | "debian-security") {
            let time = super::date::compact(date.saturating_add(SNAPSHOT_DELAY));
            urls.push(self.snapshot.file(&format!("archive/{archive}/{time}/{path}")));
        }
        urls
    }
}

impl AptMirrors {
    /// The mirrors that apt uses on the host with the root directory `root`; empty if that is not Debian.
    #[must_use]
    pub fn of_host(root: &Path) -> Self {
        let read = |path: &Path| files::text(path).unwrap_or_default();
        if !apt::is_debian(&read(&root.join("etc/os-release"))) {
            return Self::default();
        }
        let etc = root.join("etc/apt");
        let mut found = apt::from_list(&read(&etc.join("sources.list")));
        let entries = std::fs::read_dir(etc.join("sources.list.d")).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("list") => found = found.or(apt::from_list(&read(&path))),
                Some("sources") => found = found.or(apt::from_deb822(&read(&path))),
                _ => {}
            }
        }
        found
    }
}

fn address(text: &str) -> Result<WebUrl, MirrorError> {
    let trimmed = text.trim_end_matches('/');
    let url = WebUrl::directory(trimmed).map_or_else(|| WebUrl::archive(trimmed), Ok);
    url.map_err(|_| MirrorError { address: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(named: Option<&str>, apt: &AptMirrors) -> (String, String) {
        let mirror = Mirror::choose(named, apt, None).unwrap();
        (mirror.debian.as_str().to_owned(), mirror.security.as_str().to_owned())
    }

    fn pair(debian: &str, security: &str) -> (String, String) {
        (debian.to_owned(), security.to_owned())
    }

    #[test]
    fn a_named_mirror_wins_and_has_its_security_archive_beside_it() {
        let apt = AptMirrors { debian: Some(address("http://apt.example.org/debian").unwrap()), security: None };
        let expected = pair("http://mirror.example.org/debian", "http://mirror.example.org/debian-security");
        for named in
            ["http://mirror.example.org/debian/", "http://mirror.example.org/debian", "http://mirror.example.org"]
        {
            assert_eq!(choose(Some(named), &apt), expected);
        }
    }

    #[test]
    fn a_mirror_may_be_a_directory_of_this_machine() {
        let expected = pair("file:///srv/mirror/debian", "file:///srv/mirror/debian-security");
        for named in ["/srv/mirror", "/srv/mirror/debian/", "file:///srv/mirror/", "file:///srv/mirror/debian"] {
            assert_eq!(choose(Some(named), &AptMirrors::default()), expected);
        }
    }

    #[test]
    fn the_hosts_mirrors_come_before_the_public_ones() {
        let apt = AptMirrors { debian: Some(address("http://apt.example.org/debian").unwrap()), security: None };
        assert_eq!(choose(None, &apt), pair("http://apt.example.org/debian", DEFAULT_SECURITY));
        assert_eq!(choose(None, &AptMirrors::default()), pair(DEFAULT_DEBIAN, DEFAULT_SECURITY));
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for bad in [
            "",
            "mirror.example.org/debian",
            "ftp://mirror.example.org/debian",
            "http://",
            "http://a b/debian",
            "file://host/debian",
            "./debian",
        ] {
            let error = Mirror::choose(Some(bad), &AptMirrors::default(), None).unwrap_err();
            assert_eq!(error.address, bad);
        }
    }

    #[test]
    fn debian_packages_are_also_sought_in_a_snapshot_that_has_them() {
        let mirror = Mirror::choose(Some("http://m.example.org/debian"), &AptMirrors::default(), None).unwrap();
        let date = super::super::date::parse("Sat, 21 Nov 2026 00:53:03 UTC").unwrap();
        assert_eq!(
            mirror.urls("debian-security", "pool/main/b/bash/bash.deb", date),
            [
                "http://m.example.org/debian-security/pool/main/b/bash/bash.deb",
                "https://snapshot.debian.org/archive/debian-security/20261121T125303Z/pool/main/b/bash/bash.deb",
            ]
        );
        assert_eq!(
            mirror.urls("https://other.example.org/apt/", "pool/x.deb", date),
            ["https://other.example.org/apt/pool/x.deb"]
        );
    }
}
