//! Identifiers and salts: functions of what an image is made of.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::tree::Digest;

/// A digest of everything that goes into an image. Two images differ in their identifiers exactly if they differ in an
/// input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputDigest(Digest);

impl InputDigest {
    /// The digest of `inputs`, in this order. Each is counted with its length, so that no two lists meet.
    pub fn of<'a>(inputs: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new_with_prefix(b"imgbuild plan 1\0");
        for input in inputs {
            hash.update((input.len() as u64).to_le_bytes());
            hash.update(input);
        }
        Self(Digest(hash.finalize().into()))
    }

    /// 32 bytes for the purpose that `label` names; other labels give unrelated bytes.
    #[must_use]
    pub fn bytes(&self, label: &str) -> [u8; 32] {
        Sha256::new_with_prefix(b"imgbuild derive 1\0").chain_update(self.0.0).chain_update(label).finalize().into()
    }

    /// A UUID for the purpose that `label` names (version 8: made by a rule of our own, RFC 9562).
    #[must_use]
    pub fn uuid(&self, label: &str) -> Uuid {
        let [first, ..] = halves(self.bytes(label));
        uuid::Builder::from_custom_bytes(first).into_uuid()
    }
}

/// The first and the last 128 bits.
#[must_use]
pub(super) fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    let (mut first, mut last) = ([0; 16], [0; 16]);
    first.copy_from_slice(&bytes[..16]);
    last.copy_from_slice(&bytes[16..]);
    [first, last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_labels_and_other_inputs_give_other_identifiers() {
        let inputs = InputDigest::of([&b"ab"[..], b"c"]);
        assert_ne!(inputs, InputDigest::of([&b"a"[..], b"bc"]));
        assert_ne!(inputs.uuid("disk"), inputs.uuid("seed"));
        assert_eq!(inputs.uuid("disk"), InputDigest::of([&b"ab"[..], b"c"]).uuid("disk"));
        assert_eq!(inputs.uuid("disk").get_version_num(), 8);
    }
}
