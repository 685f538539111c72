//! Making a key: the one thing here that is random, and so is no part of a build.

use std::str::FromStr as _;
use std::time::Duration;

use der::asn1::{BitString, GeneralizedTime, UtcTime};
use der::{DateTime, Encode as _};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::sha2::{Digest as _, Sha256};
use rsa::{RsaPrivateKey, traits::PublicKeyParts as _};
use x509_cert::ext::AsExtension as _;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, EncodePublicKey as _, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate, Version};

use super::{SigningError, SigningKey};

/// Bits of a new key. Every firmware with Secure Boot has to know these, longer ones it may not.
const BITS: usize = 2048;
/// Seconds that a certificate is valid for: 20 years of 365.25 days. Neither firmware nor Linux looks at it, tools do.
const LIFETIME: u64 = 20 * 31_557_600;

/// sha256WithRSAEncryption (RFC 4055, 5).
const SHA256_WITH_RSA: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// The operating system's random numbers, as the RSA library asks for them.
struct Random;

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// The trait has no way to fail here. A read that worked a moment ago does not fail on any system that we know; should one,
    /// the program must stop, not go on with a key that can be guessed.
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random numbers, as it did a moment ago");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}

impl SigningKey {
    /// A new key, with a certificate that it signed itself for `subject` (RFC 4514, as `CN=name`), valid from `now` on, in
    /// seconds since 1970.
    ///
    /// # Errors
    /// No random numbers; a subject that is none.
    pub fn make(subject: &str, now: u64) -> Result<Self, SigningError> {
        let mut serial = [0; 16];
        getrandom::fill(&mut serial).map_err(|error| SigningError::Random(error.to_string()))?;
        // A positive number whose length does not vary (RFC 5280, 4.1.2.2).
        serial[0] = serial[0] & 0x3f | 0x40;
        let key = RsaPrivateKey::new(&mut Random, BITS).map_err(|error| SigningError::Sign(error.to_string()))?;
        let certificate = placeholder(&key, subject, &serial, now)?;
        let der = certificate.to_der()?;
        let mut made = Self { key, certificate, der };
        let signature = made.sign(&made.certificate.tbs_certificate.to_der()?)?;
        made.certificate.signature = BitString::from_bytes(&signature)?;
        made.der = made.certificate.to_der()?;
        Ok(made)
    }
}

/// The certificate of `key`, not signed yet.
fn placeholder(key: &RsaPrivateKey, subject: &str, serial: &[u8], now: u64) -> Result<Certificate, SigningError> {
    let algorithm = AlgorithmIdentifierOwned { oid: SHA256_WITH_RSA, parameters: Some(der::asn1::Null.into()) };
    let subject = Name::from_str(subject)?;
    let spki = key.to_public_key().to_public_key_der().map_err(|error| SigningError::Sign(error.to_string()))?;
    // What names a key is made of the key (RFC 5280, 4.2.1.2, as its method 1 but of the modulus alone and with SHA-256).
    let id = Sha256::digest(key.n().to_bytes_be());
    let id = SubjectKeyIdentifier(der::asn1::OctetString::new(&id[..20])?);
    // Signs programs and is trusted by itself: both uses are named, since verifiers differ in which of the two they ask for.
    let usage = KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyCertSign);
    let constraints = BasicConstraints { ca: true, path_len_constraint: None };
    let extensions = vec![
        id.to_extension(&subject, &[])?,
        constraints.to_extension(&subject, &[])?,
        usage.to_extension(&subject, &[])?,
    ];
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(serial)?,
        signature: algorithm.clone(),
        issuer: subject.clone(),
        validity: Validity { not_before: time(now)?, not_after: time(now + LIFETIME)? },
        subject,
        subject_public_key_info: SubjectPublicKeyInfoOwned::try_from(spki.as_bytes())
            .map_err(|error| SigningError::Sign(error.to_string()))?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    Ok(Certificate { tbs_certificate, signature_algorithm: algorithm, signature: BitString::from_bytes(&[])? })
}

/// Years before 2050 have a form of their own (RFC 5280, 4.1.2.5).
fn time(seconds: u64) -> Result<Time, SigningError> {
    let moment = DateTime::from_unix_duration(Duration::from_secs(seconds))?;
    Ok(match UtcTime::from_date_time(moment) {
        Ok(time) => Time::UtcTime(time),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_date_time(moment)),
    })
}
