//! Signatures of kernel modules: PKCS#7 without the module in it, appended behind the module.
//!
//! ```text
//! module │ PKCS#7, detached │ struct module_signature, 12 bytes │ "~Module signature appended~\n"
//! ```
//! As the kernel's `scripts/sign-file.c` writes and `kernel/module/signing.c` reads it (`include/linux/module_signature.h`,
//! Documentation/admin-guide/module-signing.rst). The kernel looks for the certificate in its keyrings by issuer and serial
//! number, so none is in the signature.

use super::signing::{SigningError, SigningKey, pkcs7};

/// What ends a signed module.
const MAGIC: &[u8] = b"~Module signature appended~\n";
/// The kind of signature: PKCS#7.
const PKEY_ID_PKCS7: u8 = 2;

/// Why a module was not signed.
#[derive(Debug, thiserror::Error)]
pub enum ModuleSignatureError {
    /// Compressed, or something else.
    #[error("it is no kernel module: an ELF file, not compressed, is signed")]
    NotElf,
    /// The kernel reads the last signature only, and would not see this one in it.
    #[error("it is signed already")]
    Signed,
    /// Of the key.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Whether a module has a signature; by whom and whether it holds, the kernel says.
#[must_use]
pub fn is_signed(module: &[u8]) -> bool {
    module.ends_with(MAGIC)
}

/// The module with `key`'s signature behind it; the same module and key give the same bytes. A module is signed after
/// everything else that is done to it but compression.
///
/// # Errors
/// What is no ELF file or signed already; a key that cannot sign.
pub fn sign_module(bytes: &[u8], key: &SigningKey) -> Result<Vec<u8>, ModuleSignatureError> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(ModuleSignatureError::NotElf);
    }
    if is_signed(bytes) {
        return Err(ModuleSignatureError::Signed);
    }
    let signature = pkcs7::content_info(&key.detached(bytes, false)?)?;
    let length = u32::try_from(signature.len()).map_err(|_| SigningError::Sign("the signature is too long".into()))?;
    let mut signed = Vec::with_capacity(bytes.len() + signature.len() + 12 + MAGIC.len());
    signed.extend_from_slice(bytes);
    signed.extend_from_slice(&signature);
    // Algorithm, hash and the lengths of names are 0: PKCS#7 has all of that inside.
    signed.extend_from_slice(&[0, 0, PKEY_ID_PKCS7, 0, 0, 0, 0, 0]);
    signed.extend_from_slice(&length.to_be_bytes());
    signed.extend_from_slice(MAGIC);
    Ok(signed)
}
