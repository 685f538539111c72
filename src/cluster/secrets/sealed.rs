//! Encryption with age: to X25519 recipients and Ed25519 SSH keys.

use std::io::{self, Write as _};
use std::path::Path;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor, Identity, IdentityFile, Recipient, ssh, x25519};
use zeroize::Zeroizing;

use super::SecretsError;
use super::private::{self, Access};

/// Encrypts for all of `recipients`, as text that can be printed and pasted.
///
/// # Errors
/// A recipient is invalid.
pub(super) fn seal<'a>(plain: &str, recipients: impl IntoIterator<Item = &'a String>) -> Result<String, SecretsError> {
    let recipients = recipients.into_iter().map(recipient).collect::<Result<Vec<_>, _>>()?;
    let encryptor = Encryptor::with_recipients(recipients.iter().map(|(recipient, _)| &**recipient as &dyn Recipient))
        .map_err(|_| SecretsError::Recipient { problem: "there is nobody to encrypt for" })?;
    let write = || -> io::Result<Vec<u8>> {
        let armored = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armored)?;
        writer.write_all(plain.as_bytes())?;
        writer.finish()?.finish()
    };
    let sealed = write().and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    sealed.map_err(|source| SecretsError::Io { action: "encrypt", place: "the secrets".to_owned(), source })
}

/// A public key as age and OpenSSH write it, without comment.
///
/// # Errors
/// The text is not a public key.
pub(super) fn spelled(text: &str) -> Result<String, SecretsError> {
    recipient(text).map(|(_, spelled)| spelled)
}

/// The key in `text`, and how it is spelled.
fn recipient(text: impl AsRef<str>) -> Result<(Box<dyn Recipient + Send>, String), SecretsError> {
    let refused = |problem| Err(SecretsError::Recipient { problem });
    let text = text.as_ref().trim();
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return refused("this is an age identity, which decrypts; it must stay secret");
    }
    if text.starts_with("age1") {
        return match text.parse::<x25519::Recipient>() {
            Ok(recipient) => Ok((Box::new(recipient.clone()), recipient.to_string())),
            Err(_) => refused("the age recipient is damaged, or of another kind than X25519"),
        };
    }
    match text.parse::<ssh::Recipient>() {
        Ok(recipient @ ssh::Recipient::SshEd25519(..)) => Ok((Box::new(recipient.clone()), recipient.to_string())),
        Ok(_) => refused("of SSH keys only those of the kind `ssh-ed25519` can be encrypted for"),
        Err(_) => refused("this is no age recipient"),
    }
}

/// Decrypts an age file, armored or not. Errors call it `place`.
///
/// # Errors
/// The identity is missing, cannot be read or is not private; it does not decrypt the file; the file is damaged.
pub(super) fn unseal(sealed: &[u8], place: &str, identity: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let Some(identity) = identity else { return Err(SecretsError::Locked { place: place.to_owned() }) };
    let identities = identities(identity)?;
    let failed = |problem| SecretsError::Decrypt { place: place.to_owned(), problem };
    let opened = Decryptor::new_buffered(ArmoredReader::new(sealed))
        .and_then(|decryptor| decryptor.decrypt(identities.iter().map(|identity| &**identity as &dyn Identity)));
    let stream = opened.map_err(|error| {
        failed(match error {
            DecryptError::NoMatchingKeys => "it is not encrypted for this identity",
            DecryptError::ExcessiveWork { .. } => "it is encrypted with a passphrase, not for a recipient",
            DecryptError::InvalidMac => "its header was changed",
            _ => "it is damaged, or no age file",
        })
    })?;
    private::read_all(stream, sealed.len() as u64).map_err(|_| failed("it is damaged"))
}

fn identities(path: &Path) -> Result<Vec<Box<dyn Identity>>, SecretsError> {
    let place = format!("the identity file {}", path.display());
    let bytes = private::read(path, &place, Access::Private)?;
    let wrong = |problem| SecretsError::Identity { place: place.clone(), problem };
    if bytes.starts_with(b"-----BEGIN") {
        return match ssh::Identity::from_buffer(&**bytes, None) {
            Ok(identity @ ssh::Identity::Unencrypted(_)) => Ok(vec![Box::new(identity)]),
            Ok(ssh::Identity::Encrypted(_)) => Err(wrong("the SSH key has a passphrase")),
            _ => Err(wrong("the SSH key cannot be used")),
        };
    }
    let file = IdentityFile::from_buffer(&**bytes).map_err(|_| wrong("it is no identity file"))?;
    let identities = file.into_identities().map_err(|_| wrong("it has an identity that cannot be used"))?;
    if identities.is_empty() {
        return Err(wrong("it has no identity"));
    }
    Ok(identities.into_iter().map(|identity| identity as Box<dyn Identity>).collect())
}
