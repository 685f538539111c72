//! Signatures of `InRelease` files: `OpenPGP` cleartext signatures (RFC 9580, section 7) by pinned keys.
//!
//! The cryptography is done by the `pgp` crate; this module has the policy. One good signature is enough. A signature is good
//! if
//! - the key that made it belongs to a pinned certificate: the primary key, or a signing subkey whose binding and
//!   back signature hold;
//! - neither certificate nor subkey is revoked or expired, nor is the signature;
//! - the signature and the self-signatures it relies on hash with SHA-256 or better.
//!
//! Only the signed text is returned, never the file around it.

mod certificate;

use pgp::composed::{CleartextSignedMessage, Deserializable as _, SignedPublicKey};
use pgp::packet::{Signature, SignatureType};
use pgp::ser::Serialize as _;
use pgp::types::KeyDetails as _;

use crate::profile::SourceKey;
use certificate::{SigningKey, signing_keys};

/// The keys that sign Debian's trixie suites, from Debian's package `debian-archive-keyring`.
const DEBIAN_KEYS: [&[u8]; 6] = [
    include_bytes!("keys/debian-archive-trixie-automatic.asc"),
    include_bytes!("keys/debian-archive-trixie-security-automatic.asc"),
    include_bytes!("keys/debian-archive-trixie-stable.asc"),
    include_bytes!("keys/debian-archive-bookworm-automatic.asc"),
    include_bytes!("keys/debian-archive-bookworm-security-automatic.asc"),
    include_bytes!("keys/debian-archive-bookworm-stable.asc"),
];

/// How a cleartext-signed message begins (RFC 9580, section 7).
const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// Limit on a file's lines multiplied by its bytes, since the library searches all text read so far after every line. Debian's
/// files reach a fiftieth of it.
const MAX_LINES_TIMES_BYTES: u64 = 1 << 33;

/// Most signatures of one file, since each is verified over the whole text. An archive that changes its key has two or three.
const MAX_SIGNATURES: usize = 16;

/// How far a signer's clock may be ahead of this machine's, in seconds.
pub(super) const CLOCK_SKEW: u64 = 24 * 60 * 60;

/// A text with a good signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The signed text, with lines ending in `\n`.
    pub text: String,
    /// Fingerprint (upper-case hexadecimal) of the primary key of the certificate that signed it.
    pub fingerprint: String,
}

/// Why a file does not count as signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("not a cleartext-signed OpenPGP message: {reason}")]
    Message { reason: &'static str },
    #[error("the pinned keys cannot be read: {reason}")]
    Keys { reason: &'static str },
    #[error("it is no OpenPGP certificate")]
    NoCertificate,
    #[error("it is the certificate {}, and not {wanted}, which the source names", found.join(" and "))]
    OtherCertificate { found: Vec<String>, wanted: String },
    #[error("no signature")]
    Unsigned,
    #[error("it has {found} signatures, more than the limit of {MAX_SIGNATURES}")]
    TooMany { found: usize },
    #[error("no good signature: {}", refusals.iter().map(Refusal::to_string).collect::<Vec<_>>().join("; "))]
    NoneGood { refusals: Vec<Refusal> },
}

/// Why one signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("by key {key}: {reason}")]
pub struct Refusal {
    /// Fingerprint or key id that the signature names.
    pub key: String,
    pub reason: Reason,
}

/// See [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("the key is not one of the pinned ones")]
    UnknownKey,
    #[error("the key may not sign, or its certificate is damaged")]
    UnusableKey,
    #[error("the key was revoked")]
    RevokedKey,
    #[error("the key expired on {}", super::date::display(*.0))]
    ExpiredKey(u64),
    #[error("the signature expired on {}", super::date::display(*.0))]
    Expired(u64),
    #[error("it was made in the future, on {}", super::date::display(*.0))]
    Future(u64),
    #[error("its hash algorithm is too weak")]
    WeakHash,
    #[error("it is not the signature of a text")]
    WrongType,
    #[error("it does not match the text")]
    Bad,
}

impl SignatureError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let refusals = match self {
            Self::NoneGood { refusals } => refusals,
            // A network that requires a login, or a mirror that has moved, answers with an HTML page.
            Self::Message { .. } | Self::NoCertificate => {
                return Some("something else than the mirror may have answered: open the URL in a browser".to_owned());
            }
            Self::OtherCertificate { .. } => {
                let text = "compare `fingerprint` of the [[source]] with what the archive's owner publishes, and change it only if that is another";
                return Some(text.to_owned());
            }
            Self::Keys { .. } | Self::Unsigned | Self::TooMany { .. } => return None,
        };
        let any = |test: fn(Reason) -> bool| refusals.iter().any(|refusal| test(refusal.reason));
        let text = if any(|reason| reason == Reason::Bad) {
            "the file was changed after it was signed; try another mirror with `--mirror`"
        } else if any(|reason| matches!(reason, Reason::Future(_))) {
            "check this machine's clock"
        } else if any(|reason| matches!(reason, Reason::ExpiredKey(_) | Reason::RevokedKey)) {
            "the archive probably has new keys: pin them in the profile's source, or use a newer imgbuild for Debian's own"
        } else if any(|reason| reason == Reason::UnknownKey) {
            "check that this is the archive that the profile means; `key` of its [[source]] has the keys that may sign, Debian's own unless given"
        } else {
            return None;
        };
        Some(text.to_owned())
    }
}

/// Checks a cleartext-signed file against the pinned keys.
///
/// `now` is in seconds since 1970.
///
/// # Errors
/// The file is not exactly one signed text, or none of its signatures is good.
pub fn verify(inrelease: &[u8], keys: &SourceKey, now: u64) -> Result<Verified, SignatureError> {
    let (lines, bytes) = (inrelease.split(|&byte| byte == b'\n').count() as u64, inrelease.len() as u64);
    if lines.saturating_mul(bytes) > MAX_LINES_TIMES_BYTES {
        return Err(SignatureError::Message { reason: "it has more lines than any Release file" });
    }
    // The library's own error may quote the whole unverified file, so it is not shown.
    let (message, _) = CleartextSignedMessage::from_armor(inrelease).map_err(|_| SignatureError::Message {
        reason: if inrelease.starts_with(BEGIN) {
            "it is cut off or damaged, or has more than one text with its signatures"
        } else {
            "it does not begin with `-----BEGIN PGP SIGNED MESSAGE-----`"
        },
    })?;
    let found = message.signatures().len();
    if found > MAX_SIGNATURES {
        return Err(SignatureError::TooMany { found });
    }
    let certificates = certificates(keys)?;
    let candidates: Vec<SigningKey<'_>> = certificates.iter().flat_map(signing_keys).collect();
    let text = message.signed_text();
    let mut refusals = Vec::new();
    for signature in message.signatures() {
        match check(signature, &text, &candidates, now) {
            Ok(fingerprint) => return Ok(Verified { text: text.replace("\r\n", "\n"), fingerprint }),
            Err(reason) => refusals.push(Refusal { key: issuer(signature), reason }),
        }
    }
    Err(if refusals.is_empty() { SignatureError::Unsigned } else { SignatureError::NoneGood { refusals } })
}

/// Fingerprints (upper-case hexadecimal) of the primary keys of the pinned certificates.
///
/// # Errors
/// The keys cannot be read.
pub fn fingerprints(keys: &SourceKey) -> Result<Vec<String>, SignatureError> {
    if let SourceKey::Fetched { fingerprint, .. } = keys {
        return Ok(vec![fingerprint.clone()]);
    }
    Ok(certificates(keys)?.iter().map(fingerprint_of).collect())
}

/// The certificate among the fetched `bytes` whose primary key has the fingerprint `wanted`; others there do not count.
///
/// # Errors
/// There is none of that fingerprint.
pub fn fetched(bytes: Vec<u8>, wanted: &str) -> Result<SourceKey, SignatureError> {
    let found = certificates(&SourceKey::Certificates(bytes)).map_err(|_| SignatureError::NoCertificate)?;
    match found.iter().find(|certificate| fingerprint_of(certificate) == wanted) {
        Some(certificate) => {
            Ok(SourceKey::Certificates(certificate.to_bytes().map_err(|_| SignatureError::NoCertificate)?))
        }
        None => Err(SignatureError::OtherCertificate {
            found: found.iter().map(fingerprint_of).collect(),
            wanted: wanted.to_owned(),
        }),
    }
}

fn fingerprint_of(certificate: &SignedPublicKey) -> String {
    format!("{:X}", certificate.primary_key.fingerprint())
}

/// The fingerprint of the certificate that made the signature, or why the signature is not good.
fn check(signature: &Signature, text: &str, candidates: &[SigningKey<'_>], now: u64) -> Result<String, Reason> {
    if signature.typ() != Some(SignatureType::Text) {
        return Err(Reason::WrongType);
    }
    if !certificate::is_strong(signature) {
        return Err(Reason::WeakHash);
    }
    let created = signature.created().map(|time| u64::from(time.as_secs())).ok_or(Reason::Bad)?;
    if created > now.saturating_add(CLOCK_SKEW) {
        return Err(Reason::Future(created));
    }
    if let Some(end) = certificate::end(created, signature.signature_expiration_time())
        && end <= now
    {
        return Err(Reason::Expired(end));
    }
    let key = candidates.iter().find(|key| key.is_named_by(signature)).ok_or(Reason::UnknownKey)?;
    key.check_usable(now)?;
    key.verify(signature, text.as_bytes()).then(|| key.certificate()).ok_or(Reason::Bad)
}

/// The key that the signature names, for messages.
fn issuer(signature: &Signature) -> String {
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return format!("{fingerprint:X}");
    }
    signature.issuer_key_id().first().map_or_else(|| "(unnamed)".to_owned(), |id| id.to_string().to_uppercase())
}

/// All pinned certificates.
fn certificates(keys: &SourceKey) -> Result<Vec<SignedPublicKey>, SignatureError> {
    let files: &[&[u8]] = match keys {
        SourceKey::Debian => &DEBIAN_KEYS,
        SourceKey::Certificates(bytes) => &[bytes.as_slice()],
        SourceKey::Fetched { .. } => return Err(SignatureError::Keys { reason: "they were not fetched" }),
    };
    let failed =
        |_: pgp::errors::Error| SignatureError::Keys { reason: "they are damaged, or no OpenPGP certificates" };
    let mut all = Vec::new();
    for file in files {
        let (found, _) = SignedPublicKey::from_reader_many(*file).map_err(failed)?;
        for certificate in found {
            all.push(certificate.map_err(failed)?);
        }
    }
    if all.is_empty() {
        return Err(SignatureError::Keys { reason: "there are none" });
    }
    Ok(all)
}
