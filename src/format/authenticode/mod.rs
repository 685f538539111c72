//! Signatures of EFI programs, which UEFI firmware with Secure Boot looks at before it starts one: Authenticode.
//!
//! ```text
//! PE32+ ─▶ digest of all but checksum and signatures ─▶ SpcIndirectDataContent ─▶ PKCS#7 ─▶ entry of the certificate table
//! ```
//! Follows Microsoft's "Windows Authenticode Portable Executable Signature Format" (2008) and the UEFI specification,
//! 32.2.4 and 32.4.1. No time is in a signature, so the same program and key give the same bytes.

mod indirect;
mod program;
mod signer;

pub use signer::{Signature, State, signatures};

use super::signing::{SigningError, SigningKey, pkcs7};
use program::Program;

/// Why a program was not signed, or its signatures not read.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticodeError {
    /// It is no 64-bit PE file, or cut short.
    #[error("it is no EFI program: {0}")]
    NotPe(&'static str),
    /// Of the key.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Revision 2 and PKCS#7 signed data (`WIN_CERT_REVISION_2_0`, `WIN_CERT_TYPE_PKCS_SIGNED_DATA`).
const KIND: [u8; 4] = [0x00, 0x02, 0x02, 0x00];
/// Bytes of length, revision and type before an entry's signature.
const ENTRY: usize = 8;
/// Entries of the certificate table begin at multiples of this.
const ALIGN: usize = 8;

/// The program with `key`'s signature added to those that it has.
///
/// # Errors
/// What is no PE32+ file; a key that cannot sign.
pub fn sign(program: &[u8], key: &SigningKey) -> Result<Vec<u8>, AuthenticodeError> {
    let mut signed = Program::read(program)?.without_signatures();
    // What fills up the last eight bytes counts as a part of the program.
    signed.resize(signed.len().next_multiple_of(ALIGN), 0);
    let before = Program::read(program)?.table().to_vec();
    let parsed = Program::read(&signed)?;
    let content = indirect::content(parsed.digest()).map_err(SigningError::from)?;
    let signature = pkcs7::content_info(&key.enveloped(indirect::INDIRECT_DATA, content)?)?;

    let length = u32::try_from(ENTRY + signature.len()).map_err(|_| AuthenticodeError::NotPe("it is too long"))?;
    let mut table = before;
    table.extend_from_slice(&length.to_le_bytes());
    table.extend_from_slice(&KIND);
    table.extend_from_slice(&signature);
    table.resize(table.len().next_multiple_of(ALIGN), 0);

    let too_long = |_| AuthenticodeError::NotPe("it is larger than 4 GiB");
    let (start, size) = (u32::try_from(signed.len()).map_err(too_long)?, u32::try_from(table.len()).map_err(too_long)?);
    let fields = parsed.fields();
    signed[fields.directory..fields.directory + 4].copy_from_slice(&start.to_le_bytes());
    signed[fields.directory + 4..fields.directory + 8].copy_from_slice(&size.to_le_bytes());
    // No checksum: firmware does not look at it, and what was there is of other bytes.
    signed[fields.checksum..fields.checksum + 4].fill(0);
    signed.extend_from_slice(&table);
    Ok(signed)
}
