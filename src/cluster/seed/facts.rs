//! `/etc/imgbuild/node.env`: the settings of the node's own scripts, as lines `KEY='value'`. docs/node-status.md lists the keys.

use std::fmt::Write as _;

use super::{DATASTORE_CA, Inputs, SeedError};
use crate::cluster::secrets::DATASTORE_URL;
use crate::datastore::Endpoint;
use crate::profile::Role;

/// Version of the file's format.
const SCHEMA: &str = "1";

/// The file's text. It has no secrets: of the datastore's URL only host and port.
pub(super) fn text(inputs: &Inputs<'_>) -> Result<String, SeedError> {
    let Inputs { cluster, node, profile, secrets, .. } = inputs;
    let mut text = String::new();
    let mut unreadable = None;
    let mut fact = |key: &str, value: &str| {
        // All values were checked as names, numbers or paths. With a quote in one of them the node would wait for ever.
        if value.contains(['\'', '\n']) {
            unreadable = Some(key.to_owned());
        }
        writeln!(text, "{key}='{value}'").expect("strings grow");
    };
    fact("SCHEMA", SCHEMA);
    fact("CLUSTER", &cluster.name);
    fact("NODE", &node.name);
    if let Some(k3s) = &profile.k3s {
        fact("ROLE", k3s.role.name());
        if k3s.role == Role::Agent {
            fact("SERVER_HOST", &cluster.server.host);
            fact("SERVER_PORT", &cluster.server.port.to_string());
        } else if cluster.datastore.is_some() {
            let url = secrets.require(DATASTORE_URL)?;
            // `require` has read it as one.
            if let Ok(endpoint) = Endpoint::parse(url.expose()) {
                fact("DATASTORE_HOST", &endpoint.host);
                fact("DATASTORE_PORT", &endpoint.port.to_string());
                fact("DATASTORE_TLS", endpoint.parameter("sslmode").unwrap_or("verify-full"));
                fact("DATASTORE_CA", DATASTORE_CA);
            }
        }
    }
    for (number, disk) in (1..).zip(&node.disks) {
        fact(&format!("DISK_{number}_LABEL"), &disk.label);
        fact(&format!("DISK_{number}_MOUNT"), &disk.mount);
        fact(&format!("DISK_{number}_FILESYSTEM"), disk.filesystem.name());
        fact(&format!("DISK_{number}_FORMAT"), disk.format.name());
    }
    match unreadable {
        Some(key) => Err(SeedError::Unreadable(key)),
        None => Ok(text),
    }
}
