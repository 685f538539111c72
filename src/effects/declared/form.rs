//! Declared effects as they are written below a `[[script]]` of `ledger.toml`.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::values::{AccountName, AlternativeName, Gecos, Home};
use crate::diagnostic::{Diagnostic, SourceText};
use crate::profile::values::{ImagePath, Line, Mode, Unit};

/// What one entry declares.
#[derive(Debug, Clone, Default)]
pub(in crate::effects) struct Effects {
    pub groups: Vec<Group>,
    pub accounts: Vec<Account>,
    pub diversions: Vec<Diversion>,
    pub directories: Vec<Directory>,
    pub files: Vec<File>,
    pub links: Vec<Link>,
    pub alternatives: Vec<Alternative>,
    /// Units that are enabled.
    pub units: Vec<Spanned<Unit>>,
}

/// A group, as `addgroup --system` makes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct Group {
    pub name: Spanned<AccountName>,
}

/// An account of the system, as `adduser --system` makes it; no password fits it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct Account {
    pub name: Spanned<AccountName>,
    /// Its primary group, which something else makes; one of its own name unless given.
    pub group: Option<AccountName>,
    /// Further groups.
    #[serde(default)]
    pub groups: Vec<AccountName>,
    /// `/nonexistent` unless given. It is not made: that is a directory's business.
    pub home: Option<Home>,
    /// `/usr/sbin/nologin` unless given.
    pub shell: Option<Home>,
    pub gecos: Option<Gecos>,
}

/// A directory with its owner and mode; those of one that is there are changed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct Directory {
    pub path: Spanned<ImagePath>,
    /// "0755" unless given.
    pub mode: Option<Mode>,
    pub user: Option<AccountName>,
    pub group: Option<AccountName>,
}

/// A file: a new one with `content` or `copy`, else owner and mode of one that is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct File {
    pub path: Spanned<ImagePath>,
    /// Its text.
    pub content: Option<String>,
    /// A file of the image that it is a copy of.
    pub copy: Option<ImagePath>,
    pub mode: Option<Mode>,
    pub user: Option<AccountName>,
    pub group: Option<AccountName>,
}

/// A symbolic link.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct Link {
    pub path: Spanned<ImagePath>,
    pub target: Line,
}

/// A choice of an alternative, as `update-alternatives --install` takes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct Alternative {
    pub link: ImagePath,
    pub name: AlternativeName,
    pub path: Spanned<ImagePath>,
    pub priority: i32,
    #[serde(default)]
    pub slaves: Vec<Slave>,
}

/// A link that follows an alternative's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct Slave {
    pub link: ImagePath,
    pub name: AlternativeName,
    pub path: ImagePath,
}

/// A file of other packages that gives its place to this package, as `dpkg-divert --rename` has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::effects) struct Diversion {
    pub path: Spanned<ImagePath>,
    /// Where the file goes; its own path with `.distrib` at the end unless given.
    pub to: Option<ImagePath>,
}

impl Effects {
    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        let Self { groups, accounts, diversions, directories, files, links, alternatives, units } = self;
        groups.is_empty()
            && accounts.is_empty()
            && diversions.is_empty()
            && directories.is_empty()
            && files.is_empty()
            && links.is_empty()
            && alternatives.is_empty()
            && units.is_empty()
    }

    /// Whether something is declared that an effect of the ledger's names does.
    pub fn has(&self, effect: &str) -> bool {
        match effect {
            "accounts" => !self.accounts.is_empty() || !self.groups.is_empty(),
            "alternatives" => !self.alternatives.is_empty(),
            "conffiles" => self.files.iter().any(|file| file.content.is_some() || file.copy.is_some()),
            "directories" => !self.directories.is_empty(),
            "dpkg-db" => !self.diversions.is_empty(),
            "metadata" => !self.files.is_empty() || !self.directories.is_empty(),
            "units" => !self.units.is_empty(),
            _ => false,
        }
    }

    /// What contradicts itself, at its place in `source`.
    pub fn mistakes(&self, source: &Arc<SourceText>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut wrong = |at: &Spanned<ImagePath>, message: String, hint: &str| {
            found.push(Diagnostic::new(source, Some(at.span()), message).hint(hint));
        };
        for File { path, content, copy, mode, user, group } in &self.files {
            let name = &path.get_ref().0;
            if content.is_some() && copy.is_some() {
                wrong(path, format!("file `{name}` has both `content` and `copy`"), "leave one of the two out");
            } else if content.is_none() && copy.is_none() && mode.is_none() && user.is_none() && group.is_none() {
                let hint = "give it `content` or `copy`; or, if the file is there, the `mode`, `user` or `group` it is to have";
                wrong(path, format!("of file `{name}` nothing is said"), hint);
            }
        }
        for diversion in &self.diversions {
            let name = &diversion.path.get_ref().0;
            if *name == diversion.to() {
                wrong(&diversion.path, format!("file `{name}` is diverted to itself"), "give `to` another path");
            }
        }
        found
    }
}

impl Diversion {
    /// Where the file goes (dpkg-divert(1), `--divert`).
    pub fn to(&self) -> String {
        self.to.as_ref().map_or_else(|| format!("{}.distrib", self.path.get_ref().0), |to| to.0.clone())
    }
}
