//! What `why` answers, for people and for programs.

use serde::Serialize;
use serde_json::{Value, json};

use crate::profile::{Giver, Origin};

/// Why something is in an image, or set there.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    /// `package`, `file`, `manifest`, `unit`, `module`, `sysctl` or `debconf`.
    pub(super) kind: &'static str,
    /// What was asked about.
    pub(super) name: &'a str,
    /// What comes before any dependency: what the profile says, or which package holds it.
    pub(super) given: Vec<Given>,
    /// How the package comes in that it is, or that holds it.
    pub(super) chain: Option<Chain>,
}

/// A sentence on what was asked about, and whose word it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) says: String,
    pub(super) by: Vec<Asker>,
    /// Overlays that say something else, which does not count.
    pub(super) instead_of: Vec<Asker>,
}

/// The chain of dependencies that brings a package.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) package: String,
    pub(super) steps: Vec<String>,
    /// Who asks for the package that it starts with.
    pub(super) askers: Vec<Asker>,
}

/// Who asks for something, or gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Asker {
    /// `profile`, `overlay` or `board`.
    kind: &'static str,
    name: String,
    /// The file that says it, and the line if it is one of many; a board has none.
    file: Option<String>,
    line: Option<usize>,
}

impl Asker {
    pub(super) fn new(origin: &Origin, file: Option<String>, line: Option<usize>) -> Self {
        Self { kind: origin.kind(), name: origin.name().to_owned(), file, line }
    }

    fn describe(&self) -> String {
        let Self { kind, name, file, line } = self;
        let line = line.map_or(String::new(), |line| format!(":{line}"));
        let place = file.as_ref().map_or(String::new(), |file| format!(" ({file}{line})"));
        format!("{kind} `{name}`{place}")
    }
}

impl From<Giver<'_>> for Asker {
    fn from(giver: Giver<'_>) -> Self {
        let (file, line) = giver.place.map(|(path, line)| (path.to_owned(), line)).unzip();
        Self::new(giver.origin, file, line)
    }
}

impl Answer<'_> {
    /// For programs.
    pub(super) fn value(&self, profile: &str) -> Value {
        let chain = self.chain.as_ref();
        let steps = chain.map_or(&[][..], |chain| &chain.steps);
        let says: Vec<&String> = self.given.iter().map(|given| &given.says).chain(steps).collect();
        let wanted_by = chain.map_or(&[][..], |chain| &chain.askers);
        let mut value = json!({ "profile": profile, "why": says, "wanted_by": wanted_by });
        if self.kind != "package" {
            let all = |of: fn(&Given) -> &Vec<Asker>| self.given.iter().flat_map(of).collect::<Vec<_>>();
            value["given_by"] = json!(all(|given| &given.by));
            value["instead_of"] = json!(all(|given| &given.instead_of));
            value["package"] = json!(chain.map(|chain| &chain.package));
        }
        value[self.kind] = json!(self.name);
        value
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        let mut lines = Vec::new();
        for Given { says, by, instead_of } in &self.given {
            lines.push(says.clone());
            lines.extend(by.iter().map(|asker| format!("  by {}", asker.describe())));
            lines.extend(instead_of.iter().map(|asker| format!("  instead of {}", asker.describe())));
        }
        for (number, step) in self.chain.iter().flat_map(|chain| &chain.steps).enumerate() {
            lines.push(step.clone());
            // Below the chain's start, which they ask for.
            let askers = self.chain.iter().flat_map(|chain| &chain.askers).filter(|_| number == 0);
            lines.extend(askers.map(|asker| format!("  by {}", asker.describe())));
        }
        lines.join("\n")
    }
}
