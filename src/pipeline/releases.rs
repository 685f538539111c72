//! Releases that images take files from: which one a profile is locked to, found and proved when locking.
//!
//! A release is named by its tag, which stands for the same files for ever: so what is locked stays until somebody says
//! otherwise, or names another tag. What its files are called and what proves them is in `fetch::k3s`.

use std::collections::btree_map::{BTreeMap, Entry};
use std::path::Path;

use super::{PipelineError, Tools};
use crate::fetch::channels::ChannelError;
use crate::fetch::k3s::{self, Asset, Found, K3sError, Place, Release};
use crate::lock::{Lock, LockedArtifact, Update};
use crate::output::Named;
use crate::profile::{Arch, K3s, Profile, Tag};
use crate::urls::WebUrl;

/// Releases that are to be locked in place of others, by the tags of the latter. One that is in here under its own tag is
/// looked at anew.
pub(crate) type Moves = BTreeMap<String, String>;

/// Where releases are, and what works on them.
#[derive(Clone, Copy)]
pub(crate) struct Releases<'a> {
    /// The URL that they lie below.
    pub(crate) mirror: &'a WebUrl,
    /// The URL of what tells the newest of each line.
    pub(crate) channels: &'a WebUrl,
    /// The user's directory with the files of one release, which are taken from there then.
    pub(crate) dir: Option<&'a Path>,
    pub(crate) tools: Tools<'a>,
}

/// What is to be locked for a profile.
pub(crate) struct ForProfile {
    pub(crate) artifacts: Vec<LockedArtifact>,
    /// Why a profile that can do without a release gets none.
    pub(crate) out_of_reach: Option<K3sError>,
}

impl Releases<'_> {
    /// Where `update` takes the releases that are locked for these profiles: each to the newest patch of its line, or with a
    /// directory, whose files tell no tag, nowhere.
    ///
    /// # Errors
    /// Release channels that cannot be asked, or do not know the line.
    pub(crate) fn moves(&self, profiles: &[Profile], lock: &Lock, update: Update<'_>) -> Result<Moves, ChannelError> {
        let is_asked_for = matches!(update, Update::Packages(names) if names.iter().any(|name| name == k3s::NAME))
            || (update == Update::Everything && self.dir.is_some());
        let mut moves = Moves::new();
        if !is_asked_for {
            return Ok(moves);
        }
        let mut lines = BTreeMap::new();
        for profile in profiles {
            let Some(k3s) = &profile.k3s else { continue };
            let current = lock.release_in_place_of(&k3s.version);
            // Where nothing is locked yet there is nothing to move on from.
            let newest = match Tag::parse(current).filter(|_| self.dir.is_none() && lock.has_artifacts(&profile.name)) {
                None => current.to_owned(),
                Some(tag) => {
                    let newest: &Tag = match lines.entry(tag.line) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(unknown) => unknown.insert(self.tools.fetcher.newest(self.channels, tag.line)?),
                    };
                    // Channels that lag behind take nobody back.
                    newest.max(&tag).to_string()
                }
            };
            moves.entry(current.to_owned()).or_insert(newest);
        }
        Ok(moves)
    }

    /// What to lock for `profile`: what the lock has already where it may stay, else what the release has now. Nothing for a
    /// profile that takes no release, and for a standalone one where the release is out of reach.
    ///
    /// # Errors
    /// Files that cannot be had, or are not what they must be.
    pub(crate) fn choose(&self, profile: &Profile, lock: &Lock, moves: &Moves) -> Result<ForProfile, K3sError> {
        let chosen = |artifacts| ForProfile { artifacts, out_of_reach: None };
        let Some(k3s) = &profile.k3s else { return Ok(chosen(Vec::new())) };
        let current = lock.release_in_place_of(&k3s.version);
        let goal = moves.get(current);
        let release = Release { version: goal.map_or(current, String::as_str), arch: profile.board.arch() };
        let assets = assets(k3s);
        let known = known(lock, &release, assets);
        if let Some(known) = &known
            && goal.is_none()
        {
            self.check(&release, assets, known)?;
            return Ok(chosen(known.clone()));
        }
        match self.take(&release, assets) {
            Ok(artifacts) => Ok(chosen(artifacts)),
            // What nobody's cluster waits for is still a system to look at; any other image without K3s would be a node
            // that never joins.
            Err(error) if k3s.standalone && known.is_none() && error.is_out_of_reach() => {
                Ok(ForProfile { artifacts: Vec::new(), out_of_reach: Some(error) })
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the other profiles of the lock that have a release of `moves` what these `profiles` got.
    ///
    /// # Errors
    /// Files that cannot be had.
    pub(crate) fn follow(&self, profiles: &[Profile], lock: &mut Lock, moves: &Moves) -> Result<(), K3sError> {
        let others: Vec<(String, Arch)> =
            lock.profiles.iter().map(|(name, locked)| (name.clone(), locked.arch)).collect();
        for (name, arch) in others {
            let is_done = profiles.iter().any(|profile| profile.name == name);
            // A directory may hold one architecture's files alone.
            let is_reached = self.dir.is_none() || profiles.iter().any(|profile| profile.board.arch() == arch);
            let at = lock.release_of(&name).filter(|_| !is_done && is_reached).map(str::to_owned);
            let Some((at, to)) = at.as_ref().and_then(|at| moves.get_key_value(at)) else { continue };
            let has = |asset: &Asset| lock.artifacts_of(&name).any(|artifact| artifact.name == asset.name());
            let assets: Vec<Asset> = Asset::ALL.into_iter().filter(has).collect();
            let artifacts = self.take(&Release { version: to, arch }, &assets)?;
            if let Some(locked) = lock.profiles.get_mut(&name) {
                let named = locked.k3s.take().unwrap_or_else(|| at.clone());
                locked.k3s = (named != *to).then_some(named);
            }
            lock.put_artifacts(&name, artifacts);
        }
        Ok(())
    }

    /// Holds the user's directory against its own checksum file and what is locked for `profile`, and takes the files from
    /// there. Without a directory there is nothing to do.
    ///
    /// # Errors
    /// A lock without a release; other files than the locked ones.
    pub(crate) fn check_dir(&self, profile: &Profile, lock: &Lock) -> Result<(), PipelineError> {
        let Some(k3s) = profile.k3s.as_ref().filter(|_| self.dir.is_some()) else { return Ok(()) };
        expect_locked(profile, lock)?;
        let version = lock.release_of(&profile.name).unwrap_or(&k3s.version);
        let artifacts: Vec<LockedArtifact> = lock.artifacts_of(&profile.name).cloned().collect();
        Ok(self.check(&Release { version, arch: profile.board.arch() }, assets(k3s), &artifacts)?)
    }

    /// As [`Releases::check_dir`], or for a profile that is not locked as [`Releases::choose`], but nothing is taken from the
    /// directory.
    ///
    /// # Errors
    /// As those.
    pub(crate) fn look_at_dir(&self, profile: &Profile, lock: &Lock) -> Result<(), PipelineError> {
        let Some((k3s, dir)) = profile.k3s.as_ref().zip(self.dir) else { return Ok(()) };
        let (assets, arch) = (assets(k3s), profile.board.arch());
        let (release, artifacts) = if lock.profiles.contains_key(&profile.name) {
            expect_locked(profile, lock)?;
            let version = lock.release_of(&profile.name).unwrap_or(&k3s.version);
            (Release { version, arch }, lock.artifacts_of(&profile.name).cloned().collect())
        } else {
            let release = Release { version: lock.release_in_place_of(&k3s.version), arch };
            (release, known(lock, &release, assets).unwrap_or_default())
        };
        let found = k3s::look(&release, assets, dir)?;
        Ok(expect_same(&release, assets, &found, &artifacts, dir)?)
    }

    /// Takes the locked files from the user's directory, if there is one.
    fn check(&self, release: &Release<'_>, assets: &[Asset], artifacts: &[LockedArtifact]) -> Result<(), K3sError> {
        let Some(dir) = self.dir else { return Ok(()) };
        let found = self.tools.fetcher.k3s(release, assets, Place::Dir(dir), self.tools.progress)?;
        expect_same(release, assets, &found, artifacts, dir)
    }

    /// Files of a release as they are now.
    fn take(&self, release: &Release<'_>, assets: &[Asset]) -> Result<Vec<LockedArtifact>, K3sError> {
        let place = self.dir.map_or(Place::Mirror(self.mirror), Place::Dir);
        let progress = &Named { phase: k3s::NAME, progress: self.tools.progress };
        let found = self.tools.fetcher.k3s(release, assets, place, progress)?;
        Ok(assets.iter().zip(found).map(|(asset, found)| locked(release, *asset, &found)).collect())
    }
}

/// Refuses files, `found` in `dir`, that are not those of the lock, `artifacts`.
fn expect_same(
    release: &Release<'_>,
    assets: &[Asset],
    found: &[Found],
    artifacts: &[LockedArtifact],
    dir: &Path,
) -> Result<(), K3sError> {
    for (asset, found) in assets.iter().zip(found) {
        let expected = artifacts.iter().find(|artifact| artifact.name == asset.name()).map(|artifact| artifact.sha256);
        if let Some(expected) = expected.filter(|expected| *expected != found.sha256) {
            let path = dir.join(release.file(*asset));
            let version = release.version.to_owned();
            return Err(K3sError::NotLocked { path, version, got: found.sha256, expected });
        }
    }
    Ok(())
}

/// Refuses a lock without a release for a build that is told where to take it from.
///
/// # Errors
/// Such a lock.
fn expect_locked(profile: &Profile, lock: &Lock) -> Result<(), PipelineError> {
    let name = &profile.name;
    if lock.lacks_release(profile) { Err(PipelineError::NotLocked { profile: name.clone() }) } else { Ok(()) }
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

/// What a profile takes of its release.
fn assets(k3s: &K3s) -> &'static [Asset] {
    if k3s.air_gap { &Asset::ALL } else { &[Asset::Binary] }
}
