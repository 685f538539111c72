//! Is a stick, or an image, still what a manifest says?

use std::io::{Seek as _, SeekFrom, Write as _};

use super::error::{Action, PlanError, WriteError};
use super::plan::{self, Range, TABLES};
use super::target::{ALIGN, Buffer, Target, is_gone, read_exact};
use super::writer::{digest, io_error};
use crate::format::Sparse;
use crate::format::gpt::{self, Entry};
use crate::image::Manifest;

/// Bytes read at a time.
const STEP: usize = 2 << 20;

/// Why it could not be told.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The manifest is none.
    #[error(transparent)]
    Manifest(#[from] PlanError),
    /// The device is not there any more.
    #[error(transparent)]
    Device(#[from] WriteError),
}

/// A part that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// A partition's label, or `partition table`.
    pub part: String,
    /// Bytes from the start of the disk.
    pub offset: u64,
    pub length: u64,
    pub problem: String,
}

/// All differences between `target` and what `manifest` says, in the order in which they lie; `seed` is what the seed must be
/// if it is not the manifest's. `advance` hears of bytes that were read.
///
/// # Errors
/// A manifest that no build writes; a device that has gone.
pub fn differences(
    target: &dyn Target,
    manifest: &Manifest,
    seed: Option<&[u8]>,
    advance: &mut dyn FnMut(u64),
) -> Result<Vec<Difference>, VerifyError> {
    let mut ranges = plan::checked(manifest)?;
    if let Some(seed) = seed {
        plan::replace_seed(manifest, &mut ranges, seed)?;
    }
    let mut found = Vec::new();
    found.extend(table_problem(target, manifest)?.map(|problem| Difference {
        part: plan::TABLE.to_owned(),
        offset: 0,
        length: TABLES,
        problem,
    }));
    // The image's own table fits a disk of the image's size alone.
    let is_image = target.size() == manifest.image_size;
    let mut buffer = Buffer::new(STEP);
    for range in ranges.iter().filter(|range| is_image || range.part != plan::TABLE) {
        let Range { part, offset, len, sha256 } = range;
        let problem = match digest(target, range, &mut buffer) {
            Ok(found) if found == *sha256 => None,
            Ok(_) => Some("has another SHA-256".to_owned()),
            Err((at, error)) if is_gone(&error) => return Err(io_error(Action::Read, part, (at, error)).into()),
            Err((at, error)) => Some(format!("cannot be read at byte {at}: {error}")),
        };
        let difference = |problem| Difference { part: part.clone(), offset: *offset, length: *len, problem };
        found.extend(problem.map(difference));
        advance(*len);
    }
    Ok(found)
}

/// What is wrong with the partition table. Partitions that a node added are none of it.
fn table_problem(target: &dyn Target, manifest: &Manifest) -> Result<Option<String>, VerifyError> {
    let size = target.size();
    if size < manifest.image_size {
        return Ok(Some(format!("has {size} bytes, the image {}", manifest.image_size)));
    }
    let mut disk = Sparse::new(size);
    let last = (size - TABLES) / ALIGN as u64 * ALIGN as u64;
    for (offset, len) in [(0, TABLES), (last, size - last)] {
        let mut buffer = Buffer::new(usize::try_from(len).unwrap_or_default());
        if let Err((at, error)) = read_exact(target, &mut buffer, offset) {
            if is_gone(&error) {
                return Err(io_error(Action::Read, plan::TABLE, (at, error)).into());
            }
            return Ok(Some(format!("cannot be read at byte {at}: {error}")));
        }
        if let Err(error) = disk.seek(SeekFrom::Start(offset)).and_then(|_| disk.write_all(&buffer)) {
            return Ok(Some(error.to_string()));
        }
    }
    let table = match gpt::read(disk) {
        Ok(table) => table,
        Err(error) => return Ok(Some(error.to_string())),
    };
    if !table.is_whole {
        return Ok(Some("one of its two copies is damaged, or not at the end of the disk".to_owned()));
    }
    if table.disk_guid != manifest.disk_guid {
        return Ok(Some(format!("is another disk's: {}", table.disk_guid)));
    }
    let is = |partition: &crate::image::ManifestPartition, entry: &Entry| {
        let Entry { name, guid, type_guid, offset, size, .. } = entry;
        (name, *guid, *type_guid, *offset, *size)
            == (&partition.label, partition.guid, partition.type_guid, partition.offset, partition.size)
    };
    let missing = manifest.partitions.iter().find(|partition| {
        !table.entries.iter().any(|(number, entry)| *number == partition.number && is(partition, entry))
    });
    Ok(missing.map(|partition| format!("partition {} is not `{}` as it was", partition.number, partition.label)))
}
