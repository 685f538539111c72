//! Container images in registries: what one is made of for a board, found and proved when locking (OCI distribution
//! specification 1.1; image specification 1.1, `image-index.md`, `manifest.md`, `config.md`).
//!
//! ```text
//! digest ─▶ index ─▶ manifest of the platform ─▶ config, layers
//!           each by the digest and the size that the one before it has
//! ```
//! Names with no scheme are asked by https; on this machine alone (`localhost`, `127.0.0.1`) by http, as Docker and containerd do
//! it. Nobody logs in: a registry that gives an image to nobody without a login is told so.

mod document;
mod error;

pub use document::{Blob, Document, Kind, MAX_DOCUMENT, chart_layer};
pub use error::{Flaw, RegistryError};

use std::net::IpAddr;

use super::{Download, Fetcher};
use crate::profile::{Arch, ImageName, PinnedImage};
use crate::tree::Digest;
use document::MAX_CONFIG;

/// What Docker Hub's names are asked at.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// Most bytes of all that an image is made of.
pub const MAX_IMAGE: u64 = 16 << 30;

/// What an image is made of for one board, each part as it is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    /// What the digest names first: an index and its manifest, or a manifest alone.
    pub documents: Vec<Blob>,
    /// The configuration, then layers.
    pub blobs: Vec<Blob>,
}

impl Fetcher {
    /// Finds what an image is made of on `arch`. Layers are not fetched.
    ///
    /// # Errors
    /// A registry that cannot be asked or answers wrongly; an image that is not for that machine.
    pub fn image(&self, image: &PinnedImage, arch: Arch) -> Result<FoundImage, RegistryError> {
        let wrong = |flaw| RegistryError::Wrong { image: image.to_string(), flaw };
        let fetch = |wanted: &Download, limit| {
            let bytes = self.fetch_small(wanted, limit);
            bytes.map_err(|source| RegistryError::Unavailable { image: image.to_string(), source })
        };
        let top = fetch(&document_download(image, &image.sha256, None), MAX_DOCUMENT)?;
        let mut documents = vec![Blob { sha256: image.sha256, size: top.len() as u64 }];
        let manifest = match Document::parse(&top).map_err(wrong)?.kind {
            Kind::Manifest { config, layers } => (config, layers),
            Kind::Index { manifests } => {
                let chosen = document::choose(&manifests, arch).map_err(wrong)?;
                if chosen.size > MAX_DOCUMENT {
                    return Err(wrong(Flaw::TooLarge { what: "manifest", size: chosen.size, limit: MAX_DOCUMENT }));
                }
                let bytes = fetch(&document_download(image, &chosen.sha256, Some(chosen.size)), chosen.size)?;
                if bytes.len() as u64 != chosen.size {
                    return Err(wrong(Flaw::Size { told: chosen.size, got: bytes.len() as u64 }));
                }
                documents.push(chosen);
                match Document::parse(&bytes).map_err(wrong)?.kind {
                    Kind::Manifest { config, layers } => (config, layers),
                    Kind::Index { .. } => return Err(wrong(Flaw::Nested)),
                }
            }
        };
        let (config, layers) = manifest;
        if config.size > MAX_CONFIG {
            return Err(wrong(Flaw::TooLarge { what: "configuration", size: config.size, limit: MAX_CONFIG }));
        }
        let bytes = fetch(&blob_download(image, &config), config.size)?;
        if bytes.len() as u64 != config.size {
            return Err(wrong(Flaw::Size { told: config.size, got: bytes.len() as u64 }));
        }
        document::check_machine(&bytes, arch).map_err(wrong)?;
        let blobs: Vec<Blob> = std::iter::once(config).chain(layers).collect();
        let size = blobs.iter().fold(0, |sum: u64, blob| sum.saturating_add(blob.size));
        if size > MAX_IMAGE {
            return Err(wrong(Flaw::TooLarge { what: "image", size, limit: MAX_IMAGE }));
        }
        Ok(FoundImage { documents, blobs })
    }
}

impl Fetcher {
    /// The digest that an image's tag, or `latest`, has now. Nothing proves it but the line to the registry.
    ///
    /// # Errors
    /// A registry that cannot be asked; something else than an image.
    pub fn digest_of(&self, name: &ImageName) -> Result<Digest, RegistryError> {
        let tag = name.tag.as_deref().unwrap_or("latest");
        let address = format!("{}/manifests/{tag}", base(name));
        let bytes = self.fetch_fresh(&format!("the manifest of {name}"), &address, MAX_DOCUMENT);
        let bytes = bytes.map_err(|source| RegistryError::Unavailable { image: name.to_string(), source })?;
        Document::parse(&bytes).map_err(|flaw| RegistryError::Wrong { image: name.to_string(), flaw })?;
        Ok(Digest::of(&bytes))
    }
}

/// How an index or a manifest of an image is fetched.
#[must_use]
pub fn document_download(image: &PinnedImage, sha256: &Digest, size: Option<u64>) -> Download {
    Download {
        name: format!("the manifest of {}", image.tagged()),
        urls: vec![format!("{}/manifests/sha256:{sha256}", base(&image.name))],
        sha256: *sha256,
        size,
    }
}

/// How the configuration or a layer of an image is fetched.
#[must_use]
pub fn blob_download(image: &PinnedImage, blob: &Blob) -> Download {
    let digits = blob.sha256.to_string();
    Download {
        name: format!("{} of {}", &digits[..12], image.tagged()),
        urls: vec![format!("{}/blobs/sha256:{digits}", base(&image.name))],
        sha256: blob.sha256,
        size: Some(blob.size),
    }
}

/// The URL that all of an image lies below.
#[must_use]
pub fn base(name: &ImageName) -> String {
    let ImageName { registry, repository, .. } = name;
    let registry = if registry == "docker.io" { DOCKER_HUB } else { registry };
    let scheme = if is_here(registry) { "http" } else { "https" };
    format!("{scheme}://{registry}/v2/{repository}")
}

/// Whether a registry is of this machine.
fn is_here(registry: &str) -> bool {
    let host = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_asked_by_https_but_for_those_of_this_machine() {
        let base = |name: &str| base(&ImageName::parse(name).unwrap().0);
        assert_eq!(base("busybox:1"), "https://registry-1.docker.io/v2/library/busybox");
        assert_eq!(base("quay.io:8443/a/b"), "https://quay.io:8443/v2/a/b");
        assert_eq!(base("localhost:5000/a"), "http://localhost:5000/v2/a");
        assert_eq!(base("127.0.0.1:5000/a"), "http://127.0.0.1:5000/v2/a");
        assert_eq!(base("[::1]:5000/a"), "http://[::1]:5000/v2/a");
        assert_eq!(base("127.0.0.1.example.org/a"), "https://127.0.0.1.example.org/v2/a");
        assert_eq!(base("192.168.1.10:5000/a"), "https://192.168.1.10:5000/v2/a");
    }
}
