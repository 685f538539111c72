//! `imgbuild verify`: is a stick, or an image, what its manifest says?

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
use crate::flash::verify::{Difference, End, Report, Sign};
use crate::format::Packing;
use crate::image::{self, Manifest};
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
        Some(node) => Some(pipeline::seed(&cluster::member(session, node, &args.unlock)?.seed.tree, manifest.epoch)?),
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
        "signs": found.signs,
        "backup_table": found.backup,
    });
    if !found.differences.is_empty() {
        // Programs get all of them; people are told with the error.
        session.console.result(&value, "");
        return Err(different(args, &manifest, &found, session));
    }
    let node = args.node.as_ref().map_or(String::new(), |node| format!(" with the seed of node `{node}`"));
    let text = format!("{} holds {} {}{node}", args.target.display(), manifest.profile, manifest.image_id);
    if let Some(warning) = manifest.boot_warning() {
        progress.warn(warning);
    }
    let note = if found.backup == Some(End::Image) { COPIED } else { "" };
    session.console.result(&value, &format!("{text}{note}"));
    Ok(())
}

/// A directory that a build wrote stands for the image in it.
fn of_directory(args: Verify) -> Result<Verify, Failure> {
    if !args.target.is_dir() {
        return Ok(args);
    }
    Ok(Verify { target: Finished::open(&args.target)?.image(), ..args })
}

/// Of a disk whose backup table lies where the image ends.
const COPIED: &str = "
the backup of its partition table lies where the image ends, not at the end of the disk: `flash` did not write it. A node
starts from it, and moves the backup when it makes its partition `state` at its first start";
const WRITTEN_BY: &str = "`imgbuild build` writes it as manifest.json";

/// Refuses what is neither a disk nor an image as it is: some things would never end, others have nothing at the place of
/// any range.
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

/// The manifest that is named, else the one beside an image.
fn manifest_of(args: &Verify) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.manifest {
        return Ok(path.clone());
    }
    let beside = args.target.with_file_name("manifest.json");
    if args.target.is_file() && beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::refused(format!("nothing says what {} must be", args.target.display()))
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
    Err(Failure::refused("reading devices is done on Linux alone so far")
        .hint("`imgbuild inspect --verify` reads image files"))
}

/// What to say of a target that differs.
fn different(args: &Verify, manifest: &Manifest, report: &Report, session: &Session<'_>) -> Failure {
    let found = &report.differences;
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
    let mut causes: Vec<String> = report.signs.iter().map(Sign::to_string).collect();
    causes.extend(found.iter().take(SHOWN).map(line));
    if found.len() > SHOWN {
        causes.push(format!("{} more", count(found.len() - SHOWN, "range")));
    }
    let again = match &args.node {
        Some(node) => format!("flash it again: `imgbuild flash --node {node}`"),
        None => format!("flash it again: `imgbuild flash --profile {}`, or `--node NAME`", manifest.profile),
    };
    // All data is right, so it is rather a program that changed the table than a stick that fails.
    let is_changed_table = found
        .iter()
        .all(|difference| difference.part == "partition table" && !difference.problem.starts_with("cannot be read"));
    let is_written_by_others = |sign: &Sign| matches!(sign, Sign::Added { .. } | Sign::NotClosed { .. });
    let hint = if report.signs.iter().any(is_written_by_others) {
        format!(
            "another system has written to it after it was flashed; {again}, and take it out as soon as that is done: `flash` switches it off, so that no other system sees it"
        )
    } else if report.signs.iter().any(|sign| matches!(sign, Sign::TablesDiffer { skipped: true, .. }))
        || is_changed_table
    {
        again
    } else {
        format!("{again}; if that does not help, take another stick")
    };
    let message = format!("{} is not what its manifest says", args.target.display());
    Failure { code: Code::Verification, causes, ..Failure::refused(message) }.hint(hint)
}

/// Of a target whose partition table is another image's; none if all but the table's name is this one's.
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
            .hint("give `--manifest` of the image that was written, or flash it anew"),
    )
}

/// Whose seed a target has.
enum Holder {
    /// The empty one of a profile's image.
    Nobody,
    Node(String),
    /// That of no node as the cluster is now.
    Unknown,
}

/// What cannot be read or made is not the one that is looked for: that the target differs is known by now.
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
    let mut members = of_profile.filter_map(|node| cluster::member(session, &node.name, &args.unlock).ok());
    members.find(|member| has(&member.seed.tree)).map_or(Holder::Unknown, |member| Holder::Node(member.name))
}

/// Of a target that is right but for its seed.
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
            format!("take the stick of `{node}`, or make this one that: `imgbuild flash --node {node}`"),
        ),
        (Some(node), Holder::Unknown) => (
            format!("{target} is not the stick of node `{node}` as cluster.toml and secrets are now"),
            "all but its seed is right; the seed is an older one of this node, another node's, or damaged".to_owned(),
            format!("flash it again: `imgbuild flash --node {node}`"),
        ),
        (None, Holder::Node(other)) => (
            format!("{target} is not what its manifest says"),
            format!("its seed alone differs: it is that of node `{other}`"),
            format!("say that it is this node's: add `--node {other}`"),
        ),
        (None, Holder::Nobody | Holder::Unknown) => (
            format!("{target} is not what its manifest says"),
            "its seed alone differs".to_owned(),
            "if the stick is a node's, name it with `--node`".to_owned(),
        ),
    };
    Failure { code: Code::Verification, causes: vec![cause], ..Failure::refused(message) }.hint(hint)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "disks are read by root alone: run it with sudo"
    } else {
        "name a disk or an image file that can be read"
    };
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error).hint(hint)
}
