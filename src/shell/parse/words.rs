//! Words: quoting and expansions (XCU 2.2, 2.6).

use super::cursor::{Cursor, Parsed};
use crate::shell::ast::{Operation, Parameter, Part, Word};

/// Parameters whose names are no names (XCU 2.5.2).
const SPECIAL: &[u8] = b"@*#?-$!";

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
    /// `$((…))`: a `)` without its `(` ends it.
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
            Self::Arithmetic => byte == b')',
            Self::Here => false,
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
        // Parentheses that are open in an arithmetic expression.
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b')' if within == Within::Arithmetic && open > 0 => {
                    open -= 1;
                    self.advance(1);
                    push(&mut parts, Part::Quoted(")".to_owned()));
                }
                byte if within.ends_at(byte) => break,
                b'(' if within == Within::Arithmetic => {
                    open += 1;
                    self.advance(1);
                    push(&mut parts, Part::Quoted("(".to_owned()));
                }
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
                    if let Some(part) = self.deeper(|cursor| cursor.dollar(within))? {
                        push(&mut parts, part);
                    }
                }
                b'`' => {
                    let part = self.deeper(|cursor| cursor.backquotes(within))?;
                    parts.push(part);
                }
                _ => {
                    let text = self.text_within(within);
                    push(&mut parts, if within.is_quoted() { Part::Quoted(text) } else { Part::Text(text) });
                }
            }
        }
        Ok(parts)
    }

    /// Text up to where something is special.
    fn text_within(&mut self, within: Within) -> String {
        let special = |byte: u8| {
            within.ends_at(byte) || b"\\'\"$`".contains(&byte) || (within == Within::Arithmetic && byte == b'(')
        };
        let rest = self.rest();
        // The first byte may be a quote that is nothing special here.
        let end = rest.bytes().skip(1).position(special).map_or(rest.len(), |end| end + 1);
        let end = (end..=rest.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        self.advance(end);
        rest.get(..end).unwrap_or_default().to_owned()
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
            Within::Here => "$`\\".contains(next),
            Within::Arithmetic => "$`\"\\".contains(next),
            _ => true,
        };
        self.advance(next.len_utf8());
        let text = if quotes { next.to_string() } else { format!("\\{next}") };
        push(parts, Part::Quoted(text));
    }

    /// `$` and what follows it; nothing for the `$` of bash's `$"…"`.
    fn dollar(&mut self, within: Within) -> Parsed<Option<Part>> {
        let line = self.line;
        self.advance(1);
        self.continued();
        Ok(Some(match self.peek() {
            Some(b'(') => {
                self.advance(1);
                self.continued();
                if self.eat("(") { self.arithmetic()? } else { self.substitution()? }
            }
            Some(b'{') => self.braces(within)?,
            Some(byte) if byte.is_ascii_digit() || SPECIAL.contains(&byte) => {
                self.advance(1);
                plain(char::from(byte).to_string(), line)
            }
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
                let name = self.name();
                plain(name, line)
            }
            Some(b'\'') if self.bash && !within.is_quoted() => return Err(self.error("`$'…'` of bash is not modelled")),
            Some(b'"') if self.bash && !within.is_quoted() => return Ok(None),
            _ if within.is_quoted() => Part::Quoted("$".to_owned()),
            _ => Part::Text("$".to_owned()),
        }))
    }

    /// A name (XBD 3.216); empty if none is next.
    fn name(&mut self) -> String {
        let mut name = String::new();
        loop {
            let rest = self.rest();
            let end = rest.bytes().position(|byte| byte != b'_' && !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
            name.push_str(rest.get(..end).unwrap_or_default());
            self.advance(end);
            if !self.starts_with("\\\n") {
                return name;
            }
            self.continued();
        }
    }

    /// `$(…)`, after its `(`.
    fn substitution(&mut self) -> Parsed<Part> {
        // What the line around it asked for comes after that line.
        let outer = std::mem::take(&mut self.pending);
        let list = self.list()?;
        self.newlines()?;
        if !self.eat(")") {
            return Err(self.unexpected("the `)` of a command substitution"));
        }
        if !self.pending.is_empty() {
            return Err(self.error("a command substitution ends before its here-document begins"));
        }
        self.pending = outer;
        Ok(Part::Command(list))
    }

    /// `$((…))`, after its `((`. A subshell at the beginning of a command substitution needs a blank before it.
    fn arithmetic(&mut self) -> Parsed<Part> {
        let parts = self.parts(Within::Arithmetic)?;
        if !self.eat("))") {
            return Err(self.unexpected("the `))` of an arithmetic expansion"));
        }
        Ok(Part::Arithmetic(Word { parts }))
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
                    Some('\n') => self.advance(1),
                    Some(escaped) if "$`\\".contains(escaped) || (escaped == '"' && within.is_quoted()) => {
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
        self.advance(1);
        self.continued();
        let is_length = self.peek() == Some(b'#')
            && match self.peek_at(1) {
                Some(next) if next == b'_' || next.is_ascii_alphanumeric() => true,
                Some(next) => SPECIAL.contains(&next) && self.peek_at(2) == Some(b'}'),
                None => false,
            };
        if is_length {
            self.advance(1);
        }
        let name = self.parameter_name();
        self.continued();
        let operation = if is_length && self.peek() == Some(b'}') {
            Operation::Length
        } else if is_length || name.is_empty() {
            self.unknown(within)?
        } else {
            self.operation(within)?
        };
        if !self.eat("}") {
            return Err(self.unexpected("the `}` of a parameter expansion"));
        }
        Ok(Part::Parameter(Box::new(Parameter { name, operation, line })))
    }

    /// The name, number or special character of a parameter; empty if it is none.
    fn parameter_name(&mut self) -> String {
        match self.peek() {
            Some(byte) if SPECIAL.contains(&byte) => {
                self.advance(1);
                char::from(byte).to_string()
            }
            Some(byte) if byte.is_ascii_digit() => {
                let rest = self.rest();
                let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
                self.advance(end);
                rest.get(..end).unwrap_or_default().to_owned()
            }
            _ => self.name(),
        }
    }

    /// What is no operation, up to its `}`.
    fn unknown(&mut self, within: Within) -> Parsed<Operation> {
        self.parts(if within.is_quoted() { Within::QuotedBraces } else { Within::Braces })?;
        Ok(Operation::Unknown)
    }

    fn operation(&mut self, within: Within) -> Parsed<Operation> {
        // A word takes the quoting that it stands in; a pattern does not.
        let word = if within.is_quoted() { Within::QuotedBraces } else { Within::Braces };
        let parsed = |parts| Word { parts };
        let has_colon = self.peek() == Some(b':');
        if has_colon {
            self.advance(1);
            self.continued();
        }
        match self.peek() {
            None => Ok(Operation::Value),
            Some(b'}') if !has_colon => Ok(Operation::Value),
            Some(byte @ (b'-' | b'=' | b'?' | b'+')) => {
                self.advance(1);
                let word = self.parts(word).map(parsed)?;
                let or_empty = has_colon;
                Ok(match byte {
                    b'-' => Operation::Default { or_empty, word },
                    b'=' => Operation::Assign { or_empty, word },
                    b'?' => Operation::Error { or_empty, word },
                    _ => Operation::Alternative { or_empty, word },
                })
            }
            Some(_) if has_colon && self.bash => {
                let offset = self.parts(Within::Colon).map(parsed)?;
                let length = if self.eat(":") { Some(self.parts(Within::Braces).map(parsed)?) } else { None };
                Ok(Operation::Substring { offset, length })
            }
            Some(byte @ (b'#' | b'%')) if !has_colon => {
                self.advance(1);
                self.continued();
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
            Some(b'/') if self.bash && !has_colon => {
                self.advance(1);
                let all = self.eat("/");
                let pattern = self.parts(Within::Slash).map(parsed)?;
                let with = if self.eat("/") { self.parts(Within::Braces).map(parsed)? } else { Word::default() };
                Ok(Operation::Replace { all, pattern, with })
            }
            Some(_) => self.unknown(within),
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
