//! The script ledger: how every line of every maintainer script is accounted for; none is run.
//!
//! Way of the data: a package's `preinst`, `postinst` and `config` scripts are taken apart into sections that
//! debhelper generated and hand-written lines; sections are matched with templates ([`Snippet`]), hand-written
//! parts are looked up by digest in the ledger (`reviewed.toml`, and a workspace's own `ledger.toml` of the same
//! form), and so are the triggers that the package waits for. What is in no ledger is evaluated ([`Treatment`]; `scripts`).
//!
//! `prerm` and `postrm` are left alone: dpkg runs them when it removes or upgrades a package (Debian Policy 6.5),
//! and nothing is ever removed or upgraded in an image.

mod claims;
mod nss;
mod reviewed;
mod script;
mod snippet;

use std::borrow::Cow;

pub use claims::check_claims;
use reviewed::NO_NOTE;
pub use reviewed::{Ledger, LedgerError};
use script::Script;
pub use snippet::Snippet;

use crate::debian::Package;
use crate::tree::Digest;

/// The scripts that dpkg and debconf run on a first installation.
pub const SCRIPTS: [&str; 3] = ["config", "preinst", "postinst"];

/// How a package's scripts are accounted for. Stored in the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It has no script that does anything.
    None,
    /// Only debhelper's sections.
    Snippets,
    /// Hand-written lines, evaluated over the tree.
    Evaluated,
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
            Self::Evaluated => "evaluated",
            Self::Reviewed => "reviewed",
            Self::Accepted => "accepted",
        }
    }
}

/// How one script of a package is accounted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treatment {
    pub verdict: Verdict,
    /// What is to be evaluated, line by line as in the script; sections that effects do for all packages at once are blank.
    pub evaluate: Option<String>,
    /// The text that accepts the script as a whole, ready for `ledger.toml`.
    pub entry: String,
}

/// How the script `name` of `package` is accounted for: by what it is made of, a review, or evaluating it. `extra` is the workspace's own
/// ledger.
#[must_use]
pub fn treatment(package: &Package, name: &str, extra: &Ledger) -> Treatment {
    let bytes = package.control.get(name).map(Vec::as_slice).unwrap_or_default();
    let text = text_of(bytes);
    let script = Script::parse(&text);
    let digest = script.fingerprint(package);
    let is_unknown = |section: &script::Section<'_>| snippet::recognise(section).is_none();
    let whole = Digest::of(script::generic(package, &text).as_bytes());
    let has_unknown = script.sections.iter().any(is_unknown);
    // An unknown section can only be accepted together with the whole script.
    let known_as = match (package.control_text(name), has_unknown) {
        (None, _) => Digest::of(bytes),
        (Some(_), true) => whole,
        (Some(_), false) => digest,
    };
    let is_busy = script.busy().next().is_some() || has_unknown;
    let plain = if script.sections.is_empty() { Verdict::None } else { Verdict::Snippets };
    let review = is_busy.then(|| find_review(package, name, known_as, extra)).flatten();
    let verdict = match (is_busy, review) {
        (_, Some(review)) => review,
        (true, None) => Verdict::Evaluated,
        (false, None) => plain,
    };
    // Alternatives are made at once: later scripts look for the programs that they lead to.
    let makes_links = |section: &script::Section<'_>| section.helper == "dh_installalternatives";
    let evaluate = match verdict {
        Verdict::Evaluated => Some(script.without(&text, |section| !is_unknown(section) && !makes_links(section))),
        Verdict::Snippets if script.sections.iter().any(makes_links) => {
            Some(script.without(&text, |section| !makes_links(section)))
        }
        _ => None,
    };
    Treatment { verdict, evaluate, entry: entry(package, name, known_as) }
}

/// A script's text. Bytes that are no UTF-8 are let pass where they do nothing, in comments.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    let is_comment = |line: &[u8]| line.trim_ascii_start().starts_with(b"#");
    let is_text = bytes.split(|byte| *byte == b'\n').all(|line| is_comment(line) || std::str::from_utf8(line).is_ok());
    // NUL is what the shell's parser refuses, with the line.
    if is_text {
        String::from_utf8_lossy(bytes)
    } else {
        Cow::Owned(String::from_utf8_lossy(bytes).replace('\u{fffd}', "\0"))
    }
}

/// Accounts for the triggers that `package` waits for. `extra` is the workspace's own ledger.
#[must_use]
pub fn unknown_triggers(package: &Package, extra: &Ledger) -> Vec<String> {
    let mut unknown = Vec::new();
    for line in package.control_text("triggers").unwrap_or_default().lines() {
        let mut words = line.split_whitespace();
        let (Some("interest" | "interest-await" | "interest-noawait"), Some(trigger)) = (words.next(), words.next())
        else {
            continue;
        };
        let generic = script::generic(package, trigger);
        if !Ledger::embedded().has_trigger(&generic) && !extra.has_trigger(&generic) {
            unknown.push(trigger.to_owned());
        }
    }
    unknown
}

/// The text that accepts triggers, ready for `ledger.toml`.
#[must_use]
pub fn trigger_entries(package: &Package, names: &[String]) -> String {
    let entry = |name: &String| {
        let name = script::generic(package, name);
        format!("[[trigger]]\nname = \"{name}\"\neffects = []\nnote = \"{NO_NOTE}\"\n")
    };
    names.iter().map(entry).collect()
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

fn find_review(package: &Package, script: &str, digest: Digest, extra: &Ledger) -> Option<Verdict> {
    let name = script::ledger_name(&package.name);
    if Ledger::embedded().has_script(&name, script, digest) {
        return Some(Verdict::Reviewed);
    }
    extra.has_script(&name, script, digest).then_some(Verdict::Accepted)
}

/// The text that accepts a script.
fn entry(package: &Package, script: &str, digest: Digest) -> String {
    let name = script::ledger_name(&package.name);
    format!(
        "[[script]]\npackage = \"{name}\"\nscript = \"{script}\"\nsha256 = [\"{digest}\"]\neffects = []\nnote = \
         \"{NO_NOTE}\"\n"
    )
}

#[cfg(test)]
mod tests;
