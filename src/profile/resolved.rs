//! What can be asked of a resolved profile: its digests and what it drops.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Arch, Origin, Profile, Source};
use crate::tree::Digest;

impl Profile {
    /// Digest of everything in the profile, the contents of its files included. Two profiles with the same digest
    /// and the same lock give the same image.
    #[must_use]
    #[cfg(test)]
    pub fn config_digest(&self) -> Digest {
        digest_of(self)
    }

    /// Digest of just what the lock answers: which packages are chosen (architecture, sources, package names, whose recommended ones come along), whose
    /// account numbers are pinned, which files of which K3s release there are, which container images, and what kernel modules are compiled of. A lock stays good as long as it does
    /// not change.
    #[must_use]
    pub fn selection_digest(&self) -> Digest {
        let people = self.users.iter().map(|user| user.name.clone());
        // Files that declare accounts, sysusers.d(5).
        let declared = self.files.iter().filter(|(path, _)| path.contains("/sysusers.d/"));
        let declared = declared.map(|(path, file)| {
            format!("{path} {} {}", file.content.digest(), file.symlink.as_deref().unwrap_or_default())
        });
        let accounts: Vec<String> = people.chain(declared).collect();
        let selection: (Arch, &[Source], &[String], Vec<String>) =
            (self.board.arch(), &self.sources, &self.packages, accounts);
        match &self.k3s {
            Some(k3s) => {
                let digest = digest_of(&(selection, &k3s.version, k3s.role, k3s.air_gap));
                // Without such keys it is what it was before there were any, so that old locks stay good.
                let digest = match &k3s.preload[..] {
                    [] => digest,
                    preload => digest_of(&(digest.to_string(), preload)),
                };
                self.with_recommends(self.with_kernel(digest))
            }
            None => self.with_recommends(self.with_kernel(digest_of(&selection))),
        }
    }

    /// The digest, and in it the kernel's version and all that decides what compiled kernel modules are. Without such it is what
    /// it was before these keys, so that old locks stay good.
    fn with_kernel(&self, digest: Digest) -> Digest {
        if self.kernel_modules.is_empty() && self.kernel.version.is_none() {
            return digest;
        }
        digest_of(&(digest.to_string(), &self.kernel.version, &self.kernel_modules))
    }

    /// The digest, and in it whose recommended packages come along. Without such it is what it was before there was a choice.
    fn with_recommends(&self, digest: Digest) -> Digest {
        if self.recommends.is_usual() {
            return digest;
        }
        digest_of(&(digest.to_string(), &self.recommends))
    }

    /// What templates may know of it.
    #[must_use]
    pub fn public(&self) -> BTreeMap<&'static str, &str> {
        BTreeMap::from([
            ("name", self.name.as_str()),
            ("board", self.board.name()),
            ("arch", self.board.arch().name()),
            ("hostname", self.hostname.as_deref().unwrap_or_default()),
        ])
    }

    /// Who asks for a package. Nobody for what comes because others depend on it.
    #[must_use]
    pub fn wanted_by(&self, package: &str) -> BTreeSet<&Origin> {
        self.marks.givers("packages", package).map(|giver| giver.origin).collect()
    }

    /// Matches the clean paths that the image leaves out: what a glob of `drop` names, and all below it.
    ///
    /// # Panics
    /// If `drop` was changed after loading to something that is no glob.
    #[must_use]
    pub fn dropped(&self) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for glob in &self.drop {
            for pattern in [glob.clone(), format!("{glob}/**")] {
                set.add(glob_of(&pattern).expect("globs were checked when the profile was loaded"));
            }
        }
        set.build().expect("globs were checked when the profile was loaded")
    }

    /// The glob of `drop` that leaves a clean path out.
    #[must_use]
    pub fn drop_of(&self, path: &str) -> Option<&str> {
        let matches = |pattern: &str| glob_of(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(path));
        let entry = self.drop.iter().find(|glob| matches(glob) || matches(&format!("{glob}/**")));
        entry.map(String::as_str)
    }
}

/// `*` and `?` stay within one component of a path, as in a shell; `**` crosses.
pub(super) fn glob_of(pattern: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).build()
}

/// JSON of plain structs and sorted maps has one spelling, so its digest is stable.
fn digest_of(value: &impl serde::Serialize) -> Digest {
    Digest::of(&serde_json::to_vec(value).expect("a profile is plain data"))
}
