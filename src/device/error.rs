//! Errors of finding a disk.

use std::io;
use std::path::PathBuf;

use super::text::shown;

/// Why there is no disk to write to.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The kernel's list of disks cannot be read.
    #[error("cannot list the disks of this machine: {}", shown(path))]
    Read { path: PathBuf, source: io::Error },
    /// A partition was named in place of a whole disk.
    #[error("{} is a partition of {}, not a disk", shown(wanted), shown(disk))]
    Partition { wanted: PathBuf, disk: PathBuf },
    /// There is no file of this name.
    #[error("there is no {}", shown(wanted))]
    Missing { wanted: PathBuf, candidates: Vec<String> },
    /// The file of this name is not a disk.
    #[error("{} is {kind}, not a disk", shown(wanted))]
    Unknown { wanted: PathBuf, kind: &'static str, candidates: Vec<String> },
    /// No disk may be written to. `near` are sticks or cards that could be, once the reason is removed.
    #[error("there is no USB stick or memory card that may be written to{}{}", if near.is_empty() { "" } else { "; " }, near.join("; "))]
    NoneFits { near: Vec<String>, hint: Option<String> },
    /// A captured property list of `diskutil` has another form.
    #[error("cannot understand diskutil's property list of {of}")]
    Plist { of: String, source: plist::Error },
}

impl DeviceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "is /sys mounted?".to_owned(),
            Self::Partition { disk, .. } => {
                format!("images are written to whole disks: {} would lose all its partitions", shown(disk))
            }
            Self::Unknown { kind: "a directory", .. } => {
                "a disk is named by its device, not by where it is mounted: `imgbuild devices` lists them".to_owned()
            }
            Self::Unknown { candidates, .. } | Self::Missing { candidates, .. } if candidates.is_empty() => {
                "no USB stick or memory card is attached that may be written to; `imgbuild devices` tells why"
                    .to_owned()
            }
            Self::Unknown { candidates, .. } | Self::Missing { candidates, .. } => {
                format!("there are: {}", candidates.join("; "))
            }
            Self::NoneFits { hint: Some(hint), .. } => hint.clone(),
            Self::NoneFits { .. } => "plug one in; `imgbuild devices` tells why others are refused".to_owned(),
            Self::Plist { .. } => {
                "it must be the output of `diskutil list -plist` or `diskutil info -plist`".to_owned()
            }
        })
    }
}
