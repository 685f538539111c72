//! `/etc/rancher/k3s/registries.yaml`: mirrors of container registries, their authorities and logins (K3s documentation,
//! `installation/private-registry`). Only root may read it, since it has passwords.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Files, Inputs, ORIGIN, SeedError, private_yaml};
use crate::cluster::Registry;
use crate::profile::K3s;
use crate::tree::Node;

const FILE: &str = "rancher/k3s/registries.yaml";
/// The directory of the registries' authorities on the node.
const AUTHORITIES: &str = "/etc/rancher/k3s/registries";

/// Puts the file and the authorities that it names; nothing if there is nothing to say.
pub(super) fn put(files: &mut Files, inputs: &Inputs<'_>, k3s: &K3s) -> Result<(), SeedError> {
    let registries = &inputs.cluster.registries;
    let mut mirrors = Map::new();
    if k3s.embedded_registry {
        // Each node has to name the registries whose images it shares; `*` is all of them.
        mirrors.insert("*".to_owned(), json!({}));
    }
    let mut configs = Map::new();
    let mut authorities = BTreeSet::new();
    for registry in registries {
        if let Some(mirror) = mirror(registry) {
            mirrors.insert(registry.host.clone(), mirror);
        }
        let config = config(registry, inputs)?;
        if !config.is_empty() {
            for place in registry.places() {
                configs.insert(place.to_owned(), Value::Object(config.clone()));
            }
        }
        authorities.extend(registry.ca.as_deref());
    }
    if mirrors.is_empty() && configs.is_empty() {
        return Ok(());
    }
    for name in authorities {
        let ca = inputs.registry_cas.get(name).ok_or_else(|| SeedError::NoRegistryCa(name.to_owned()))?;
        let path = authority(name);
        files.0.put(path.trim_start_matches('/'), Node::file(0o644, ca.as_slice()).from(ORIGIN))?;
    }
    let mut keys = Map::new();
    for (key, value) in [("mirrors", mirrors), ("configs", configs)] {
        if !value.is_empty() {
            keys.insert(key.to_owned(), Value::Object(value));
        }
    }
    files.secret(FILE, private_yaml(keys))?;
    Ok(())
}

/// Where its images are asked for first. One that has no mirrors is named all the same: nodes may share its images.
fn mirror(registry: &Registry) -> Option<Value> {
    match registry.endpoints.as_slice() {
        [] if registry.ca.is_some() || registry.auth.is_some() => None,
        [] => Some(json!({})),
        endpoints => Some(json!({ "endpoint": endpoints })),
    }
}

/// How to speak with the places of a registry.
fn config(registry: &Registry, inputs: &Inputs<'_>) -> Result<Map<String, Value>, SeedError> {
    let mut config = Map::new();
    if let Some(auth) = &registry.auth {
        let password = inputs.secrets.require(&auth.password)?.expose();
        config.insert("auth".to_owned(), json!({ "username": auth.username, "password": password }));
    }
    if let Some(ca) = &registry.ca {
        config.insert("tls".to_owned(), json!({ "ca_file": authority(ca) }));
    }
    Ok(config)
}

/// Where a file of the workspace lies on the node. Its path has no `..` and no leading slash, so it is as good there.
fn authority(name: &str) -> String {
    format!("{AUTHORITIES}/{name}")
}
