//! Names of container images, as manifests and `[k3s] preload` write them: `[REGISTRY/]PATH[:TAG][@sha256:DIGEST]`.
//!
//! The form is that of distribution/reference, and so are the parts that may be left out: Docker Hub, and there `library/`.

use std::fmt;

use serde::{Serialize, Serializer};

use super::checks::Verdict;
use crate::tree::Digest;

/// The registry of names that name none.
const DOCKER_HUB: &str = "docker.io";

/// Most bytes of registry and path together.
const NAME_MAX: usize = 255;

/// An image in a registry, by what it is called there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageName {
    /// Host, with a port if it has one of its own.
    pub registry: String,
    /// Path in the registry, `library/busybox`.
    pub repository: String,
    pub tag: Option<String>,
}

/// An image that is the same for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PinnedImage {
    pub name: ImageName,
    /// Of its manifest, or of the index of its manifests.
    pub sha256: Digest,
}

impl ImageName {
    /// Reads a name, and the digest behind it if there is one.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<(Self, Option<Digest>), &'static str> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let hex = digest.strip_prefix("sha256:").ok_or("its digest is not one by SHA-256")?;
                let lower = !hex.bytes().any(|byte| byte.is_ascii_uppercase());
                let digest = Digest::parse(hex).filter(|_| lower);
                (name, Some(digest.ok_or("its digest has not 64 hexadecimal digits in lower case")?))
            }
            None => (text, None),
        };
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (name, None),
        };
        if !tag.is_none_or(is_tag) {
            return Err("its tag is none: letters, digits, `_`, `.` and `-`, at most 128");
        }
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest.to_owned()),
            Some(_) => (DOCKER_HUB, path.to_owned()),
            None => (DOCKER_HUB, format!("library/{path}")),
        };
        let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
        if !is_host(registry) {
            return Err("its registry is neither a host's name nor an address");
        }
        if !repository.split('/').all(is_component) {
            return Err("its path has other letters than `a` to `z`, digits and `.`, `_`, `-` between them");
        }
        if registry.len() + 1 + repository.len() > NAME_MAX {
            return Err("it is too long");
        }
        Ok((Self { registry: registry.to_owned(), repository, tag: tag.map(str::to_owned) }, digest))
    }
}

impl PinnedImage {
    /// Reads a name with a digest.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, digest) = ImageName::parse(text)?;
        Ok(Self { name, sha256: digest.ok_or("it has no digest")? })
    }

    /// The name that nodes know it by. K3s wants a tag on what it imports, so one without gets the digest's beginning.
    #[must_use]
    pub fn tagged(&self) -> String {
        let ImageName { registry, repository, tag } = &self.name;
        let digits = self.sha256.to_string();
        let tag = tag.clone().unwrap_or_else(|| format!("sha256-{}", &digits[..12]));
        format!("{registry}/{repository}:{tag}")
    }
}

/// An entry of `preload`.
pub(super) fn image(text: &str) -> Verdict {
    match PinnedImage::parse(text) {
        Ok(_) => Ok(()),
        Err(reason) => {
            let text = text.escape_debug();
            let hint = "an image is named with its digest, `docker.io/library/busybox:1.37.0@sha256:…`: `imgbuild images \
                        --digests --profile NAME` prints such lines";
            Err(format!("`{text}` names no image for certain: {reason}\n{hint}"))
        }
    }
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

/// A host's name or address, with a port or without.
fn is_host(text: &str) -> bool {
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<std::net::Ipv6Addr>().is_ok() && port;
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Letters and digits in lower case, between which `.`, `_`, `__` or dashes may stand.
fn is_component(text: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let separators = text.split(|char: char| char.is_ascii_lowercase() || char.is_ascii_digit());
    is_end(text.bytes().next())
        && is_end(text.bytes().last())
        && separators
            .into_iter()
            .all(|part| ["", ".", "_", "__"].contains(&part) || part.bytes().all(|byte| byte == b'-'))
}

impl fmt::Display for ImageName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.repository)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(out, ":{tag}"))
    }
}

impl fmt::Display for PinnedImage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@sha256:{}", self.name, self.sha256)
    }
}

impl Serialize for PinnedImage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn name(text: &str) -> Result<String, &'static str> {
        ImageName::parse(text).map(|(name, _)| name.to_string())
    }

    #[test]
    fn what_a_name_leaves_out_is_docker_hubs() {
        for (text, whole) in [
            ("busybox", "docker.io/library/busybox"),
            ("busybox:1.37.0", "docker.io/library/busybox:1.37.0"),
            ("longhornio/longhorn-ui:v1.12.1", "docker.io/longhornio/longhorn-ui:v1.12.1"),
            ("index.docker.io/library/redis", "docker.io/library/redis"),
            ("quay.io/metallb/speaker:v0.16.1", "quay.io/metallb/speaker:v0.16.1"),
            ("localhost/app", "localhost/app"),
            ("127.0.0.1:5000/team/app:1", "127.0.0.1:5000/team/app:1"),
            ("[::1]:5000/app", "[::1]:5000/app"),
            ("ghcr.io/a/b__c.d---e:V1_x", "ghcr.io/a/b__c.d---e:V1_x"),
        ] {
            assert_eq!(name(text).as_deref(), Ok(whole), "{text}");
        }
    }

    #[test]
    fn what_no_registry_would_know_is_no_name() {
        for text in [
            "",
            "Busybox",
            "a//b",
            "/a",
            "a/",
            "a:",
            "a:.x",
            "a b",
            "a..b",
            "a_-b",
            "host:99999/a",
            "h.x:/a",
            "-h.x/a",
            "a@b",
            "a@sha512:00",
            "a:b:c",
            "https://quay.io/a",
            "a@sha256:9F86",
            "quay.io/../a",
        ] {
            assert!(name(text).is_err(), "{text}");
        }
        assert!(name(&format!("a/{}", "b".repeat(260))).is_err());
    }

    #[test]
    fn an_image_is_pinned_by_its_digest_and_keeps_its_tag_as_a_name() {
        let image = PinnedImage::parse(&format!("busybox:1.37.0@{DIGEST}")).unwrap();
        assert_eq!(image.to_string(), format!("docker.io/library/busybox:1.37.0@{DIGEST}"));
        assert_eq!(image.tagged(), "docker.io/library/busybox:1.37.0");
        let image = PinnedImage::parse(&format!("quay.io/a/b@{DIGEST}")).unwrap();
        assert_eq!(image.tagged(), "quay.io/a/b:sha256-9f86d081884c");
        assert_eq!(PinnedImage::parse("busybox:1.37.0"), Err("it has no digest"));
    }
}
