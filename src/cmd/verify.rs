//! `imgbuild verify`: compares a stick or an image with its manifest.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Outcome;
use super::cluster;
use super::disk::Disk;
use super::finished::Finished;
use super::manifest;
use super::session::Session;
use crate::cli::Verify;
use crate::exit::{Code, Failure};
use crate::flash::verify::{BackupTable, Difference, FatAnomaly, Report};
use crate::format::Packing;
use crate::image::{self, Manifest, ManifestPartition};
use crate::output::{bytes, count, shown};
use crate::pipeline;
use crate::tree::Tree;

const PHASE: &str = "verify";
/// Differences shown.
const SHOWN: usize = 10;

pub(super) fn run(args: Verify, session: &Session<'_>) -> Outcome {
    let args = &of_directory(args)?;
    check_kind(&args.target)?;
    let file = manifest_of(args)?;
    let text = manifest::read(&file).map_err(|error| {
        Failure::io(Code::Refused, format!("cannot read {}", file.display()), &error).hint(WRITTEN_BY)
    })?;
    let manifest = manifest::parse(&text, &file.display().to_string(), Code::Refused, WRITTEN_BY)?;
    let seed = match &args.node {
        Some(node) => {
            Some(pipeline::seed(&cluster::resolve_node(session, node, &args.unlock)?.seed.tree, manifest.epoch)?)
        }
        None => None,
    };
    let data = manifest.mapped();
    let progress = session.console.progress();
    progress.begin(PHASE, data);
    let found = differences(&args.target, &manifest, seed.as_deref().map(Vec::as_slice), &mut |more| {
        progress.advance(PHASE, more);
    })?;
    progress.finish(PHASE, &format!("{} of {}", bytes(data), manifest.image_id));
    let value = json!({
        "target": args.target,
        "image_id": manifest.image_id,
        "profile": manifest.profile,
        "node": args.node,
        "verified": found.differences.is_empty(),
        "differences": found.differences,
        "signs": found.anomalies,
        "backup_table": found.backup,
    });
    if !found.differences.is_empty() {
        // The JSON result lists all differences; for people the error shows the first ones.
        session.console.result(&value, "");
        return Err(different(args, &manifest, &found, session));
    }
    let node = args.node.as_ref().map_or(String::new(), |node| format!(" with the seed of node `{node}`"));
    let text = format!("{} holds {} {}{node}", args.target.display(), manifest.profile, manifest.image_id);
    if let Some(warning) = manifest.boot_warning() {
        progress.warn(warning);
    }
    let note = if found.backup == Some(BackupTable::AtImageEnd) { COPIED } else { "" };
    session.console.result(&value, &format!("{text}{note}"));
    Ok(())
}

/// Replaces a directory that a build wrote by the image in it.
fn of_directory(args: Verify) -> Result<Verify, Failure> {
    if !args.target.is_dir() {
        return Ok(args);
    }
    Ok(Verify { target: Finished::open(&args.target)?.image(), ..args })
}

/// The note on a disk whose backup partition table lies where the image ends.
const COPIED: &str = "
the backup of its partition table lies where the image ends, not at the end of the disk: `flash` did not write it. A node
starts from it, and moves the backup when it makes its partition `state` at its first start";
const WRITTEN_BY: &str = "`imgbuild build` writes it as manifest.json";

/// Refuses a target that is neither a disk nor an uncompressed image file: reading a pipe might never end, and a compressed
/// file has other bytes at the offsets of the ranges.
fn check_kind(target: &Path) -> Result<(), Failure> {
    let kind = fs::metadata(target).map_err(|error| unreadable(target, &error))?.file_type();
    if kind.is_block_device() {
        return Ok(());
    }
    if !kind.is_file() {
        return Err(Failure::refused(format!("{} is neither a disk nor an image file", target.display()))
            .hint("name the disk itself, or the image file that `imgbuild build` wrote"));
    }
    let mut first = Vec::new();
    let read = File::open(target).and_then(|file| file.take(Packing::MAGIC).read_to_end(&mut first));
    read.map_err(|error| unreadable(target, &error))?;
    if Packing::of(&first).is_some() {
        return Err(Failure::refused(format!(
            "{} is compressed: `flash` reads such an image, `verify` does not",
            target.display()
        ))
        .hint("unpack it, and name the image itself; SHA256SUMS has the digest of the compressed file"));
    }
    Ok(())
}

/// The manifest that the command line names, else the one beside the image.
fn manifest_of(args: &Verify) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.manifest {
        return Ok(path.clone());
    }
    let beside = args.target.with_file_name("manifest.json");
    if args.target.is_file() && beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::refused(format!("there is no manifest to compare {} with", args.target.display()))
        .hint(format!("add `--manifest FILE`: {WRITTEN_BY}")))
}

#[cfg(target_os = "linux")]
fn differences(
    target: &Path,
    manifest: &Manifest,
    seed: Option<&[u8]>,
    advance: &mut dyn FnMut(u64),
) -> Result<Report, Failure> {
    use crate::flash::block::Block;
    use crate::flash::verify;
    let target = Block::reading(target).map_err(|error| unreadable(target, &error))?;
    Ok(verify::differences(&target, manifest, seed, advance)?)
}

#[cfg(target_os = "linux")]
fn has_seed(target: &Path, manifest: &Manifest, seed: &[u8]) -> Result<bool, Failure> {
    use crate::flash::block::Block;
    use crate::flash::verify;
    let target = Block::reading(target).map_err(|error| unreadable(target, &error))?;
    Ok(verify::has_seed(&target, manifest, seed)?)
}

#[cfg(not(target_os = "linux"))]
fn has_seed(_: &Path, _: &Manifest, _: &[u8]) -> Result<bool, Failure> {
    Ok(false)
}

#[cfg(not(target_os = "linux"))]
fn differences(_: &Path, _: &Manifest, _: Option<&[u8]>, _: &mut dyn FnMut(u64)) -> Result<Report, Failure> {
    Err(Failure::refused("reading devices works only on Linux so far")
        .hint("`imgbuild inspect --verify` reads image files"))
}

/// The failure for a target that differs.
fn different(args: &Verify, manifest: &Manifest, report: &Report, session: &Session<'_>) -> Failure {
    let found = &report.differences;
    if let Some(failure) = no_image(args, manifest, found) {
        return failure;
    }
    if report.is_other_image
        && let Some(failure) = other_image(args, manifest)
    {
        return failure;
    }
    let is_of_seed =
        |difference: &Difference| difference.part == "seed" && !difference.problem.starts_with("cannot be read");
    if found.iter().all(is_of_seed) {
        return other_seed(args, manifest, &holder(args, manifest, session));
    }
    let line = |difference: &Difference| {
        let Difference { part, offset, length, problem } = difference;
        format!("`{part}`, {length} bytes at {offset} (sector {}): {problem}", offset / 512)
    };
    let mut causes: Vec<String> = report.anomalies.iter().map(FatAnomaly::to_string).collect();
    causes.extend(found.iter().take(SHOWN).map(line));
    if found.len() > SHOWN {
        causes.push(format!("{} more", count(found.len() - SHOWN, "range")));
    }
    let again = match &args.node {
        Some(node) => format!("flash it again: `imgbuild flash --node {node}`"),
        None => format!("flash it again: `imgbuild flash --profile {}`, or `--node NAME`", manifest.profile),
    };
    // All data is right, so probably a program changed the table, and the stick is not at fault.
    let is_changed_table = found
        .iter()
        .all(|difference| difference.part == "partition table" && !difference.problem.starts_with("cannot be read"));
    let is_written_by_others =
        |anomaly: &FatAnomaly| matches!(anomaly, FatAnomaly::Added { .. } | FatAnomaly::NotClosed { .. });
    let hint = if report.anomalies.iter().any(is_written_by_others) {
        format!(
            "another system has written to it after it was flashed; {again}, and unplug it afterwards: `flash` switches it off, so that no other system mounts it"
        )
    } else if report.anomalies.iter().any(|anomaly| matches!(anomaly, FatAnomaly::TablesDiffer { skipped: true, .. }))
        || is_changed_table
    {
        again
    } else {
        format!("{again}; if that does not help, take another stick")
    };
    let message = format!("{} is not what its manifest says", args.target.display());
    Failure { code: Code::Verification, causes, ..Failure::refused(message) }.hint(hint)
}

/// The failure for a target that holds no image, or only the beginning of one, where every part would differ.
fn no_image(args: &Verify, manifest: &Manifest, found: &[Difference]) -> Option<Failure> {
    let differs = |offset: u64| found.iter().any(|difference| difference.offset == offset);
    let end_of = |part: &ManifestPartition| part.offset.saturating_add(part.size);
    let is_inside = |offset: u64| manifest.partitions.iter().any(|part| (part.offset..end_of(part)).contains(&offset));
    // The partition tables are not compared on a target of another size.
    let mut inside = manifest.ranges.iter().map(|range| range.offset).filter(|offset| is_inside(*offset));
    match Disk::open(&args.target) {
        Ok(disk) if disk.size < manifest.image_size => {
            let message = format!("{} is cut short", args.target.display());
            let cause = format!("it has {} bytes, the image {}", disk.size, manifest.image_size);
            let hint = "copy it again, or build it again; a disk must be as large as the image at least";
            Some(Failure { code: Code::Verification, causes: vec![cause], ..Failure::refused(message) }.hint(hint))
        }
        Err(failure) if inside.all(differs) => Some(failure),
        _ => None,
    }
}

/// The failure for a target with another image's partition table; none if the target has this image's id all the same.
fn other_image(args: &Verify, manifest: &Manifest) -> Option<Failure> {
    let holds = Disk::open(&args.target).ok().and_then(|disk| disk.image_id());
    if holds.as_ref() == Some(&manifest.image_id) {
        return None;
    }
    let id = holds.map_or_else(|| "of no known id".to_owned(), |id| shown(&id));
    let message =
        format!("{} holds another image than {} {}", args.target.display(), manifest.profile, manifest.image_id);
    let causes = vec![format!("the image on it is {id}")];
    Some(
        Failure { code: Code::Verification, causes, ..Failure::refused(message) }
            .hint("name the manifest of the image that was written with `--manifest`, or flash the disk again"),
    )
}

/// Whose seed a target has.
enum Holder {
    /// Nobody's: it is the empty seed of a profile's image.
    Nobody,
    Node(String),
    /// It is not the seed of any node as the cluster is now.
    Unknown,
}

/// Finds out whose seed the target has. Nodes whose seed cannot be made, or compared, are skipped: the target is already
/// known to differ, and this only improves the message.
fn holder(args: &Verify, manifest: &Manifest, session: &Session<'_>) -> Holder {
    let has = |seed: &Tree| {
        let seed = pipeline::seed(seed, manifest.epoch);
        seed.is_ok_and(|seed| has_seed(&args.target, manifest, &seed).unwrap_or_default())
    };
    if has(&image::seed::empty()) {
        return Holder::Nobody;
    }
    let Ok((cluster, _)) = cluster::load(session) else { return Holder::Unknown };
    let of_profile = cluster.nodes.values().filter(|node| node.profile == manifest.profile);
    let mut members = of_profile.filter_map(|node| cluster::resolve_node(session, &node.name, &args.unlock).ok());
    members.find(|member| has(&member.seed.tree)).map_or(Holder::Unknown, |member| Holder::Node(member.name))
}

/// The failure for a target of which only the seed differs.
fn other_seed(args: &Verify, manifest: &Manifest, holder: &Holder) -> Failure {
    let target = args.target.display();
    let wanted = args.node.as_ref().or(manifest.node.as_ref());
    let (message, cause, hint) = match (wanted, holder) {
        (Some(node), Holder::Nobody) => (
            format!("{target} is not the stick of node `{node}`"),
            "it holds the image without a seed".to_owned(),
            format!("write it with the node's seed: `imgbuild flash --node {node}`"),
        ),
        (Some(node), Holder::Node(other)) => (
            format!("{target} is not the stick of node `{node}`"),
            format!("it holds the image with the seed of node `{other}`"),
            format!("verify the stick of `{node}`, or flash this one for it: `imgbuild flash --node {node}`"),
        ),
        (Some(node), Holder::Unknown) => (
            format!("{target} is not the stick of node `{node}` as cluster.toml and secrets are now"),
            "only its seed differs: it is an older one of this node, another node's, or damaged".to_owned(),
            format!("flash it again: `imgbuild flash --node {node}`"),
        ),
        (None, Holder::Node(other)) => (
            format!("{target} is not what its manifest says"),
            format!("only its seed differs: it is that of node `{other}`"),
            format!("to verify it as this node's stick, add `--node {other}`"),
        ),
        (None, Holder::Nobody | Holder::Unknown) => (
            format!("{target} is not what its manifest says"),
            "only its seed differs".to_owned(),
            "if the stick is a node's, name the node with `--node`".to_owned(),
        ),
    };
    Failure { code: Code::Verification, causes: vec![cause], ..Failure::refused(message) }.hint(hint)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "only root may read disks: run it with sudo"
    } else {
        "name a disk or an image file that can be read"
    };
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error).hint(hint)
}
