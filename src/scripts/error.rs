//! Scripts that cannot be followed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::shell::{Change, Stop};

/// Changes that an error shows; a longer list is better read with `imgbuild why --scripts`.
const SHOWN: usize = 8;

/// A maintainer script that cannot be followed to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "package {package} {version}: its `{script}` cannot be followed at {}: {}{}{}",
    place(.stop), .stop.reason, shown(.stop, .text), done(.changes)
)]
pub struct Unfollowed {
    pub package: String,
    pub version: String,
    /// `config`, `preinst` or `postinst`.
    pub script: String,
    pub stop: Stop,
    /// The line's text, if it is one of the script's own.
    pub text: String,
    /// What the script did up to there.
    pub changes: Vec<Change>,
    /// The text that accepts the script, ready for `ledger.toml`.
    pub entry: String,
}

/// All scripts that cannot be followed, of all packages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Unfollowed::to_string).collect::<Vec<_>>().join("\n"))]
pub struct UnfollowedScripts(pub Vec<Unfollowed>);

impl UnfollowedScripts {
    /// The ways out.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let packages: BTreeSet<&str> = self.0.iter().map(|script| script.package.as_str()).collect();
        let what = if packages.len() > 1 { "these packages" } else { "the package" };
        let mut entries: Vec<&str> = self.0.iter().map(|script| script.entry.as_str()).collect();
        entries.dedup();
        Some(format!(
            "leave {what} out, or read the script and, if an image can do without what it does, accept it, your reason in place of \
             `…`, in the workspace's ledger.toml, where you can also declare what it would have made:\n{}{}",
            entries.join("\n"),
            self.declarations()
        ))
    }

    /// How to declare what an image needs of what the lines do, as comments behind the entries.
    fn declarations(&self) -> String {
        let Some(script) = self.0.iter().find(|script| script.script != "triggers") else { return String::new() };
        let name = &script.package;
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

fn place(stop: &Stop) -> String {
    match &stop.file {
        Some(file) => format!("line {} of {file}", stop.line),
        None => format!("line {}", stop.line),
    }
}

fn shown(stop: &Stop, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n  {:4} | {text}", stop.line) }
}

fn done(changes: &[Change]) -> String {
    let mut text = String::new();
    if !changes.is_empty() {
        text.push_str("\n  up to there it");
    }
    for Change { line, what } in changes.iter().take(SHOWN) {
        let _ = write!(text, "\n  {line:4}   {what}");
    }
    if changes.len() > SHOWN {
        let _ = write!(text, "\n         … and {} more", changes.len() - SHOWN);
    }
    text
}
