//! Which keys of an `OpenPGP` certificate may sign data, and until when (RFC 9580, sections 5.2.1 and 10.1).
//!
//! Only self-signatures count: a published certificate also has certifications by others. A key is unusable if anything about
//! it is doubtful.

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{Signature, SignatureType};
use pgp::types::{Duration, KeyDetails as _, Tag};

use super::Reason;

/// Bytes of the shortest digest that a signature may use.
const MIN_DIGEST_BYTES: usize = 256 / 8;

/// A primary key or subkey of a pinned certificate.
#[derive(Debug)]
pub(super) struct SigningKey<'a> {
    certificate: &'a SignedPublicKey,
    /// None for the primary key.
    subkey: Option<&'a SignedPublicSubKey>,
}

/// The primary key and all subkeys of `certificate`, usable or not.
pub(super) fn signing_keys(certificate: &SignedPublicKey) -> Vec<SigningKey<'_>> {
    let subkeys = certificate.public_subkeys.iter().map(Some);
    std::iter::once(None).chain(subkeys).map(|subkey| SigningKey { certificate, subkey }).collect()
}

/// Whether a signature hashes with SHA-256 or better.
pub(super) fn is_strong(signature: &Signature) -> bool {
    signature
        .hash_alg()
        .and_then(pgp::crypto::hash::HashAlgorithm::digest_size)
        .is_some_and(|len| len >= MIN_DIGEST_BYTES)
}

/// When something that was created at `created` expires. A lifetime of none or zero means never.
pub(super) fn end(created: u64, lifetime: Option<Duration>) -> Option<u64> {
    lifetime
        .map(|lifetime| u64::from(lifetime.as_secs()))
        .filter(|&secs| secs > 0)
        .map(|secs| created.saturating_add(secs))
}

impl SigningKey<'_> {
    /// Fingerprint of the certificate, upper-case hexadecimal.
    pub(super) fn certificate(&self) -> String {
        format!("{:X}", self.certificate.primary_key.fingerprint())
    }

    /// Whether `signature` names this key as its issuer.
    pub(super) fn is_named_by(&self, signature: &Signature) -> bool {
        let (fingerprint, id) = match self.subkey {
            None => (self.certificate.primary_key.fingerprint(), self.certificate.primary_key.legacy_key_id()),
            Some(subkey) => (subkey.key.fingerprint(), subkey.key.legacy_key_id()),
        };
        let fingerprints = signature.issuer_fingerprint();
        if fingerprints.is_empty() {
            signature.issuer_key_id().contains(&&id)
        } else {
            fingerprints.contains(&&fingerprint)
        }
    }

    /// Whether this key made the signature over `data`.
    pub(super) fn verify(&self, signature: &Signature, data: &[u8]) -> bool {
        match self.subkey {
            None => signature.verify(&self.certificate.primary_key, data).is_ok(),
            Some(subkey) => signature.verify(&subkey.key, data).is_ok(),
        }
    }

    /// Whether the key may sign data at `now`.
    pub(super) fn check_usable(&self, now: u64) -> Result<(), Reason> {
        let own = self_signature(self.certificate, now)?;
        refuse_expired(self.certificate.primary_key.created_at(), own, now)?;
        match self.subkey {
            None if own.key_flags().sign() => Ok(()),
            None => Err(Reason::UnusableKey),
            Some(subkey) => {
                let binding = binding(self.certificate, subkey, now)?;
                refuse_expired(subkey.key.created_at(), binding, now)
            }
        }
    }
}

/// The self-signature that sets the primary key's flags and lifetime: the newest one over the key itself or over a user id
/// that was not revoked.
fn self_signature(certificate: &SignedPublicKey, now: u64) -> Result<&Signature, Reason> {
    let key = &certificate.primary_key;
    let details = &certificate.details;
    // A revocation counts with any hash algorithm; only invalid ones are ignored.
    if details.revocation_signatures.iter().any(|signature| signature.verify_key(key).is_ok()) {
        return Err(Reason::RevokedKey);
    }
    let direct = details.direct_signatures.iter().filter(|signature| {
        signature.typ() == Some(SignatureType::Key) && counts(signature, now) && signature.verify_key(key).is_ok()
    });
    let users = details.users.iter().filter_map(|user| {
        let own = |signature: &&Signature| signature.verify_certification(key, Tag::UserId, &user.id).is_ok();
        let is_revocation = |signature: &Signature| signature.typ() == Some(SignatureType::CertRevocation);
        let newest = newest(
            user.signatures
                .iter()
                .filter(|signature| !is_revocation(signature) && counts(signature, now) && own(signature)),
        )?;
        let taken_back = user
            .signatures
            .iter()
            .any(|signature| is_revocation(signature) && signature.created() >= newest.created() && own(&signature));
        (!taken_back).then_some(newest)
    });
    newest(direct.chain(users)).ok_or(Reason::UnusableKey)
}

/// The binding signature of a subkey, if the subkey may sign.
fn binding<'a>(
    certificate: &SignedPublicKey,
    subkey: &'a SignedPublicSubKey,
    now: u64,
) -> Result<&'a Signature, Reason> {
    let primary = &certificate.primary_key;
    let own = |signature: &&Signature| signature.verify_subkey_binding(primary, &subkey.key).is_ok();
    let is_revocation = |signature: &Signature| signature.typ() == Some(SignatureType::SubkeyRevocation);
    if subkey.signatures.iter().any(|signature| is_revocation(signature) && own(&signature)) {
        return Err(Reason::RevokedKey);
    }
    let binding = newest(
        subkey
            .signatures
            .iter()
            .filter(|signature| !is_revocation(signature) && counts(signature, now) && own(signature)),
    )
    .ok_or(Reason::UnusableKey)?;
    // The back signature proves that the subkey's owner agrees to belong to this certificate.
    let agreed = binding
        .embedded_signature()
        .is_some_and(|back| is_strong(back) && back.verify_primary_key_binding(&subkey.key, primary).is_ok());
    if binding.key_flags().sign() && agreed { Ok(binding) } else { Err(Reason::UnusableKey) }
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|signature| signature.created())
}

/// Whether a self-signature is strong enough and not expired.
fn counts(signature: &Signature, now: u64) -> bool {
    let created = signature.created().map(|time| u64::from(time.as_secs()));
    let is_over = |created| end(created, signature.signature_expiration_time()).is_some_and(|end| end <= now);
    is_strong(signature)
        && created.is_some_and(|created| created <= now.saturating_add(super::CLOCK_SKEW) && !is_over(created))
}

fn refuse_expired(created: pgp::types::Timestamp, signature: &Signature, now: u64) -> Result<(), Reason> {
    match end(u64::from(created.as_secs()), signature.key_expiration_time()) {
        Some(end) if end <= now => Err(Reason::ExpiredKey(end)),
        _ => Ok(()),
    }
}
