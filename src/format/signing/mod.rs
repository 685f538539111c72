//! A key that signs boot files and kernel modules: an RSA key and its certificate, and the signatures in the form of PKCS#7.
//!
//! ```text
//! PEM ─▶ SigningKey ─▶ pkcs7 ─┬─▶ authenticode      (EFI programs)
//!                             ├─▶ module_signature  (kernel modules)
//!                             └─▶ efi_variable      (what firmware enrols)
//! ```
//! Signatures are PKCS#1 v1.5 with SHA-256 (RFC 8017, 8.2): the one form that firmware, Linux and tools all know, and one without
//! randomness, so that the same bytes get the same signature. None of them tells a time.

mod make;
pub(super) mod pkcs7;

use std::fmt;

use der::{Decode as _, Encode as _, EncodePem as _};
use rsa::pkcs1v15;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{RsaPrivateKey, RsaPublicKey};
use x509_cert::Certificate;
use x509_cert::spki::DecodePublicKey as _;
use zeroize::Zeroizing;

use crate::tree::Digest;

/// Fewest bits of a key: UEFI asks for 2048 (UEFI specification, 32.3.3), less is not safe.
const FEWEST_BITS: usize = 2048;
/// Most bits: firmware that knows longer ones is rare.
const MOST_BITS: usize = 4096;

/// Why a text is no key, or nothing could be signed. No text of the key is in it.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// A part is missing.
    #[error("it has no `{0}` in PEM form")]
    NoPart(&'static str),
    /// A part that cannot be read.
    #[error("its `{0}` cannot be read")]
    Unreadable(&'static str),
    /// Too short or too long a key.
    #[error("its key has {bits} bits; firmware takes RSA keys of {FEWEST_BITS} to {MOST_BITS} bits")]
    Bits { bits: usize },
    /// The two parts are of different keys.
    #[error("its certificate is not that of its private key")]
    NotAPair,
    /// The operating system has no random numbers.
    #[error("cannot read random numbers: {0}")]
    Random(String),
    /// The key could not sign, or a structure could not be encoded.
    #[error("cannot sign: {0}")]
    Sign(String),
}

impl SigningError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPart(_) | Self::Unreadable(_) | Self::Bits { .. } | Self::NotAPair => Some(
                "such a secret is two PEM blocks, a `PRIVATE KEY` (RSA, PKCS#8, without passphrase) and its `CERTIFICATE`",
            ),
            Self::Random(_) | Self::Sign(_) => None,
        }
    }
}

impl From<der::Error> for SigningError {
    fn from(error: der::Error) -> Self {
        Self::Sign(error.to_string())
    }
}

/// A private key and its certificate. The key's memory is overwritten in the end.
pub struct SigningKey {
    key: RsaPrivateKey,
    certificate: Certificate,
    /// The certificate's DER.
    der: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

/// Names of the two parts in PEM (RFC 7468).
const PRIVATE_KEY: &str = "PRIVATE KEY";
const CERTIFICATE: &str = "CERTIFICATE";

impl SigningKey {
    /// The key in `text`: a `PRIVATE KEY` (PKCS#8) and its `CERTIFICATE`, in any order, with any text around them.
    ///
    /// # Errors
    /// A part that is missing or of another kind, parts that do not belong together.
    pub fn from_pem(text: &str) -> Result<Self, SigningError> {
        let unreadable = |part| move |_| SigningError::Unreadable(part);
        let block = |part| pem_block(text, part).ok_or(SigningError::NoPart(part));
        let key = RsaPrivateKey::from_pkcs8_pem(block(PRIVATE_KEY)?);
        let key = key.map_err(|_| SigningError::Unreadable(PRIVATE_KEY))?;
        let der = der_of_pem(block(CERTIFICATE)?).ok_or(SigningError::Unreadable(CERTIFICATE))?;
        let certificate = Certificate::from_der(&der).map_err(unreadable(CERTIFICATE))?;
        let bits = key.n().bits();
        if !(FEWEST_BITS..=MOST_BITS).contains(&bits) {
            return Err(SigningError::Bits { bits });
        }
        if public_key(&certificate).is_none_or(|public| public != key.to_public_key()) {
            return Err(SigningError::NotAPair);
        }
        Ok(Self { key, certificate, der })
    }

    /// The form that [`Self::from_pem`] reads: the private key first.
    ///
    /// # Errors
    /// Parts that cannot be encoded.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SigningError> {
        let failed = |error: &dyn fmt::Display| SigningError::Sign(error.to_string());
        let key = self.key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).map_err(|error| failed(&error))?;
        let certificate = self.certificate.to_pem(der::pem::LineEnding::LF)?;
        let mut text = Zeroizing::new(String::with_capacity(key.len() + certificate.len()));
        text.push_str(&key);
        text.push_str(&certificate);
        Ok(text)
    }

    /// Of the certificate, as RFC 4514 spells it.
    #[must_use]
    pub fn subject(&self) -> String {
        self.certificate.tbs_certificate.subject.to_string()
    }

    /// SHA-256 of the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.der)
    }

    /// The certificate, DER: what others may have.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.der
    }

    /// When the certificate's time begins, in seconds since 1970.
    #[must_use]
    pub fn not_before(&self) -> u64 {
        self.certificate.tbs_certificate.validity.not_before.to_unix_duration().as_secs()
    }

    /// The numbers that make the key a private one, big-endian: what a search for the key looks for.
    #[must_use]
    pub fn private_numbers(&self) -> Vec<Zeroizing<Vec<u8>>> {
        let numbers = std::iter::once(self.key.d()).chain(self.key.primes());
        numbers.map(|number| Zeroizing::new(number.to_bytes_be())).collect()
    }

    /// The signature of `bytes`.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signer = pkcs1v15::SigningKey::<Sha256>::new(self.key.clone());
        let signature = signer.try_sign(bytes).map_err(|error| SigningError::Sign(error.to_string()))?;
        Ok(signature.to_vec())
    }
}

/// The RSA key of a certificate, if it is one.
pub(super) fn public_key(certificate: &Certificate) -> Option<RsaPublicKey> {
    let spki = certificate.tbs_certificate.subject_public_key_info.to_der().ok()?;
    RsaPublicKey::from_public_key_der(&spki).ok()
}

/// The PEM block of this name in `text`, its border lines included.
fn pem_block<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (begin, end) = (format!("-----BEGIN {name}-----"), format!("-----END {name}-----"));
    let from = text.find(&begin)?;
    let to = from + text[from..].find(&end)? + end.len();
    Some(&text[from..to])
}

/// The bytes of a PEM block.
fn der_of_pem(block: &str) -> Option<Vec<u8>> {
    der::pem::decode_vec(block.as_bytes()).ok().map(|(_, bytes)| bytes)
}

/// A certificate from a file: DER, or the first one in PEM.
///
/// # Errors
/// Bytes that are neither.
pub fn certificate_of_file(bytes: &[u8]) -> Result<Vec<u8>, SigningError> {
    let pem = std::str::from_utf8(bytes).ok().and_then(|text| pem_block(text, CERTIFICATE)).and_then(der_of_pem);
    let der = pem.unwrap_or_else(|| bytes.to_vec());
    Certificate::from_der(&der).map_err(|_| SigningError::Unreadable(CERTIFICATE))?;
    Ok(der)
}
