//! A place in a script's text, and the steps that everything else is made of.

use super::SyntaxError;

/// How deep commands and expansions may lie within each other.
const DEPTH_MAX: usize = 150;

/// A place in a text.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub text: &'a str,
    pub at: usize,
    pub line: usize,
    depth: usize,
    /// Texts of here-documents that were read ahead: where the line that asks for them ends, and where they end.
    pub ahead: Option<(usize, usize)>,
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// Characters that end a word unless they are quoted (XCU 2.2, 2.3).
const META: &[u8] = b" \t\n;&|<>()";

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str, line: usize, depth: usize) -> Self {
        Self { text, at: 0, line, depth, ahead: None }
    }

    /// A cursor over a part of the text, at `line`, as deep as this one.
    pub fn within<'b>(&self, text: &'b str, line: usize) -> Cursor<'b> {
        Cursor::new(text, line, self.depth)
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
        self.line += self.text.get(self.at..end).unwrap_or_default().matches('\n').count();
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
            Some("") => self.error(format!("the line ends where {wanted} is expected")),
            Some(word) => {
                let word: String = word.chars().take(40).collect();
                self.error(format!("`{word}` stands where {wanted} is expected"))
            }
            None => self.error(format!("{wanted} is expected")),
        }
    }

    /// Nothing is left.
    pub fn at_end(&self) -> Parsed<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected("a command")) }
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
    pub fn newline(&mut self) -> bool {
        if self.peek() != Some(b'\n') {
            return false;
        }
        match self.ahead.take_if(|(line_end, _)| *line_end <= self.at) {
            Some((_, end)) => self.advance(end.saturating_sub(self.at)),
            None => self.advance(1),
        }
        true
    }

    /// Goes past empty lines.
    pub fn newlines(&mut self) {
        loop {
            self.blanks();
            if !self.newline() {
                return;
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
        self.plain_word() == word
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
