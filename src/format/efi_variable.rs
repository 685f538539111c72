//! What UEFI firmware enrols: lists of certificates, and signed settings of the variables PK, KEK and db.
//!
//! ```text
//! certificates ─▶ EFI_SIGNATURE_LIST ─▶ signed with the key above it ─▶ NAME.auth, as SetVariable() takes it
//! ```
//! PK is signed by itself, KEK by PK, db by KEK (UEFI specification, 8.2.2 and 32.4.1). The time in a setting is that of its signer's
//! certificate, so that the same keys give the same files.

use der::{DateTime, Encode as _};
use std::time::Duration;
use uuid::{Uuid, uuid};

use super::signing::{SigningError, SigningKey};
use crate::tree::Digest;

/// A variable of Secure Boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The platform key: whose certificate this is decides about KEK.
    Pk,
    /// Whose certificates these are decide about db.
    Kek,
    /// Whoever's certificates these are may sign programs.
    Db,
}

impl Variable {
    /// Its name, which is also what files are called by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pk => "PK",
            Self::Kek => "KEK",
            Self::Db => "db",
        }
    }

    /// `EFI_GLOBAL_VARIABLE` or `EFI_IMAGE_SECURITY_DATABASE_GUID`.
    fn vendor(self) -> Uuid {
        match self {
            Self::Pk | Self::Kek => uuid!("8be4df61-93ca-11d2-aa0d-00e098032b8c"),
            Self::Db => uuid!("d719b2cb-3d3a-4596-a3bc-dad00e67656f"),
        }
    }
}

/// `EFI_CERT_X509_GUID` and `EFI_CERT_TYPE_PKCS7_GUID`.
const X509: Uuid = uuid!("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
const PKCS7: Uuid = uuid!("4aafd29d-68df-49ee-8aa9-347d375665a7");
/// Kept, there at boot and at run time, set by a signed text with a time.
const ATTRIBUTES: u32 = 0x27;
/// Revision of `WIN_CERTIFICATE` and its type `WIN_CERT_TYPE_EFI_GUID`.
const KIND: [u8; 4] = [0x00, 0x02, 0xf1, 0x0e];

/// The signature list of one certificate (DER). Its owner is an identifier that is made of `owner`'s bytes: one that people can tell
/// entries apart by, nothing else depends on it.
///
/// # Errors
/// A certificate that is longer than a list can be.
pub fn signature_list(certificate: &[u8], owner: &[u8]) -> Result<Vec<u8>, SigningError> {
    let size = u32::try_from(16 + certificate.len()).map_err(|_| too_long())?;
    let mut id = [0; 16];
    id.copy_from_slice(&Digest::of(owner).0[..16]);
    let mut list = X509.to_bytes_le().to_vec();
    list.extend_from_slice(&(size.checked_add(28).ok_or_else(too_long)?).to_le_bytes());
    list.extend_from_slice(&0_u32.to_le_bytes());
    list.extend_from_slice(&size.to_le_bytes());
    list.extend_from_slice(&uuid::Builder::from_custom_bytes(id).into_uuid().to_bytes_le());
    list.extend_from_slice(certificate);
    Ok(list)
}

/// The file that sets `variable` to `lists`, signed with `signer`.
///
/// # Errors
/// A key that cannot sign.
pub fn signed_setting(variable: Variable, lists: &[u8], signer: &SigningKey) -> Result<Vec<u8>, SigningError> {
    let time = efi_time(signer.not_before())?;
    let mut signed: Vec<u8> = variable.name().encode_utf16().flat_map(u16::to_le_bytes).collect();
    signed.extend_from_slice(&variable.vendor().to_bytes_le());
    signed.extend_from_slice(&ATTRIBUTES.to_le_bytes());
    signed.extend_from_slice(&time);
    signed.extend_from_slice(lists);
    // Without ContentInfo: older firmware knows only that.
    let signature = signer.detached(&signed, true)?.to_der()?;
    let length = u32::try_from(24 + signature.len()).map_err(|_| too_long())?;
    let mut file = time.to_vec();
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&KIND);
    file.extend_from_slice(&PKCS7.to_bytes_le());
    file.extend_from_slice(&signature);
    file.extend_from_slice(lists);
    Ok(file)
}

/// `EFI_TIME`, in UTC, without what is smaller than a second, as such a time has to be.
fn efi_time(seconds: u64) -> Result<[u8; 16], SigningError> {
    let moment = DateTime::from_unix_duration(Duration::from_secs(seconds))?;
    let [low, high] = moment.year().to_le_bytes();
    let mut time = [0; 16];
    let fields = [low, high, moment.month(), moment.day(), moment.hour(), moment.minutes(), moment.seconds()];
    time[..7].copy_from_slice(&fields);
    Ok(time)
}

fn too_long() -> SigningError {
    SigningError::Sign("the certificate is too long".to_owned())
}
