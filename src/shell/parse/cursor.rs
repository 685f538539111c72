//! A place in a script's text, and the steps that everything else is made of.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::SyntaxError;
use crate::shell::ast::Word;

/// What names of commands stand for.
pub(super) type Aliases = Rc<BTreeMap<String, String>>;

/// How deep commands and expansions may lie within each other.
const DEPTH_MAX: usize = 150;

/// A here-document whose text comes after the end of the line.
#[derive(Debug)]
pub(super) struct Pending {
    pub delimiter: String,
    /// Its delimiter was quoted: the text stands as it is.
    pub quoted: bool,
    /// `<<-`
    pub strip_tabs: bool,
    /// Where the text goes.
    pub text: Rc<OnceCell<Word>>,
}

/// A place in a text.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub text: &'a str,
    pub at: usize,
    pub line: usize,
    /// Whether it is bash's language, not that of sh.
    pub bash: bool,
    /// Here-documents that the line asked for so far.
    pub pending: Vec<Pending>,
    /// What aliases stand for, where there can be some.
    pub aliases: Option<Aliases>,
    depth: usize,
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// Characters that end a word unless they are quoted (XCU 2.2, 2.3).
const META: &[u8] = b" \t\n;&|<>()";

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str, line: usize, bash: bool) -> Self {
        Self { text, at: 0, line, bash, pending: Vec::new(), aliases: None, depth: 0 }
    }

    /// A cursor over another text, at `line`, as deep as this one.
    pub fn within<'b>(&self, text: &'b str, line: usize) -> Cursor<'b> {
        let aliases = self.aliases.clone();
        Cursor { text, at: 0, line, bash: self.bash, pending: Vec::new(), aliases, depth: self.depth }
    }

    /// Whether nothing encloses what is parsed but the script's own list.
    pub fn is_outermost(&self) -> bool {
        self.depth == 1
    }

    pub fn error(&self, what: impl Into<String>) -> SyntaxError {
        SyntaxError { line: self.line, what: what.into() }
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub fn peek_at(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + offset).copied()
    }

    pub fn starts_with(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Goes on by `bytes`, counting lines.
    pub fn advance(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        self.line += newlines(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// Goes past `text` if it is next.
    pub fn eat(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.advance(text.len());
        }
        found
    }

    pub fn expect(&mut self, text: &str) -> Parsed<()> {
        if self.eat(text) { Ok(()) } else { Err(self.unexpected(&format!("`{text}`"))) }
    }

    /// What is next, where `wanted` should be.
    pub fn unexpected(&self, wanted: &str) -> SyntaxError {
        match self.rest().split(['\n', ' ', '\t']).next() {
            _ if self.peek().is_none() => self.error(format!("the script ends where {wanted} is expected")),
            Some("") | None => self.error(format!("the line ends where {wanted} is expected")),
            Some(word) => {
                let word: String = word.chars().take(40).collect();
                self.error(format!("`{word}` stands where {wanted} is expected"))
            }
        }
    }

    /// Nothing is left.
    pub fn at_end(&mut self) -> Parsed<()> {
        if self.peek().is_some() {
            return Err(self.unexpected("a command"));
        }
        self.here_texts()
    }

    /// Goes past continued lines: a backslash and a newline are as if they were not there (XCU 2.2.1).
    pub fn continued(&mut self) {
        while self.starts_with("\\\n") {
            self.advance(2);
        }
    }

    /// Goes past blanks, continued lines, and a comment.
    pub fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.advance(2),
                Some(b'#') => {
                    let comment = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.at += comment;
                }
                _ => return,
            }
        }
    }

    /// Goes past the end of a line, and past the texts of here-documents that it asked for.
    pub fn newline(&mut self) -> Parsed<bool> {
        if self.peek() != Some(b'\n') {
            return Ok(false);
        }
        self.advance(1);
        self.here_texts()?;
        Ok(true)
    }

    /// Goes past empty lines.
    pub fn newlines(&mut self) -> Parsed<()> {
        loop {
            self.blanks();
            if !self.newline()? {
                return Ok(());
            }
        }
    }

    /// Whether `byte` ends a word.
    pub fn is_meta(byte: Option<u8>) -> bool {
        byte.is_none_or(|byte| META.contains(&byte))
    }

    /// The word without any quoting that is next, without going past it.
    pub fn plain_word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| META.contains(&byte)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    /// Whether the reserved word `word` is next.
    pub fn is_reserved(&self, word: &str) -> bool {
        self.starts_with(word) && Self::is_meta(self.peek_at(word.len()))
    }

    /// Goes past the reserved word `word` if it is next.
    pub fn reserved(&mut self, word: &str) -> bool {
        let found = self.is_reserved(word);
        if found {
            self.advance(word.len());
        }
        found
    }

    /// Does `parse` one level deeper.
    pub fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.error("commands are nested too deep"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

/// How many lines end in a text.
pub(super) fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}
