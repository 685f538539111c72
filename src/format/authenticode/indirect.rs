//! `SpcIndirectDataContent`: what a program's signature says of the program, its digest.

use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode as _, Encode as _, Sequence};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::format::signing::pkcs7::SHA256;

/// `SPC_INDIRECT_DATA_OBJID` and `SPC_PE_IMAGE_DATAOBJ`.
pub(super) const INDIRECT_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.4");
const PE_IMAGE_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.15");

#[derive(Sequence)]
struct IndirectData {
    data: Data,
    message_digest: DigestInfo,
}

#[derive(Sequence)]
struct Data {
    kind: ObjectIdentifier,
    value: Any,
}

#[derive(Sequence)]
struct DigestInfo {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

/// The content of the signature of a program with this digest.
pub(super) fn content(digest: [u8; 32]) -> der::Result<Any> {
    let algorithm = AlgorithmIdentifierOwned { oid: SHA256, parameters: Some(der::asn1::Null.into()) };
    let content = IndirectData {
        data: Data { kind: PE_IMAGE_DATA, value: Any::from_der(&image_data())? },
        message_digest: DigestInfo { algorithm, digest: OctetString::new(digest)? },
    };
    Any::from_der(&content.to_der()?)
}

/// The SHA-256 of the program in the content of a signature; none in other content or of another kind.
pub(super) fn digest(content: &Any) -> Option<[u8; 32]> {
    let found = IndirectData::from_der(&content.to_der().ok()?).ok()?;
    let DigestInfo { algorithm, digest } = found.message_digest;
    (algorithm.oid == SHA256).then(|| digest.as_bytes().try_into().ok()).flatten()
}

/// `SpcPeImageData`, which always is the same: no flags, and where a link to a file was, the word that Microsoft's text asks for.
fn image_data() -> Vec<u8> {
    let word: Vec<u8> = "<<<Obsolete>>>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    // [0] of a file name within [2] of a link within [0] of the data.
    let file = tagged(0xa0, &tagged(0xa2, &tagged(0x80, &word)));
    tagged(0x30, &[&[0x03, 0x01, 0x00][..], &file].concat())
}

/// A value of less than 128 bytes with its tag.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("the constants above are short");
    [&[tag, length], value].concat()
}
