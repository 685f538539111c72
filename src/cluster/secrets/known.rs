//! The secrets whose purpose this program knows, and the form of their values.

use std::borrow::Cow;

use super::Secret;
use crate::cluster::hex;
use crate::datastore::Endpoint;
use crate::format::signing::SigningKey;
use crate::profile::checks::is_secret_name;

/// The token that makes a machine a K3s server, and that encrypts the cluster's keys in the datastore.
pub const SERVER_TOKEN: &str = "server-token";
/// The token with which a machine joins as a K3s agent.
pub const AGENT_TOKEN: &str = "agent-token";
/// The seed that every node's identity is derived from.
pub const IDENTITY_SEED: &str = "identity-seed";
/// The URL of the datastore, with user and password.
pub const DATASTORE_URL: &str = "datastore-url";

/// The keys of UEFI Secure Boot with their certificates: whose certificate is PK decides about KEK, those in KEK about db, and
/// those in db sign what boots. Images are signed with the last one.
pub const SECURE_BOOT_PK: &str = "secure-boot-pk";
pub const SECURE_BOOT_KEK: &str = "secure-boot-kek";
pub const SECURE_BOOT_DB: &str = "secure-boot-db";
/// The three.
pub const SECURE_BOOT: [&str; 3] = [SECURE_BOOT_PK, SECURE_BOOT_KEK, SECURE_BOOT_DB];

/// Known secrets in the order of the file, each with the comment that explains it there.
pub(super) const KNOWN: [(&str, &str); 7] = [
    (
        SERVER_TOKEN,
        "Full power over the cluster. It also seals the cluster's keys in the datastore: LOSING IT LOSES THE CLUSTER,\n\
         and so does changing it.",
    ),
    (AGENT_TOKEN, "Lets workers join. Keep it over the cluster's life."),
    (
        IDENTITY_SEED,
        "Every node's host key, machine-id, node password and iSCSI name derive from it. With another one the cluster\n\
         refuses its own nodes.",
    ),
    (
        DATASTORE_URL,
        "The datastore's URL with user and password, `postgres://USER:PASSWORD@HOST:5432/DATABASE`; special characters\n\
         of the password are percent-encoded.",
    ),
    (SECURE_BOOT_PK, "Owns the machines that it is enrolled on: Secure Boot's platform key."),
    (SECURE_BOOT_KEK, "May change which keys those machines start programs of."),
    (SECURE_BOOT_DB, "Signs images. Whoever has it can make programs that those machines start."),
];

/// Whether a secret may have this name: lower-case letters, digits and `-`, 63 at most, and no `-file` at its end.
#[must_use]
pub fn is_name(name: &str) -> bool {
    is_secret_name(name)
}

/// The names of the secrets that this program knows the purpose of.
pub fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// Whether this program knows the purpose of the secret of this name.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}

/// Why this value is invalid for the secret of this name. The text quotes nothing of the value.
#[must_use]
pub fn problem(name: &str, value: &Secret) -> Option<Cow<'static, str>> {
    let value = value.expose();
    if value.is_empty() {
        return Some("it is empty".into());
    }
    match name {
        SERVER_TOKEN | AGENT_TOKEN => token(value).map(Cow::Borrowed),
        IDENTITY_SEED if hex::decode(value).is_none_or(|bytes| bytes.len() != 32) => {
            Some("it is not 64 hexadecimal digits".into())
        }
        SECURE_BOOT_PK | SECURE_BOOT_KEK | SECURE_BOOT_DB => {
            SigningKey::from_pem(value).err().map(|fault| fault.to_string().into())
        }
        DATASTORE_URL => Endpoint::parse(value).err().map(|fault| fault.to_string().into()),
        _ => None,
    }
}

fn token(value: &str) -> Option<&'static str> {
    if value.contains(char::is_whitespace) {
        Some("it holds white space")
    } else if value.contains("::") {
        Some("it holds `::`; give the short form, the part behind the last colon of a `K10…` token")
    } else if value.chars().count() < 16 {
        Some("it is shorter than 16 characters")
    } else {
        None
    }
}
