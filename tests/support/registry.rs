//! Container images as a registry has them, for tests: an index with a manifest for each processor, and what the manifests name.

use std::collections::BTreeMap;

use imgbuild::tree::Digest;
use serde_json::{Value, json};

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An image for two processors.
pub struct Multi {
    /// Of the index.
    pub index: Digest,
    /// Manifests by the processor.
    pub manifests: BTreeMap<&'static str, Digest>,
    /// Layers by the processor.
    pub layers: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// Every part by its path below `/v2/NAME/`, with its media type.
    pub parts: BTreeMap<String, (String, Vec<u8>)>,
}

/// Bytes that do not compress.
pub fn noise(seed: &str, len: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|number| Digest::of(format!("{seed} {number}").as_bytes()).0);
    blocks.take(len).collect()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": format!("sha256:{}", Digest::of(bytes)), "size": bytes.len()})
}

impl Multi {
    /// An image whose layers differ with `seed`.
    pub fn new(seed: &str) -> Self {
        let mut parts = BTreeMap::new();
        let mut put = |kind: &str, media_type: &str, bytes: &[u8]| {
            let digest = Digest::of(bytes);
            parts.insert(format!("{kind}/sha256:{digest}"), (media_type.to_owned(), bytes.to_vec()));
            digest
        };
        let (mut manifests, mut layers, mut entries) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (arch, variant) in [("amd64", None), ("arm64", Some("v8"))] {
            let own = vec![noise(&format!("{seed} base"), 40_000), noise(&format!("{seed} {arch}"), 90_000)];
            let config = json!({"architecture": arch, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}});
            let config = config.to_string();
            put("blobs", CONFIG, config.as_bytes());
            let packed = "application/vnd.oci.image.layer.v1.tar+gzip";
            for layer in &own {
                put("blobs", packed, layer);
            }
            let described: Vec<Value> = own.iter().map(|layer| descriptor(packed, layer)).collect();
            let manifest = json!({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": descriptor(CONFIG, config.as_bytes()), "layers": described,
            });
            let manifest = manifest.to_string();
            manifests.insert(arch, put("manifests", MANIFEST, manifest.as_bytes()));
            layers.insert(arch, own);
            let mut entry = descriptor(MANIFEST, manifest.as_bytes());
            entry["platform"] = json!({"os": "linux", "architecture": arch});
            if let Some(variant) = variant {
                entry["platform"]["variant"] = json!(variant);
            }
            entries.push(entry);
        }
        // As Docker's builder adds it: no image of any platform.
        let mut attestation = descriptor(MANIFEST, b"attestation");
        attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        entries.push(attestation);
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).to_string();
        let index = put("manifests", INDEX, index.as_bytes());
        Self { index, manifests, layers, parts }
    }

    /// The same with another document in the index's place.
    pub fn with_index(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let old = format!("manifests/sha256:{}", self.index);
        let mut index: Value = serde_json::from_slice(&self.parts.remove(&old).unwrap().1).unwrap();
        change(&mut index);
        let text = index.to_string();
        self.index = Digest::of(text.as_bytes());
        self.parts.insert(format!("manifests/sha256:{}", self.index), (INDEX.to_owned(), text.into_bytes()));
        self
    }

    /// A part by the path of a request, if it is one of this image in the repository `name`.
    pub fn part(&self, name: &str, path: &str) -> Option<&[u8]> {
        let path = path.strip_prefix("/v2/")?.strip_prefix(name)?.strip_prefix('/')?;
        self.parts.get(path).map(|(_, bytes)| &bytes[..])
    }
}
