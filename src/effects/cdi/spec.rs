//! A CDI specification as its JSON has it: `schema/schema.json`, `SPEC.md` and `specs-go/config.go` of
//! cncf-tags/container-device-interface. Only what this program writes.

use serde::Serialize;

/// A device's kind: vendor and class, as `nvidia-ctk cdi generate` names it (`pkg/nvcdi/spec/builder.go` of
/// NVIDIA/nvidia-container-toolkit).
pub(super) const KIND: &str = "nvidia.com/gpu";

/// The lowest version that has all that is used: names of devices that begin with a digit came with 0.5.0
/// (`requiresV050` in `specs-go/version.go`). A reader refuses what is newer than itself.
const VERSION: &str = "0.5.0";

/// The whole file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    cdi_version: &'static str,
    kind: &'static str,
    devices: Vec<Device>,
    /// What every container gets that asks for any of the devices.
    container_edits: ContainerEdits,
}

impl Spec {
    pub fn new(devices: Vec<Device>, container_edits: ContainerEdits) -> Self {
        Self { cdi_version: VERSION, kind: KIND, devices, container_edits }
    }

    /// The file's text: the order of fields and entries is that of this value.
    ///
    /// # Panics
    /// Never: plain structs of texts and lists have a spelling in JSON.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a specification is plain data");
        text.push('\n');
        text
    }
}

/// What a container can ask for, as `nvidia.com/gpu=NAME`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    pub name: &'static str,
    pub container_edits: ContainerEdits,
}

/// What is added to a container.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerEdits {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_nodes: Vec<DeviceNode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
}

/// A device node by its path alone: the runtime reads type and numbers off the node when a container starts
/// (`fillMissingInfo` in `pkg/cdi/container-edits_unix.go`), and refuses to start it if the node is missing.
#[derive(Debug, Serialize)]
pub(super) struct DeviceNode {
    pub path: &'static str,
}

/// A program that the runtime starts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hook {
    #[serde(rename = "hookName")]
    pub stage: &'static str,
    pub path: String,
    pub args: Vec<String>,
    pub env: Vec<&'static str>,
}

/// A file of the host that a container sees.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mount {
    host_path: String,
    container_path: String,
    options: [&'static str; 5],
}

impl Mount {
    /// The image's file at the clean path `file`, read-only at `place` in the container. The options are those of the toolkit
    /// (`internal/discover/mounts.go`).
    pub fn new(file: &str, place: String) -> Self {
        let options = ["ro", "nosuid", "nodev", "rbind", "rprivate"];
        Self { host_path: format!("/{file}"), container_path: place, options }
    }

    /// As the toolkit sorts them: what lies higher first, then by name (`pkg/nvcdi/transform/sorter.go`).
    pub fn order(&self) -> (usize, &str) {
        (self.container_path.matches('/').count(), &self.container_path)
    }
}
