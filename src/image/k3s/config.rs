//! `/etc/rancher/k3s/config.yaml`: what the profile decides.

use serde_json::{Map, Value, json};

use crate::profile::{K3s, Role};

/// Options of every kubelet. The directory for volume plug-ins is below `/usr` unless told otherwise, and that is
/// read-only. Sticks are small: container images are thrown away earlier than at the usual 85 %, and logs kept short.
const KUBELET: [&str; 5] = [
    "volume-plugin-dir=/var/lib/kubelet/volumeplugins",
    "image-gc-high-threshold=75",
    "image-gc-low-threshold=65",
    "container-log-max-size=5Mi",
    "container-log-max-files=3",
];

/// The file's text. JSON is YAML too, and leaves no room for a value that YAML takes for something else.
///
/// Lists that a node adds to must be written `node-label+` and the like in its own files: a key without `+` replaces.
#[must_use]
pub fn config(k3s: &K3s) -> String {
    let kubelet: Vec<&str> = KUBELET.into_iter().chain(k3s.kubelet_args.iter().map(String::as_str)).collect();
    let mut keys = Map::new();
    let mut set = |key: &str, value: Value| keys.insert(key.to_owned(), value);
    // The stub that /etc/resolv.conf points to is this host's alone; K3s would give pods 8.8.8.8 instead.
    set("resolv-conf", json!("/run/systemd/resolve/resolv.conf"));
    // The image sets what the kubelet wants; if that did not work, better to know.
    set("protect-kernel-defaults", json!(true));
    set("kubelet-arg", json!(kubelet));
    if !k3s.taints.is_empty() {
        set("node-taint", json!(k3s.taints));
    }
    if !k3s.labels.is_empty() {
        let labels: Vec<String> = k3s.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        set("node-label", json!(labels));
    }
    if k3s.role == Role::Server {
        // It holds the key to the cluster, so it is no file of a disk.
        set("write-kubeconfig", json!("/run/k3s/k3s.yaml"));
        set("write-kubeconfig-mode", json!("0600"));
        // Beside K3s's own data, which may be thrown away.
        set("default-local-storage-path", json!("/var/lib/local-path"));
        if !k3s.disable.is_empty() {
            set("disable", json!(k3s.disable));
        }
        if k3s.embedded_registry {
            set("embedded-registry", json!(true));
        }
    }
    format!("{:#}\n", Value::Object(keys))
}
