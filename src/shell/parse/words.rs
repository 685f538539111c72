//! Words: quoting and expansions (XCU 2.2, 2.6).

use super::cursor::{Cursor, Parsed};
use crate::shell::ast::{Operation, Parameter, Part, Word};

/// Where a part of a word stands: what ends it, and what is special in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Nothing: blanks and operators end it.
    Bare,
    /// `"…"`
    Quotes,
    /// `${…}` outside of quotes: `}` ends it.
    Braces,
    /// `${…}` within quotes: `}` ends it, and `'` is nothing special.
    QuotedBraces,
    /// `${NAME/…`: also `/` ends it.
    Slash,
    /// `${NAME:…`: also `:` ends it.
    Colon,
    /// A here-document's text: it ends where it ends.
    Here,
    /// `$((…))`: what is in it was cut out before.
    Arithmetic,
}

impl Within {
    fn is_quoted(self) -> bool {
        matches!(self, Self::Quotes | Self::QuotedBraces | Self::Here | Self::Arithmetic)
    }

    fn ends_at(self, byte: u8) -> bool {
        match self {
            Self::Bare => Cursor::is_meta(Some(byte)),
            Self::Quotes => byte == b'"',
            Self::Braces | Self::QuotedBraces => byte == b'}',
            Self::Slash => byte == b'}' || byte == b'/',
            Self::Colon => byte == b'}' || byte == b':',
            Self::Here | Self::Arithmetic => false,
        }
    }
}

impl Cursor<'_> {
    /// The word that is next; none if there is none.
    pub(super) fn word(&mut self) -> Parsed<Option<Word>> {
        if Self::is_meta(self.peek()) {
            return Ok(None);
        }
        Ok(Some(Word { parts: self.parts(Within::Bare)? }))
    }

    /// The text of a here-document.
    pub(super) fn here_text(&mut self) -> Parsed<Vec<Part>> {
        self.parts(Within::Here)
    }

    fn parts(&mut self, within: Within) -> Parsed<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        while let Some(byte) = self.peek() {
            if within.ends_at(byte) {
                break;
            }
            match byte {
                b'\\' => self.backslash(within, &mut parts),
                b'\'' if !within.is_quoted() => {
                    self.advance(1);
                    let Some(end) = self.rest().find('\'') else {
                        return Err(self.error("a quote `'` does not end"));
                    };
                    parts.push(Part::Quoted(self.rest().get(..end).unwrap_or_default().to_owned()));
                    self.advance(end + 1);
                }
                b'"' if !matches!(within, Within::Here | Within::Arithmetic) => {
                    self.advance(1);
                    let quoted = self.deeper(|cursor| cursor.parts(Within::Quotes))?;
                    if !self.eat("\"") {
                        return Err(self.error("a quote `\"` does not end"));
                    }
                    parts.push(Part::DoubleQuoted(quoted));
                }
                b'$' => {
                    let part = self.deeper(|cursor| cursor.dollar(within))?;
                    push(&mut parts, part);
                }
                b'`' => {
                    let part = self.deeper(|cursor| cursor.backquotes(within))?;
                    parts.push(part);
                }
                _ => {
                    let special = |at: &u8| within.ends_at(*at) || b"\\'\"$`".contains(at);
                    let rest = self.rest();
                    // The first byte is none that ends it, and may be a quote that is nothing special here.
                    let end = rest.bytes().skip(1).position(|byte| special(&byte)).map_or(rest.len(), |end| end + 1);
                    let end = (end..=rest.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
                    let text = rest.get(..end).unwrap_or_default().to_owned();
                    self.advance(end);
                    push(&mut parts, if within.is_quoted() { Part::Quoted(text) } else { Part::Text(text) });
                }
            }
        }
        Ok(parts)
    }

    /// `\`: outside of quotes it quotes what follows; within them only what is special there (XCU 2.2.1, 2.2.3).
    fn backslash(&mut self, within: Within, parts: &mut Vec<Part>) {
        self.advance(1);
        let Some(next) = self.rest().chars().next() else {
            push(parts, Part::Quoted("\\".to_owned()));
            return;
        };
        if next == '\n' {
            self.advance(1);
            return;
        }
        let quotes = match within {
            Within::Quotes | Within::QuotedBraces => {
                "$`\"\\}".contains(next) && (next != '}' || within == Within::QuotedBraces)
            }
            Within::Here | Within::Arithmetic => "$`\\".contains(next),
            _ => true,
        };
        self.advance(next.len_utf8());
        let text = if quotes { next.to_string() } else { format!("\\{next}") };
        push(parts, Part::Quoted(text));
    }

    /// `$` and what follows it.
    fn dollar(&mut self, within: Within) -> Parsed<Part> {
        let line = self.line;
        self.advance(1);
        match self.peek() {
            Some(b'(') if self.peek_at(1) == Some(b'(') => match self.arithmetic_end() {
                Some(end) => {
                    self.advance(2);
                    let text = self.text.get(self.at..end).unwrap_or_default();
                    let parts = self.within(text, self.line).parts(Within::Arithmetic)?;
                    self.advance(end + 2 - self.at);
                    Ok(Part::Arithmetic(Word { parts }))
                }
                None => self.substitution(),
            },
            Some(b'(') => self.substitution(),
            Some(b'{') => self.braces(within),
            Some(byte) if byte.is_ascii_digit() || b"@*#?-$!".contains(&byte) => {
                self.advance(1);
                Ok(plain(char::from(byte).to_string(), line))
            }
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
                let name = self.name();
                Ok(plain(name, line))
            }
            _ if within.is_quoted() => Ok(Part::Quoted("$".to_owned())),
            _ => Ok(Part::Text("$".to_owned())),
        }
    }

    /// A name (XBD 3.216); empty if none is next.
    pub(super) fn name(&mut self) -> String {
        let rest = self.rest();
        let is_name = |byte: &u8| *byte == b'_' || byte.is_ascii_alphanumeric();
        let end = rest.bytes().position(|byte| !is_name(&byte)).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default().to_owned();
        self.advance(end);
        name
    }

    fn substitution(&mut self) -> Parsed<Part> {
        self.expect("(")?;
        let list = self.list()?;
        self.newlines();
        if !self.eat(")") {
            return Err(self.unexpected("the `)` of a command substitution"));
        }
        Ok(Part::Command(list))
    }

    /// Where the `))` of an arithmetic expansion is, if that is what `$((` begins: a subshell in a command substitution ends
    /// otherwise.
    fn arithmetic_end(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let (mut at, mut open) = (self.at + 2, 0_usize);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'(' => open += 1,
                b')' if open > 0 => open -= 1,
                b')' => return (bytes.get(at + 1) == Some(&b')')).then_some(at),
                b'\n' | b'\'' | b'"' | b';' => return None,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// `` `…` `` (XCU 2.6.3): a backslash is taken from before `$`, `` ` `` and `\`, and from before `"` within quotes.
    fn backquotes(&mut self, within: Within) -> Parsed<Part> {
        let line = self.line;
        self.advance(1);
        let mut text = String::new();
        loop {
            let Some(next) = self.rest().chars().next() else {
                return Err(self.error("a command substitution in backquotes does not end"));
            };
            self.advance(next.len_utf8());
            match next {
                '`' => break,
                '\\' => match self.rest().chars().next() {
                    Some(escaped) if "$`\\".contains(escaped) || (escaped == '"' && within == Within::Quotes) => {
                        text.push(escaped);
                        self.advance(1);
                    }
                    _ => text.push('\\'),
                },
                next => text.push(next),
            }
        }
        let mut inner = self.within(&text, line);
        let list = inner.list()?;
        inner.at_end()?;
        Ok(Part::Command(list))
    }

    /// `${…}` (XCU 2.6.2).
    fn braces(&mut self, within: Within) -> Parsed<Part> {
        let line = self.line;
        self.expect("{")?;
        // `${#}` is a number, `${#NAME}` a length.
        if self.peek() == Some(b'#')
            && self.peek_at(1) != Some(b'}')
            && !matches!(self.peek_at(1), Some(b'-' | b'+' | b'=' | b'?' | b':' | b'%'))
        {
            self.advance(1);
            let name = self.parameter_name()?;
            self.expect("}")?;
            return Ok(Part::Parameter(Box::new(Parameter { name, operation: Operation::Length, line })));
        }
        let name = self.parameter_name()?;
        let operation = self.operation(within)?;
        if !self.eat("}") {
            return Err(self.unexpected("the `}` of a parameter expansion"));
        }
        Ok(Part::Parameter(Box::new(Parameter { name, operation, line })))
    }

    fn parameter_name(&mut self) -> Parsed<String> {
        if let Some(byte) = self.peek()
            && b"@*#?-$!".contains(&byte)
        {
            self.advance(1);
            return Ok(char::from(byte).to_string());
        }
        let name = self.name();
        if name.is_empty() { Err(self.unexpected("a parameter's name")) } else { Ok(name) }
    }

    fn operation(&mut self, within: Within) -> Parsed<Operation> {
        // A word takes the quoting that it stands in; a pattern does not.
        let word = if within.is_quoted() { Within::QuotedBraces } else { Within::Braces };
        let parsed = |parts| Word { parts };
        let or_empty = self.peek() == Some(b':') && matches!(self.peek_at(1), Some(b'-' | b'=' | b'?' | b'+'));
        if or_empty {
            self.advance(1);
        }
        let Some(byte) = self.peek() else { return Ok(Operation::Value) };
        match byte {
            b'-' | b'=' | b'?' | b'+' => {
                self.advance(1);
                let word = self.parts(word).map(parsed)?;
                Ok(match byte {
                    b'-' => Operation::Default { or_empty, word },
                    b'=' => Operation::Assign { or_empty, word },
                    b'?' => Operation::Error { or_empty, word },
                    _ => Operation::Alternative { or_empty, word },
                })
            }
            b'#' | b'%' => {
                self.advance(1);
                let longest = self.peek() == Some(byte);
                if longest {
                    self.advance(1);
                }
                let pattern = self.parts(Within::Braces).map(parsed)?;
                Ok(if byte == b'#' {
                    Operation::RemovePrefix { longest, pattern }
                } else {
                    Operation::RemoveSuffix { longest, pattern }
                })
            }
            b'/' => {
                self.advance(1);
                let all = self.eat("/");
                let pattern = self.parts(Within::Slash).map(parsed)?;
                let with = if self.eat("/") { self.parts(Within::Braces).map(parsed)? } else { Word::default() };
                Ok(Operation::Replace { all, pattern, with })
            }
            b':' => {
                self.advance(1);
                let offset = self.parts(Within::Colon).map(parsed)?;
                let length = if self.eat(":") { Some(self.parts(Within::Braces).map(parsed)?) } else { None };
                Ok(Operation::Substring { offset, length })
            }
            b'}' => Ok(Operation::Value),
            _ => Err(self.unexpected("an operation on a parameter, or `}`")),
        }
    }
}

fn plain(name: String, line: usize) -> Part {
    Part::Parameter(Box::new(Parameter { name, operation: Operation::Value, line }))
}

/// Adds a part; text beside text of the same kind becomes one part.
fn push(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Text(old)), Part::Text(new)) | (Some(Part::Quoted(old)), Part::Quoted(new)) => old.push_str(&new),
        (_, part) => parts.push(part),
    }
}
