//! The forms in which a secret may appear in a file: plain, and in the encodings that configuration files and tools use.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

use super::SHORTEST;
use crate::cluster::hex;

/// The form in which a secret was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    Raw,
    /// A line of a PEM body, which is found in a block of text with any indentation.
    PemLine,
    /// Between the quotes of a JSON text.
    Json,
    Base64,
    Base64Url,
    Percent,
    Hex,
    /// The decoded bytes of a secret that is hexadecimal digits.
    Bytes,
}

impl fmt::Display for Encoding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Raw => "as it is",
            Self::PemLine => "as a line of its PEM text",
            Self::Json => "as a JSON text",
            Self::Base64 => "in base64",
            Self::Base64Url => "in URL-safe base64",
            Self::Percent => "percent-encoded",
            Self::Hex => "in hexadecimal digits",
            Self::Bytes => "as the bytes that its digits encode",
        })
    }
}

type Needles = Vec<(Zeroizing<Vec<u8>>, Encoding)>;

/// What a URL may hold as it is (RFC 3986, 2.3) is what careful encoders leave alone.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What encoders of whole URLs leave alone besides: what separates a URL's parts.
const UNSAFE: &AsciiSet = &RESERVED
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'#')
    .remove(b'[')
    .remove(b']')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// All byte strings to search for, for a secret of [`SHORTEST`] bytes or more. Some may be equal.
pub(super) fn of(secret: &str) -> Needles {
    let bytes = secret.as_bytes();
    let mut needles = Needles::new();
    needles.push((owned(bytes), Encoding::Raw));
    needles.extend(pem_lines(secret).map(|line| (owned(line.as_bytes()), Encoding::PemLine)));
    if let Ok(json) = serde_json::to_string(secret).map(Zeroizing::new) {
        needles.push((owned(&json.as_bytes()[1..json.len() - 1]), Encoding::Json));
    }
    base64(bytes, &mut needles);
    percent(bytes, &mut needles);
    hexadecimal(bytes, &mut needles);
    if let Some(meant) = hex::decode(secret).filter(|meant| meant.len() >= SHORTEST) {
        // The digits may be written in either case by whoever decodes and encodes them again.
        needles.push((owned(secret.to_ascii_uppercase().as_bytes()), Encoding::Raw));
        needles.push((owned(secret.to_ascii_lowercase().as_bytes()), Encoding::Raw));
        base64(&meant, &mut needles);
        needles.push((meant, Encoding::Bytes));
    }
    needles
}

fn owned(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

/// The full lines of a PEM body except the first one, which is the same for many keys of one type.
fn pem_lines(secret: &str) -> impl Iterator<Item = &str> {
    // Past the `BEGIN` line and that first line.
    let body = secret.lines().skip_while(|line| !line.starts_with("-----BEGIN ")).skip(2);
    body.take_while(|line| !line.starts_with("-----")).map(str::trim).filter(|line| line.len() >= 32)
}

/// Base64 turns three bytes into four letters, so a secret within a longer text has one of three forms. Letters that also depend
/// on the neighbouring bytes are left out.
fn base64(bytes: &[u8], needles: &mut Needles) {
    let alphabets: [(&Alphabet, Encoding); 2] = [(&STANDARD, Encoding::Base64), (&URL_SAFE, Encoding::Base64Url)];
    for (alphabet, encoding) in alphabets {
        for (before, uncertain) in [(0, 0), (1, 2), (2, 3)] {
            let mut padded = Zeroizing::new(vec![0; before]);
            padded.reserve_exact(bytes.len());
            padded.extend_from_slice(bytes);
            let letters = Zeroizing::new(GeneralPurpose::new(alphabet, NO_PAD).encode(&*padded));
            // A letter is six bits; those that begin in the secret and end behind it are uncertain.
            let certain = padded.len() * 8 / 6;
            needles.push((owned(&letters.as_bytes()[uncertain..certain]), encoding));
        }
    }
}

/// Encoders differ in what they escape, in the case of the digits, and about spaces.
fn percent(bytes: &[u8], needles: &mut Needles) {
    for set in [RESERVED, UNSAFE] {
        let upper = Zeroizing::new(percent_encode(bytes, set).to_string());
        let lower = lower_escapes(&upper);
        for text in [upper, lower] {
            needles.push((owned(text.replace("%20", "+").as_bytes()), Encoding::Percent));
            needles.push((owned(text.as_bytes()), Encoding::Percent));
        }
    }
    let digits = hex::encode(bytes);
    for digits in [digits.to_ascii_uppercase(), digits.to_string()].map(Zeroizing::new) {
        let pairs = digits.as_bytes().chunks(2).flat_map(|pair| [b'%', pair[0], pair[1]]);
        needles.push((Zeroizing::new(pairs.collect()), Encoding::Percent));
    }
}

fn lower_escapes(text: &str) -> Zeroizing<String> {
    let mut digits = 0;
    let lower = text.chars().map(|character| {
        let in_escape = digits > 0;
        digits = if character == '%' { 2 } else { i32::max(digits - 1, 0) };
        if in_escape { character.to_ascii_lowercase() } else { character }
    });
    Zeroizing::new(lower.collect())
}

fn hexadecimal(bytes: &[u8], needles: &mut Needles) {
    let lower = hex::encode(bytes);
    needles.push((owned(lower.to_ascii_uppercase().as_bytes()), Encoding::Hex));
    needles.push((owned(lower.as_bytes()), Encoding::Hex));
}
