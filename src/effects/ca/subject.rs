//! The hash of a certificate's subject, by which OpenSSL finds it in a directory.
//!
//! OpenSSL's `X509_NAME_hash_ex` (`crypto/x509/x509_cmp.c`): the first four bytes, little-endian, of the SHA-1 over
//! the name's canonical encoding (`x509_name_canon`, `crypto/x509/x_name.c`). In that encoding the outer SEQUENCE is
//! left off, and each value of a string type is UTF-8, in lower case as far as ASCII, without blanks at its ends and
//! with one blank for each run inside.

use sha1::{Digest as _, Sha1};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0c;

/// The DER bytes of the only certificate in a PEM text; `None` if there is none, or more than one.
pub(super) fn der(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, rest) = rest.split_once("-----END CERTIFICATE-----")?;
    if rest.contains("-----BEGIN CERTIFICATE-----") {
        return None;
    }
    base64(body)
}

/// The hash of the subject of a DER-encoded certificate; `None` if that is malformed.
pub(super) fn hash(der: &[u8]) -> Option<u32> {
    let (SEQUENCE, certificate, _) = element(der)? else { return None };
    let (SEQUENCE, mut fields, _) = element(certificate)? else { return None };
    // RFC 5280, 4.1: version [0] (optional), serial number, signature, issuer, validity, subject.
    if fields.first() == Some(&0xa0) {
        fields = element(fields)?.2;
    }
    for _ in 0..4 {
        fields = element(fields)?.2;
    }
    let (SEQUENCE, name, _) = element(fields)? else { return None };
    let digest = Sha1::digest(canonical(name)?);
    Some(u32::from_le_bytes(digest.first_chunk().copied()?))
}

/// The canonical encoding of the sets of a name.
fn canonical(mut name: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while !name.is_empty() {
        let (SET, mut set, rest) = element(name)? else { return None };
        name = rest;
        let mut entries = Vec::new();
        while !set.is_empty() {
            let (SEQUENCE, entry, rest) = element(set)? else { return None };
            set = rest;
            let (_, _, value) = element(entry)?;
            let kind = &entry[..entry.len() - value.len()];
            let (tag, text, _) = element(value)?;
            let mut encoded = kind.to_vec();
            match decode(tag, text) {
                Some(text) => put(&mut encoded, UTF8_STRING, fold(&text).as_bytes()),
                None => encoded.extend_from_slice(value),
            }
            let mut whole = Vec::new();
            put(&mut whole, SEQUENCE, &encoded);
            entries.push(whole);
        }
        // DER orders the members of a SET.
        entries.sort();
        put(&mut out, SET, &entries.concat());
    }
    Some(out)
}

/// The text of a string type that takes part in canonicalisation (`ASN1_MASK_CANON`).
fn decode(tag: u8, bytes: &[u8]) -> Option<String> {
    match tag {
        UTF8_STRING => String::from_utf8(bytes.to_vec()).ok(),
        // PrintableString, T61String (read as Latin-1), IA5String, VisibleString.
        0x13 | 0x14 | 0x16 | 0x1a => Some(bytes.iter().copied().map(char::from).collect()),
        // UniversalString: four bytes a character.
        0x1c => bytes.chunks(4).map(|four| char::from_u32(u32::from_be_bytes(four.try_into().ok()?))).collect(),
        // BMPString: two bytes a character.
        0x1e => {
            bytes.chunks(2).map(|two| char::from_u32(u32::from(u16::from_be_bytes(two.try_into().ok()?)))).collect()
        }
        _ => None,
    }
}

fn fold(text: &str) -> String {
    let words: Vec<&str> = text.split(|char: char| char.is_ascii_whitespace() || char == '\x0b').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ").to_ascii_lowercase()
}

/// Splits the first DER element off: tag, content, what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = digits.iter().try_fold(0usize, |sum, digit| Some(sum.checked_mul(256)? + usize::from(*digit)))?;
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Appends a DER element.
fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len();
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap_or_default());
    } else {
        let bytes = length.to_be_bytes();
        let digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
        out.extend(digits);
    }
    out.extend_from_slice(content);
}

/// Decodes base64 (RFC 4648, 4), blanks passed over.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_blanks_and_string_type_are_one() {
        let name = |tag: u8, text: &str| {
            let (mut kind, mut entry, mut set) = (vec![0x06, 3, 0x55, 4, 3], Vec::new(), Vec::new());
            put(&mut kind, tag, text.as_bytes());
            put(&mut entry, SEQUENCE, &kind);
            put(&mut set, SET, &entry);
            canonical(&set).unwrap()
        };
        assert_eq!(name(0x13, "  Home \t LAB "), name(UTF8_STRING, "home lab"));
        assert_ne!(name(0x13, "homelab"), name(0x13, "home lab"));
    }

    #[test]
    fn malformed_certificates_have_no_hash() {
        for bytes in
            [&b""[..], b"\x30", b"\x30\x05", b"\x30\x89\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x30\x02\x30\x00"]
        {
            assert_eq!(hash(bytes), None, "{bytes:x?}");
        }
        assert_eq!(der(b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"), None);
        assert_eq!(der(b"no certificate"), None);
    }
}
