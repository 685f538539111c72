//! debconf as an installation without anybody to ask has it: frontend `noninteractive`, answers from defaults and from what the
//! profile says beforehand (debconf(7), debconf-devel(7), Debconf/ConfModule.pm).
//!
//! ```text
//! `templates` of packages + the profile's answers ─▶ Debconf ─▶ requests of scripts (`protocol`) ─▶ replies, changed answers
//!                                                        └▶ answers to questions that no package has, or that are no choice
//! ```
//!
//! A package's questions are there from when one of its scripts first talks to debconf, as Debconf's `frontend` loads them
//! then; what the profile answers is there from the beginning, as debconf-set-selections(1) does it. One value serves all
//! scripts of an installation, one after the other.

mod database;
mod mistake;
mod protocol;
mod template;

use std::collections::BTreeMap;

use crate::debian::Package;
use database::Database;
use template::{Template, split};

pub use mistake::Mistake;
pub use protocol::{Breakdown, Environment, Reply, unescape};

/// debconf with its database.
#[derive(Debug, Clone, Default)]
pub struct Debconf {
    database: Database,
    /// The templates of all packages, by package; what of a file is none, as its message.
    templates: BTreeMap<String, Result<Vec<(String, Template)>, String>>,
    preseeds: BTreeMap<String, String>,
    session: Session,
}

/// What lasts as long as one script talks to debconf.
#[derive(Debug, Clone, Default)]
struct Session {
    /// The package whose script talks.
    owner: String,
    /// Whether the script can do with escaped text (`CAPB escape`).
    escapes: bool,
    /// Questions that the next `GO` shows, and whether they count as seen then.
    shown: Vec<(String, bool)>,
    /// Questions that are seen when the script is done.
    seen: Vec<String>,
    in_progress: bool,
    stopped: bool,
}

impl Debconf {
    /// debconf before the first script: nothing but the answers `preseeds`, by question.
    #[must_use]
    pub fn new(packages: &[Package], preseeds: &BTreeMap<String, String>) -> Self {
        let mut debconf = Self { preseeds: preseeds.clone(), ..Self::default() };
        for package in packages {
            if let Some(bytes) = package.control.get("templates") {
                // Old translations have other encodings; what counts is ASCII.
                let parsed = template::parse(&String::from_utf8_lossy(bytes)).map_err(|error| error.to_string());
                debconf.templates.insert(package.name.clone(), parsed);
            }
        }
        for (name, answer) in preseeds {
            let found = debconf.packages_templates().find(|(_, known, _)| *known == name);
            let (owner, template) = match found {
                Some((package, _, template)) => (package.to_owned(), template.clone()),
                None => ("unknown".to_owned(), Template::stand_in()),
            };
            debconf.database.load(name, template, &owner);
            if let Some(question) = debconf.database.questions.get_mut(name) {
                question.value = Some(answer.clone());
                question.flags.insert("seen".to_owned(), "true".to_owned());
            }
        }
        debconf
    }

    /// Package, name and template of all questions that packages have.
    fn packages_templates(&self) -> impl Iterator<Item = (&str, &str, &Template)> {
        self.templates.iter().flat_map(|(package, templates)| {
            let templates = templates.iter().flatten();
            templates.map(move |(name, template)| (package.as_str(), name.as_str(), template))
        })
    }

    /// All questions that packages have, for who has mistyped one; sorted.
    pub fn questions(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.packages_templates().map(|(_, name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }

    /// The answers of the profile to questions that no package has, nor any script made so far (`db_register`).
    #[must_use]
    pub fn unknown(&self) -> Vec<&str> {
        let stands_in = |name: &str| {
            self.database.questions.get(name).is_none_or(|question| {
                question.template == name && !self.packages_templates().any(|(_, known, _)| known == name)
            })
        };
        self.preseeds.keys().map(String::as_str).filter(|name| stands_in(name)).collect()
    }

    /// The answers of the profile that are wrong: to no question, or none of its choices. Choices that scripts put together are
    /// those of now, so the time to ask is when all scripts are done.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let unknown = self.unknown().into_iter().map(|question| Mistake::unknown(question, self.questions()));
        let mut mistakes: Vec<Mistake> = unknown.collect();
        for (question, answer) in &self.preseeds {
            let Some(found) = self.database.questions.get(question) else { continue };
            // A list that scripts put together is not known before they have.
            let known = self.database.knows_choices(found);
            let choices = if known { split(&self.database.choices(found)) } else { Vec::new() };
            mistakes.extend(Mistake::of(question, answer, self.database.kind(found), choices));
        }
        mistakes
    }

    /// Begins to listen to a script of the package `owner`, whose questions are loaded (`/usr/share/debconf/frontend`).
    ///
    /// # Errors
    /// Templates that debconf cannot read.
    pub fn begin(&mut self, owner: &str) -> Result<(), String> {
        self.listen(owner);
        match self.templates.get(owner) {
            Some(Ok(templates)) => {
                for (name, template) in templates.clone() {
                    self.database.load(&name, template, owner);
                }
                Ok(())
            }
            Some(Err(error)) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Begins to listen to somebody who speaks for `owner`, whose questions are not loaded.
    pub fn listen(&mut self, owner: &str) {
        self.finish();
        self.session = Session { owner: owner.to_owned(), ..Session::default() };
    }

    /// Whether a script talks that has not said `STOP`.
    #[must_use]
    pub fn listens(&self) -> bool {
        !self.session.stopped && !self.session.owner.is_empty()
    }

    /// Ends what a script says: what was shown is seen from now on.
    pub fn finish(&mut self) {
        for name in std::mem::take(&mut self.session.seen) {
            if let Some(question) = self.database.questions.get_mut(&name) {
                question.flags.insert("seen".to_owned(), "true".to_owned());
            }
        }
        self.session.stopped = true;
    }

    /// Answers a question as debconf-set-selections(1) does, which makes it if nobody has it.
    pub fn select(&mut self, owner: &str, name: &str, kind: &str, answer: &str, seen: bool) {
        let template = self.database.templates.entry(name.to_owned()).or_default();
        template.set("type", kind);
        let question = self.database.own(name, name, owner);
        question.value = Some(answer.to_owned());
        if seen {
            question.flags.insert("seen".to_owned(), "true".to_owned());
        }
    }

    /// Sets a question's flag as debconf-set-selections(1) does. Says whether there is such a question.
    pub fn flag(&mut self, name: &str, flag: &str, value: &str) -> bool {
        let question = self.database.questions.get_mut(name);
        question.map(|question| question.flags.insert(flag.to_owned(), value.to_owned())).is_some()
    }
}
