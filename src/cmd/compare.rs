//! Checks that an image and the manifest beside it belong together.

use std::os::unix::fs::FileExt as _;

use rayon::prelude::*;

use super::disk::Disk;
use super::finished::Finished;
use crate::exit::{Code, Failure};
use crate::image::{Manifest, ManifestRange, kind_of_mbr};
use crate::output::shown;
use crate::tree::Digest;

/// Most differences that are shown.
const SHOWN: usize = 5;

/// Refuses an image that its manifest does not describe.
pub(super) fn check(build: &Finished, disk: &Disk) -> Result<(), Failure> {
    let found = differences(&build.manifest, disk);
    if found.is_empty() {
        return Ok(());
    }
    Err(mismatch(format!("{} and its manifest.json do not belong together", build.image().display()), &found))
}

/// Refuses an image whose data is not what the manifest says; reads all of it.
pub(super) fn verify(build: &Finished, disk: &Disk) -> Result<(), Failure> {
    let found = damages(&build.manifest, disk);
    if found.is_empty() { Ok(()) } else { Err(mismatch(format!("{} is damaged", build.image().display()), &found)) }
}

fn mismatch(message: String, found: &[String]) -> Failure {
    let mut causes: Vec<String> = found.iter().take(SHOWN).cloned().collect();
    if found.len() > SHOWN {
        causes.push(format!("{} more", found.len() - SHOWN));
    }
    Failure { code: Code::Verification, causes, ..Failure::refused(message) }
        .hint("build the image again, or copy it again together with all the files beside it")
}

/// Describes each fact of the image that differs from the manifest.
fn differences(manifest: &Manifest, disk: &Disk) -> Vec<String> {
    let mut found = Vec::new();
    if manifest.image_size != disk.size {
        found.push(format!("the image has {} bytes, the manifest says {}", disk.size, manifest.image_size));
    }
    if manifest.disk_guid != disk.guid {
        found.push(format!("the disk's GUID is {}, the manifest says {}", disk.guid, manifest.disk_guid));
    }
    if manifest.hybrid_mbr != disk.hybrid_mbr {
        let [is, should] = [&disk.hybrid_mbr, &manifest.hybrid_mbr].map(|shown| kind_of_mbr(shown));
        found.push(format!("the image has a {is}, the manifest says a {should}"));
    }
    let own = [
        ("root hash", disk.root_hash().map(|hash| hash.to_string()), &manifest.root_hash.to_string()),
        ("kernel command line", disk.cmdline(), &manifest.cmdline),
        ("id", disk.image_id(), &manifest.image_id),
    ];
    for (what, is, should) in own {
        match is {
            Some(is) if is == *should => {}
            Some(is) => found.push(format!("the image's {what} is {}, the manifest says {should}", shown(&is))),
            None => found.push(format!("the image has no {what}, the manifest says {should}")),
        }
    }
    let numbers = |numbers: &mut dyn Iterator<Item = u32>| numbers.map(|number| number.to_string()).collect::<Vec<_>>();
    let on_disk = numbers(&mut disk.partitions.iter().map(|(number, _)| *number));
    let promised = numbers(&mut manifest.partitions.iter().map(|partition| partition.number));
    if on_disk != promised {
        found.push(format!("partitions are {}, the manifest says {}", on_disk.join(", "), promised.join(", ")));
        return found;
    }
    for (promised, (number, entry)) in manifest.partitions.iter().zip(&disk.partitions) {
        let facts = [
            ("name", entry.name.clone(), promised.label.clone()),
            ("type", entry.type_guid.to_string(), promised.type_guid.to_string()),
            ("GUID", entry.guid.to_string(), promised.guid.to_string()),
            ("offset", entry.offset.to_string(), promised.offset.to_string()),
            ("size", entry.size.to_string(), promised.size.to_string()),
        ];
        for (what, is, should) in facts {
            if is != should {
                found.push(format!("partition {number}'s {what} is {}, the manifest says {should}", shown(&is)));
            }
        }
    }
    found
}

/// Describes each range of the manifest in which the image has other bytes, or cannot be read.
fn damages(manifest: &Manifest, disk: &Disk) -> Vec<String> {
    manifest.ranges.par_iter().filter_map(|range| damage(manifest, disk, range)).collect()
}

fn damage(manifest: &Manifest, disk: &Disk, range: &ManifestRange) -> Option<String> {
    // A few MiB at most: the manifest was read by `Manifest::parse`.
    let mut bytes = vec![0; usize::try_from(range.length).ok()?];
    let flaw = match disk.file.read_exact_at(&mut bytes, range.offset) {
        Ok(()) if Digest::of(&bytes) == range.sha256 => return None,
        Ok(()) => "has another SHA-256".to_owned(),
        Err(error) => format!("cannot be read: {error}"),
    };
    let partition = manifest.partition_of(range).map_or("the partition table", |partition| partition.label.as_str());
    Some(format!("{} bytes at {} ({partition}): {flaw}", range.length, range.offset))
}
