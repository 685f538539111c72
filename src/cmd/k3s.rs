//! K3s for a profile: found and proved when locking.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::path::Path;

use super::session::{Session, today};
use crate::exit::Failure;
use crate::fetch::k3s::{Asset, Found, K3sError, Place, Release};
use crate::lock::{Lock, LockedArtifact, Update};
use crate::output::Named;
use crate::pipeline::PipelineError;
use crate::profile::{Arch, End, K3s, Profile, Tag};

/// The name that `lock --update` knows the release by.
pub(super) const NAME: &str = "k3s";

/// Releases that are to be locked in place of others, by the tags of the latter. One that is in here under its own tag is
/// looked at anew.
pub(super) type Moves = BTreeMap<String, String>;

/// Where `update` takes the releases that are locked for these profiles: each to the newest patch of its line, or with
/// `dir`, whose files tell no tag, nowhere.
///
/// # Errors
/// Release channels that cannot be asked, or do not know the line.
pub(super) fn moves(
    session: &Session<'_>,
    profiles: &[Profile],
    lock: &Lock,
    update: Update<'_>,
    dir: Option<&Path>,
) -> Result<Moves, Failure> {
    let is_asked_for = matches!(update, Update::Packages(names) if names.iter().any(|name| name == NAME))
        || (update == Update::Everything && dir.is_some());
    let mut moves = Moves::new();
    if !is_asked_for {
        return Ok(moves);
    }
    let mut lines = BTreeMap::new();
    for profile in profiles {
        let Some(k3s) = &profile.k3s else { continue };
        let current = current(k3s, lock);
        // Where nothing is locked yet there is nothing to move on from.
        let newest = match Tag::parse(current).filter(|_| dir.is_none() && lock.has_artifacts(&profile.name)) {
            None => current.to_owned(),
            Some(tag) => {
                let newest: &Tag = match lines.entry(tag.line) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => unknown.insert(session.fetcher.newest(&session.k3s_channels, tag.line)?),
                };
                // Channels that lag behind take nobody back.
                newest.max(&tag).to_string()
            }
        };
        moves.entry(current.to_owned()).or_insert(newest);
    }
    Ok(moves)
}

/// The release that a profile is at: the one that it names, or the newer one that those are at who named it too.
fn current<'a>(k3s: &'a K3s, lock: &'a Lock) -> &'a str {
    let moved = lock.profiles.iter().find(|(_, locked)| locked.k3s.as_ref() == Some(&k3s.version));
    moved.and_then(|(name, _)| lock.k3s_of(name)).unwrap_or(&k3s.version)
}

/// Gives the other profiles of the lock that have a release of `moves` what these `profiles` got.
///
/// # Errors
/// Files that cannot be had.
pub(super) fn follow(
    session: &Session<'_>,
    profiles: &[Profile],
    lock: &mut Lock,
    moves: &Moves,
    dir: Option<&Path>,
) -> Result<(), Failure> {
    let others: Vec<(String, Arch)> = lock.profiles.iter().map(|(name, locked)| (name.clone(), locked.arch)).collect();
    for (name, arch) in others {
        let is_done = profiles.iter().any(|profile| profile.name == name);
        // A directory may hold one architecture's files alone.
        let is_reached = dir.is_none() || profiles.iter().any(|profile| profile.board.arch() == arch);
        let at = lock.k3s_of(&name).filter(|_| !is_done && is_reached).map(str::to_owned);
        let Some((at, to)) = at.as_ref().and_then(|at| moves.get_key_value(at)) else { continue };
        let has = |asset: &Asset| lock.artifacts_of(&name).any(|artifact| artifact.name == asset.name());
        let assets: Vec<Asset> = [Asset::Binary, Asset::AirGap].into_iter().filter(has).collect();
        let artifacts = take(session, &Release { version: to, arch }, &assets, dir)?;
        if let Some(locked) = lock.profiles.get_mut(&name) {
            let named = locked.k3s.take().unwrap_or_else(|| at.clone());
            locked.k3s = (named != *to).then_some(named);
        }
        lock.put_artifacts(&name, artifacts);
    }
    Ok(())
}

/// What to say of the lines of the releases that `moves` led to, for a person and for programs.
pub(super) fn ends(moves: &Moves) -> (Vec<String>, Vec<serde_json::Value>) {
    let tags: BTreeSet<Tag> = moves.values().filter_map(|tag| Tag::parse(tag)).collect();
    let today = today();
    let text = |tag: &Tag| {
        let line = tag.line;
        match line.end() {
            End::On(end) if today.is_some_and(|today| end < today) => {
                format!("K3s {tag}: Kubernetes {line} ended on {end} and gets no more fixes")
            }
            End::On(end) => format!("K3s {tag}: Kubernetes {line} is mended until {end}"),
            End::LongAgo => format!("K3s {tag}: Kubernetes {line} ended long ago"),
            End::Unknown => format!("K3s {tag}: this program does not know when Kubernetes {line} ends"),
        }
    };
    let json = |tag: &Tag| {
        let end = match tag.line.end() {
            End::On(end) => Some(end.to_string()),
            End::LongAgo | End::Unknown => None,
        };
        serde_json::json!({"release": tag.to_string(), "line": tag.line.to_string(), "end_of_life": end})
    };
    (tags.iter().map(text).collect(), tags.iter().map(json).collect())
}

/// What to lock for `profile`: what the lock has already where it may stay, else what the release in `dir`, or on the
/// mirror, has now. Nothing for a profile without K3s, and for a standalone one where the release is out of reach.
pub(super) fn choose(
    session: &Session<'_>,
    profile: &Profile,
    lock: &Lock,
    moves: &Moves,
    dir: Option<&Path>,
) -> Result<Vec<LockedArtifact>, Failure> {
    let Some(k3s) = &profile.k3s else { return Ok(Vec::new()) };
    let current = current(k3s, lock);
    let goal = moves.get(current);
    let release = Release { version: goal.map_or(current, String::as_str), arch: profile.board.arch() };
    let assets = assets(k3s);
    // A tag stands for one release for ever, so there is nothing newer to look for unless somebody says so.
    let known = known(lock, &release, &assets);
    if let Some(known) = &known
        && goal.is_none()
    {
        if let Some(dir) = dir {
            bring(session, &release, &assets, known, dir)?;
        }
        return Ok(known.clone());
    }
    match take(session, &release, &assets, dir) {
        Ok(artifacts) => Ok(artifacts),
        // What nobody's cluster waits for is still a system to look at; any other image without K3s would be a node
        // that never joins.
        Err(error) if k3s.standalone && known.is_none() && error.is_out_of_reach() => {
            let Failure { message, causes, .. } = error.into();
            let because = causes.join("; ");
            session.console.progress().warn(&format!("{}: {message}: {because}", without(&profile.name)));
            Ok(Vec::new())
        }
        Err(error) => Err(error.into()),
    }
}

fn without(name: &str) -> String {
    format!(
        "`{name}` is locked WITHOUT K3s, until `imgbuild lock --update k3s --profile {name}` (with `--k3s-dir DIR` where there \
         is no network)"
    )
}

/// Says of a profile that was locked earlier that K3s is missing, if it is.
pub(super) fn warn_missing(session: &Session<'_>, profile: &Profile, lock: &Lock) {
    if is_missing(profile, lock) {
        session.console.progress().warn(&without(&profile.name));
    }
}

/// Files of a release as they are now.
fn take(
    session: &Session<'_>,
    release: &Release<'_>,
    assets: &[Asset],
    dir: Option<&Path>,
) -> Result<Vec<LockedArtifact>, K3sError> {
    let place = dir.map_or(Place::Mirror(&session.k3s_mirror), Place::Dir);
    let progress = &Named { phase: "k3s", progress: session.console.progress() };
    let found = session.fetcher.k3s(release, assets, place, progress)?;
    Ok(assets.iter().zip(found).map(|(asset, found)| locked(release, *asset, &found)).collect())
}

/// Checks the user's directory against its own checksum file and the lock, and takes the files from there.
pub(super) fn check_dir(session: &Session<'_>, profile: &Profile, lock: &Lock, dir: &Path) -> Result<(), Failure> {
    let Some(k3s) = &profile.k3s else { return Ok(()) };
    expect_locked(profile, lock)?;
    let artifacts: Vec<LockedArtifact> = lock.artifacts_of(&profile.name).cloned().collect();
    bring(session, &release(profile, k3s, lock), &assets(k3s), &artifacts, dir)
}

/// Refuses a lock without K3s for a build that is told where to take K3s from.
pub(super) fn expect_locked(profile: &Profile, lock: &Lock) -> Result<(), PipelineError> {
    let name = &profile.name;
    if is_missing(profile, lock) { Err(PipelineError::NotLocked { profile: name.clone() }) } else { Ok(()) }
}

/// Whether locking again would add K3s.
pub(super) fn is_missing(profile: &Profile, lock: &Lock) -> bool {
    profile.k3s.is_some() && !lock.has_artifacts(&profile.name)
}

/// Takes the locked files from `dir`, where they must be what both the checksum file and the lock say.
fn bring(
    session: &Session<'_>,
    release: &Release<'_>,
    assets: &[Asset],
    artifacts: &[LockedArtifact],
    dir: &Path,
) -> Result<(), Failure> {
    let found = session.fetcher.k3s(release, assets, Place::Dir(dir), session.console.progress())?;
    for (asset, found) in assets.iter().zip(found) {
        let expected = artifacts.iter().find(|artifact| artifact.name == asset.name()).map(|artifact| artifact.sha256);
        if let Some(expected) = expected.filter(|expected| *expected != found.sha256) {
            let path = dir.join(release.file(*asset));
            let version = release.version.to_owned();
            return Err(K3sError::NotLocked { path, version, got: found.sha256, expected }.into());
        }
    }
    Ok(())
}

/// What any profile of the lock has of the release; none unless it is all of `assets`.
fn known(lock: &Lock, release: &Release<'_>, assets: &[Asset]) -> Option<Vec<LockedArtifact>> {
    let find = |asset: &Asset| {
        let same = |artifact: &&LockedArtifact| {
            (artifact.name.as_str(), artifact.version.as_str(), artifact.arch)
                == (asset.name(), release.version, release.arch)
        };
        lock.artifacts.iter().find(same).cloned()
    };
    assets.iter().map(find).collect()
}

fn locked(release: &Release<'_>, asset: Asset, found: &Found) -> LockedArtifact {
    LockedArtifact {
        name: asset.name().to_owned(),
        version: release.version.to_owned(),
        arch: release.arch,
        path: release.path(&release.file(asset)),
        size: found.size,
        sha256: found.sha256,
        profiles: Vec::new(),
    }
}

/// The release that is locked for a profile.
fn release<'a>(profile: &'a Profile, k3s: &'a K3s, lock: &'a Lock) -> Release<'a> {
    Release { version: lock.k3s_of(&profile.name).unwrap_or(&k3s.version), arch: profile.board.arch() }
}

fn assets(k3s: &K3s) -> Vec<Asset> {
    if k3s.air_gap { vec![Asset::Binary, Asset::AirGap] } else { vec![Asset::Binary] }
}
