//! The ledger's data: which hand-written scripts and triggers somebody has read, and what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use super::script;
use crate::tree::Digest;

/// Names that a review may give as the place where a script's work is done (docs/effects.md lists what each does).
pub const EFFECTS: [&str; 15] = [
    "accounts",
    "alternatives",
    "ca-certificates",
    "conffiles",
    "directories",
    "dpkg-db",
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

/// Stands in a proposed entry where the note belongs.
pub(super) const NO_NOTE: &str = "…";

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
    /// The trigger's name, or a glob of its paths, `@TRIPLET@` for the multiarch triplet.
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
    #[error("the ledger's entry for the trigger `{name}` is no glob")]
    Glob { name: String, source: globset::Error },
    #[error("the ledger's entry for {subject} has no note")]
    Note { subject: String },
    #[error(
        "ledger.toml says that the effect `{effect}` does what scripts of {package} would do, and it does nothing there"
    )]
    Idle { package: String, effect: String, wants: &'static str },
}

impl LedgerError {
    /// Which effects exist.
    #[must_use]
    #[expect(clippy::unnecessary_wraps, reason = "the hints of all errors have one type")]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Effect { .. } => Some(format!("effects are: {}", EFFECTS.join(", "))),
            Self::Note { .. } => {
                Some("write into `note` what the lines do, and why an image can do without".to_owned())
            }
            Self::Idle { wants, .. } => Some(format!(
                "{wants}. Where the image can do without, write `effects = []` and say so in `note`; where it cannot, let a \
                 file of an overlay do it (docs/effects.md)"
            )),
            Self::Syntax(_) | Self::Digest { .. } | Self::Glob { .. } => Some(
                "correct the workspace's ledger.toml: its entries are as `imgbuild lock` proposes them for a script that nobody \
                 models"
                    .to_owned(),
            ),
        }
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
    triggers: Vec<GlobMatcher>,
    /// The effects that reviews name, by package and script.
    effects: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Ledger {
    /// Reads a ledger file (TOML).
    ///
    /// # Errors
    /// Bad syntax, unknown keys, a bad digest, an unknown effect, no note.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let file: File = toml::from_str(text).map_err(Box::new)?;
        let mut ledger = Self::default();
        for review in file.script {
            check_words(&format!("{} {}", review.package, review.script), &review.effects, &review.note)?;
            let key = (review.package.clone(), review.script.clone());
            ledger.effects.entry(key).or_default().extend(review.effects);
            for sha256 in &review.sha256 {
                let digest = Digest::parse(sha256).ok_or_else(|| LedgerError::Digest {
                    package: review.package.clone(),
                    script: review.script.clone(),
                    sha256: sha256.clone(),
                })?;
                ledger.scripts.entry((review.package.clone(), review.script.clone())).or_default().insert(digest);
            }
        }
        for TriggerReview { name, effects, note } in file.trigger {
            check_words(&format!("trigger {name}"), &effects, &note)?;
            let glob = GlobBuilder::new(&name).literal_separator(true).empty_alternates(true).build();
            ledger.triggers.push(glob.map_err(|source| LedgerError::Glob { name, source })?.compile_matcher());
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

    /// Whether it has a review of any script of this package, whatever the script says.
    #[must_use]
    pub fn has_package(&self, package: &str) -> bool {
        let name = script::ledger_name(package);
        self.scripts.keys().any(|(reviewed, _)| *reviewed == name)
    }

    /// The effects that the reviews of this script name.
    pub(super) fn effects_of(&self, package: &str, script: &str) -> impl Iterator<Item = &str> {
        self.effects.get(&(package.to_owned(), script.to_owned())).into_iter().flatten().map(String::as_str)
    }

    pub(super) fn has_trigger(&self, name: &str) -> bool {
        self.triggers.iter().any(|glob| glob.is_match(name))
    }
}

/// The note of the entry that an error proposes is none.
fn check_words(subject: &str, effects: &[String], note: &str) -> Result<(), LedgerError> {
    if ["", NO_NOTE].contains(&note.trim()) {
        return Err(LedgerError::Note { subject: subject.to_owned() });
    }
    match effects.iter().find(|effect| !EFFECTS.contains(&effect.as_str())) {
        Some(effect) => Err(LedgerError::Effect { subject: subject.to_owned(), effect: effect.clone() }),
        None => Ok(()),
    }
}
