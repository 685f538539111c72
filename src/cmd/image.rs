//! `imgbuild build`: which profile or node becomes an image, from which lock, and where it goes. How it is made, `pipeline`
//! knows.
//!
//! A build whose inputs and outputs are what they were is not done again. A node's image is its profile's, bit for bit,
//! with that node's seed in place of an empty one; no secret may be anywhere else in what is written (`search`).

use std::path::{Path, PathBuf};

use super::Outcome;
use super::cluster::{self, ResolvedNode};
use super::lock as locking;
use super::search::Searcher;
use super::secure_boot;
use super::session::Session;
use crate::cli::{Build, Unlock};
use crate::cluster::secrets::{self, Vault};
use crate::exit::Failure;
use crate::files;
use crate::format::signing::SigningKey;
use crate::image::Manifest;
use crate::lock::Lock;
use crate::output::{bytes, count, shown};
use crate::pipeline::up_to_date::{Check, State};
use crate::pipeline::{self, PipelineError, Plan, Target};
use crate::profile::{self, Board, Profile, ProfileError};

pub(super) fn run(args: &Build, session: &Session<'_>) -> Outcome {
    match (&args.node, &args.profile) {
        (Some(node), _) => run_node(args, node, session),
        (None, Some(profile)) => run_profile(args, profile, session),
        (None, None) => Err(nothing_named()),
    }
}

/// clap sees to it that this does not happen.
pub(super) fn nothing_named() -> Failure {
    Failure::refused("neither a profile nor a node is named").hint("name one: `imgbuild build NAME`")
}

fn run_profile(args: &Build, name: &str, session: &Session<'_>) -> Outcome {
    let output = output_of_profile(args, name, session);
    let (manifest, fresh) = build(session, name, &output, args.k3s.k3s_dir.as_deref(), &args.unlock)?;
    let verb = if fresh { "is up to date" } else { "is built" };
    // In another place a profile's name says nothing.
    let elsewhere = args.output.is_some() || !session.is_here();
    let next = next_of_profile(name, &manifest, elsewhere.then(|| output.join(&manifest.image)));
    let more = serde_json::json!({"up_to_date": fresh, "next": [next]});
    tell(session, &manifest, &output, more, verb, &format!("next: {next}"));
    Ok(())
}

/// A node's image is made anew each time: what it is made of is nothing that a cache should know.
fn run_node(args: &Build, name: &str, session: &Session<'_>) -> Outcome {
    session.open_cache()?;
    let member = cluster::resolve_node(session, name, &args.unlock)?;
    let output = output_of_node(args, &member.name, session);
    check_place(&output)?;
    let lock = locking::for_node(session, &member, args.k3s.k3s_dir.as_deref())?;
    let searcher = Searcher::of_node(session, &member);
    let plan = plan(session, &member.profile, &lock)?;
    let key = secure_boot::key(member.profile.board, &member.secrets)?;
    let manifest = make(session, &plan, Some(&member), &searcher, key.as_ref(), &output)?;
    let file = format!("imgbuild flash --image {}", output.join(&manifest.image).display());
    let direct = format!("imgbuild flash --node {}", member.name);
    let next = format!("next: {file}\nthen delete it: it holds the node's secrets. Without such a file: {direct}");
    let more = serde_json::json!({"node": member.name, "holds_secrets": true, "next": [file, direct]});
    tell(session, &manifest, &output, more, "is built", &next);
    Ok(())
}

/// Where a profile's image goes.
pub(super) fn output_of_profile(args: &Build, name: &str, session: &Session<'_>) -> PathBuf {
    args.output.clone().unwrap_or_else(|| session.output_dir(name))
}

/// Where a node's image goes.
pub(super) fn output_of_node(args: &Build, name: &str, session: &Session<'_>) -> PathBuf {
    args.output.clone().unwrap_or_else(|| session.output_dir("nodes").join(name))
}

/// The command that comes after a build of a profile, into the usual place or into `image`. QEMU shows what a PC starts; of a
/// Pi it has no model that starts from USB, so its image goes onto a stick.
fn next_of_profile(name: &str, manifest: &Manifest, image: Option<PathBuf>) -> String {
    let is_pi = manifest.board == Board::Rpi4.name();
    match (is_pi, image) {
        (false, None) => format!("imgbuild boot {name}"),
        (false, Some(image)) => format!("imgbuild boot {}", image.display()),
        (true, None) => format!("imgbuild flash --profile {name}"),
        (true, Some(image)) => format!("imgbuild flash --image {}", image.display()),
    }
}

fn tell(session: &Session<'_>, manifest: &Manifest, output: &Path, more: serde_json::Value, verb: &str, next: &str) {
    let image = output.join(&manifest.image);
    let mapped: u64 = manifest.ranges.iter().map(|range| range.length).sum();
    let mut result = serde_json::json!({
        "profile": manifest.profile,
        "image": image,
        "image_id": manifest.image_id,
        "image_sha256": manifest.image_sha256,
        "root_hash": manifest.root_hash,
        "packages": manifest.packages.len(),
        "data": mapped,
    });
    let signer = secure_boot::loader_signer(&image);
    let is_uefi = manifest.board != Board::Rpi4.name();
    if is_uefi {
        result["secure_boot"] = serde_json::json!(signer);
    }
    if let (Some(result), serde_json::Value::Object(more)) = (result.as_object_mut(), more) {
        result.extend(more);
    }
    let boot = match signer {
        _ if !is_uefi => String::new(),
        Some(signer) => format!("\nSecure Boot: on, signed by {}", shown(&signer)),
        None => "\nSecure Boot: off, nothing is signed".to_owned(),
    };
    let text = format!(
        "{} {verb}: {}, {} in {} of data{boot}\n{next}",
        image.display(),
        manifest.image_id,
        count(manifest.packages.len(), "package"),
        bytes(mapped),
    );
    session.console.result(&result, &text);
}

/// Builds a profile into `output`, K3s being taken from `k3s_dir` if given; says also whether it was there already.
pub(super) fn build(
    session: &Session<'_>,
    name: &str,
    output: &Path,
    k3s_dir: Option<&Path>,
    unlock: &Unlock,
) -> Result<(Manifest, bool), Failure> {
    session.open_cache()?;
    let profile = profile::load(&session.workspace, name)?;
    check_place(output)?;
    let lock = locking::for_build(session, &profile, k3s_dir)?;
    session.releases(k3s_dir).check_dir(&profile, &lock)?;
    let plan = plan(session, &profile, &lock)?;
    let check = check(session, &plan, &lock, output)?;
    if let Some(State::UpToDate(manifest)) = check.as_ref().map(|check| check.state(&session.cache)) {
        return Ok((*manifest, true));
    }
    let secrets = Searcher::open(session, unlock)?;
    let searcher = Searcher::of_workspace(session, secrets.as_ref())?;
    let key = secrets.map_or(Ok(None), |secrets| secure_boot::key(profile.board, &secrets))?;
    let manifest = make(session, &plan, None, &searcher, key.as_ref(), output)?;
    // Of secrets that could not be opened nobody knows whether they are in it.
    if let Some(check) = check.filter(|_| searcher.is_complete()) {
        check.keep(&session.cache);
    }
    Ok((manifest, false))
}

/// What the image of `profile` will be made of.
pub(super) fn plan<'a>(session: &Session<'_>, profile: &'a Profile, lock: &'a Lock) -> Result<Plan<'a>, Failure> {
    Ok(Plan::new(profile, lock, &session.mirror, &session.k3s_mirror)?)
}

/// Whether the image in `output` is the one of `plan`; none if it cannot be told whether the secrets are what they were:
/// those of the environment leave no trace to compare.
pub(super) fn check(
    session: &Session<'_>,
    plan: &Plan<'_>,
    lock: &Lock,
    output: &Path,
) -> Result<Option<Check>, Failure> {
    // The cluster's nodes too: what is derived for each of them is searched for.
    let watched: Vec<PathBuf> =
        Vault::paths(session.root()).into_iter().chain([session.root().join("cluster.toml")]).collect();
    let ledger = locking::ledger_text(&session.ledger_path())?;
    let is_known = !secrets::are_overridden(std::env::vars_os());
    Ok(is_known.then(|| Check::new(plan, lock, ledger.as_deref(), &watched, output)))
}

/// Makes the image of `plan`, with the seed of `member` if there is one.
fn make(
    session: &Session<'_>,
    plan: &Plan<'_>,
    member: Option<&ResolvedNode>,
    searcher: &Searcher,
    key: Option<&SigningKey>,
    output: &Path,
) -> Result<Manifest, Failure> {
    let ledger = locking::workspace_ledger(&session.ledger_path())?;
    let target = Target {
        dir: output,
        node: member.map(|member| (member.name.as_str(), &member.seed.tree)),
        secure_boot: key,
        search: &|place, reader| searcher.search(place, reader),
    };
    pipeline::run(plan, &target, &ledger, session.tools()).map_err(|error| {
        let mistake = if let PipelineError::Image(error) = &error { error.mistake(plan.profile) } else { None };
        mistake.map_or_else(|| error.into(), |mistake| ProfileError::from(mistake).into())
    })
}

/// Refuses, before all the work, an output directory that is none or that nothing can be written to.
pub(super) fn check_place(output: &Path) -> Result<(), Failure> {
    let existing = files::nearest_existing_ancestor(output);
    if !existing.is_dir() {
        return Err(Failure::refused(format!("`{}` is a file, not a directory for the outputs", existing.display()))
            .hint("name a directory with `--output`: the files in it are called after the profile"));
    }
    files::may_fill(output).map_err(|source| PipelineError::Unwritable { dir: output.to_owned(), source }.into())
}
