//! Putting locked profiles into a lock and getting them out again.

use std::collections::BTreeMap;
use std::fmt;

use super::{
    IdMap, Lock, LockedArtifact, LockedChart, LockedImage, LockedKernelModule, LockedPackage, LockedProfile,
    LockedSource, sources,
};
use crate::debian::date;
use crate::debian::mirror::Mirror;
use crate::fetch::Download;
use crate::profile::Profile;
use crate::tree::Digest;

/// One profile, freshly locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    pub profile: LockedProfile,
    /// In the profile's order.
    pub sources: Vec<LockedSource>,
    /// Sorted by name.
    pub packages: Vec<LockedPackage>,
    /// None for a profile without K3s.
    pub artifacts: Vec<LockedArtifact>,
    /// Sorted by name.
    pub images: Vec<LockedImage>,
    /// Sorted by name.
    pub charts: Vec<LockedChart>,
    pub kernel_modules: Vec<LockedKernelModule>,
    /// What these are compiled with and of.
    pub toolchain: Vec<LockedPackage>,
}

/// The lock does not fit a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutdatedError {
    #[error("profile `{profile}` is not in the lock")]
    Missing { profile: String },
    #[error(
        "profile `{profile}` asks for other packages, sources, accounts, K3s or container images, or has another board, than when it \
         was locked"
    )]
    Changed { profile: String },
    #[error("the lock pins no number for {kind} `{account}` of profile `{profile}`: a merge or an edit went wrong")]
    Unpinned { profile: String, kind: &'static str, account: String },
    #[error(
        "what the lock has of profile `{profile}` is not what was locked: a merge or an edit went wrong, or another \
         version of imgbuild wrote it"
    )]
    Altered { profile: String },
    /// A `[[user]]` with a number of the system's accounts, or of those that systems hand out by themselves.
    #[error("the lock pins the number {number} for the person `{user}` of profile `{profile}`, and people's are {} to {}",
        IdMap::PEOPLE.start(), IdMap::PEOPLE.end())]
    Person { profile: String, user: String, number: u32 },
    /// The signatures that were checked when locking were another source's.
    #[error("{what}, and profile `{profile}` was not locked so: the lock was edited, or a merge went wrong")]
    Source { profile: String, what: String },
    /// Charts that its image is to carry.
    #[error("the lock of profile `{profile}` {what}")]
    Charts { profile: String, what: String },
    #[error("the lock of `{profile}` has no K3s, and only a standalone profile does without it")]
    WithoutK3s { profile: String },
    /// The workspace's ledger was changed.
    #[error("ledger.toml declares other effects for the scripts of {package} than when profile `{profile}` was locked")]
    Declared { profile: String, package: String },
}

impl OutdatedError {
    /// The profile that it does not fit.
    #[must_use]
    pub fn profile(&self) -> &str {
        let (Self::Missing { profile }
        | Self::Changed { profile }
        | Self::Altered { profile }
        | Self::Source { profile, .. }
        | Self::Charts { profile, .. }
        | Self::WithoutK3s { profile }
        | Self::Declared { profile, .. }
        | Self::Person { profile, .. }
        | Self::Unpinned { profile, .. }) = self;
        profile
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let again = format!("run `imgbuild lock --profile {}`", self.profile());
        Some(match self {
            Self::Source { .. } => format!(
                "take imgbuild.lock from version control as it was before the change, and ask where that came from: \
                 packages would come from where no signature vouches for them; or {again}"
            ),
            Self::WithoutK3s { .. } => {
                format!("{again}, with `--k3s-dir DIR` or `--k3s-mirror URL` where the release is out of reach")
            }
            Self::Person { user, .. } => format!(
                "write the number that it had into [ids.users] and [ids.groups] of imgbuild.lock; if it never had another, \
                 give `{user}` a name that no package's account has had"
            ),
            _ => again,
        })
    }
}

impl Lock {
    /// An empty lock.
    #[must_use]
    pub fn new() -> Self {
        Self { version: Self::VERSION, ..Self::default() }
    }

    /// Puts a profile in place of what was locked under its name, and drops what no profile uses any more.
    pub fn put(&mut self, name: &str, locked: Locked) {
        self.remove(name);
        self.profiles.insert(name.to_owned(), locked.profile);
        for source in locked.sources.iter().map(without_profiles) {
            let same = |old: &&mut LockedSource| without_profiles(old) == source;
            match self.sources.iter_mut().find(same) {
                Some(old) => add(&mut old.profiles, name),
                None => self.sources.push(LockedSource { profiles: vec![name.to_owned()], ..source }),
            }
        }
        put_packages(&mut self.packages, name, locked.packages);
        put_packages(&mut self.toolchain, name, locked.toolchain);
        self.put_kernel_modules(name, locked.kernel_modules);
        self.put_artifacts(name, locked.artifacts);
        self.put_images(name, locked.images);
        self.put_charts(name, locked.charts);
        self.sources.sort_by(|a, b| (&a.name, &a.date, &a.sha256).cmp(&(&b.name, &b.date, &b.sha256)));
        self.seal(name);
    }

    /// Puts kernel modules in place of those that a profile has.
    pub fn put_kernel_modules(&mut self, name: &str, modules: Vec<LockedKernelModule>) {
        self.kernel_modules.retain_mut(|module| drop_profile(&mut module.profiles, name));
        for module in modules {
            let same = |old: &&mut LockedKernelModule| of_no_profile((**old).clone()) == of_no_profile(module.clone());
            match self.kernel_modules.iter_mut().find(same) {
                Some(old) => add(&mut old.profiles, name),
                None => self.kernel_modules.push(LockedKernelModule { profiles: vec![name.to_owned()], ..module }),
            }
        }
        self.kernel_modules.sort_by_cached_key(|module| {
            let LockedKernelModule { name, kernel, arch, version, result, profiles, .. } = module;
            (name.clone(), *arch, kernel.clone(), version.clone(), *result, profiles.clone())
        });
        self.seal(name);
    }

    /// Puts artifacts in place of those that a profile has.
    pub fn put_artifacts(&mut self, name: &str, artifacts: Vec<LockedArtifact>) {
        self.artifacts.retain_mut(|artifact| drop_profile(&mut artifact.profiles, name));
        for artifact in artifacts {
            let same = |old: &&mut LockedArtifact| old.sha256 == artifact.sha256 && old.path == artifact.path;
            match self.artifacts.iter_mut().find(same) {
                Some(old) => add(&mut old.profiles, name),
                None => self.artifacts.push(LockedArtifact { profiles: vec![name.to_owned()], ..artifact }),
            }
        }
        self.artifacts.sort_by_cached_key(|artifact| {
            (artifact.name.clone(), artifact.arch, artifact.version.clone(), artifact.sha256)
        });
        self.seal(name);
    }

    /// Gives kernel modules of a profile, by name, the digests of what was compiled, where they have none; says whether the lock
    /// is another than before.
    pub fn set_results(&mut self, profile: &str, results: &[(String, Digest)]) -> bool {
        let mut modules: Vec<LockedKernelModule> = self.kernel_modules_of(profile).cloned().collect();
        let mut is_new = false;
        for module in modules.iter_mut().filter(|module| module.result.is_none()) {
            module.result = results.iter().find(|(name, _)| *name == module.name).map(|(_, result)| *result);
            is_new |= module.result.is_some();
        }
        if is_new {
            self.put_kernel_modules(profile, modules.into_iter().map(of_no_profile).collect());
        }
        is_new
    }

    /// Takes the digest of what is locked for a profile.
    fn seal(&mut self, name: &str) {
        let contents = self.contents(name);
        if let Some(profile) = self.profiles.get_mut(name) {
            profile.contents = contents;
        }
    }

    /// Digest of all that is locked for a profile. Whoever edits the lock can edit this too: it finds accidents.
    fn contents(&self, name: &str) -> Digest {
        let mut text = String::new();
        let mut line = |fields: &[&dyn fmt::Display]| {
            // Spaces and line breaks stand in no field but those of the user's own making, which come last.
            let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
            text.push_str(&fields.join(" "));
            text.push('\n');
        };
        if let Some(LockedProfile { epoch, users, groups, k3s, .. }) = self.profiles.get(name) {
            line(&[epoch, &users.join(","), &groups.join(",")]);
            if let Some(named) = k3s {
                line(&[&"k3s", named]);
            }
        }
        for LockedSource { name, archive, suite, date, sha256, signed_by, only, .. } in self.sources_of(name) {
            line(&[&"source", name, date, sha256, signed_by, suite, &only.join(","), archive]);
        }
        for LockedPackage { name, version, arch, source, path, size, sha256, .. } in self.packages_of(name) {
            line(&[&"package", name, version, arch, source, size, sha256, path]);
        }
        for LockedArtifact { name, version, path, size, sha256, .. } in self.artifacts_of(name) {
            line(&[&"artifact", name, version, size, sha256, path]);
        }
        for image in self.images_of(name) {
            line(&[&"image", &image.name, &image.arch.name(), &image.digest()]);
        }
        for LockedChart { name, version, repo, url, size, sha256, .. } in self.charts_of(name) {
            let repo = repo.as_deref().unwrap_or_default();
            line(&[&"chart", size, sha256, version, name, &repo, url]);
        }
        for LockedKernelModule { name, kernel, package, version, result, .. } in self.kernel_modules_of(name) {
            let result = result.map(|result| result.to_string()).unwrap_or_default();
            line(&[&"kernel-module", name, kernel, package, version, &result]);
        }
        for LockedPackage { name, version, arch, source, path, size, sha256, .. } in self.toolchain_of(name) {
            line(&[&"toolchain", name, version, arch, source, size, sha256, path]);
        }
        Digest::of(text.as_bytes())
    }

    /// Forgets a profile, and what only it used. Account numbers stay: they must never be given to another account.
    pub fn remove(&mut self, name: &str) {
        self.profiles.remove(name);
        self.sources.retain_mut(|source| drop_profile(&mut source.profiles, name));
        self.packages.retain_mut(|package| drop_profile(&mut package.profiles, name));
        self.artifacts.retain_mut(|artifact| drop_profile(&mut artifact.profiles, name));
        self.images.retain_mut(|image| drop_profile(&mut image.profiles, name));
        self.charts.retain_mut(|chart| drop_profile(&mut chart.profiles, name));
        self.kernel_modules.retain_mut(|module| drop_profile(&mut module.profiles, name));
        self.toolchain.retain_mut(|package| drop_profile(&mut package.profiles, name));
    }

    /// What is locked for `profile`, provided that it is still what the profile asks for.
    ///
    /// # Errors
    /// When it is not.
    pub fn expect(&self, profile: &Profile) -> Result<&LockedProfile, OutdatedError> {
        let name = profile.name.clone();
        let locked = self.profiles.get(&name).ok_or(OutdatedError::Missing { profile: name.clone() })?;
        if locked.config != profile.selection_digest() {
            Err(OutdatedError::Changed { profile: name })
        } else if let Some(what) = sources::foreign(self.sources_of(&name), profile) {
            Err(OutdatedError::Source { profile: name, what })
        } else if locked.contents != self.contents(&name) {
            Err(OutdatedError::Altered { profile: name })
        } else if let Some((kind, account)) = self.unpinned(locked) {
            Err(OutdatedError::Unpinned { profile: name, kind, account })
        } else if let Some((user, number)) = self.no_person(profile) {
            Err(OutdatedError::Person { profile: name, user, number })
        } else if profile.k3s.as_ref().is_some_and(|k3s| !k3s.standalone) && self.lacks_release(profile) {
            Err(OutdatedError::WithoutK3s { profile: name })
        } else {
            Ok(locked)
        }
    }

    /// An account of a profile that has no number: what it is, and its name.
    fn unpinned(&self, locked: &LockedProfile) -> Option<(&'static str, String)> {
        let of = |kind, names: &[String], ids: &BTreeMap<String, u32>| {
            names.iter().find(|name| !ids.contains_key(*name)).map(|name| (kind, name.clone()))
        };
        of("user", &locked.users, &self.ids.users).or_else(|| of("group", &locked.groups, &self.ids.groups))
    }

    /// A person of the profile whose number is not one of people's, and that number.
    fn no_person(&self, profile: &Profile) -> Option<(String, u32)> {
        let of = |name: &String| Some((name.clone(), *self.ids.users.get(name)?));
        profile.users.iter().filter_map(|user| of(&user.name)).find(|(_, number)| !IdMap::PEOPLE.contains(number))
    }

    /// A profile's packages, sorted by name.
    pub fn packages_of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a LockedPackage> {
        self.packages.iter().filter(move |package| package.profiles.iter().any(|user| user == profile))
    }

    /// A profile's artifacts, sorted by name.
    pub fn artifacts_of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a LockedArtifact> {
        self.artifacts.iter().filter(move |artifact| artifact.profiles.iter().any(|user| user == profile))
    }

    /// The kernel modules that are compiled for a profile, sorted by name.
    pub fn kernel_modules_of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a LockedKernelModule> {
        self.kernel_modules.iter().filter(move |module| module.profiles.iter().any(|user| user == profile))
    }

    /// What the kernel modules of a profile are compiled with and of, sorted by name.
    pub fn toolchain_of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a LockedPackage> {
        self.toolchain.iter().filter(move |package| package.profiles.iter().any(|user| user == profile))
    }

    /// The tag of the release that a profile's artifacts are files of.
    #[must_use]
    pub fn release_of<'a>(&'a self, profile: &'a str) -> Option<&'a str> {
        self.artifacts_of(profile).next().map(|artifact| artifact.version.as_str())
    }

    /// The release that is locked for profiles that name the release `named`: that one, or the newer one of its line that
    /// such profiles were moved to.
    #[must_use]
    pub fn release_in_place_of<'a>(&'a self, named: &'a str) -> &'a str {
        let moved = self.profiles.iter().find(|(_, locked)| locked.k3s.as_deref() == Some(named));
        moved.and_then(|(name, _)| self.release_of(name)).unwrap_or(named)
    }

    /// Whether `profile` takes a release, and the lock has none of it: locking again adds it.
    #[must_use]
    pub fn lacks_release(&self, profile: &Profile) -> bool {
        profile.k3s.is_some() && !self.has_artifacts(&profile.name)
    }

    /// Whether a profile has artifacts.
    #[must_use]
    pub fn has_artifacts(&self, profile: &str) -> bool {
        self.artifacts_of(profile).next().is_some()
    }

    /// A profile's sources, sorted by name.
    pub fn sources_of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a LockedSource> {
        self.sources.iter().filter(move |source| source.profiles.iter().any(|user| user == profile))
    }

    /// What to fetch for a profile, in the order of [`Lock::packages_of`].
    #[must_use]
    pub fn downloads(&self, profile: &str, mirror: &Mirror) -> Vec<Download> {
        self.packages_of(profile).map(|package| package.download(self.sources_of(profile), mirror)).collect()
    }

    /// What to fetch for compiling a profile's kernel modules, in the order of [`Lock::toolchain_of`].
    #[must_use]
    pub fn toolchain_downloads(&self, profile: &str, mirror: &Mirror) -> Vec<Download> {
        self.toolchain_of(profile).map(|package| package.download(self.sources_of(profile), mirror)).collect()
    }
}

impl LockedPackage {
    /// Where to fetch it, `sources` being those of a profile that uses it.
    pub(super) fn download<'a>(
        &self,
        sources: impl IntoIterator<Item = &'a LockedSource>,
        mirror: &Mirror,
    ) -> Download {
        let source = sources.into_iter().find(|source| source.name == self.source);
        let urls = source.map(|source| {
            let date = date::parse_rfc3339(&source.date).unwrap_or(0);
            mirror.urls(&source.archive, &self.path, date)
        });
        Download {
            name: format!("{} {} {}", self.name, self.version, self.arch),
            urls: urls.unwrap_or_default(),
            sha256: self.sha256,
            size: Some(self.size),
        }
    }
}

impl Locked {
    /// What to fetch for it, in the order of its packages.
    #[must_use]
    pub fn downloads(&self, mirror: &Mirror) -> Vec<Download> {
        self.packages.iter().map(|package| package.download(&self.sources, mirror)).collect()
    }

    /// What to fetch for its toolchain, in its order.
    #[must_use]
    pub fn toolchain_downloads(&self, mirror: &Mirror) -> Vec<Download> {
        self.toolchain.iter().map(|package| package.download(&self.sources, mirror)).collect()
    }
}

impl IdMap {
    /// Adds numbers of accounts that it does not have yet; a number once given stays.
    pub fn add(&mut self, other: &Self) {
        let pairs = [(&mut self.users, &other.users), (&mut self.groups, &other.groups)];
        for (mine, others) in pairs {
            for (name, id) in others {
                mine.entry(name.clone()).or_insert(*id);
            }
        }
    }
}

/// Puts the packages of a profile beside those of others, and sorts them.
fn put_packages(all: &mut Vec<LockedPackage>, profile: &str, packages: Vec<LockedPackage>) {
    for package in packages {
        let same = |old: &&mut LockedPackage| {
            old.sha256 == package.sha256 && old.path == package.path && old.source == package.source
        };
        match all.iter_mut().find(same) {
            Some(old) => {
                add(&mut old.profiles, profile);
                old.scripts = package.scripts;
                old.scripts_sha256 = package.scripts_sha256;
                old.declared = package.declared;
            }
            None => all.push(LockedPackage { profiles: vec![profile.to_owned()], ..package }),
        }
    }
    all.sort_by_cached_key(|package| {
        (package.name.clone(), package.arch.clone(), package.version.clone(), package.sha256)
    });
}

fn of_no_profile(module: LockedKernelModule) -> LockedKernelModule {
    LockedKernelModule { profiles: Vec::new(), ..module }
}

fn without_profiles(source: &LockedSource) -> LockedSource {
    LockedSource { profiles: Vec::new(), ..source.clone() }
}

pub(super) fn add(profiles: &mut Vec<String>, name: &str) {
    profiles.push(name.to_owned());
    profiles.sort();
    profiles.dedup();
}

/// Whether others are left.
pub(super) fn drop_profile(profiles: &mut Vec<String>, name: &str) -> bool {
    profiles.retain(|profile| profile != name);
    !profiles.is_empty()
}
