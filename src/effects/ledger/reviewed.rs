//! The ledger's data: which hand-written scripts and triggers somebody has read, and what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::tree::Digest;

/// Names that a review may give as the place where a script's work is done (docs/effects.md lists what each does).
pub const EFFECTS: [&str; 17] = [
    "accounts",
    "alternatives",
    "ca-certificates",
    "caches",
    "conffiles",
    "directories",
    "dpkg-db",
    "hwdb",
    "image",
    "ldconfig",
    "machine-id",
    "metadata",
    "modules",
    "pam",
    "seed",
    "tmpfiles",
    "units",
];

/// A reviewed script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The package's name; `@KERNEL@` stands for the release in a kernel image's.
    pub package: String,
    /// `preinst`, `postinst` or `config`.
    pub script: String,
    /// SHA-256 (hex) of the hand-written part; several where architectures or versions differ.
    pub sha256: Vec<String>,
    /// The effects that do what it does; none if there is nothing to do.
    pub effects: Vec<String>,
    /// What it does and why that is taken care of.
    pub note: String,
}

/// A trigger that a package waits for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerReview {
    /// The trigger's name or path, `@TRIPLET@` for the multiarch triplet.
    pub name: String,
    pub effects: Vec<String>,
    pub note: String,
}

/// What is wrong with a ledger file.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the ledger is not well-formed: {0}")]
    Syntax(#[from] Box<toml::de::Error>),
    #[error("the ledger's entry for {package} {script}: `{sha256}` is not a SHA-256 in hexadecimal digits")]
    Digest { package: String, script: String, sha256: String },
    #[error("the ledger's entry for {subject} names the effect `{effect}`, which does not exist")]
    Effect { subject: String, effect: String },
}

impl LedgerError {
    /// Which effects exist.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::Effect { .. }).then(|| format!("effects are: {}", EFFECTS.join(", ")))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    script: Vec<Review>,
    #[serde(default)]
    trigger: Vec<TriggerReview>,
}

/// Reviews, found by package and script and by trigger.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    scripts: BTreeMap<(String, String), BTreeSet<Digest>>,
    triggers: BTreeSet<String>,
}

impl Ledger {
    /// Reads a ledger file (TOML).
    ///
    /// # Errors
    /// Bad syntax, unknown keys, a bad digest, an unknown effect.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let file: File = toml::from_str(text).map_err(Box::new)?;
        let mut ledger = Self::default();
        for review in file.script {
            check_effects(&format!("{} {}", review.package, review.script), &review.effects)?;
            for sha256 in &review.sha256 {
                let digest = Digest::parse(sha256).ok_or_else(|| LedgerError::Digest {
                    package: review.package.clone(),
                    script: review.script.clone(),
                    sha256: sha256.clone(),
                })?;
                ledger.scripts.entry((review.package.clone(), review.script.clone())).or_default().insert(digest);
            }
        }
        for review in file.trigger {
            check_effects(&review.name, &review.effects)?;
            ledger.triggers.insert(review.name);
        }
        Ok(ledger)
    }

    /// The reviews that come with the program.
    ///
    /// # Panics
    /// Never: a test reads the embedded file.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Ledger> = LazyLock::new(|| {
            Ledger::parse(include_str!("reviewed.toml")).expect("the embedded ledger is read by a test")
        });
        &EMBEDDED
    }

    pub(super) fn has_script(&self, package: &str, script: &str, digest: Digest) -> bool {
        self.scripts.get(&(package.to_owned(), script.to_owned())).is_some_and(|known| known.contains(&digest))
    }

    pub(super) fn has_trigger(&self, name: &str) -> bool {
        self.triggers.contains(name)
    }
}

fn check_effects(subject: &str, effects: &[String]) -> Result<(), LedgerError> {
    match effects.iter().find(|effect| !EFFECTS.contains(&effect.as_str())) {
        Some(effect) => Err(LedgerError::Effect { subject: subject.to_owned(), effect: effect.clone() }),
        None => Ok(()),
    }
}
