//! `imgbuild verify`: is a stick, or an image, what its manifest says?

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Outcome;
use super::build;
use super::cluster;
use super::session::Session;
use crate::cli::Verify;
use crate::exit::{Code, Failure};
use crate::flash::verify::Difference;
use crate::image::Manifest;
use crate::output::{bytes, count};

const PHASE: &str = "verify";
/// Differences shown.
const SHOWN: usize = 10;

pub(super) fn run(args: &Verify, session: &Session<'_>) -> Outcome {
    let file = manifest_of(args)?;
    let manifest: Manifest = std::fs::read(&file).map_err(|error| unreadable(&file, &error)).and_then(|text| {
        serde_json::from_slice(&text).map_err(|error| {
            Failure::new(Code::Refused, &error)
                .about(&file.display().to_string())
                .hint("`imgbuild build` writes it as manifest.json")
        })
    })?;
    let seed = match &args.node {
        Some(node) => Some(build::seed(&cluster::member(session, node, &args.unlock)?, manifest.epoch)?),
        None => None,
    };
    let data: u64 = manifest.ranges.iter().map(|range| range.length).sum();
    let progress = session.console.progress();
    progress.begin(PHASE, data);
    let found = differences(&args.target, &manifest, seed.as_deref().map(Vec::as_slice), &mut |more| {
        progress.advance(PHASE, more);
    })?;
    progress.finish(PHASE, &format!("{} of {}", bytes(data), manifest.image_id));
    if !found.is_empty() {
        return Err(different(args, &found));
    }
    let value = json!({
        "target": args.target,
        "image_id": manifest.image_id,
        "profile": manifest.profile,
        "node": args.node,
        "verified": true,
    });
    let node = args.node.as_ref().map_or(String::new(), |node| format!(" with the seed of node `{node}`"));
    let text = format!("{} holds {} {}{node}", args.target.display(), manifest.profile, manifest.image_id);
    session.console.result(&value, &text);
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
        .hint("add `--manifest FILE`: `imgbuild build` writes it as manifest.json"))
}

#[cfg(target_os = "linux")]
fn differences(
    target: &Path,
    manifest: &Manifest,
    seed: Option<&[u8]>,
    advance: &mut dyn FnMut(u64),
) -> Result<Vec<Difference>, Failure> {
    use crate::flash::block::Block;
    use crate::flash::verify;
    let target = Block::reading(target).map_err(|error| unreadable(target, &error))?;
    Ok(verify::differences(&target, manifest, seed, advance)?)
}

#[cfg(not(target_os = "linux"))]
fn differences(_: &Path, _: &Manifest, _: Option<&[u8]>, _: &mut dyn FnMut(u64)) -> Result<Vec<Difference>, Failure> {
    Err(Failure::refused("reading devices is done on Linux alone so far")
        .hint("`imgbuild inspect --verify` reads image files"))
}

fn different(args: &Verify, found: &[Difference]) -> Failure {
    let line = |difference: &Difference| {
        let Difference { part, offset, length, problem } = difference;
        format!("`{part}`, {length} bytes at {offset} (sector {}): {problem}", offset / 512)
    };
    let mut causes: Vec<String> = found.iter().take(SHOWN).map(line).collect();
    if found.len() > SHOWN {
        causes.push(format!("{} more", count(found.len() - SHOWN, "range")));
    }
    let only_seed = found.iter().all(|difference| difference.part == "seed");
    let hint = if only_seed && args.node.is_none() {
        "the seed alone is another one: if the stick is a node's, name it with `--node`"
    } else {
        "flash it again; if that does not help, take another stick"
    };
    let message = format!("{} is not what its manifest says", args.target.display());
    Failure { code: Code::Verification, causes, ..Failure::refused(message) }.hint(hint)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "disks are read by root alone: run it with sudo"
    } else {
        "name a disk or an image file that can be read"
    };
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error).hint(hint)
}
