//! `imgbuild inspect`: what an image is, and a map of its partitions.

use std::fmt::Write as _;

use super::Outcome;
use super::finished::Finished;
use crate::cli::Inspect;
use crate::image::{Manifest, ManifestPartition};
use crate::output::{Console, bytes, count};

/// Columns of a partition's bar.
const BAR: u64 = 24;

pub(super) fn run(args: &Inspect, console: &Console) -> Outcome {
    let build = Finished::open(&args.image)?;
    console.result(&build.manifest, &describe(&build.manifest));
    Ok(())
}

fn describe(manifest: &Manifest) -> String {
    let mapped: u64 = manifest.ranges.iter().map(|range| range.length).sum();
    let mut text = String::new();
    let rows = [
        ("image", format!("{} ({}, {})", manifest.image_id, manifest.profile, manifest.board)),
        ("size", format!("{}, {} of it data", bytes(manifest.image_size), bytes(mapped))),
        ("sha256", manifest.image_sha256.clone()),
        ("root hash", manifest.root_hash.clone()),
        ("kernel", format!("{} ({})", manifest.kernel, manifest.arch)),
        ("cmdline", manifest.cmdline.clone()),
        ("packages", count(manifest.packages.len(), "package")),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<10} {value}");
    }
    let _ = writeln!(text, "\n{:>2} {:<14} {:>10} {:>10}  filled", "#", "label", "offset", "size");
    for partition in &manifest.partitions {
        let _ = writeln!(
            text,
            "{:>2} {:<14} {:>10} {:>10}  {}",
            partition.number,
            partition.label,
            bytes(partition.offset),
            bytes(partition.size),
            bar(partition)
        );
    }
    text
}

/// How full a partition is: a bar and its bytes, or that it is an entry only.
fn bar(partition: &ManifestPartition) -> String {
    if partition.used == 0 {
        return format!("{} entry only", "░".repeat(usize::try_from(BAR).unwrap_or_default()));
    }
    let full = (partition.used * BAR).div_ceil(partition.size.max(1)).min(BAR);
    let (full, rest) = (usize::try_from(full).unwrap_or_default(), usize::try_from(BAR - full).unwrap_or_default());
    format!("{}{} {}", "█".repeat(full), "░".repeat(rest), bytes(partition.used))
}
