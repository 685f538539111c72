//! Reading signatures: whose they are, and whether they hold. Whether anybody trusts the signer is the firmware's business.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::OctetString;
use der::{Decode as _, Encode as _, SliceReader};
use rsa::pkcs1v15;
use rsa::sha2::{Digest as _, Sha256};
use rsa::signature::Verifier as _;
use x509_cert::Certificate;

use super::program::{Program, u32_at};
use super::{ALIGN, AuthenticodeError, ENTRY, KIND, indirect};
use crate::format::signing::pkcs7::{MESSAGE_DIGEST, SHA256};
use crate::format::signing::public_key;
use crate::tree::Digest;

/// A signature of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Subject of the signer's certificate, as RFC 4514 spells it. Whoever made the program chose it.
    pub subject: String,
    /// SHA-256 of that certificate.
    pub fingerprint: Digest,
    pub state: State,
}

/// Whether a signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Good,
    /// The program is not what was signed.
    Changed,
    /// The signature is not of the certificate's key.
    Forged,
    /// Another algorithm than RSA with SHA-256.
    Unknown,
}

/// The signatures of a program, in their order; none of one that is not signed. An entry that is no signature at all is left out, as
/// firmware does.
///
/// # Errors
/// What is no PE32+ file.
pub fn signatures(program: &[u8]) -> Result<Vec<Signature>, AuthenticodeError> {
    let program = Program::read(program)?;
    if program.table().is_empty() {
        return Ok(Vec::new());
    }
    let digest = program.digest();
    Ok(entries(program.table()).into_iter().filter_map(|entry| signature(entry, &digest)).collect())
}

/// The PKCS#7 parts of a certificate table.
fn entries(mut table: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Ok(length) = u32_at(table, 0)
        && (ENTRY..=table.len()).contains(&length)
    {
        if table[4..ENTRY] == KIND {
            found.push(&table[ENTRY..length]);
        }
        table = table.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    }
    found
}

/// The signature in an entry, held against a program with this digest. What fills the entry up behind it does not count.
fn signature(entry: &[u8], digest: &[u8; 32]) -> Option<Signature> {
    let info = ContentInfo::decode(&mut SliceReader::new(entry).ok()?).ok()?;
    let signed: SignedData = info.content.decode_as().ok()?;
    let signer = signed.signer_infos.0.iter().next()?;
    let certificate = certificate_of(&signed, signer)?;
    let fingerprint = Digest::of(&certificate.to_der().ok()?);
    let subject = certificate.tbs_certificate.subject.to_string();
    Some(Signature { subject, fingerprint, state: state(&signed, signer, certificate, digest) })
}

/// The certificate that a signer names.
fn certificate_of<'a>(signed: &'a SignedData, signer: &SignerInfo) -> Option<&'a Certificate> {
    let SignerIdentifier::IssuerAndSerialNumber(wanted) = &signer.sid else { return None };
    signed.certificates.as_ref()?.0.iter().find_map(|choice| match choice {
        CertificateChoices::Certificate(found) => {
            let tbs = &found.tbs_certificate;
            (tbs.issuer == wanted.issuer && tbs.serial_number == wanted.serial_number).then_some(found)
        }
        CertificateChoices::Other(_) => None,
    })
}

fn state(signed: &SignedData, signer: &SignerInfo, certificate: &Certificate, digest: &[u8; 32]) -> State {
    let content = &signed.encap_content_info;
    let (Some(key), Some(value)) = (public_key(certificate), &content.econtent) else { return State::Unknown };
    if signer.digest_alg.oid != SHA256 || content.econtent_type != indirect::INDIRECT_DATA {
        return State::Unknown;
    }
    let Some(said) = indirect::digest(value) else { return State::Unknown };
    if said != *digest {
        return State::Changed;
    }
    let Some(attributes) = &signer.signed_attrs else { return State::Unknown };
    let attribute = attributes.iter().find(|attribute| attribute.oid == MESSAGE_DIGEST);
    let stated = attribute.and_then(|attribute| attribute.values.get(0)?.decode_as::<OctetString>().ok());
    if stated.is_none_or(|stated| stated.as_bytes() != Sha256::digest(value.value()).as_slice()) {
        return State::Forged;
    }
    let verifier = pkcs1v15::VerifyingKey::<Sha256>::new(key);
    let signature = pkcs1v15::Signature::try_from(signer.signature.as_bytes());
    let holds = attributes.to_der().ok().zip(signature.ok());
    match holds.map(|(bytes, signature)| verifier.verify(&bytes, &signature)) {
        Some(Ok(())) => State::Good,
        _ => State::Forged,
    }
}
