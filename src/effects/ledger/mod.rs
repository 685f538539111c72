//! The script ledger: every line of every maintainer script is accounted for, none is run.
//!
//! Way of the data: a package's `preinst`, `postinst` and `config` scripts are taken apart into sections that
//! debhelper generated and hand-written lines; sections are matched with templates ([`Snippet`]), hand-written
//! parts are looked up by digest in the ledger (`reviewed.toml`, and a workspace's own `ledger.toml` of the same
//! form), and so are the triggers that the package waits for. What nobody accounts for is [`Unmodelled`].
//!
//! `prerm` and `postrm` are left alone: dpkg runs them when it removes or upgrades a package (Debian Policy 6.5),
//! and nothing is ever removed or upgraded in an image.

mod claims;
mod nss;
mod reviewed;
mod script;
mod snippet;

use std::collections::BTreeSet;
use std::fmt::Write as _;

pub use claims::check_claims;
use reviewed::NO_NOTE;
pub use reviewed::{Ledger, LedgerError};
use script::Script;
pub use snippet::Snippet;

use crate::debian::Package;
use crate::tree::Digest;

/// The scripts that dpkg and debconf run on a first installation.
const SCRIPTS: [&str; 3] = ["config", "preinst", "postinst"];

/// Unmodelled lines shown in full in an error; a longer script is better read in the package.
const SHOWN_LINES: usize = 24;

/// How a package's scripts are accounted for. Stored in the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It has no script that does anything.
    None,
    /// Only debhelper's sections.
    Snippets,
    /// Hand-written lines, reviewed in the embedded ledger.
    Reviewed,
    /// Hand-written lines that the workspace's own ledger accepts.
    Accepted,
}

impl Verdict {
    /// The word in the lock file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Snippets => "snippets",
            Self::Reviewed => "reviewed",
            Self::Accepted => "accepted",
        }
    }
}

/// A maintainer script or trigger that nobody accounts for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("package {package} {version}: nobody models these lines of its `{script}`:{}", listing(.lines))]
pub struct Unmodelled {
    pub package: String,
    pub version: String,
    /// `preinst`, `postinst`, `config` or `triggers`.
    pub script: String,
    /// The lines in question with their numbers.
    pub lines: Vec<(usize, String)>,
    /// The text that accepts them, ready for `ledger.toml`.
    pub entry: String,
}

/// All that nobody accounts for, of all packages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Unmodelled::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Unaccounted(pub Vec<Unmodelled>);

impl Unaccounted {
    /// The ways out.
    #[must_use]
    #[expect(clippy::unnecessary_wraps, reason = "the hints of all errors have one type")]
    pub fn hint(&self) -> Option<String> {
        let packages: BTreeSet<&str> = self.0.iter().map(|script| script.package.as_str()).collect();
        let what = if packages.len() > 1 { "these packages" } else { "the package" };
        let entries: Vec<&str> = self.0.iter().map(|script| script.entry.as_str()).collect();
        Some(format!(
            "leave {what} out, model what the lines do (docs/effects.md), or read them and, if an image can do without, \
             accept them, your reason in place of `…`, in the workspace's ledger.toml:\n{}{}",
            entries.join("\n"),
            self.declarations()
        ))
    }

    /// How to declare what an image needs of what the lines do, as comments behind the entries.
    fn declarations(&self) -> String {
        let Some(script) = self.0.iter().find(|script| script.script != "triggers") else { return String::new() };
        let name = script::ledger_name(&script.package);
        format!(
            "\n# What the image needs of what the lines do is declared right below an entry, such as:\n\
             # units = [\"{name}.service\"]\n\
             # [[script.account]]\n\
             # name = \"{name}\"\n\
             # home = \"/var/lib/{name}\"\n\
             # [[script.directory]]\n\
             # path = \"/var/lib/{name}\"\n\
             # mode = \"0750\"\n\
             # user = \"{name}\"\n\
             # group = \"{name}\"\n\
             # There are also group, file, link, alternative and diversion: docs/effects.md, \"Accept the lines\".\n"
        )
    }
}

fn listing(lines: &[(usize, String)]) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().take(SHOWN_LINES) {
        let _ = write!(text, "\n  {number:4} | {line}");
    }
    if lines.len() > SHOWN_LINES {
        let _ = write!(text, "\n       … and {} more", lines.len() - SHOWN_LINES);
    }
    text
}

/// Accounts for all scripts and triggers of `package`. `extra` is the workspace's own ledger.
///
/// # Errors
/// The scripts with lines that neither templates nor ledgers know.
pub fn judge(package: &Package, extra: &Ledger) -> Result<Verdict, Unaccounted> {
    let mut verdict = Verdict::None;
    let mut unmodelled = Vec::new();
    for name in SCRIPTS {
        if package.control.contains_key(name) {
            match judge_script(package, name, extra) {
                Ok(found) => verdict = verdict.max(found),
                Err(script) => unmodelled.push(script),
            }
        }
    }
    unmodelled.extend(judge_triggers(package, extra));
    if unmodelled.is_empty() { Ok(verdict) } else { Err(Unaccounted(unmodelled)) }
}

/// The generated sections of a package's `postinst` that are known, in order.
#[must_use]
pub fn snippets(package: &Package) -> Vec<Snippet> {
    let text = package.control_text("postinst").unwrap_or_default();
    Script::parse(text).sections.iter().filter_map(snippet::recognise).collect()
}

/// The hand-written part of a package's `postinst`, for effects that read literal commands out of it.
pub(super) fn hand_written(package: &Package) -> String {
    let text = package.control_text("postinst").unwrap_or_default();
    Script::parse(text).rest.iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n")
}

fn judge_script(package: &Package, name: &str, extra: &Ledger) -> Result<Verdict, Unmodelled> {
    let Some(text) = package.control_text(name) else {
        let digest = Digest::of(&package.control[name]);
        let lines = vec![(1, "(a binary program)".to_owned())];
        return find_review(package, name, digest, extra).ok_or_else(|| unmodelled(package, name, digest, lines));
    };
    let script = Script::parse(text);
    let unknown: Vec<&script::Section<'_>> =
        script.sections.iter().filter(|section| snippet::recognise(section).is_none()).collect();
    let mut lines: Vec<(usize, String)> =
        unknown.iter().flat_map(|section| &section.lines).map(|(number, line)| (*number, (*line).to_owned())).collect();
    let mut verdict = if script.sections.is_empty() { Verdict::None } else { Verdict::Snippets };
    let digest = script.fingerprint(package);
    if script.busy().next().is_some() {
        match find_review(package, name, digest, extra) {
            Some(found) => verdict = found,
            None => lines.extend(script.busy().map(|(number, line)| (number, line.to_owned()))),
        }
    }
    if lines.is_empty() {
        return Ok(verdict);
    }
    // An unknown section can only be accepted together with the whole script.
    let whole = Digest::of(script::generic(package, text).as_bytes());
    if !unknown.is_empty() {
        if let Some(found) = find_review(package, name, whole, extra) {
            return Ok(found);
        }
        lines.sort();
        return Err(unmodelled(package, name, whole, lines));
    }
    Err(unmodelled(package, name, digest, lines))
}

fn find_review(package: &Package, script: &str, digest: Digest, extra: &Ledger) -> Option<Verdict> {
    let name = script::ledger_name(&package.name);
    if Ledger::embedded().has_script(&name, script, digest) {
        return Some(Verdict::Reviewed);
    }
    extra.has_script(&name, script, digest).then_some(Verdict::Accepted)
}

fn unmodelled(package: &Package, script: &str, digest: Digest, lines: Vec<(usize, String)>) -> Unmodelled {
    let name = script::ledger_name(&package.name);
    Unmodelled {
        package: package.name.clone(),
        version: package.version.clone(),
        script: script.to_owned(),
        lines,
        entry: format!(
            "[[script]]\npackage = \"{name}\"\nscript = \"{script}\"\nsha256 = [\"{digest}\"]\neffects = []\nnote = \
             \"{NO_NOTE}\"\n"
        ),
    }
}

/// Triggers that the package waits for run its `postinst triggered`; activated ones are the waiting
/// package's business (deb-triggers(5)).
fn judge_triggers(package: &Package, extra: &Ledger) -> Vec<Unmodelled> {
    let mut unmodelled = Vec::new();
    let text = package.control_text("triggers").unwrap_or_default();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split_whitespace();
        let (Some("interest" | "interest-await" | "interest-noawait"), Some(trigger)) = (words.next(), words.next())
        else {
            continue;
        };
        let trigger = script::generic(package, trigger);
        if !Ledger::embedded().has_trigger(&trigger) && !extra.has_trigger(&trigger) {
            unmodelled.push(Unmodelled {
                package: package.name.clone(),
                version: package.version.clone(),
                script: "triggers".to_owned(),
                lines: vec![(number, line.to_owned())],
                entry: format!("[[trigger]]\nname = \"{trigger}\"\neffects = []\nnote = \"{NO_NOTE}\"\n"),
            });
        }
    }
    unmodelled
}

#[cfg(test)]
mod tests;
