//! Names of files, which become names of `AddOns`.

use std::collections::BTreeMap;

use super::{Flaw, FlawKind, Flaws, Rendered};

/// `AddOns` of K3s itself: the files below `manifests/` of its source, those of `metrics-server/` included, by their base
/// names, in the versions from 1.33 to 1.37.
const PACKAGED: [&str; 14] = [
    "aggregated-metrics-reader",
    "auth-delegator",
    "auth-reader",
    "ccm",
    "coredns",
    "gateway-api-crd",
    "local-storage",
    "metrics-apiservice",
    "metrics-server-deployment",
    "metrics-server-service",
    "resource-reader",
    "rolebindings",
    "runtimes",
    "traefik",
];

/// What is wrong with the files' names.
pub(super) fn names(manifests: &[Rendered<'_>], list: &mut Vec<Flaw>) {
    let mut addons: BTreeMap<&str, &str> = BTreeMap::new();
    for Rendered { manifest, .. } in manifests {
        let (name, addon) = (manifest.name.as_str(), manifest.addon());
        let mut flaws = Flaws { manifest: name, list };
        let mut flaw = |message: String, hint: String| flaws.add(FlawKind::AddonName, 0..1, message, hint);
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let bytes = addon.as_bytes();
        if !bytes.iter().copied().all(inner) || !edge(bytes.first()) || !edge(bytes.last()) || bytes.len() > 63 {
            flaw(
                format!("K3s cannot name an AddOn `{addon}`"),
                "call the file by lower-case letters, digits and `-`, such as `metallb-10-pool.yaml`".to_owned(),
            );
        } else if name.matches('.').count() > 1 {
            flaw(
                format!("K3s takes the part up to the first period, `{addon}`, for the AddOn's name"),
                format!("use `-` instead of a period: `{}.yaml`", name.trim_end_matches(".yaml").replace('.', "-")),
            );
        }
        if PACKAGED.contains(&addon) {
            flaw(
                format!("`{addon}` is an AddOn of K3s itself, and the two files delete each other's objects"),
                format!("give the file another name, such as `my-{addon}.yaml`"),
            );
        }
        if let Some(other) = addons.insert(addon, name) {
            flaw(
                format!("`{other}` is the AddOn `{addon}` too, and the two delete each other's objects"),
                "give one of the files another name".to_owned(),
            );
        }
    }
}
