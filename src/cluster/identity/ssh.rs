//! SSH host keys in OpenSSH's formats.

use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use super::super::secrets::Secret;

/// An Ed25519 key pair as the texts that sshd and ssh read.
pub(super) struct HostKey {
    pub(super) private: Secret,
    pub(super) public: String,
    pub(super) fingerprint: String,
}

impl HostKey {
    /// The pair with this Ed25519 seed; the comment is part of both texts. OpenSSH's check-int, which its own tools
    /// draw at random, is made by `ssh-key` from the seed alone, so the private text is the same each time.
    pub(super) fn new(seed: &[u8; 32], comment: &str) -> Self {
        const HOLDS: &str = "an unencrypted Ed25519 key always has these forms";
        let key = PrivateKey::new(Ed25519Keypair::from_seed(seed).into(), comment).expect(HOLDS);
        Self {
            private: key.to_openssh(LineEnding::LF).expect(HOLDS).into(),
            public: key.public_key().to_openssh().expect(HOLDS),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        }
    }
}

/// Lines of a `known_hosts` file: for each host the names and addresses that it answers to, and its public line.
#[must_use]
pub fn known_hosts<'a>(hosts: impl IntoIterator<Item = (Vec<&'a str>, &'a str)>) -> String {
    let mut lines = String::new();
    for (names, public) in hosts {
        lines.extend([&names.join(","), " ", public, "\n"]);
    }
    lines
}
