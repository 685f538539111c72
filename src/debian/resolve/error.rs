//! Why a selection of packages failed, and the text that explains it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::select::Refusal;
use super::universe::{Id, Universe};
use crate::debian::index::Stanza;
use crate::debian::relation::{Relation, RelationError};

/// Lowest similarity (Jaro-Winkler, 0 to 1) of a suggested name.
const ALIKE: f64 = 0.85;
/// Most names that are suggested.
const SUGGESTIONS: usize = 3;
/// Most providers of a virtual package that are named.
const PROVIDERS: usize = 20;
/// Most lines of an explanation, and most nested steps.
const LINES: usize = 200;
const STEPS: usize = 40;

/// Why no set of packages was selected.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Wanted names that no source has.
    #[error("no source has {}", join(.0.iter().map(|unknown| format!("`{}`", unknown.name))))]
    Unknown(Vec<UnknownPackage>),
    /// The wanted packages cannot be installed together.
    #[error("the packages cannot be installed together\n{0}")]
    Impossible(Explanation),
    #[error("package `{package}` {version}: {source}")]
    Relation { package: String, version: String, source: RelationError },
    #[error("package `{package}` is at the end of a chain of more than {limit} dependencies")]
    TooDeep { package: String, limit: usize },
    #[error("the sources' packages have too many relations to choose packages in reasonable time")]
    TooMuch,
    #[error("no stable set of packages was found: more than {limit} times one was replaced by another")]
    Unsettled { limit: usize },
}

/// A wanted name that no package has.
#[derive(Debug)]
pub struct UnknownPackage {
    pub name: String,
    /// Packages that provide the name, if it is a virtual one.
    pub provided_by: Vec<String>,
    /// Similar names, best first.
    pub alike: Vec<String>,
}

/// The chain of dependencies that leads to one that cannot be satisfied: one step per line, indented.
#[derive(Debug)]
pub struct Explanation {
    lines: Vec<String>,
    /// Whether there is a conflict between packages in the chain.
    conflict: bool,
}

impl ResolveError {
    pub(super) fn relation(stanza: &Stanza<'_>) -> impl FnOnce(RelationError) -> Self + use<> {
        let (package, version) = (stanza.name.to_owned(), stanza.version.to_string());
        move |source| Self::Relation { package, version, source }
    }

    /// What the user may do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let unknown = match self {
            Self::Unknown(unknown) => unknown,
            Self::Impossible(explanation) => return Some(explanation.hint().to_owned()),
            _ => return None,
        };
        let hints: Vec<String> = unknown.iter().filter_map(UnknownPackage::hint).collect();
        (!hints.is_empty()).then(|| hints.join("; "))
    }
}

impl UnknownPackage {
    pub(super) fn new(universe: &Universe<'_>, name: &str) -> Self {
        let mut alike: Vec<(f64, &str)> = universe
            .names()
            .map(|other| (strsim::jaro_winkler(name, other), other))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        Self {
            name: name.to_owned(),
            provided_by: universe
                .providers(name)
                .take(PROVIDERS)
                .map(|id| universe.stanza(id).name.to_owned())
                .collect(),
            alike: alike.into_iter().take(SUGGESTIONS).map(|(_, other)| other.to_owned()).collect(),
        }
    }

    /// What was probably meant.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if !self.provided_by.is_empty() {
            return Some(format!("`{}` is virtual, name one of {}", self.name, quoted(&self.provided_by)));
        }
        (!self.alike.is_empty()).then(|| format!("for `{}`, did you mean {}?", self.name, quoted(&self.alike)))
    }
}

impl Explanation {
    pub(super) fn new(universe: &Universe<'_>, refused: &BTreeMap<Id, Refusal<'_>>, root: Id) -> Self {
        let mut writer = Writer { universe, refused, told: BTreeSet::new(), lines: Vec::new(), conflict: false };
        let reason = if universe.stanza(root).essential { "essential" } else { "wanted by the profile" };
        writer.line(0, &format!("{} is {reason}", writer.name(root)));
        writer.tell(root, 1);
        Self { lines: writer.lines, conflict: writer.conflict }
    }

    fn hint(&self) -> &'static str {
        if self.conflict {
            "leave out one of those that conflict, or what wants it"
        } else {
            "leave out what wants it, or add a source that has what is missing"
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.lines.join("\n"))
    }
}

struct Writer<'w, 'a> {
    universe: &'w Universe<'a>,
    refused: &'w BTreeMap<Id, Refusal<'a>>,
    told: BTreeSet<Id>,
    lines: Vec<String>,
    conflict: bool,
}

impl Writer<'_, '_> {
    fn line(&mut self, depth: usize, text: &str) {
        self.lines.push(format!("{}{text}", "  ".repeat(depth)));
    }

    fn name(&self, id: Id) -> String {
        let candidate = self.universe.get(id);
        format!("{} {} from {}", candidate.stanza.name, candidate.stanza.version, candidate.source)
    }

    fn tell(&mut self, id: Id, depth: usize) {
        let Some(refusal) = self.refused.get(&id) else { return };
        if depth > STEPS || self.lines.len() > LINES {
            return self.line(depth, "(and so on)");
        }
        if !self.told.insert(id) {
            return self.line(depth, "(as above)");
        }
        match refusal {
            Refusal::Conflict { with, by, relation } => {
                self.conflict = true;
                let victim = self.name(if by == with { id } else { *with });
                self.line(depth, &format!("but {} conflicts with {victim} (`{relation}`)", self.name(*by)));
            }
            Refusal::Unsatisfied { group, tried } => {
                let text = group.iter().map(|relation| relation.text).collect::<Vec<_>>().join(" | ");
                self.line(depth, &format!("{} needs {text}", self.universe.stanza(id).name));
                for relation in group.iter().take(LINES) {
                    self.tell_unavailable(relation, depth.saturating_add(1));
                }
                for &choice in tried.iter().take(LINES) {
                    self.line(depth.saturating_add(1), &format!("{} is available", self.name(choice)));
                    self.tell(choice, depth.saturating_add(2));
                }
            }
        }
    }

    /// Explains why no package satisfies `relation`, if none does.
    fn tell_unavailable(&mut self, relation: &Relation<'_>, depth: usize) {
        if !self.universe.satisfiers(relation).is_empty() {
            return;
        }
        let text = match (self.universe.find(relation.name), self.universe.providers(relation.name).next()) {
            (Some(id), _) => format!("the only candidate is {}", self.name(id)),
            (None, Some(id)) => format!("{} provides it only in another version or none", self.name(id)),
            (None, None) => format!("no source has {}", relation.name),
        };
        self.line(depth, &text);
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
