//! Signatures over a release's sums, as `minisign` makes and checks them.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use minisign::{PublicKey, SecretKey, SecretKeyBox, SignatureBox};

use super::{ReleaseError, Tag};

/// Where the password of an encrypted key comes from: nobody is there to type it in CI.
pub(super) const PASSWORD: &str = "IMGBUILD_MINISIGN_PASSWORD";

/// A secret key, ready to sign what is to be the release of a tag, if there is one already.
pub struct Signer {
    key: SecretKey,
    tag: Option<Tag>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The library's own would print the key.
        out.write_str("Signer(…)")
    }
}

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("`{0}` is not a public key of minisign")]
    Key(String),
    #[error("the signature is not one of minisign")]
    Form,
    #[error("the signature is not by this key over these sums: {0}")]
    Wrong(String),
}

impl Signer {
    /// Reads the secret key in the file at `path`, opened with the password in the environment if it has one.
    ///
    /// # Errors
    /// A file that cannot be read, is no key, or needs another password.
    pub fn open(path: &Path, tag: Option<Tag>) -> Result<Self, ReleaseError> {
        let text = fs::read_to_string(path).map_err(|source| ReleaseError::Read { path: path.to_owned(), source })?;
        let key = read(&text).ok_or_else(|| ReleaseError::Key { path: path.to_owned() })?;
        // minisign 0.10 writes no checksum into keys without a password, so those are not read as the library reads boxes.
        if !key.is_encrypted() {
            return Ok(Self { key, tag });
        }
        let locked = || ReleaseError::Locked { path: path.to_owned() };
        // Without a password the library would ask for one, on a terminal that CI does not have.
        let password = std::env::var(PASSWORD).map_err(|_| locked())?;
        let key = SecretKeyBox::from_string(&text).and_then(|key| key.into_secret_key(Some(password)));
        key.map(|key| Self { key, tag }).map_err(|_| locked())
    }

    /// The signature over `text` and the tag, or else `unnamed`: its comment, which it covers too.
    pub(super) fn sign(&self, text: &str, unnamed: &str) -> Result<String, ReleaseError> {
        let comment = self.tag.as_ref().map_or_else(|| unnamed.to_owned(), Tag::comment);
        let signature =
            minisign::sign(None, &self.key, text.as_bytes(), Some(&comment), Some("signature of SHA256SUMS"));
        signature.map(SignatureBox::into_string).map_err(|error| ReleaseError::Sign(error.to_string()))
    }
}

/// A secret key as its file has it: a comment, then the key in base64.
fn read(text: &str) -> Option<SecretKey> {
    let bytes = BASE64_STANDARD.decode(text.lines().nth(1)?.trim()).ok()?;
    SecretKey::from_bytes(&bytes).ok()
}

/// Bytes of the two signatures in a file: algorithm, key id and Ed25519 signature; the latter alone over the comment
/// (minisign's documentation, "Signature format").
const LENGTHS: [(usize, usize); 2] = [(1, 2 + 8 + 64), (3, 64)];

/// Whether both signatures are as long as one is: the crate takes that for granted.
fn has_whole_signatures(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    LENGTHS.into_iter().all(|(line, length)| {
        let bytes = lines.get(line).and_then(|line| BASE64_STANDARD.decode(line.trim()).ok());
        bytes.is_some_and(|bytes| bytes.len() == length)
    })
}

/// Checks that `signature` is by the owner of `key` (the second line of `minisign.pub`) over `sums`; gives its comment, which it
/// covers too.
///
/// # Errors
/// A key or signature that is none, or that does not fit.
pub fn verify(key: &str, sums: &[u8], signature: &str) -> Result<String, VerifyError> {
    let public = PublicKey::from_base64(key).map_err(|_| VerifyError::Key(key.to_owned()))?;
    if !has_whole_signatures(signature) {
        return Err(VerifyError::Form);
    }
    let signature = SignatureBox::from_string(signature).map_err(|_| VerifyError::Form)?;
    minisign::verify(&public, &signature, Cursor::new(sums), true, false, false)
        .and_then(|()| signature.trusted_comment())
        .map_err(|error| VerifyError::Wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_that_is_cut_short_is_refused_and_no_panic() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let sign = minisign::sign(None, &pair.sk, &b"sums"[..], Some("release"), None).unwrap();
        let (key, whole) = (pair.pk.to_base64(), sign.into_string());
        assert_eq!(verify(&key, b"sums", &whole).unwrap(), "release");
        let lines: Vec<&str> = whole.lines().collect();
        for line in [1, 3] {
            for kept in [0, 4, 40] {
                let mut cut = lines.clone();
                cut[line] = &lines[line][..kept];
                assert!(matches!(verify(&key, b"sums", &cut.join("\n")), Err(VerifyError::Form)), "{line} {kept}");
            }
        }
        assert!(matches!(verify(&key, b"other", &whole), Err(VerifyError::Wrong(_))));
    }
}
