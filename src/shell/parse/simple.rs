//! Simple commands and redirections (XCU 2.7, 2.9.1, 2.10).

use super::cursor::{Cursor, Parsed};
use crate::shell::ast::{Assignment, Command, CommandKind, Part, Redirect, RedirectKind, Word, is_name};

impl Cursor<'_> {
    /// A simple command.
    pub(super) fn simple(&mut self, line: usize) -> Parsed<Command> {
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if words.is_empty()
                && let Some((before, value)) = self.alias()?
            {
                assignments.extend(before);
                words.extend(value);
                continue;
            }
            let Some(word) = self.word()? else { break };
            if !words.is_empty() {
                words.push(word);
                continue;
            }
            match self.assignment(word) {
                Ok(assignment) => {
                    if assignment.value.parts.is_empty() && self.peek() == Some(b'(') {
                        return Err(self.error("arrays of bash are not modelled"));
                    }
                    assignments.push(assignment);
                }
                Err(word) => words.push(word),
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected("a command"));
        }
        if self.peek() == Some(b'(') {
            return Err(self.unexpected("the end of a command"));
        }
        Ok(Command { line, kind: CommandKind::Simple { assignments, words }, redirects })
    }

    /// The word as an assignment, if it is one (XCU 2.10.2, rule 7): an unquoted name and `=` come first.
    fn assignment(&self, mut word: Word) -> Result<Assignment, Word> {
        let Some(Part::Text(first)) = word.parts.first_mut() else { return Err(word) };
        let Some((name, value)) = first.split_once('=') else { return Err(word) };
        let (name, append) = match name.strip_suffix('+') {
            Some(name) if self.bash => (name, true),
            _ => (name, false),
        };
        if !is_name(name) {
            return Err(word);
        }
        let (name, value) = (name.to_owned(), value.to_owned());
        if value.is_empty() {
            word.parts.remove(0);
        } else {
            *first = value;
        }
        Ok(Assignment { name, append, value: word })
    }

    /// A redirection, if one is next.
    pub(super) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        if self.bash && self.eat("&>") {
            let kind = if self.eat(">") { None } else { Some(RedirectKind::WriteBoth(self.target()?)) };
            let kind = kind.ok_or_else(|| self.error("`&>>` of bash is not modelled"))?;
            return Ok(Some(Redirect { descriptor: None, kind }));
        }
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        // Of dash, descriptors have one digit.
        if !matches!(self.peek_at(digits), Some(b'<' | b'>')) || (digits > 1 && !self.bash) {
            return Ok(None);
        }
        let descriptor = match self.rest().get(..digits).unwrap_or_default() {
            "" => None,
            digits => Some(digits.parse().map_err(|_| self.error("a descriptor's number is too large"))?),
        };
        self.advance(digits);
        let kind = if self.starts_with("<<<") {
            return Err(self.error("`<<<` of bash is not modelled"));
        } else if self.starts_with("<(") || self.starts_with(">(") {
            return Err(self.error("process substitution of bash is not modelled"));
        } else if self.starts_with("<<") {
            RedirectKind::Here(self.here_document()?)
        } else if self.eat("<&") {
            RedirectKind::DuplicateInput(self.target()?)
        } else if self.eat("<>") {
            RedirectKind::ReadWrite(self.target()?)
        } else if self.eat("<") {
            RedirectKind::Read(self.target()?)
        } else if self.eat(">>") {
            RedirectKind::Append(self.target()?)
        } else if self.eat(">&") {
            RedirectKind::DuplicateOutput(self.target()?)
        } else if self.eat(">|") || self.eat(">") {
            RedirectKind::Write(self.target()?)
        } else {
            return Err(self.unexpected("a redirection"));
        };
        Ok(Some(Redirect { descriptor, kind }))
    }

    fn target(&mut self) -> Parsed<Word> {
        self.blanks();
        self.word()?.ok_or_else(|| self.unexpected("the target of a redirection"))
    }
}
