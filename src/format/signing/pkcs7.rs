//! The signature in its envelope: `SignedData` of PKCS#7 1.5 (RFC 2315, 9), which CMS (RFC 5652) kept the form of.

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{ObjectIdentifier, OctetString, SetOfVec};
use der::{Any, Encode as _};
use rsa::sha2::{Digest as _, Sha256};
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::{SigningError, SigningKey};

/// SHA-256 (RFC 5754, 2.2).
pub(in crate::format) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// rsaEncryption (RFC 8017, A.1): what PKCS#7 calls the algorithm of the signature, whatever the digest.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// data, signedData, contentType and messageDigest (RFC 5652, 4, 5.1, 11.1 and 11.2).
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub(in crate::format) const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

impl SigningKey {
    /// The signature of `bytes`, which lie elsewhere; with the certificate in it if `with_certificate`.
    pub(in crate::format) fn detached(&self, bytes: &[u8], with_certificate: bool) -> Result<SignedData, SigningError> {
        let content = EncapsulatedContentInfo { econtent_type: DATA, econtent: None };
        self.signed_data(content, None, bytes, with_certificate)
    }

    /// `content`, of the kind `kind`, with its signature and the certificate.
    pub(in crate::format) fn enveloped(
        &self,
        kind: ObjectIdentifier,
        content: Any,
    ) -> Result<SignedData, SigningError> {
        // PKCS#7 counts what is in the content, without its own tag and length (RFC 2315, 9.3).
        let digest = Sha256::digest(content.value());
        let attribute = |oid, value: Any| -> Result<Attribute, der::Error> {
            Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
        };
        let attributes = SetOfVec::try_from(vec![
            attribute(CONTENT_TYPE, Any::from(kind))?,
            attribute(MESSAGE_DIGEST, Any::encode_from(&OctetString::new(digest.as_slice())?)?)?,
        ])?;
        // They are signed as a SET, whatever tag they have in the envelope.
        let signed = attributes.to_der()?;
        let content = EncapsulatedContentInfo { econtent_type: kind, econtent: Some(content) };
        self.signed_data(content, Some(attributes), &signed, true)
    }

    fn signed_data(
        &self,
        content: EncapsulatedContentInfo,
        signed_attrs: Option<SetOfVec<Attribute>>,
        signed: &[u8],
        with_certificate: bool,
    ) -> Result<SignedData, SigningError> {
        let with_null = |oid| AlgorithmIdentifierOwned { oid, parameters: Some(der::asn1::Null.into()) };
        let tbs = &self.certificate.tbs_certificate;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: tbs.issuer.clone(),
                serial_number: tbs.serial_number.clone(),
            }),
            digest_alg: with_null(SHA256),
            signed_attrs,
            signature_algorithm: with_null(RSA),
            signature: OctetString::new(self.sign(signed)?)?,
            unsigned_attrs: None,
        };
        let certificates = vec![CertificateChoices::Certificate(self.certificate.clone())];
        Ok(SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![with_null(SHA256)])?,
            encap_content_info: content,
            certificates: with_certificate.then(|| SetOfVec::try_from(certificates).map(CertificateSet)).transpose()?,
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
        })
    }
}

/// The DER of a signature within a `ContentInfo`, which says what it is.
pub(in crate::format) fn content_info(signed: &SignedData) -> Result<Vec<u8>, SigningError> {
    let info = ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(signed)? };
    Ok(info.to_der()?)
}
