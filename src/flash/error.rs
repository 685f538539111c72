//! Why a stick was not written.

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
    /// A disk that counts in other sectors than the image's partition table.
    #[error("the device has sectors of {sector} bytes, the image's partition table counts sectors of 512 bytes")]
    Sector { sector: u32 },
    /// A manifest that no build writes.
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

/// Why the image's bytes could not be given.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The image could not be read.
    #[error("cannot read the image at byte {offset} (`{part}`)")]
    Read { part: String, offset: u64, source: io::Error },
    /// The image's bytes are not what the manifest says.
    #[error("the image is damaged: {len} bytes at {offset} (`{part}`) do not have the SHA-256 that the manifest says")]
    NotAuthentic { part: String, offset: u64, len: u64 },
}

/// An image that is whole, but cannot be unpacked with little memory.
#[derive(Debug, thiserror::Error)]
#[error("it was compressed with a window of more than 128 MiB, as by `{}`", self.again().0)]
pub struct TooWide(pub Packing);

impl TooWide {
    /// What compresses so, and how else to compress it, or to unpack it.
    fn again(&self) -> (&'static str, &'static str) {
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
    /// Whether the image is right, but not made for this.
    #[must_use]
    pub fn is_too_wide(&self) -> bool {
        self.too_wide().is_some()
    }

    fn too_wide(&self) -> Option<&TooWide> {
        let Self::Read { source, .. } = self else { return None };
        source.get_ref()?.downcast_ref()
    }

    /// Whether this machine failed, and not the image.
    #[must_use]
    pub fn is_of_machine(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.raw_os_error().is_some())
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        if let Some(wide) = self.too_wide() {
            return Some(format!("{}; its manifest proves it either way", wide.again().1));
        }
        let text = match self {
            _ if self.is_of_machine() => "is the disk under it failing? Build the image again, or download it again",
            Self::Read { .. } => "it is cut off or damaged: build the image again, or download it again",
            Self::NotAuthentic { .. } => "build the image again, or download it again",
        };
        Some(text.to_owned())
    }
}

/// An error of the device, in a form that can be told over a pipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Cause {
    pub text: String,
    /// Whether the device is not there any more.
    pub gone: bool,
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self { gone: is_gone(&error), text: error.to_string() }
    }
}

/// Whether the device is not there any more: no use in asking again.
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

/// Why the writer stopped. How far it was by then, the phases tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WriteError {
    /// Somebody else has it. Nothing was written.
    #[error("the device is in use by {}", holders.join(", "))]
    Busy { holders: Vec<String> },
    /// It may not be written. Nothing was written.
    #[error("{}", reasons.join("; "))]
    Refused { reasons: Vec<String>, hint: Option<String> },
    /// It is not the device that was confirmed. Nothing was written.
    #[error("this is not the device that was confirmed any more: {problem}")]
    Changed { problem: String },
    /// It could not be opened. Nothing was written.
    #[error("cannot open the device")]
    Open { source: Cause },
    /// The user may not open it, and udisks2 did not do it for them. Nothing was written.
    #[error("only root may write to the device, there is no sudo, doas or run0, and udisks2 does not give it")]
    Udisks { source: UdisksError },
    /// An operation failed, also when tried again.
    #[error("cannot {action} byte {at} of the device (sector {}, `{part}`)", at / 512)]
    Io { action: Action, part: String, at: u64, source: Cause },
    /// What was written could not be made to last.
    #[error("the device does not confirm what was written")]
    Sync { source: Cause },
    /// What was wiped came back: nothing else was written.
    #[error("the device does not take what is written to it: byte {at} (sector {}) keeps its old value", at / 512)]
    Kept { at: u64 },
    /// What was written did not come back, also when written again.
    #[error("the device does not keep what is written to it: {} (sector {}, `{part}`)", place(*at, *offset, *len), at.unwrap_or(*offset) / 512)]
    Mismatch { part: String, offset: u64, len: u64, at: Option<u64> },
    /// Two addresses, one place.
    #[error("the device has less room than it claims: what is written to byte {wrote} ends up at byte {found}")]
    Aliased { wrote: u64, found: u64 },
    /// An address without a place.
    #[error("the device has less room than it claims: byte {at} keeps nothing")]
    Lost { at: u64 },
    /// A place of the tables, which was wiped, holds data.
    #[error("the device has less room than it claims: what was written elsewhere has ended up at byte {at}")]
    Overlaid { at: u64 },
    /// The other half stopped.
    #[error("the program that gives the image's bytes has stopped")]
    Feed,
}

/// Why there is no descriptor from udisks2, in a form that can be told over a pipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum UdisksError {
    /// A system without D-Bus, such as a container.
    #[error("no system bus can be reached: {text}")]
    NoBus { text: String },
    /// A bus without it.
    #[error("udisks2 is not on the system bus: {text}")]
    Absent { text: String },
    /// Not a device of its.
    #[error("udisks2 does not know the device")]
    Unknown,
    /// Somebody who knows a password could, and nobody can be asked.
    #[error("a password is needed, and there is neither a polkit agent nor a terminal to ask for it")]
    NoAgent,
    /// Somebody was asked, and closed the question.
    #[error("the question for the password was closed")]
    Dismissed,
    /// A rule, or a wrong password.
    #[error("polkit does not allow it: {text}")]
    Denied { text: String },
    /// Whatever else it says.
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
            Self::Dismissed => "flash it again, and answer it",
            Self::Denied { .. } => {
                "let somebody flash it who may (polkit's action `org.freedesktop.udisks2.open-device`), or install sudo, or be root"
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

/// What was tried.
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
    /// Whether nothing was written yet.
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
            Self::Busy { .. } => "end what uses it, or wait for it, and try again".to_owned(),
            Self::Refused { hint, .. } => return hint.clone(),
            Self::Udisks { source } => source.hint().to_owned(),
            Self::Changed { .. } => "look at `imgbuild devices`, and start again".to_owned(),
            Self::Open { source } | Self::Io { source, .. } | Self::Sync { source } => gone(source),
            Self::Kept { .. } => "is it write-protected? Otherwise it is worn out: take another stick".to_owned(),
            Self::Mismatch { .. } => {
                "take another stick: this one is worn out, or the reader or port is bad".to_owned()
            }
            Self::Aliased { .. } | Self::Lost { .. } | Self::Overlaid { .. } => {
                "it is a counterfeit, or broken: take another stick, and do not keep data on this one".to_owned()
            }
            Self::Feed => return None,
        })
    }
}
