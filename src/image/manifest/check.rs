//! What a manifest's numbers must be, so that no reader of a [`Manifest`] has to check them again.
//!
//! A manifest may come from anywhere. After these checks every offset, length and sum of two of them is a place in the image,
//! so that adding them never overflows, and what is read at a time is never more than [`LONGEST_RANGE`].

use std::path::Path;

use super::{Manifest, ManifestPartition};
use crate::image::layout;

/// Most bytes of an image: larger than any disk that a node starts from, and far from where sums overflow.
const LARGEST: u64 = 1 << 44;
/// Bytes at the start and the end of an image that belong to its partition tables.
const TABLES: u64 = layout::ALIGN;
/// Longest range: some are held in memory at a time.
const LONGEST_RANGE: u64 = 16 << 20;
/// Most ranges, so that the job of a flash does not outgrow what its writer reads: 256 GiB of those that a build makes.
const MOST_RANGES: usize = 1 << 16;
/// Most partitions: the entries of a GPT (UEFI specification, 5.3).
const MOST_PARTITIONS: usize = 128;
/// Most partitions that an MBR shows: the fourth of its slots has the protective partition.
const MOST_SHOWN: usize = 3;
/// What is written to a disk begins at a multiple of this.
const BLOCK: u64 = 4096;

/// Checks `manifest`. The error says what no build writes, as a sentence about "it".
pub(super) fn problem(manifest: &Manifest) -> Result<(), String> {
    let size = manifest.image_size;
    // The image lies beside the manifest: no other file of this machine is opened.
    if Path::new(&manifest.image).file_name() != Some(manifest.image.as_ref()) {
        return Err(format!("it names an image outside its own directory: {}", manifest.image));
    }
    if !(3 * TABLES..=LARGEST).contains(&size) || !size.is_multiple_of(BLOCK) {
        return Err(format!("it tells of an image of {size} bytes"));
    }
    partitions(manifest)?;
    ranges(manifest)
}

/// Partitions lie between the tables, in the order of their numbers.
fn partitions(manifest: &Manifest) -> Result<(), String> {
    let Manifest { partitions, hybrid_mbr, image_size, .. } = manifest;
    if partitions.len() > MOST_PARTITIONS {
        return Err(format!("it has {} partitions", partitions.len()));
    }
    let (mut free, mut last) = (TABLES, 0);
    for ManifestPartition { number, offset, size, used, .. } in partitions {
        let bad = |why: &str| format!("its partition {number} of {size} bytes at {offset} {why}");
        let end = offset.checked_add(*size).filter(|end| *end <= image_size - TABLES);
        let end = end.ok_or_else(|| bad("is not inside the image"))?;
        if *offset < free || *number <= last || !offset.is_multiple_of(BLOCK) {
            return Err(bad("overlaps another, is out of order, or is not on a border of 4096 bytes"));
        }
        if used > size {
            return Err(bad("holds more than has room in it"));
        }
        (free, last) = (end, *number);
    }
    let is_known = |number: &u32| partitions.iter().any(|partition| partition.number == *number);
    if hybrid_mbr.len() > MOST_SHOWN || !hybrid_mbr.iter().all(is_known) {
        return Err(format!("its MBR shows partitions {hybrid_mbr:?}"));
    }
    Ok(())
}

/// Ranges ascend, and each lies in one partition or in one of the two tables.
fn ranges(manifest: &Manifest) -> Result<(), String> {
    let Manifest { ranges, image_size, .. } = manifest;
    if ranges.len() > MOST_RANGES {
        return Err(format!("it has {} ranges", ranges.len()));
    }
    let mut free = 0;
    for range in ranges {
        let (offset, length) = (range.offset, range.length);
        let bad = |why: &str| format!("its range of {length} bytes at {offset} {why}");
        if !(1..=LONGEST_RANGE).contains(&length) {
            return Err(bad("is empty or too long"));
        }
        let end = offset.checked_add(length).filter(|end| end <= image_size);
        let end = end.ok_or_else(|| bad("is not inside the image"))?;
        if offset < free || !offset.is_multiple_of(BLOCK) {
            return Err(bad("overlaps another, is out of order, or is not on a border of 4096 bytes"));
        }
        let is_in_one = match manifest.partition_of(range) {
            Some(partition) => end <= partition.offset + partition.size,
            None => end <= TABLES || offset >= image_size - TABLES,
        };
        if !is_in_one {
            return Err(bad("is in no partition"));
        }
        free = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::image::ManifestError;
    use crate::image::manifest::sample::{MIB, sample};

    fn parse(value: &Value) -> Result<Manifest, ManifestError> {
        Manifest::parse(value.to_string().as_bytes())
    }

    #[test]
    fn a_manifest_is_read_and_tells_what_lies_where() {
        let manifest = parse(&sample()).unwrap();
        let labels = manifest.ranges.iter().map(|range| Some(manifest.partition_of(range)?.label.as_str()));
        assert_eq!(labels.collect::<Vec<_>>(), [None, Some("root-a"), Some("seed"), None]);
        assert_eq!(manifest.mapped(), 4 * 4096);
        assert_eq!(parse(&serde_json::to_value(&manifest).unwrap()).unwrap(), manifest);
    }

    #[test]
    fn numbers_that_no_build_writes_are_refused_and_never_summed() {
        let huge = json!(u64::MAX);
        let cases: [(&str, Value, &str); 27] = [
            ("/image", json!("../../etc/shadow"), "outside its own directory: ../../etc/shadow"),
            ("/image", json!("/etc/shadow"), "outside its own directory"),
            ("/image", json!(".."), "outside its own directory"),
            ("/image", json!(""), "outside its own directory"),
            ("/image_size", json!(0), "an image of 0 bytes"),
            ("/image_size", json!(4 * MIB + 1), "an image of 4194305 bytes"),
            ("/image_size", huge.clone(), "an image of 18446744073709551615 bytes"),
            ("/partitions/0/offset", json!(0), "overlaps another"),
            ("/partitions/0/offset", json!(2 * MIB), "overlaps another"),
            ("/partitions/0/offset", json!(MIB + 512), "not on a border"),
            ("/partitions/0/number", json!(2), "out of order"),
            ("/partitions/0/used", huge.clone(), "holds more than has room in it"),
            (
                "/partitions/1/size",
                json!(MIB + 4096),
                "partition 2 of 1052672 bytes at 2097152 is not inside the image",
            ),
            ("/partitions/1/size", huge.clone(), "is not inside the image"),
            ("/partitions/1/offset", huge.clone(), "is not inside the image"),
            ("/hybrid_mbr", json!([3]), "its MBR shows partitions [3]"),
            ("/hybrid_mbr", json!([1, 2, 1, 2]), "its MBR shows"),
            ("/ranges/1/offset", json!(0), "overlaps another"),
            ("/ranges/1/offset", json!(MIB + 512), "not on a border"),
            ("/ranges/1/offset", huge.clone(), "is not inside the image"),
            ("/ranges/1/length", json!(0), "is empty or too long"),
            ("/ranges/1/length", json!(1_u64 << 63), "is empty or too long"),
            ("/ranges/1/length", json!(MIB + 4096), "is in no partition"),
            ("/ranges/0/length", json!(MIB + 4096), "is in no partition"),
            ("/ranges/3/length", json!(8192), "is not inside the image"),
            ("/ranges/2/offset", json!(3 * MIB - 4096), "out of order"),
            ("/ranges", vec![sample()["ranges"][0].clone(); MOST_RANGES + 1].into(), "it has 65537 ranges"),
        ];
        for (place, value, expected) in cases {
            let mut manifest = sample();
            *manifest.pointer_mut(place).unwrap() = value;
            if place == "/ranges/2/offset" {
                manifest["ranges"][3]["offset"] = json!(2 * MIB);
            }
            let error = parse(&manifest).unwrap_err();
            assert!(matches!(error, ManifestError::Invalid { .. }), "{place}: {error}");
            assert!(error.to_string().contains(expected), "{place}: {error}");
        }
        let mut many = sample();
        many["partitions"] = vec![many["partitions"][0].clone(); 129].into();
        assert!(parse(&many).unwrap_err().to_string().contains("it has 129 partitions"));
    }

    #[test]
    fn a_digest_is_one_and_nothing_else() {
        let places = ["/image_sha256", "/root_hash", "/tree_sha256", "/ranges/0/sha256", "/packages/0/sha256"];
        for place in places {
            for none in ["", "abc", "not to be found", &"0".repeat(65)] {
                let mut manifest = sample();
                *manifest.pointer_mut(place).unwrap() = json!(none);
                let error = parse(&manifest).unwrap_err();
                assert!(matches!(error, ManifestError::Json(_)), "{place}: {error}");
            }
        }
    }

    #[test]
    fn a_text_that_is_longer_than_any_manifest_is_not_looked_at() {
        let text = vec![b' '; usize::try_from(Manifest::LONGEST).unwrap() + 1];
        assert!(matches!(Manifest::parse(&text), Err(ManifestError::TooLong)));
    }
}
