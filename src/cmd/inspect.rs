//! `imgbuild inspect`: what an image is, and a map of its partitions.
//!
//! The image is asked first, by its partition table. A manifest beside it knows more, and is believed only if it tells of
//! this very image; without one, what the image itself says is shown.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::disk::Disk;
use super::finished::Finished;
use super::{Outcome, compare, secure_boot};
use crate::cli::Inspect;
use crate::exit::Failure;
use crate::fetch::k3s::NAME;
use crate::image::{Manifest, ManifestPartition, boot_warning, kind_of_mbr};
use crate::output::{Console, bytes, shown};

/// Columns of a partition's bar.
const BAR: u64 = 24;

pub(super) fn run(args: &Inspect, console: &Console) -> Outcome {
    let Some(build) = Finished::beside(&args.image)? else { return without_manifest(args, console) };
    let disk = Disk::open(&build.image())?;
    compare::check(&build, &disk)?;
    let mut value = json!(build.manifest);
    let programs = secure_boot::programs(&disk);
    value["efi_programs"] = json!(programs);
    let mut text = describe(&build.manifest);
    text.push_str(&secure_boot::lines(&programs));
    if args.verify {
        compare::verify(&build, &disk)?;
        value["verified"] = json!(true);
        let _ = writeln!(text, "\nall data has the SHA-256 that the manifest says");
    }
    warn(console, build.manifest.boot_warning());
    console.result(&value, &text);
    Ok(())
}

fn warn(console: &Console, warning: Option<&str>) {
    if let Some(warning) = warning {
        console.progress().warn(warning);
    }
}

/// Shows an image that nothing else is known of.
fn without_manifest(args: &Inspect, console: &Console) -> Outcome {
    let disk = Disk::open(&args.image)?;
    disk.check_whole(&args.image)?;
    if args.verify {
        let image = args.image.display();
        let hint = format!(
            "put the manifest.json of its build beside it; for a disk, `imgbuild verify {image} --manifest FILE`"
        );
        return Err(Failure::refused(format!("{image} has no manifest beside it to verify it by")).hint(hint));
    }
    // Whoever made it chose these.
    let cmdline = disk.cmdline().as_deref().map(shown);
    let image_id = disk.image_id().as_deref().map(shown);
    let name = args.image.file_name().unwrap_or_default().to_string_lossy();
    let partitions: Vec<Row> = disk
        .partitions
        .iter()
        .map(|(number, entry)| Row {
            number: *number,
            label: shown(&entry.name),
            type_guid: entry.type_guid,
            guid: entry.guid,
            offset: entry.offset,
            size: entry.size,
        })
        .collect();
    let mut value = json!({
        "image": name,
        "image_id": image_id,
        "image_size": disk.size,
        "root_hash": disk.root_hash(),
        "cmdline": cmdline,
        "disk_guid": disk.guid,
        "hybrid_mbr": disk.hybrid_mbr,
        "partitions": partitions,
    });
    let unknown = || "unknown".to_owned();
    let mut text = rows(&[
        ("image", image_id.unwrap_or_else(unknown)),
        ("size", bytes(disk.size)),
        ("root hash", disk.root_hash().map_or_else(unknown, |hash| hash.to_string())),
        ("cmdline", cmdline.clone().unwrap_or_else(unknown)),
        ("table", format!("GPT with a {}", kind_of_mbr(&disk.hybrid_mbr))),
        ("manifest", "none beside it: contents are not known".to_owned()),
    ]);
    map(&mut text, partitions.into_iter().map(|row| (row.guid.to_string(), row)), "GUID");
    let programs = secure_boot::programs(&disk);
    value["efi_programs"] = json!(programs);
    text.push_str(&secure_boot::lines(&programs));
    warn(console, disk.board().and_then(|board| boot_warning(board.name(), &disk.hybrid_mbr)));
    console.result(&value, &text);
    Ok(())
}

fn describe(manifest: &Manifest) -> String {
    let mut text = rows(&[
        ("image", format!("{} ({}, {})", manifest.image_id, manifest.profile, manifest.board)),
        ("size", format!("{}, {} of it data", bytes(manifest.image_size), bytes(manifest.mapped()))),
        ("sha256", manifest.image_sha256.to_string()),
        ("root hash", manifest.root_hash.to_string()),
        ("kernel", format!("{} ({})", manifest.kernel, manifest.arch)),
        ("cmdline", manifest.cmdline.clone()),
        ("table", format!("GPT with a {}", kind_of_mbr(&manifest.hybrid_mbr))),
        ("packages", manifest.packages.len().to_string()),
        ("artifacts", artifacts(manifest)),
        ("k3s", k3s(manifest)),
        ("seed", seed(manifest)),
    ]);
    map(&mut text, manifest.partitions.iter().map(|partition| (bar(partition), Row::of(partition))), "filled");
    text
}

/// What else than packages is in it.
fn artifacts(manifest: &Manifest) -> String {
    let named: Vec<String> =
        manifest.artifacts.iter().map(|artifact| format!("{} {}", artifact.name, artifact.version)).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(", ") }
}

/// Which release of K3s is in it.
fn k3s(manifest: &Manifest) -> String {
    let program = manifest.artifacts.iter().find(|artifact| artifact.name == NAME);
    program
        .map_or_else(|| "none: a node that starts from it joins no cluster".to_owned(), |found| found.version.clone())
}

/// Whose seed is in it.
fn seed(manifest: &Manifest) -> String {
    manifest.node.as_ref().map_or_else(
        || "none: it holds no node's secrets, and lets nobody in".to_owned(),
        |node| format!("of node `{node}`, with that node's secrets"),
    )
}

fn rows(rows: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<10} {value}");
    }
    text
}

/// A partition as its entry in the table has it: how much is in it, only a manifest knows.
#[derive(Debug, Serialize)]
struct Row {
    number: u32,
    label: String,
    #[serde(rename = "type")]
    type_guid: Uuid,
    guid: Uuid,
    offset: u64,
    size: u64,
}

impl Row {
    fn of(partition: &ManifestPartition) -> Self {
        let &ManifestPartition { number, type_guid, guid, offset, size, .. } = partition;
        Self { number, label: partition.label.clone(), type_guid, guid, offset, size }
    }
}

/// Adds the map of the partitions, each with the text of its last column, which is called `title`.
fn map(text: &mut String, partitions: impl Iterator<Item = (String, Row)>, title: &str) {
    let _ = writeln!(text, "\n{:>2} {:<14} {:>10} {:>10}  {title}", "#", "label", "offset", "size");
    for (last, Row { number, label, offset, size, .. }) in partitions {
        let (offset, size) = (bytes(offset), bytes(size));
        let _ = writeln!(text, "{number:>2} {label:<14} {offset:>10} {size:>10}  {last}");
    }
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
