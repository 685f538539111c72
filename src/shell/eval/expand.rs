//! Words become fields (XCU 2.6): tildes, parameters, substitutions, arithmetic, splitting, path names.

use super::arithmetic::{Wrong, evaluate};
use super::fields::{Expansion, Unit, bytes};
use super::pattern::{Pattern, Quoted};
use super::state::{Flow, Shell, Step};
use crate::shell::ast::{List, Operation, Part, Word};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

/// Where tildes are expanded (XCU 2.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tildes {
    No,
    /// At the beginning.
    Start,
    /// At the beginning and after each `:`, as in the value of an assignment.
    Value,
    /// After the first `=` and each `:` that follows, as in an operand of `export`.
    Declaration,
}

/// How parts of a word are expanded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub quoted: bool,
    /// Fields come out of it; else it stays one text: assignments, `case`, redirections, here-documents, patterns.
    pub splits: bool,
    /// It is the word of `${NAME-WORD}`: what is unquoted in it is split.
    pub inner: bool,
    pub tildes: Tildes,
}

impl Manner {
    const TEXT: Self = Self { quoted: false, splits: false, inner: false, tildes: Tildes::Start };
}

impl Shell<'_> {
    /// Adds the fields of a command's word.
    pub(super) fn expand_word(&mut self, word: &Word, all: &mut Vec<String>) -> Step<()> {
        self.no_braces(word)?;
        let mut expansion = Expansion::default();
        self.parts_of(&word.parts, Manner { splits: true, ..Manner::TEXT }, &mut expansion)?;
        self.count(expansion.len())?;
        for field in expansion.split(&self.environment.ifs()) {
            // A field costs more than its bytes.
            self.count(32)?;
            self.path_names(&field, all)?;
        }
        Ok(())
    }

    /// The fields of words.
    pub(super) fn expand(&mut self, words: &[Word]) -> Step<Vec<String>> {
        let mut all = Vec::new();
        for word in words {
            self.expand_word(word, &mut all)?;
        }
        Ok(all)
    }

    /// A word as one text.
    pub(super) fn expand_text(&mut self, word: &Word) -> Step<String> {
        self.text_of(word, Tildes::Start)
    }

    /// The value of an assignment.
    pub(super) fn expand_value(&mut self, word: &Word) -> Step<String> {
        self.text_of(word, Tildes::Value)
    }

    /// An operand of `export` and the like that has the form of an assignment.
    pub(super) fn expand_declaration(&mut self, word: &Word) -> Step<String> {
        self.text_of(word, Tildes::Declaration)
    }

    fn text_of(&mut self, word: &Word, tildes: Tildes) -> Step<String> {
        let units = self.units_of(word, tildes)?;
        self.text(bytes(&units))
    }

    /// A word as one text, which need not be UTF-8.
    pub(super) fn expand_bytes(&mut self, word: &Word) -> Step<Vec<u8>> {
        Ok(bytes(&self.units_of(word, Tildes::Start)?))
    }

    /// A word as a pattern.
    pub(super) fn expand_pattern(&mut self, word: &Word) -> Step<Pattern> {
        let units = self.units_of(word, Tildes::Start)?;
        Ok(self.pattern(&units))
    }

    pub(super) fn pattern(&self, units: &[Unit]) -> Pattern {
        let quoted: Vec<Quoted> = units
            .iter()
            .filter_map(|unit| match unit {
                Unit::Plain(byte) => Some((*byte, false)),
                Unit::Quoted(byte) => Some((*byte, true)),
                Unit::Mark | Unit::Separator => None,
            })
            .collect();
        Pattern::of(&quoted, self.environment.options.bash)
    }

    fn units_of(&mut self, word: &Word, tildes: Tildes) -> Step<Vec<Unit>> {
        let mut expansion = Expansion::default();
        self.parts_of(&word.parts, Manner { tildes, ..Manner::TEXT }, &mut expansion)?;
        self.count(expansion.len())?;
        Ok(expansion.units)
    }

    /// Bytes as text.
    pub(super) fn text(&self, bytes: Vec<u8>) -> Step<String> {
        String::from_utf8(bytes).map_err(|_| self.stop(Reason::NotText))
    }

    /// `{a,b}` and `{1..3}` of bash are not expanded, so a word with one stops it.
    fn no_braces(&self, word: &Word) -> Step<()> {
        if !self.environment.options.bash {
            return Ok(());
        }
        let text: String =
            word.parts.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "\u{0}" }).collect();
        let expands = text
            .split_once('{')
            .is_some_and(|(_, rest)| rest.contains('}') && (rest.contains(',') || rest.contains("..")));
        if expands { Err(self.stop(Reason::Construct("brace expansion of bash".to_owned()))) } else { Ok(()) }
    }

    /// Adds parts of a word to an expansion.
    pub(super) fn parts_of(&mut self, parts: &[Part], manner: Manner, out: &mut Expansion) -> Step<()> {
        for (number, part) in parts.iter().enumerate() {
            let before = out.len();
            if let Part::Text(text) | Part::Quoted(text) = part
                && text.contains('\0')
            {
                return Err(self.stop(Reason::NotText));
            }
            match part {
                Part::Text(text) if manner.quoted => out.push(text, true),
                Part::Text(text) => {
                    let (is_first, is_last) = (number == 0, number + 1 == parts.len());
                    self.plain(text, manner, is_first, is_last, out)?;
                }
                Part::Quoted(text) => {
                    out.mark();
                    out.push(text, true);
                }
                Part::DoubleQuoted(parts) => {
                    let inside = Manner { quoted: true, tildes: Tildes::No, ..manner };
                    // `"$@"` without parameters is no field at all.
                    let is_all = matches!(parts.as_slice(), [Part::Parameter(parameter)] if parameter.name == "@" && parameter.operation == Operation::Value);
                    if is_all && !manner.quoted {
                        self.parts_of(parts, inside, out)?;
                    } else {
                        out.mark();
                        self.parts_of(parts, inside, out)?;
                        out.mark();
                    }
                }
                Part::Parameter(parameter) => self.parameter(parameter, manner, out)?,
                Part::Command(list) => {
                    let output = self.substitute(list)?;
                    add(&output, manner, out);
                }
                Part::Arithmetic(expression) => {
                    let expression = self.text_of(expression, Tildes::No)?;
                    let value = self.arithmetic(&expression)?;
                    add(&value.to_string(), manner, out);
                }
            }
            self.count(out.len().saturating_sub(before))?;
            self.bounded(out.len())?;
        }
        Ok(())
    }

    /// The value of an arithmetic expression.
    pub(super) fn arithmetic(&mut self, expression: &str) -> Step<i64> {
        self.work(expression.len())?;
        let bash = self.environment.options.bash;
        if bash && ["++", "--", "**", ","].iter().any(|operator| expression.contains(operator)) {
            return Err(self.stop(Reason::Construct("this arithmetic of bash".to_owned())));
        }
        let (value, assigned) = evaluate(expression, &self.environment.variables);
        for (name, value) in assigned {
            self.assign(&name, value.to_string())?;
        }
        match value {
            Ok(value) => Ok(value),
            Err(Wrong::TooDeep) => Err(self.stop(Reason::Limit("50 parentheses and signs within each other"))),
            Err(Wrong::Killed) => Err(self.stop(Reason::Construct("the smallest number divided by -1".to_owned()))),
            Err(Wrong::Expression(cause)) => self.fail(&format!("arithmetic expression: {cause}")),
        }
    }

    /// Adds unquoted text of a script, with its tildes expanded.
    fn plain(&mut self, text: &str, manner: Manner, is_first: bool, is_last: bool, out: &mut Expansion) -> Step<()> {
        let mut rest = text;
        let mut colons = manner.tildes == Tildes::Value;
        let mut here = is_first && matches!(manner.tildes, Tildes::Start | Tildes::Value);
        loop {
            if here && rest.starts_with('~') {
                let end = rest.find(|next| next == '/' || (colons && next == ':')).unwrap_or(rest.len());
                let (prefix, after) = rest.split_at(end);
                // What is quoted or expanded cannot be part of a name.
                if (is_last || !after.is_empty())
                    && let Some(home) = self.home(prefix.get(1..).unwrap_or_default())?
                {
                    out.push(&home, true);
                    rest = after;
                }
            }
            let ends = |next: char| (colons && next == ':') || (manner.tildes == Tildes::Declaration && next == '=');
            let end = rest.find(ends).map_or(rest.len(), |end| end + 1);
            let (piece, after) = rest.split_at(end);
            colons |= piece.ends_with('=') && manner.tildes == Tildes::Declaration;
            let start = out.len();
            out.push(piece, false);
            if manner.inner && !piece.is_empty() {
                out.region(start, false);
            }
            if after.is_empty() {
                return Ok(());
            }
            (rest, here) = (after, true);
        }
    }

    /// The home directory of an account, or `$HOME` without a name.
    fn home(&mut self, name: &str) -> Step<Option<String>> {
        if name.is_empty() {
            return Ok(self.environment.variables.get("HOME").map(str::to_owned));
        }
        match self.files()?.read_text("/etc/passwd") {
            Ok(text) => {
                let line = text.lines().find(|line| line.split(':').next() == Some(name));
                Ok(line.and_then(|line| line.split(':').nth(5)).map(str::to_owned))
            }
            Err(FileError::Reason(reason)) => Err(self.stop(reason)),
            Err(_) => Ok(None),
        }
    }

    /// `$(…)`: what it prints, without the newlines at its end.
    fn substitute(&mut self, list: &List) -> Step<String> {
        let saved = self.descriptors.table();
        let sink = self.descriptors.collect(1);
        let status = self.tested(false, |shell| {
            shell.subshell(|shell| {
                // bash forgets `set -e` here; dash does not.
                shell.environment.options.errexit &= !shell.environment.options.bash;
                shell.list(list)
            })
        });
        self.restore(saved)?;
        let status = status?;
        self.substituted = Some(status);
        let mut bytes = sink.take();
        self.count(bytes.len())?;
        bytes.retain(|byte| *byte != 0);
        while bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        self.text(bytes)
    }

    /// A mistake: a shell that nobody types into ends with it.
    pub(super) fn fail<T>(&mut self, message: &str) -> Step<T> {
        self.complain(message)?;
        Err(Flow::Error)
    }
}

/// Adds the outcome of an expansion.
fn add(text: &str, manner: Manner, out: &mut Expansion) {
    let start = out.len();
    out.push(text, manner.quoted);
    if !manner.quoted {
        out.region(start, false);
    }
}
