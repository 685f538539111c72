//! The documents that a registry gives of an image: an index of manifests, one for each platform, and a manifest. Those of OCI and
//! of Docker differ in the names of their kinds alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Flaw;
use crate::profile::Arch;
use crate::tree::Digest;

/// Most bytes of an index or a manifest (distribution specification: registries take 4 MiB).
pub const MAX_DOCUMENT: u64 = 4 << 20;

/// Most bytes of a configuration; real ones have some dozen KiB.
pub(super) const MAX_CONFIG: u64 = 8 << 20;

/// Most layers of an image; runtimes mount at most 128.
const MAX_LAYERS: usize = 256;

/// Kinds of documents, and what they are.
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

/// Kinds of configurations of images that can be run.
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// A part by its digest and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    pub sha256: Digest,
    pub size: u64,
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub media_type: &'static str,
    pub kind: Kind,
}

/// What a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Index { manifests: Vec<Choice> },
    Manifest { config: Blob, layers: Vec<Blob> },
}

/// A manifest of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    blob: Result<Blob, Flaw>,
    /// `linux/arm64/v8`
    platform: String,
    is_manifest: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u32>,
    media_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    platform: Option<Platform>,
    /// Layers that lie elsewhere.
    #[serde(default)]
    urls: Vec<Value>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    variant: String,
}

impl Document {
    /// Reads a document of an image that can be run.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Flaw> {
        let raw: Raw = serde_json::from_slice(bytes).map_err(|error| Flaw::Form { reason: error.to_string() })?;
        if raw.schema_version != Some(2) {
            return Err(Flaw::OldForm);
        }
        let known = |kinds: &[&'static str; 2]| match raw.media_type.as_deref() {
            // OCI's documents need not say what they are.
            None => Ok(kinds[0]),
            Some(kind) => {
                kinds.iter().find(|known| **known == kind).copied().ok_or_else(|| Flaw::Kind { kind: plain(kind) })
            }
        };
        match (raw.manifests, raw.config, raw.layers) {
            (Some(manifests), None, None) => {
                let media_type = known(&INDEXES)?;
                let manifests = manifests.into_iter().map(Choice::from).collect();
                Ok(Self { media_type, kind: Kind::Index { manifests } })
            }
            (None, Some(config), Some(layers)) => {
                let media_type = known(&MANIFESTS)?;
                if !CONFIGS.contains(&config.media_type.as_str()) {
                    return Err(Flaw::Kind { kind: plain(&config.media_type) });
                }
                if layers.len() > MAX_LAYERS {
                    return Err(Flaw::Layers { count: layers.len() });
                }
                if layers.iter().any(|layer| !layer.urls.is_empty()) {
                    return Err(Flaw::Elsewhere);
                }
                let layers = layers.iter().map(Descriptor::blob).collect::<Result<_, _>>()?;
                Ok(Self { media_type, kind: Kind::Manifest { config: config.blob()?, layers } })
            }
            _ => Err(Flaw::Form { reason: "neither an index nor a manifest".to_owned() }),
        }
    }
}

impl Descriptor {
    fn blob(&self) -> Result<Blob, Flaw> {
        let hex = self.digest.strip_prefix("sha256:");
        let sha256 = hex.and_then(Digest::parse).ok_or_else(|| Flaw::Digest { digest: plain(&self.digest) })?;
        Ok(Blob { sha256, size: self.size })
    }
}

impl From<Descriptor> for Choice {
    fn from(descriptor: Descriptor) -> Self {
        let platform = descriptor.platform.as_ref().map_or_else(
            || "no platform".to_owned(),
            |Platform { architecture, os, variant }| {
                let parts = [os, architecture, variant];
                plain(&parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/"))
            },
        );
        let is_manifest = MANIFESTS.contains(&descriptor.media_type.as_str());
        Self { blob: descriptor.blob(), platform, is_manifest }
    }
}

/// Kinds of a chart's parts (helm.sh/docs/topics/registries).
const CHART_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART_CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The file of a chart whose manifest this is.
///
/// # Errors
/// What else it is.
pub fn chart_layer(manifest: &[u8]) -> Result<Blob, Flaw> {
    let raw: Raw = serde_json::from_slice(manifest).map_err(|error| Flaw::Form { reason: error.to_string() })?;
    let kind = raw.config.map(|config| config.media_type).unwrap_or_default();
    if kind != CHART_CONFIG {
        return Err(Flaw::NoChart { kind: plain(&kind) });
    }
    let layers = raw.layers.unwrap_or_default();
    let layer = layers.iter().find(|layer| layer.media_type == CHART_CONTENT);
    layer.ok_or_else(|| Flaw::Form { reason: "a chart's manifest without the chart".to_owned() })?.blob()
}

/// The manifest for a board. arm64 comes with its variant or without: there is one alone.
///
/// # Errors
/// An index that has none.
pub(super) fn choose(manifests: &[Choice], arch: Arch) -> Result<Blob, Flaw> {
    let names: &[&str] = match arch {
        Arch::Amd64 => &["linux/amd64", "linux/amd64/v1"],
        Arch::Arm64 => &["linux/arm64/v8", "linux/arm64"],
    };
    let find = |name: &&str| manifests.iter().find(|choice| choice.is_manifest && choice.platform == **name);
    match names.iter().find_map(find) {
        Some(choice) => choice.blob.clone(),
        None => {
            let mut has: Vec<String> = manifests.iter().map(|choice| choice.platform.clone()).collect();
            // What Docker's builder says of how an image was made.
            has.retain(|platform| platform != "unknown/unknown");
            has.sort();
            has.dedup();
            has.truncate(12);
            Err(Flaw::NoPlatform { arch: arch.name(), has })
        }
    }
}

/// Refuses a configuration of an image for another machine.
///
/// # Errors
/// Such a configuration.
pub(super) fn check_machine(config: &[u8], arch: Arch) -> Result<(), Flaw> {
    let platform: Platform =
        serde_json::from_slice(config).map_err(|error| Flaw::Form { reason: error.to_string() })?;
    if (platform.os.as_str(), platform.architecture.as_str()) == ("linux", arch.name()) {
        return Ok(());
    }
    let got = plain(&format!("{}/{}", platform.os, platform.architecture));
    Err(Flaw::Machine { got, needed: arch.name() })
}

/// Text of a stranger, fit to be shown.
fn plain(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
