//! The kinds of values in a cluster file, in the form of `profile::values`.

use std::borrow::Cow;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{ServerUrl, checks};
pub(super) use crate::profile::values::{
    Address, AddressWithPrefix, HostName, Identifier, LabelValue, Mac, SshKey, Url, Version, Word, WorkspacePath,
};

crate::profile::values::text! {
    Domain: domain, "A DNS domain.";
    PageDomain: page_domain, "A DNS domain of two labels or more, such as home.lan.";
    TlsName: tls_name, "A DNS name or an address.";
    LabelKey: label_key, "A label's key, such as node.longhorn.io/create-default-disk.";
    DiskLabel: disk_label, "A file system's label: 16 characters on ext4, 12 on xfs.";
    MountPoint: mount_point, "An absolute path of letters, digits and `-_.@+`, such as /var/lib/longhorn.";
    RegistryHost: registry_host, "A registry's host, with its port if it has one; `*` is every registry.";
    SecretName: secret_name, "The name of a secret, never its value.";
    ValueName: value_name, "A name of lower-case letters, digits and `_`.";
}

impl<'de> Deserialize<'de> for ServerUrl {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let (host, port) = checks::server_url(&text).map_err(serde::de::Error::custom)?;
        Ok(Self { host, port })
    }
}

impl JsonSchema for ServerUrl {
    fn schema_name() -> Cow<'static, str> {
        "ServerUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^https://.+:[0-9]+$", "description": "https://HOST:PORT" })
    }
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Net(pub(super) IpNet);

impl TryFrom<String> for Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        checks::net(&text).map(Self)
    }
}

impl JsonSchema for Net {
    fn schema_name() -> Cow<'static, str> {
        "Net".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A range of addresses, such as 10.42.0.0/16." })
    }
}
