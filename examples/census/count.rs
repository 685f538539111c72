//! What scripts are made of: commands and constructs of the shell, and which packages have them.

use std::collections::{BTreeMap, BTreeSet};

use imgbuild::shell::ast::{Command, CommandKind, List, Operation, Part, RedirectKind, Word};
use imgbuild::shell::parse;

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Counts {
    pub scripts: usize,
    /// Those that are neither empty nor comments.
    pub lines: usize,
    /// Packages by command.
    pub commands: BTreeMap<String, BTreeSet<String>>,
    /// Packages by construct.
    pub constructs: BTreeMap<String, BTreeSet<String>>,
}

impl Counts {
    /// Counts a script of `package`.
    pub fn take(&mut self, package: &str, text: &str) {
        self.scripts += 1;
        let busy = |line: &&str| !line.trim_start().is_empty() && !line.trim_start().starts_with('#');
        self.lines += text.lines().filter(busy).count();
        let mut walk = Walk { package, counts: self };
        let interpreter = text.lines().next().unwrap_or_default();
        match parse(text) {
            _ if !interpreter.contains("sh") => walk.construct(interpreter),
            Ok(list) => walk.list(&list),
            Err(_) => walk.construct("what cannot be parsed"),
        }
    }
}

/// A walk through one script.
struct Walk<'a> {
    package: &'a str,
    counts: &'a mut Counts,
}

impl Walk<'_> {
    fn construct(&mut self, name: &str) {
        self.counts.constructs.entry(name.to_owned()).or_default().insert(self.package.to_owned());
    }

    fn list(&mut self, list: &List) {
        for and_or in list {
            if and_or.background {
                self.construct("&");
            }
            for pipeline in std::iter::once(&and_or.first).chain(and_or.rest.iter().map(|(_, pipeline)| pipeline)) {
                if pipeline.commands.len() > 1 {
                    self.construct("pipeline");
                }
                pipeline.commands.iter().for_each(|command| self.command(command));
            }
        }
    }

    fn command(&mut self, command: &Command) {
        let name = match &command.kind {
            CommandKind::Simple { assignments, words } => {
                if let Some(name) = words.first().and_then(Word::literal) {
                    let name = name.rsplit('/').next().unwrap_or(name).to_owned();
                    self.counts.commands.entry(name).or_default().insert(self.package.to_owned());
                }
                assignments.iter().map(|assignment| &assignment.value).chain(words).for_each(|word| self.word(word));
                "simple command"
            }
            CommandKind::Group(list) => {
                self.list(list);
                "{ … }"
            }
            CommandKind::Subshell(list) => {
                self.list(list);
                "( … )"
            }
            CommandKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    self.list(condition);
                    self.list(body);
                }
                self.list(otherwise);
                "if"
            }
            CommandKind::While { condition, body, .. } => {
                self.list(condition);
                self.list(body);
                "while, until"
            }
            CommandKind::For { words, body, .. } => {
                words.iter().flatten().for_each(|word| self.word(word));
                self.list(body);
                "for"
            }
            CommandKind::Case { word, arms } => {
                self.word(word);
                for arm in arms {
                    self.list(&arm.body);
                }
                "case"
            }
            CommandKind::Function { body, .. } => {
                self.command(body);
                "function"
            }
            CommandKind::Alias(_) => "alias",
            CommandKind::Test(_) => "[[ … ]]",
        };
        self.construct(name);
        for redirect in &command.redirects {
            match &redirect.kind {
                RedirectKind::Here(word) => {
                    self.construct("here-document");
                    word.get().into_iter().for_each(|word| self.word(word));
                }
                _ => self.construct("redirection"),
            }
        }
    }

    fn word(&mut self, word: &Word) {
        word.parts.iter().for_each(|part| self.part(part));
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Text(_) | Part::Quoted(_) => {}
            Part::DoubleQuoted(parts) => parts.iter().for_each(|part| self.part(part)),
            Part::Parameter(parameter) => self.operation(&parameter.operation),
            Part::Command(list) => {
                self.construct("$( … )");
                self.list(list);
            }
            Part::Arithmetic(_) => self.construct("$(( … ))"),
        }
    }

    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Value | Operation::Unknown => {}
            Operation::Length => self.construct("${#…}"),
            Operation::Default { word, .. } | Operation::Alternative { word, .. } => {
                self.construct("${…-…}, ${…+…}");
                self.word(word);
            }
            Operation::Assign { word, .. } | Operation::Error { word, .. } => {
                self.construct("${…=…}, ${…?…}");
                self.word(word);
            }
            Operation::RemovePrefix { .. } | Operation::RemoveSuffix { .. } => self.construct("${…#…}, ${…%…}"),
            Operation::Replace { .. } | Operation::Substring { .. } => self.construct("${…/…/…}, ${…:…} of bash"),
        }
    }
}
