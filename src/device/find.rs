//! Finds the disk that a user names.

use std::path::Path;

use super::error::DeviceError;
use super::rules::{Limits, Refusal};
use super::text::shown;
use super::{Disk, Transport};

/// The disk that `wanted` names: its device file, a name below `/dev/disk/by-id`, or any link to it.
///
/// # Errors
/// [`DeviceError::Partition`] for a part of a disk, [`DeviceError::Unknown`] for anything else.
pub fn find<'a>(disks: &'a [Disk], wanted: &Path) -> Result<&'a Disk, DeviceError> {
    let resolved = wanted.canonicalize().ok();
    for path in std::iter::once(wanted).chain(resolved.as_deref()) {
        if let Some(disk) = disks.iter().find(|disk| disk.path == path || disk.by_id.iter().any(|id| id == path)) {
            return Ok(disk);
        }
        if let Some(disk) = disks.iter().find(|disk| is_part(disk, path)) {
            return Err(DeviceError::Partition { wanted: wanted.to_owned(), disk: disk.path.clone() });
        }
    }
    let mut candidates = Vec::new();
    for disk in disks.iter().filter(|disk| disk.refusals(&Limits::default()).is_empty()) {
        candidates.push(format!("{} ({}, {})", shown(&disk.path), disk.title(), crate::output::bytes(disk.size)));
    }
    let wanted = wanted.to_owned();
    Err(match wanted.metadata().map(|metadata| metadata.file_type()) {
        Err(_) => DeviceError::Missing { wanted, candidates },
        Ok(kind) if kind.is_dir() => DeviceError::Unknown { wanted, kind: "a directory", candidates },
        Ok(kind) if kind.is_file() => DeviceError::Unknown { wanted, kind: "a file", candidates },
        Ok(_) => DeviceError::Unknown { wanted, kind: "another kind of device", candidates },
    })
}

/// The error when no disk may be written to. It lists sticks that are only in use, too small or locked: desktops, for example,
/// mount what is plugged in.
#[must_use]
pub fn none_fits(disks: &[Disk], limits: &Limits) -> DeviceError {
    let mut near = Vec::new();
    let mut hint = None;
    for disk in disks {
        let refusals = disk.refusals(limits);
        let is_stick = |refusal: &Refusal| {
            !matches!(
                refusal,
                Refusal::Transport { .. }
                    | Refusal::Loop
                    | Refusal::NoMedium
                    | Refusal::Large { .. }
                    | Refusal::Sector { .. }
            )
        };
        if refusals.is_empty() || !refusals.iter().all(is_stick) {
            continue;
        }
        let reasons: Vec<String> = refusals.iter().map(Refusal::to_string).collect();
        near.push(format!("{} ({}): {}", shown(&disk.path), disk.title(), reasons.join(", ")));
        // If one reason has no cure, the cures of the others do not help.
        let cures: Option<Vec<String>> = refusals.iter().map(Refusal::hint).collect();
        hint = hint.or(cures.map(|cures| cures.join("; ")));
    }
    DeviceError::NoneFits { near, hint }
}

/// Whether `path` names a partition of `disk`.
fn is_part(disk: &Disk, path: &Path) -> bool {
    let named = path.strip_prefix("/dev").ok().and_then(Path::to_str);
    if named.is_some_and(|name| disk.partition(name).is_some()) {
        return true;
    }
    // udev names partitions after the disk, with this suffix.
    path.to_str().and_then(|path| path.rsplit_once("-part")).is_some_and(|(whole, number)| {
        number.parse::<u32>().is_ok() && disk.by_id.iter().any(|id| id == Path::new(whole))
    })
}

impl Transport {
    /// Whether disks that are attached in this way are removable media such as sticks and memory cards.
    pub(super) fn is_portable(&self) -> bool {
        matches!(self, Self::Usb | Self::Mmc)
    }
}
