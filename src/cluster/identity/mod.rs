//! A node's identity, which is derived: a stick that is written again makes the same node again.
//!
//! ```text
//! identity seed (32 bytes) ─┐
//!                           ├─ HKDF-SHA-256, one purpose each ─▶ Identity
//! node name ────────────────┘
//! ```
//!
//! Nothing is random and nothing is stored. From the seed every node's identity can be derived; from an identity neither the seed
//! nor another node's identity can. `docs/identity.md` has the construction with test vectors.

mod ssh;

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::hex;
use super::secrets::{IDENTITY_SEED, Secret, Secrets, SecretsError};

pub use ssh::known_hosts;

/// Separates these keys from anything else that may be derived from the same seed.
const SALT: &[u8] = b"imgbuild identity v1";

/// What a cluster's identities are derived from.
#[derive(Clone)]
pub struct IdentitySeed(Zeroizing<[u8; 32]>);

impl IdentitySeed {
    /// The seed among a cluster's secrets.
    ///
    /// # Errors
    /// The seed is not set, or is not 64 hexadecimal digits.
    pub fn of(secrets: &Secrets) -> Result<Self, SecretsError> {
        let bytes = hex::decode(secrets.require(IDENTITY_SEED)?.expose());
        let seed = bytes.and_then(|bytes| bytes.as_slice().try_into().ok().map(Self::from_bytes));
        // `require` has already checked this, with the same message.
        let reason = "it is not 64 hexadecimal digits".into();
        seed.ok_or_else(|| SecretsError::Unfit { name: IDENTITY_SEED.to_owned(), reason })
    }

    /// The seed with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn derive<const LENGTH: usize>(&self, purpose: &str, node: &str) -> Zeroizing<[u8; LENGTH]> {
        let mut output = Zeroizing::new([0; LENGTH]);
        Hkdf::<Sha256>::new(Some(SALT), &*self.0)
            .expand_multi_info(&[purpose.as_bytes(), &[0], node.as_bytes()], &mut *output)
            .expect("HKDF-SHA-256 gives up to 8160 bytes");
        output
    }
}

impl fmt::Debug for IdentitySeed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IdentitySeed(…)")
    }
}

/// All identity files of a node.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The password by which K3s's server recognises the node: `/etc/rancher/node/password`.
    pub node_password: Secret,
    /// `/etc/machine-id`.
    pub machine_id: String,
    /// `/etc/ssh/ssh_host_ed25519_key`, in OpenSSH's format.
    pub ssh_host_key: Secret,
    /// The line of `/etc/ssh/ssh_host_ed25519_key.pub`, without line break.
    pub ssh_host_public: String,
    /// The host key's fingerprint as `ssh` shows it: `SHA256:…`.
    pub ssh_fingerprint: String,
    /// The name in `/etc/iscsi/initiatorname.iscsi`.
    pub initiator_name: String,
}

impl Identity {
    /// The identity of the node with this name.
    ///
    /// # Panics
    /// Never: the lengths are fixed.
    #[must_use]
    pub fn derive(seed: &IdentitySeed, node: &str) -> Self {
        let password = seed.derive::<16>("node-password", node);
        let key = ssh::HostKey::new(&seed.derive("ssh-host-ed25519", node), node);
        let initiator = seed.derive::<6>("iscsi-initiator", node);
        Self {
            node_password: hex::encode(&*password).into(),
            machine_id: machine_id(*seed.derive("machine-id", node)),
            ssh_host_key: key.private,
            ssh_host_public: key.public,
            ssh_fingerprint: key.fingerprint,
            initiator_name: format!("iqn.1993-08.org.debian:01:{}", *hex::encode(&*initiator)),
        }
    }

    /// The secret parts, with names for messages.
    #[must_use]
    pub fn private(&self) -> [(&'static str, &Secret); 2] {
        [("node password", &self.node_password), ("SSH host key", &self.ssh_host_key)]
    }
}

/// Sixteen bytes as a UUID of version 4 (RFC 9562), as systemd requires of a machine-id.
fn machine_id(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    hex::encode(&bytes).to_string()
}
