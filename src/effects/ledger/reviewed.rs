//! The ledger's data: which hand-written scripts and triggers somebody has read, and what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::{Arc, LazyLock};

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use serde_json::json;
use toml::Spanned;

use super::script;
use crate::debian::Package;
use crate::diagnostic::{Mistakes, SourceText};
use crate::effects::declared::{
    Account, Alternative, Declared, Directory, Diversion, Effects, Entry, File as DeclaredFile, Group, Link,
};
use crate::profile::parse::parse;
use crate::profile::values::Unit;
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

/// The name of a workspace's ledger, as messages show it.
const FILE: &str = "ledger.toml";

/// What helps where a mistake says no better.
const CORRECT: &str = "correct the workspace's ledger.toml: its entries are as `imgbuild lock` proposes them for a script that nobody models";

/// Stands in a proposed entry where the note belongs.
pub(super) const NO_NOTE: &str = "…";

/// A reviewed script.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct Review {
    /// The package's name; `@KERNEL@` stands for the release in a kernel image's.
    package: String,
    /// `preinst`, `postinst` or `config`.
    script: String,
    /// SHA-256 (hex) of the hand-written part; several where architectures or versions differ.
    sha256: Vec<String>,
    /// The effects that do what it does; none if there is nothing to do.
    effects: Vec<String>,
    /// What it does and why that is taken care of.
    note: String,
    // What a workspace's ledger declares, each in words that an owner looks for.
    #[serde(default)]
    group: Vec<Group>,
    #[serde(default)]
    account: Vec<Account>,
    #[serde(default)]
    directory: Vec<Directory>,
    #[serde(default)]
    file: Vec<DeclaredFile>,
    #[serde(default)]
    link: Vec<Link>,
    #[serde(default)]
    diversion: Vec<Diversion>,
    #[serde(default)]
    alternative: Vec<Alternative>,
    #[serde(default)]
    units: Vec<Spanned<Unit>>,
}

impl Review {
    /// What it declares, taken out.
    fn take_effects(&mut self) -> Effects {
        Effects {
            groups: take(&mut self.group),
            accounts: take(&mut self.account),
            diversions: take(&mut self.diversion),
            directories: take(&mut self.directory),
            files: take(&mut self.file),
            links: take(&mut self.link),
            alternatives: take(&mut self.alternative),
            units: take(&mut self.units),
        }
    }
}

/// A trigger that a package waits for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct TriggerReview {
    /// The trigger's name, or a glob of its paths, `@TRIPLET@` for the multiarch triplet.
    name: String,
    effects: Vec<String>,
    note: String,
}

/// What is wrong with a ledger file.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the ledger is not well-formed: {0}")]
    Syntax(#[source] Mistakes),
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
    #[error(
        "ledger.toml declares effects beside the `{script}` of {package} that it accepts, and the image's package has another one"
    )]
    Stale { package: String, script: String },
}

impl LedgerError {
    /// Which effects exist.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Effect { .. } => Some(format!("effects are: {}", EFFECTS.join(", "))),
            Self::Note { .. } => {
                Some("write into `note` what the lines do, and why an image can do without".to_owned())
            }
            Self::Idle { wants, .. } => Some(format!(
                "{wants}. Where the image can do without, write `effects = []` and say so in `note`; where it cannot, declare \
                 below the entry what it needs, or let a file of an overlay do it (docs/effects.md)"
            )),
            Self::Syntax(mistakes) => mistakes.hint(),
            Self::Stale { .. } => Some(
                "what they stood for may be gone: read the script that the package has now; then take the entry out, or accept that \
                 script beside them, its digest in `sha256`"
                    .to_owned(),
            ),
            Self::Digest { .. } | Self::Glob { .. } => Some(CORRECT.to_owned()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a ledger")]
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
    /// What reviews say of scripts, by package and script.
    notes: BTreeMap<(String, String), String>,
    /// The effects that reviews name, by package and script.
    effects: BTreeMap<(String, String), BTreeSet<String>>,
    /// Entries that declare effects, with the digests of the scripts that they accept, in the file's order.
    declaring: Vec<(Entry, BTreeSet<Digest>)>,
    /// Digests of what these say, by package.
    declared: BTreeMap<String, Digest>,
}

impl Ledger {
    /// Reads a ledger file (TOML).
    ///
    /// # Errors
    /// Bad syntax, unknown keys, a bad digest, an unknown effect, no note.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let source = Arc::new(SourceText { path: FILE.to_owned(), text: text.to_owned() });
        let file: File = parse(&source).map_err(|mut mistake| {
            mistake.hint.get_or_insert_with(|| CORRECT.to_owned());
            LedgerError::Syntax((*mistake).into())
        })?;
        let mut ledger = Self::default();
        let mut mistakes = Vec::new();
        for mut review in file.script {
            let declared = review.take_effects();
            let Review { package, script, sha256, effects, note, .. } = review;
            check_words(&format!("{package} {script}"), &effects, &note)?;
            let digest = |sha256: &String| {
                Digest::parse(sha256).ok_or_else(|| LedgerError::Digest {
                    package: package.clone(),
                    script: script.clone(),
                    sha256: sha256.clone(),
                })
            };
            let digests: BTreeSet<Digest> = sha256.iter().map(digest).collect::<Result<_, _>>()?;
            let key = (package.clone(), script.clone());
            ledger.notes.insert(key.clone(), note);
            ledger.effects.entry(key.clone()).or_default().extend(effects);
            ledger.scripts.entry(key).or_default().extend(&digests);
            if !declared.is_empty() {
                mistakes.extend(declared.mistakes(&source));
                ledger
                    .declaring
                    .push((Entry { package, script, effects: declared, source: Arc::clone(&source) }, digests));
            }
        }
        Mistakes::check(mistakes).map_err(LedgerError::Syntax)?;
        if !ledger.declaring.is_empty() {
            ledger.declared = declared_digests(text);
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

    /// What the review of a package's script says.
    #[must_use]
    pub fn note(&self, package: &str, script: &str) -> Option<&str> {
        self.notes.get(&(script::ledger_name(package), script.to_owned())).map(String::as_str)
    }

    /// The effects that the reviews of this script name.
    pub(super) fn effects_of(&self, package: &str, script: &str) -> impl Iterator<Item = &str> {
        self.effects.get(&(package.to_owned(), script.to_owned())).into_iter().flatten().map(String::as_str)
    }

    /// The effects that entries declare beside the scripts that `packages` really have.
    ///
    /// # Errors
    /// Effects declared beside another script than the package has.
    pub fn declared_for(&self, packages: &[Package]) -> Result<Declared, LedgerError> {
        let mut found = Vec::new();
        let mut stale: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        for (entry, digests) in &self.declaring {
            let Entry { package: name, script, .. } = entry;
            let mut named = packages.iter().filter(|package| script::ledger_name(&package.name) == *name).peekable();
            if named.peek().is_none() {
                continue;
            }
            let accepts = |it: &&Package| script::digests(it, script).iter().any(|digest| digests.contains(digest));
            let fit = named.find(accepts);
            found.extend(fit.map(|package| Entry { package: package.name.clone(), ..entry.clone() }));
            let none = stale.entry((name, script)).or_insert(true);
            *none &= fit.is_none();
        }
        match stale.into_iter().find(|(_, none)| *none) {
            Some(((package, script), _)) => {
                Err(LedgerError::Stale { package: package.to_owned(), script: script.to_owned() })
            }
            None => Ok(Declared::new(found)),
        }
    }

    /// Whether no entry declares anything.
    #[cfg(test)]
    #[must_use]
    pub fn declares_nothing(&self) -> bool {
        self.declaring.is_empty()
    }

    /// Digest of all that the ledger declares beside scripts of this package; none if that is nothing.
    #[must_use]
    pub fn declared_digest(&self, package: &str) -> Option<Digest> {
        self.declared.get(&script::ledger_name(package)).copied()
    }

    /// Whether an entry for this script declares what an effect of this name does.
    pub(super) fn declares(&self, package: &str, script: &str, effect: &str) -> bool {
        let mut entries = self.declaring.iter().map(|(entry, _)| entry);
        entries.any(|entry| entry.package == package && entry.script == script && entry.effects.has(effect))
    }

    pub(super) fn has_trigger(&self, name: &str) -> bool {
        self.triggers.iter().any(|glob| glob.is_match(name))
    }
}

/// What entries declare, by package: all that they say but for what is there without it, whatever the file looks like.
fn declared_digests(text: &str) -> BTreeMap<String, Digest> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for entry in table.get("script").and_then(toml::Value::as_array).into_iter().flatten() {
        let Some(mut entry) = entry.as_table().cloned() else { continue };
        entry.retain(|key, _| !["effects", "note"].contains(&key));
        let Some(toml::Value::String(package)) = entry.remove("package") else { continue };
        // Else it declares nothing.
        if entry.keys().any(|key| !["script", "sha256"].contains(&key.as_str())) {
            texts.entry(package).or_default().push_str(&json!(entry).to_string());
        }
    }
    texts.into_iter().map(|(package, text)| (package, Digest::of(text.as_bytes()))).collect()
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
