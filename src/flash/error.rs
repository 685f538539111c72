//! Errors of planning, reading the image and writing the device.

use std::io;

use serde::{Deserialize, Serialize};

use crate::format::Packing;
use crate::format::gpt::GptError;
use crate::output::bytes;

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The image does not fit.
    #[error("the device is too small: it has {}, the image needs {}", bytes(*size), bytes(*needed))]
    TooSmall { needed: u64, size: u64 },
    /// The disk's sectors have another size than those of the image's partition table.
    #[error("the device has sectors of {sector} bytes, the image's partition table counts sectors of 512 bytes")]
    Sector { sector: u32 },
    /// The manifest describes something that no build writes.
    #[error("the manifest is not one that can be flashed: {problem}")]
    Manifest { problem: String },
    /// The image's partition table is not what the manifest says.
    #[error("the image's partition table is not the manifest's: {problem}")]
    Table { problem: String },
    /// The table for the device could not be made.
    #[error(transparent)]
    Gpt(#[from] GptError),
    /// The seed does not fit its partition.
    #[error("the seed has {needed} bytes, its partition {size}")]
    Seed { needed: u64, size: u64 },
    /// The image could not be read.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl PlanError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::TooSmall { .. } => "take a larger stick",
            Self::Sector { .. } => "take another stick: practically all of them have sectors of 512 bytes",
            Self::Manifest { .. } | Self::Table { .. } => {
                "image and manifest must be of one build: build again, or download both again"
            }
            Self::Gpt(_) => return None,
            Self::Seed { .. } => "set `image.seed` in the profile to more, and build again",
            Self::Send(error) => return error.hint(),
        };
        Some(text.to_owned())
    }
}

/// Why the image's bytes could not be sent to the writer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The image could not be read.
    #[error("cannot read the image at byte {offset} (`{part}`)")]
    Read { part: String, offset: u64, source: io::Error },
    /// The image's bytes are not what the manifest says.
    #[error("the image is damaged: {len} bytes at {offset} (`{part}`) do not have the SHA-256 that the manifest says")]
    NotAuthentic { part: String, offset: u64, len: u64 },
}

/// The image is undamaged, but decompressing it would need too much memory.
#[derive(Debug, thiserror::Error)]
#[error("it was compressed with a window of more than 128 MiB, as by `{}`", self.cause_and_cure().0)]
pub struct WindowTooLarge(pub Packing);

impl WindowTooLarge {
    /// The command that compresses in this way, and how to compress it differently or decompress it beforehand.
    fn cause_and_cure(&self) -> (&'static str, &'static str) {
        match self.0 {
            Packing::Xz => {
                ("xz --lzma2=dict=1GiB", "compress it again with `xz -9` or less, or unpack it first: `xz -d`")
            }
            Packing::Zstd | Packing::Gzip => {
                ("zstd --long=31", "compress it again without `--long`, or unpack it first: `zstd -d --long=31`")
            }
        }
    }
}

impl SendError {
    /// Whether the image is undamaged, but compressed with too large a window.
    #[must_use]
    pub fn is_window_too_large(&self) -> bool {
        self.window_too_large().is_some()
    }

    fn window_too_large(&self) -> Option<&WindowTooLarge> {
        let Self::Read { source, .. } = self else { return None };
        source.get_ref()?.downcast_ref()
    }

    /// Whether reading failed on this machine, which says nothing of the image itself.
    #[must_use]
    pub fn is_of_machine(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.raw_os_error().is_some())
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        if let Some(wide) = self.window_too_large() {
            return Some(format!("{}; its manifest is right for either form", wide.cause_and_cure().1));
        }
        let text = match self {
            _ if self.is_of_machine() => {
                "the disk that holds the image may be failing: build the image again, or download it again"
            }
            Self::Read { .. } => "it is cut off or damaged: build the image again, or download it again",
            Self::NotAuthentic { .. } => "build the image again, or download it again",
        };
        Some(text.to_owned())
    }
}

/// An I/O error of the device, in a form that can be sent over a pipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Cause {
    pub text: String,
    /// Whether the device was unplugged or has vanished for another reason.
    pub gone: bool,
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self { gone: is_gone(&error), text: error.to_string() }
    }
}

/// Whether the error means that the device has vanished, so that trying again is useless.
pub(super) fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let gone = [
        Errno::NODEV,
        Errno::NXIO,
        #[cfg(target_os = "linux")]
        Errno::NOMEDIUM,
    ];
    error.raw_os_error().is_some_and(|code| gone.iter().any(|errno| errno.raw_os_error() == code))
}

/// Why the writer stopped. The phase events tell how far it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WriteError {
    /// Another program uses the device. Nothing was written.
    #[error("the device is in use by {}", holders.join(", "))]
    Busy { holders: Vec<String> },
    /// The safety rules forbid writing to it. Nothing was written.
    #[error("{}", reasons.join("; "))]
    Refused { reasons: Vec<String>, hint: Option<String> },
    /// It is not the device that was confirmed. Nothing was written.
    #[error("this is not the device that was confirmed any more: {problem}")]
    Changed { problem: String },
    /// It could not be opened. Nothing was written.
    #[error("cannot open the device")]
    Open { source: Cause },
    /// The user lacks the permission to open it, and udisks2 did not open it either. Nothing was written.
    #[error("only root may write to the device, there is no sudo, doas or run0, and udisks2 does not open it")]
    Udisks { source: UdisksError },
    /// An operation failed, and failed again when it was repeated.
    #[error("cannot {action} byte {at} of the device (sector {}, `{part}`)", at / 512)]
    Io { action: Action, part: String, at: u64, source: Cause },
    /// Flushing the written data to the medium failed.
    #[error("the device does not confirm what was written")]
    Sync { source: Cause },
    /// A wiped place still reads as before. Nothing else was written.
    #[error("the device ignores what is written to it: byte {at} (sector {}) keeps its old value", at / 512)]
    WriteIgnored { at: u64 },
    /// Written data read back differently, and did so again when it was written again.
    #[error("the device does not keep what is written to it: {} (sector {}, `{part}`)", place(*at, *offset, *len), at.unwrap_or(*offset) / 512)]
    Mismatch { part: String, offset: u64, len: u64, at: Option<u64> },
    /// Two addresses lead to the same storage.
    #[error("the device has less storage than it claims: what is written to byte {wrote} ends up at byte {found}")]
    Aliased { wrote: u64, found: u64 },
    /// An address has no storage behind it.
    #[error("the device has less storage than it claims: there is none behind byte {at}")]
    NoStorage { at: u64 },
    /// The place of a partition table, which was wiped, holds data that was written to another address.
    #[error("the device has less storage than it claims: what was written elsewhere has ended up at byte {at}")]
    AliasedTable { at: u64 },
    /// The process that sends the image's bytes stopped.
    #[error("the program that sends the image's bytes has stopped")]
    Feed,
}

/// Why udisks2 returned no file descriptor, in a form that can be sent over a pipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum UdisksError {
    /// The system has no D-Bus system bus, as in a container.
    #[error("no system bus can be reached: {text}")]
    NoBus { text: String },
    /// The bus has no udisks2 service.
    #[error("udisks2 is not on the system bus: {text}")]
    Absent { text: String },
    /// udisks2 does not manage this device.
    #[error("udisks2 does not know the device")]
    Unknown,
    /// A password would allow it, but there is nobody to ask for one.
    #[error("a password is needed, and there is neither a polkit agent nor a terminal to ask for it")]
    NoAgent,
    /// The password prompt was closed without an answer.
    #[error("the password prompt was closed")]
    Dismissed,
    /// A polkit rule forbids it, or the password was wrong.
    #[error("polkit does not allow it: {text}")]
    Denied { text: String },
    /// Any other error of udisks2.
    #[error("udisks2 cannot open it: {text}")]
    Failed { text: String },
}

impl UdisksError {
    fn hint(&self) -> &'static str {
        match self {
            Self::NoBus { .. } | Self::Absent { .. } => {
                "install sudo, doas or udisks2, or run `imgbuild flash` as root"
            }
            Self::NoAgent => {
                "flash from a desktop session, or from a terminal where `pkttyagent` is installed; or install sudo, or be root"
            }
            Self::Dismissed => "flash it again, and enter the password",
            Self::Denied { .. } => {
                "polkit's action `org.freedesktop.udisks2.open-device` must be allowed for you; or install sudo, or be root"
            }
            Self::Unknown | Self::Failed { .. } => "install sudo, or run `imgbuild flash` as root",
        }
    }
}

fn place(at: Option<u64>, offset: u64, len: u64) -> String {
    match at {
        Some(at) => format!("byte {at}"),
        None => format!("somewhere in the {len} bytes from byte {offset} on"),
    }
}

/// The operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Read,
    Write,
}

impl std::fmt::Display for Action {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Read => "read",
            Self::Write => "write to",
        })
    }
}

impl WriteError {
    /// Whether the device is unchanged: nothing was written to it.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Refused { .. } | Self::Changed { .. } | Self::Open { .. } | Self::Udisks { .. }
        )
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let gone = |cause: &Cause| {
            let text = if cause.gone {
                "it was unplugged, or has failed: plug it in again, at another port if need be, and flash it again"
            } else {
                "plug it in again, at another port or in another reader, and flash it again; if it fails there too, the stick is worn out"
            };
            text.to_owned()
        };
        Some(match self {
            Self::Busy { .. } => "stop the programs that use it, or wait for them, and try again".to_owned(),
            Self::Refused { hint, .. } => return hint.clone(),
            Self::Udisks { source } => source.hint().to_owned(),
            Self::Changed { .. } => "look at `imgbuild devices`, and start again".to_owned(),
            Self::Open { source } | Self::Io { source, .. } | Self::Sync { source } => gone(source),
            Self::WriteIgnored { .. } => {
                "is it write-protected? Otherwise it is worn out: take another stick".to_owned()
            }
            Self::Mismatch { .. } => {
                "take another stick: this one is worn out, or the reader or port is bad".to_owned()
            }
            Self::Aliased { .. } | Self::NoStorage { .. } | Self::AliasedTable { .. } => {
                "it is a counterfeit, or broken: take another stick, and do not keep data on this one".to_owned()
            }
            Self::Feed => return None,
        })
    }
}
