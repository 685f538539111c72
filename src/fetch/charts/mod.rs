//! Helm's charts, found when locking: in a chart repository by its index (`helm.sh/docs/topics/chart_repository`), in a registry of
//! container images (helm.sh/docs/topics/registries), or at a URL.
//!
//! ```text
//! repository ─▶ index.yaml ─▶ URL, digest ─▶ file ─▶ is it that chart?
//! registry   ─▶ manifest of the tag ─▶ layer by its digest ─▶ file
//! ```
//! Neither index nor tag is signed: they are believed once, over TLS, and the lock's digest from then on.

mod archive;
mod error;
mod index;

pub use error::ChartError;

use std::path::Path;

use url::Url;

use super::registry::{self, Flaw};
use super::{Download, Fetcher};
use crate::profile::ImageName;
use crate::tree::Digest;
use crate::urls::{WebUrl, shown};

/// Most bytes of a repository's index; the largest public ones have some 30 MB.
const MAX_INDEX: u64 = 64 << 20;

/// Most bytes of a chart. Helm itself takes 100 MiB; real ones have some hundred KiB.
pub const MAX_CHART: u64 = 20 << 20;

/// A chart as a manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartName<'a> {
    /// A name in the repository, `oci://…`, or the URL of a file.
    pub chart: &'a str,
    pub repo: Option<&'a str>,
    pub version: Option<&'a str>,
}

/// A chart's file, which is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundChart {
    pub url: String,
    pub size: u64,
    pub sha256: Digest,
}

impl ChartName<'_> {
    /// It, in words.
    #[must_use]
    pub fn spoken(&self) -> String {
        let version = self.version.map(|version| format!(" {version}")).unwrap_or_default();
        let repo = self.repo.map(|repo| format!(" of {}", shown(repo))).unwrap_or_default();
        format!("chart `{}`{version}{repo}", shown(self.chart))
    }
}

impl Fetcher {
    /// Finds a chart and brings it into the cache.
    ///
    /// # Errors
    /// A server that cannot be asked or answers wrongly; a version that is not there; a file that is no such chart.
    pub fn chart(&self, wanted: &ChartName<'_>) -> Result<FoundChart, ChartError> {
        let chart = || wanted.spoken();
        let unavailable = |source| ChartError::Unavailable { chart: chart(), source };
        let (url, expected) = if let Some(path) = wanted.chart.strip_prefix("oci://") {
            self.in_registry(wanted, path)?
        } else if let Some(repo) = wanted.repo {
            self.in_repository(wanted, repo)?
        } else {
            let url = WebUrl::parse(wanted.chart);
            let url = url.map_err(|_| ChartError::NoSource { chart: chart() })?;
            (url.as_str().to_owned(), None)
        };
        let bytes = match expected {
            Some(sha256) => {
                let wanted = Download { name: chart(), urls: vec![url.clone()], sha256, size: None };
                self.fetch_small(&wanted, MAX_CHART)
            }
            None => self.fetch_fresh(&chart(), &url, MAX_CHART),
        };
        let bytes = bytes.map_err(unavailable)?;
        let not_that = |reason| ChartError::NotIt { chart: chart(), url: url.clone(), reason };
        let name = if wanted.chart.contains("://") && wanted.repo.is_none() { None } else { Some(wanted.chart) };
        archive::check(&bytes, name, wanted.version).map_err(not_that)?;
        let sha256 = Digest::of(&bytes);
        self.store.keep(&bytes, &sha256).map_err(unavailable)?;
        Ok(FoundChart { url, size: bytes.len() as u64, sha256 })
    }

    fn in_repository(&self, wanted: &ChartName<'_>, repo: &str) -> Result<(String, Option<Digest>), ChartError> {
        let chart = || wanted.spoken();
        let base = WebUrl::base(repo).map_err(|_| ChartError::NoSource { chart: chart() })?;
        let address = base.file("index.yaml");
        let name = format!("the index of {base}");
        let bytes = self.fetch_fresh(&name, &address, MAX_INDEX);
        let bytes = bytes.map_err(|source| ChartError::Unavailable { chart: chart(), source })?;
        let text = String::from_utf8_lossy(&bytes);
        let form = |reason| ChartError::Index { chart: chart(), url: shown(&address), reason };
        let versions = index::versions(&text, wanted.chart).map_err(form)?;
        let version = wanted.version.unwrap_or_default();
        let Some(found) = versions.iter().find(|entry| same(&entry.version, version)) else {
            let newest = versions.iter().take(3).map(|entry| entry.version.clone()).collect();
            return Err(ChartError::NoVersion { chart: chart(), newest });
        };
        // Relative to the repository's URL, as Helm takes it.
        let directory = Url::parse(&format!("{}/", base.as_str().trim_end_matches('/')));
        let url = directory.and_then(|directory| directory.join(&found.url));
        let url = url.map_err(|error| form(format!("`{}` is no URL: {error}", found.url.escape_debug())))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(form(format!("`{}` is not a URL of a file by http", found.url.escape_debug())));
        }
        Ok((url.into(), found.digest))
    }

    fn in_registry(&self, wanted: &ChartName<'_>, path: &str) -> Result<(String, Option<Digest>), ChartError> {
        let chart = || wanted.spoken();
        let (name, _) = ImageName::parse(path).map_err(|_| ChartError::NoSource { chart: chart() })?;
        // A tag has no `+` (helm.sh/docs/topics/registries).
        let tag = wanted.version.unwrap_or_default().replace('+', "_");
        let address = format!("{}/manifests/{tag}", registry::base(&name));
        let bytes = self.fetch_fresh(&chart(), &address, registry::MAX_DOCUMENT);
        let bytes = bytes.map_err(|source| ChartError::Unavailable { chart: chart(), source })?;
        let wrong = |flaw: Flaw| ChartError::Registry { chart: chart(), flaw };
        let layer = registry::chart_layer(&bytes).map_err(wrong)?;
        if layer.size > MAX_CHART {
            return Err(wrong(Flaw::TooLarge { what: "file", size: layer.size, limit: MAX_CHART }));
        }
        Ok((format!("{}/blobs/sha256:{}", registry::base(&name), layer.sha256), Some(layer.sha256)))
    }

    /// Reads a chart that is in the cache, at most [`MAX_CHART`] bytes of it.
    #[must_use]
    pub fn cached_path(&self, sha256: &Digest) -> Option<std::path::PathBuf> {
        Some(self.store.object(sha256)).filter(|path: &std::path::PathBuf| Path::exists(path))
    }
}

/// Whether two texts are the same version: `v1.2` is `1.2` to Helm.
fn same(one: &str, other: &str) -> bool {
    one.strip_prefix('v').unwrap_or(one) == other.strip_prefix('v').unwrap_or(other)
}
