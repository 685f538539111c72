//! `imgbuild lock`: from profiles and archives to exact packages, with every maintainer script accounted for.
//!
//! ```text
//! profiles ─▶ verified indexes ─▶ selection ─▶ packages downloaded and opened ─▶ ledger, account numbers ─▶ imgbuild.lock
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::cluster::ResolvedNode;
use super::session::{Session, now};
use super::{Outcome, k3s};
use crate::cli;
use crate::cluster;
use crate::debian::archive::{self, FetchedIndex};
use crate::effects::ledger::{Ledger, Verdict};
use crate::effects::{self, Context};
use crate::exit::{Code, Failure};
use crate::fetch::Download;
use crate::fetch::k3s::NAME;
use crate::files;
use crate::kernel_module;
use crate::lock::{
    self, CriticalChangeError, Indexes, Lock, LockedKernelModule, LockedPackage, OutdatedError, Toolchain, Update,
};
use crate::output::count;
use crate::pipeline::scripts::{Ids, Subject};
use crate::pipeline::{self, ForProfile, Moves, PipelineError, Plan, PlannedPackage, Releases};
use crate::profile::{self, Profile, Registration, Source};
use crate::scripts::Installed;
use crate::tree::Digest;

pub(super) fn run(args: &cli::Lock, session: &Session<'_>) -> Outcome {
    if !args.check {
        session.open_cache()?;
    }
    let guard = if args.check { None } else { session.guard_lock() };
    let mut old = load(session)?;
    let Chosen { profiles, gone } = choose(session, args.profile.as_deref(), &old)?;
    if args.check {
        return check(session, &profiles, &gone, &old);
    }
    let update = match args.update.as_deref() {
        None => Update::Nothing,
        Some([]) => Update::Everything,
        Some(packages) => Update::Packages(packages),
    };
    let dir = args.k3s.k3s_dir.as_deref();
    if let Update::Packages(names) = update
        && let Some(name) = names.iter().find(|name| !is_known(name, &old, &profiles))
    {
        return Err(Failure::refused(format!("no locked profile has a package `{name}`"))
            .hint("`imgbuild inspect --json` lists an image's packages; `imgbuild lock --update` updates all"));
    }
    for name in &gone {
        old.remove(name);
    }
    let ledger = workspace_ledger(&session.ledger_path())?;
    let mut lock = old.clone();
    let releases = session.releases(dir);
    let moves = releases.moves(&profiles, &lock, update)?;
    for profile in &profiles {
        let adds_k3s = dir.is_some() && lock.lacks_release(profile);
        if update != Update::Nothing || adds_k3s || expect_all(profile, &lock, &ledger).is_err() {
            lock = locked(session, profile, lock, update, releases, &moves)?;
        }
    }
    releases.follow(&profiles, &mut lock, &moves)?;
    if let Some(cluster) = cluster::load(&session.workspace)? {
        lock.record_critical(&cluster.critical_values(), args.accept_critical_change)?;
        if args.accept_critical_change {
            let sound = |node: &cluster::Node| Some((node.name.clone(), registration(session, node)?));
            lock.accept_nodes(&cluster.nodes.values().filter_map(sound).collect());
        }
    }
    lock.save(&session.lock_path())?;
    drop(guard);
    let dropped = gone.iter().map(|name| format!("- profile {name}, which is no more"));
    let changes: Vec<String> = dropped.chain(lock::diff(&old, &lock).iter().map(ToString::to_string)).collect();
    let mut text = changes.join("\n");
    if changes.is_empty() {
        "nothing changed".clone_into(&mut text);
    }
    // A directory tells no release's line anything new.
    let (lines, ends) = if dir.is_none() { k3s::ends(&moves) } else { (Vec::new(), Vec::new()) };
    for line in lines {
        text = format!("{text}\n{line}");
    }
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    let next = format!("imgbuild build {}", if let [name] = names[..] { name } else { "NAME" });
    // Of what is locked for the first time all lines are new, and none says what they come to.
    if names.iter().any(|name| !old.profiles.contains_key(*name)) {
        let path =
            if session.is_here() { "imgbuild.lock".to_owned() } else { session.lock_path().display().to_string() };
        let packages = count(lock.packages.len(), "package");
        text = format!("{text}\n{path} is written: {packages}; locked now: {}\nnext: {next}", names.join(", "));
    }
    let result = serde_json::json!({
        "lock": session.lock_path(),
        "changes": changes,
        "k3s": ends,
        "packages": lock.packages.len(),
        "profiles": names,
        "next": [next],
    });
    session.console.result(&result, &text);
    Ok(())
}

/// The lock to build `profile` from: the workspace's, or one written now.
pub(super) fn for_build(session: &Session<'_>, profile: &Profile, k3s_dir: Option<&Path>) -> Result<Lock, Failure> {
    let lock = load(session)?;
    if is_locked(&lock, profile)? {
        // With a directory, what is missing is an error of its own.
        if k3s_dir.is_none() {
            k3s::warn_missing(session, profile, &lock);
        }
        let ledger = workspace_ledger(&session.ledger_path())?;
        pipeline::declared::expect(profile, lock.packages_of(&profile.name), &ledger)?;
        return Ok(lock);
    }
    let _guard = session.guard_lock();
    // Another run may have changed it in the meantime.
    let mut lock = load(session)?;
    if !is_locked(&lock, profile)? {
        lock = locked(session, profile, lock, Update::Nothing, session.releases(k3s_dir), &Moves::new())?;
        lock.save(&session.lock_path())?;
    }
    Ok(lock)
}

/// As [`for_build`], for a node's image, whose cluster the lock then knows.
pub(super) fn for_node(session: &Session<'_>, member: &ResolvedNode, k3s_dir: Option<&Path>) -> Result<Lock, Failure> {
    let lock = for_build(session, &member.profile, k3s_dir)?;
    session.releases(k3s_dir).check_dir(&member.profile, &lock)?;
    let _guard = session.guard_lock();
    let mut lock = load(session)?;
    let is_new = lock.record_node(&member.name, &member.registration);
    if lock.record_critical(&member.critical, false)? || is_new {
        lock.save(&session.lock_path())?;
    }
    Ok(lock)
}

/// What a node registers with; none if its profile cannot be read, which others tell.
fn registration(session: &Session<'_>, node: &cluster::Node) -> Option<Registration> {
    Some(node.registration(&profile::load(&session.workspace, &node.profile).ok()?))
}

/// Whether a name can be told to update: a locked package, or K3s.
fn is_known(name: &str, lock: &Lock, profiles: &[Profile]) -> bool {
    lock.packages.iter().chain(&lock.toolchain).any(|package| package.name == name)
        || (name == NAME && profiles.iter().any(|profile| profile.k3s.is_some()))
}

/// The workspace's lock; an empty one if it has none.
pub(super) fn load(session: &Session<'_>) -> Result<Lock, Failure> {
    Ok(Lock::load(&session.lock_path())?.unwrap_or_else(Lock::new))
}

/// Whether what is locked for `profile` is what it asks for.
fn expect(profile: &Profile, lock: &Lock) -> Result<(), OutdatedError> {
    lock.expect(profile)?;
    pipeline::charts::expect(profile, lock)
}

/// As [`expect`], and whether it was locked with what `ledger` declares now.
pub(super) fn expect_all(profile: &Profile, lock: &Lock, ledger: &Ledger) -> Result<(), OutdatedError> {
    expect(profile, lock)?;
    pipeline::declared::expect(profile, lock.packages_of(&profile.name), ledger)
}

/// Whether `lock` has `profile`; having it otherwise than it is now is an error.
pub(super) fn is_locked(lock: &Lock, profile: &Profile) -> Result<bool, Failure> {
    match expect(profile, lock) {
        Ok(()) => Ok(true),
        Err(OutdatedError::Missing { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// `lock` with `profile` chosen anew.
fn locked(
    session: &Session<'_>,
    profile: &Profile,
    mut lock: Lock,
    update: Update<'_>,
    releases: Releases<'_>,
    moves: &Moves,
) -> Result<Lock, Failure> {
    let progress = session.console.progress();
    // First, since it is what a new user may have to bring along.
    let ForProfile { artifacts, out_of_reach } = releases.choose(profile, &lock, moves)?;
    if let Some(error) = out_of_reach {
        k3s::warn_out_of_reach(session, profile, error);
    }
    let images = pipeline::images::choose(profile, &lock, session.tools())?;
    let charts = pipeline::charts::choose(profile, &lock, session.tools())?;
    let indexes = indexes(session, profile)?;
    progress.begin("resolve", 0);
    let mut chosen = lock::lock_profile(profile, &indexes, Some(&lock), update)?;
    let named = profile.k3s.as_ref().map(|k3s| &k3s.version);
    let moved_on = artifacts.first().is_some_and(|program| Some(&program.version) != named);
    chosen.profile.k3s = named.filter(|_| moved_on).cloned();
    chosen.artifacts = artifacts;
    chosen.images = images;
    chosen.charts = charts;
    progress.finish("resolve", &format!("{} for `{}`", count(chosen.packages.len(), "package"), profile.name));

    if !profile.kernel_modules.is_empty() {
        (chosen.kernel_modules, chosen.toolchain) =
            kernel_modules(session, profile, &chosen.packages, &indexes, (&lock, update))?;
    }
    let wanted = PlannedPackage::of(&chosen.packages, chosen.downloads(&session.mirror));
    let ledger = workspace_ledger(&session.ledger_path())?;
    let packs: Vec<&Download> = wanted.iter().map(|package| &package.download).collect();
    let (judged, ids) = pipeline::repairing(&packs, session.tools(), || {
        let packages = pipeline::unpacked(&wanted, session.tools())?;
        let declared = ledger.declared_for(&packages)?;
        let epoch = chosen.profile.epoch;
        let subject = Subject { profile, packages: &packages, declared: &declared, ledger: &ledger, epoch };
        let installed = pipeline::scripts::install(subject, Ids { pinned: &lock.ids, may_add: true })?;
        let Installed { tree, requests, judged, ids, .. } = installed;
        let context =
            Context { profile, packages: &packages, ids: &ids, declared: &declared, requests: &requests, epoch };
        effects::rehearse(tree, &context)?;
        Ok((judged, ids))
    })?;
    for (judged, chosen) in judged.into_iter().zip(&mut chosen.packages) {
        judged.verdict.as_str().clone_into(&mut chosen.scripts);
        chosen.scripts_sha256 = judged.scripts;
        chosen.declared = ledger.declared_digest(&chosen.name);
    }
    chosen.profile.users = ids.users.keys().cloned().collect();
    chosen.profile.groups = ids.groups.keys().cloned().collect();
    lock.ids.add(&ids);
    lock.put(&profile.name, chosen);
    compile(session, profile, &mut lock)?;
    Ok(lock)
}

/// The kernel modules of `profile` and their toolchain, for the kernel among its `packages`.
fn kernel_modules(
    session: &Session<'_>,
    profile: &Profile,
    packages: &[LockedPackage],
    indexes: &[FetchedIndex],
    (previous, update): (&Lock, Update<'_>),
) -> Result<(Vec<LockedKernelModule>, Vec<LockedPackage>), Failure> {
    let arch = profile.board.arch();
    let kernel = lock::kernel_of(packages).map_or("", |(release, _)| release);
    let toolchain = kernel_module::toolchain(kernel, arch);
    let image = Indexes { arch, indexes };
    let fetched;
    let build = if toolchain.arch == arch {
        image
    } else {
        let (mirror, fetcher, progress) = (&session.mirror, &session.fetcher, session.console.progress());
        // Compilers are Debian's; a vendor may have nothing for the machine that compiles.
        let sources: Vec<Source> = profile.sources.iter().filter(|source| !source.is_flat()).cloned().collect();
        fetched = archive::fetch_indexes(&sources, toolchain.arch, mirror, fetcher, now(), progress)?;
        Indexes { arch: toolchain.arch, indexes: &fetched }
    };
    let toolchain = Toolchain { arch: toolchain.arch, resolved: toolchain.resolved, alone: toolchain.alone };
    Ok(lock::lock_kernel_modules(profile, packages, &toolchain, (image, build), (previous, update))?)
}

/// Compiles the kernel modules of `profile`, so that the lock has what they must be. Where that is impossible and the cache does
/// not have them, they stay without, which is told.
fn compile(session: &Session<'_>, profile: &Profile, lock: &mut Lock) -> Outcome {
    if profile.kernel_modules.is_empty() {
        return Ok(());
    }
    let plan = Plan::new(profile, lock, &session.mirror, &session.k3s_mirror)?;
    let results: Vec<(String, Digest)> = match pipeline::kernel_modules::made(&plan, session.tools()) {
        Ok(made) => made.into_iter().map(|made| (made.manifest.name, made.digest)).collect(),
        Err(PipelineError::Compile(error)) if error.is_unsupported() => {
            let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
            let message = format!("the kernel modules of `{}` are not compiled: {error}{hint}", profile.name);
            session.console.progress().warn(&message);
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    lock.set_results(&profile.name, &results);
    Ok(())
}

/// The verified indexes of a profile's sources, as they are now.
pub(super) fn indexes(session: &Session<'_>, profile: &Profile) -> Result<Vec<FetchedIndex>, Failure> {
    let (mirror, fetcher, progress) = (&session.mirror, &session.fetcher, session.console.progress());
    Ok(archive::fetch_indexes(&profile.sources, profile.board.arch(), mirror, fetcher, now(), progress)?)
}

/// Reviews that the user made, in the form of the embedded ledger.
pub(super) fn workspace_ledger(path: &Path) -> Result<Ledger, Failure> {
    Ok(ledger_text(path)?.map_or_else(|| Ok(Ledger::default()), |text| Ledger::parse(&text))?)
}

/// The text of the workspace's ledger; none if it has no such file.
pub(super) fn ledger_text(path: &Path) -> Result<Option<String>, Failure> {
    match files::text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(Code::Refused, format!("cannot read {}", path.display()), &error)),
    }
}

/// Packages that a profile has locked as accepted, and that `ledger` has no review of any more, in words. What a review is
/// worth for the scripts themselves only those who have the packages can tell.
pub(super) fn unaccepted(lock: &Lock, profile: &str, ledger: &Ledger) -> Vec<String> {
    let accepted = lock.packages_of(profile).filter(|package| package.scripts == Verdict::Accepted.as_str());
    accepted
        .filter(|package| !ledger.has_package(&package.name))
        .map(|package| {
            format!("package `{}` has scripts that ledger.toml accepted, which it no longer does", package.name)
        })
        .collect()
}

/// What a run of `lock` is about.
struct Chosen {
    profiles: Vec<Profile>,
    /// Locked profiles that are no more.
    gone: Vec<String>,
}

/// The profile named; else all that a board can boot and that the workspace has itself, its cluster's nodes use, or it
/// locked before.
fn choose(session: &Session<'_>, name: Option<&str>, lock: &Lock) -> Result<Chosen, Failure> {
    if let Some(name) = name {
        return Ok(Chosen { profiles: vec![profile::load(&session.workspace, name)?], gone: Vec::new() });
    }
    let known = profile::list(&session.workspace)?;
    let names: Vec<&str> =
        known.iter().filter(|summary| summary.board.is_some()).map(|summary| summary.name.as_str()).collect();
    let cluster = cluster::load(&session.workspace)?;
    let of_nodes: BTreeSet<&str> =
        cluster.iter().flat_map(|cluster| cluster.nodes.values()).map(|node| node.profile.as_str()).collect();
    if let Some(unknown) = of_nodes.iter().find(|name| !known.iter().any(|summary| summary.name == **name)) {
        // Says which there are.
        profile::load(&session.workspace, unknown)?;
    }
    let own =
        |name: &str| lock.profiles.contains_key(name) || of_nodes.contains(name) || session.workspace.has_profile(name);
    let gone: Vec<String> = lock.profiles.keys().filter(|name| !names.contains(&name.as_str())).cloned().collect();
    let chosen: Vec<&str> = names.into_iter().filter(|name| own(name)).collect();
    if chosen.is_empty() && gone.is_empty() {
        return Err(Failure::refused("this workspace has no cluster, no profile of its own, and none is locked yet")
            .hint("name one of the embedded profiles: `imgbuild lock --profile demo`"));
    }
    let profiles = chosen.into_iter().map(|name| profile::load(&session.workspace, name)).collect::<Result<_, _>>()?;
    Ok(Chosen { profiles, gone })
}

/// Tells all that `build` would refuse: what does not fit a profile, and critical values of the cluster that changed.
fn check(session: &Session<'_>, profiles: &[Profile], gone: &[String], lock: &Lock) -> Outcome {
    let ledger = workspace_ledger(&session.ledger_path())?;
    let stale: Vec<OutdatedError> =
        profiles.iter().filter_map(|profile| expect_all(profile, lock, &ledger).err()).collect();
    let mut faults: Vec<String> =
        gone.iter().map(|name| format!("it still has `{name}`, which no profile is called any more")).collect();
    faults.extend(profiles.iter().flat_map(|profile| unaccepted(lock, &profile.name, &ledger)));
    faults.sort();
    faults.dedup();
    if let Some(cluster) = cluster::load(&session.workspace)? {
        let changes = lock.critical_changes(&cluster.critical_values());
        faults.extend((!changes.is_empty()).then(|| CriticalChangeError(changes).to_string()));
    }
    fits(&stale, faults)?;
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    session.console.result(&serde_json::json!({"fits": names}), &format!("the lock fits {}", names.join(", ")));
    Ok(())
}

/// Fails with all that is wrong with the lock: the profiles that it does not fit, and other faults.
pub(super) fn fits(stale: &[OutdatedError], more: Vec<String>) -> Outcome {
    let mut names: Vec<&str> = stale.iter().map(OutdatedError::profile).collect();
    if stale.is_empty() && more.is_empty() {
        return Ok(());
    }
    if !more.is_empty() {
        names.push("the workspace");
    }
    // One fault has a cure of its own.
    let hint = stale.first().filter(|_| stale.len() == 1 && more.is_empty()).and_then(OutdatedError::hint);
    Err(Failure {
        code: Code::Verification,
        causes: stale.iter().map(ToString::to_string).chain(more).collect(),
        ..Failure::refused(format!("imgbuild.lock does not fit {}", names.join(", ")))
    }
    .hint(hint.unwrap_or_else(|| "run `imgbuild lock`".to_owned())))
}
