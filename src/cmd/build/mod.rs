//! `imgbuild build`: locked packages in, image out.
//!
//! ```text
//! profile + lock ─▶ download ─▶ unpack ─▶ K3s ─▶ effects ─▶ initrd, root (squashfs) ─▶ image
//! ```
//! A build whose inputs and outputs are what they were is not done again. A node's image is its profile's, bit for bit,
//! with that node's seed in place of an empty one; no secret may be anywhere else in what is written (`search`).

mod assemble;
mod fresh;
mod heal;
mod search;

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::Outcome;
use super::cluster::{self, Member};
use super::k3s;
use super::lock as locking;
use super::session::Session;
use crate::cli::{Build, Unlock};
use crate::debian::{Package, deb};
use crate::exit::{Code, Failure};
use crate::fetch::Download;
use crate::image::k3s::Files;
use crate::image::{self, Component, Manifest, ManifestPackage, Parts};
use crate::lock::{Lock, LockedPackage};
use crate::output::{bytes, count};
use crate::profile::{self, Board, Profile, ProfileError};
use fresh::Stamp;
pub(super) use heal::healing;
use search::Searcher;

/// zstd level of the seed, which is tiny.
const SEED_LEVEL: i32 = 3;

pub(super) fn run(args: &Build, session: &Session<'_>) -> Outcome {
    match (&args.node, &args.profile) {
        (Some(node), _) => run_node(args, node, session),
        (None, Some(profile)) => run_profile(args, profile, session),
        (None, None) => {
            Err(Failure::refused("neither a profile nor a node is named").hint("name one: `imgbuild build NAME`"))
        }
    }
}

fn run_profile(args: &Build, name: &str, session: &Session<'_>) -> Outcome {
    let output = args.output.clone().unwrap_or_else(|| session.output_dir(name));
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
    let member = cluster::member(session, name, &args.unlock)?;
    let output = args.output.clone().unwrap_or_else(|| session.output_dir("nodes").join(&member.name));
    check_place(&output)?;
    let lock = locking::for_member(session, &member, args.k3s.k3s_dir.as_deref())?;
    let searcher = Searcher::of_member(session, &member);
    let job =
        Job { profile: &member.profile, lock: &lock, member: Some(&member), searcher: &searcher, output: &output };
    let manifest = job.run(session)?;
    let file = format!("imgbuild flash --image {}", output.join(&manifest.image).display());
    let direct = format!("imgbuild flash --node {}", member.name);
    let next = format!("next: {file}\nthen delete it: it holds the node's secrets. Without such a file: {direct}");
    let more = serde_json::json!({"node": member.name, "holds_secrets": true, "next": [file, direct]});
    tell(session, &manifest, &output, more, "is built", &next);
    Ok(())
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
    if let (Some(result), serde_json::Value::Object(more)) = (result.as_object_mut(), more) {
        result.extend(more);
    }
    let text = format!(
        "{} {verb}: {}, {} in {} of data\n{next}",
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
    let profile = profile::load(&session.workspace, name)?;
    check_place(output)?;
    let lock = locking::for_build(session, &profile, k3s_dir)?;
    if let Some(dir) = k3s_dir {
        k3s::check_dir(session, &profile, &lock, dir)?;
    }
    let stamp = Stamp::new(session, &profile, &lock, output);
    if let Some(manifest) = stamp.as_ref().and_then(|stamp| stamp.check(&session.cache, output)) {
        return Ok((manifest, true));
    }
    let searcher = Searcher::of_workspace(session, unlock)?;
    let manifest = Job { profile: &profile, lock: &lock, member: None, searcher: &searcher, output }.run(session)?;
    if let Some(stamp) = stamp.filter(|_| searcher.is_complete()) {
        stamp.keep(&session.cache, output);
    }
    Ok((manifest, false))
}

/// What the seed partition of a node's stick holds.
pub(super) fn seed(member: &Member, epoch: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    assemble::seed(&member.seed.tree, SEED_LEVEL, epoch)
}

/// One image to be made.
struct Job<'a> {
    profile: &'a Profile,
    lock: &'a Lock,
    /// The node whose seed goes in; none for an image that can be published.
    member: Option<&'a Member>,
    searcher: &'a Searcher,
    output: &'a Path,
}

/// Locked packages (sorted by name), opened; `wanted` says where each of them is. Those that were unpacked before are not
/// downloaded again, nor is their download looked at.
pub(super) fn unpacked(
    session: &Session<'_>,
    wanted: &[Download],
    locked: &[&LockedPackage],
) -> Result<Vec<Package>, Failure> {
    let _guard = session.cache.guard();
    let packs = session.cache.packs();
    let mut found: Vec<Option<Package>> =
        wanted.par_iter().map(|download| deb::unpacked(download.sha256, &packs)).collect();
    let missing: Vec<usize> = (0..wanted.len()).filter(|number| found[*number].is_none()).collect();
    for (number, package) in unpack(session, wanted, &missing, &packs)? {
        found[number] = Some(package);
    }
    let mut packages: Vec<Package> = found.into_iter().flatten().collect();
    for (package, expected) in packages.iter().zip(locked) {
        check_names(package, expected)?;
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// Downloads and unpacks those of `wanted` whose numbers are in `missing`.
fn unpack(
    session: &Session<'_>,
    wanted: &[Download],
    missing: &[usize],
    packs: &Path,
) -> Result<Vec<(usize, Package)>, Failure> {
    const PHASE: &str = "unpack";
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let progress = session.console.progress();
    let downloads: Vec<Download> = missing.iter().map(|number| wanted[*number].clone()).collect();
    let paths = session.fetcher.fetch_all(&downloads, progress)?;
    progress.begin(PHASE, downloads.iter().filter_map(|download| download.size).sum());
    // The largest first, each taken by whoever is free: one thread must not be left alone with the kernel at the end.
    let mut order: Vec<(usize, PathBuf)> = missing.iter().copied().zip(paths).collect();
    order.sort_by_key(|(number, _)| Reverse(wanted[*number].size));
    let unpacked = order
        .iter()
        .par_bridge()
        .map(|(number, path)| {
            let download = &wanted[*number];
            let package =
                deb::open(path, download.sha256, packs).map_err(|error| Failure::from(error).about(&download.name))?;
            progress.advance(PHASE, download.size.unwrap_or(0));
            Ok((*number, package))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let known = wanted.len() - missing.len();
    progress.finish(PHASE, &format!("{}, {known} of them unpacked before", count(wanted.len(), "package")));
    Ok(unpacked)
}

/// Refuses a package that is not the one that the lock means.
fn check_names(package: &Package, expected: &LockedPackage) -> Result<(), Failure> {
    if (package.name.as_str(), package.version.as_str()) == (&expected.name, &expected.version) {
        return Ok(());
    }
    Err(Failure {
        code: Code::Verification,
        ..Failure::refused(format!(
            "the lock calls a package {} {}, but its file says {} {}",
            expected.name, expected.version, package.name, package.version
        ))
        .hint("run `imgbuild lock --update`")
    })
}

impl Job<'_> {
    fn run(&self, session: &Session<'_>) -> Result<Manifest, Failure> {
        let _guard = session.cache.guard();
        let downloads = self.lock.downloads(&self.profile.name, &session.mirror);
        healing(session, &downloads, || self.work(session, &downloads))
    }

    fn work(&self, session: &Session<'_>, downloads: &[Download]) -> Result<Manifest, Failure> {
        let Self { profile, lock, .. } = *self;
        let locked: Vec<&LockedPackage> = lock.packages_of(&profile.name).collect();
        let packages = unpacked(session, downloads, &locked)?;
        locking::judge(session, &packages)?;
        let k3s = k3s::fetch(session, profile, lock)?;
        let components: Vec<Component> = packages
            .iter()
            .zip(locked)
            .map(|(package, locked)| Component::new(package, &locked.sha256.to_string()))
            .collect();
        self.assemble(session, &packages, &components, k3s.as_ref())
    }

    fn assemble(
        &self,
        session: &Session<'_>,
        packages: &[Package],
        components: &[Component],
        k3s: Option<&Files>,
    ) -> Result<Manifest, Failure> {
        let Self { profile, lock, member, searcher, output } = *self;
        let progress = session.console.progress();
        let epoch = lock.expect(profile)?.epoch;
        let tree = assemble::tree(session, profile, packages, k3s, &lock.ids, epoch)?;
        searcher.search_tree(&tree)?;
        let root = image::without_boot_files(&tree);
        let mut squashfs =
            tempfile::tempfile_in(image::standing(output)).map_err(|error| unwritable(output, &error))?;
        // Neither keeps all cores busy from its beginning to its end.
        let ((kernel, initrd), written) = rayon::join(
            || {
                rayon::join(
                    || assemble::kernel(session, profile, &tree),
                    || assemble::initrd(session, profile, &tree, epoch),
                )
            },
            || assemble::squashfs(session, profile, &root, epoch, &mut squashfs),
        );
        let (kernel, initrd) = (kernel?, initrd?);
        written.map_err(|failure| failure.about(&format!("root file system in `{}`", output.display())))?;
        let empty = image::seed::empty();
        let seed = assemble::seed(member.map_or(&empty, |member| &member.seed.tree), SEED_LEVEL, epoch)?;
        let artifacts: Vec<ManifestPackage> = lock
            .artifacts_of(&profile.name)
            .map(|artifact| ManifestPackage {
                name: artifact.name.clone(),
                version: artifact.version.clone(),
                arch: artifact.arch.name().to_owned(),
                sha256: artifact.sha256.to_string(),
            })
            .collect();
        let parts = Parts {
            profile,
            epoch,
            packages: components,
            artifacts: &artifacts,
            tree: &tree,
            kernel: &kernel,
            root: &root,
            squashfs: &squashfs,
            initrd: &initrd,
            seed: &seed,
            name: member.map_or(&profile.name, |member| &member.name),
            private: member.is_some(),
            search: &|place, reader| searcher.search(place, reader),
        };
        image::write(&parts, output, progress).map_err(|error| match error.mistake(profile) {
            Some(mistake) => ProfileError::from(mistake).into(),
            None => error.into(),
        })
    }
}

/// Refuses, before all the work, an output directory that is none.
pub(super) fn check_place(output: &Path) -> Result<(), Failure> {
    let standing = image::standing(output);
    if standing.is_dir() {
        return Ok(());
    }
    Err(Failure::refused(format!("`{}` is a file, not a directory for the outputs", standing.display()))
        .hint("name a directory with `--output`: the files in it are called after the profile"))
}

fn unwritable(dir: &Path, error: &std::io::Error) -> Failure {
    Failure::io(Code::Refused, format!("cannot write to `{}`", dir.display()), error)
        .hint("make room, or choose another directory with `--output`")
}
