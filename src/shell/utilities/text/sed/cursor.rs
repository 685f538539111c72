//! Goes through the text of a script of sed.

use crate::shell::reason::Reason;

pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

pub(super) fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("sed", what)
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes `byte` if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    /// Takes all bytes for which `wanted` is true.
    pub(super) fn while_(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn blanks(&mut self) {
        self.while_(|byte| byte == b' ' || byte == b'\t');
    }

    /// A decimal number, if there is one.
    pub(super) fn number(&mut self) -> Result<Option<usize>, Reason> {
        let digits = self.while_(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return Ok(None);
        }
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        number.map(Some).ok_or_else(|| unsupported("so large a number"))
    }

    /// The rest of the line as a string, without the line's end.
    pub(super) fn rest_of_line(&mut self) -> Result<String, Reason> {
        let line = self.while_(|byte| byte != b'\n');
        self.take(b'\n');
        String::from_utf8(line.to_vec()).map_err(|_| Reason::NotText)
    }

    /// What ends a command: a line's end, `;`, or something that begins another.
    pub(super) fn end_of_command(&mut self) -> Result<(), Reason> {
        self.blanks();
        match self.peek() {
            None | Some(b'}' | b'#') => Ok(()),
            Some(b'\n' | b';') => {
                self.next();
                Ok(())
            }
            Some(_) => Err(unsupported("characters after a command")),
        }
    }

    /// A part of `s` or a pattern, up to the next `delimiter`, which is taken too. `\n` is left to what reads it; a backslash before the
    /// delimiter is dropped. In a pattern, what is in brackets is not looked at.
    pub(super) fn delimited(&mut self, delimiter: u8, pattern: bool) -> Result<Vec<u8>, Reason> {
        let mut found = Vec::new();
        loop {
            let byte = self.next().ok_or_else(|| unsupported("an unfinished `s` or pattern"))?;
            match byte {
                byte if byte == delimiter => return Ok(found),
                b'\n' => return Err(unsupported("an unfinished `s` or pattern")),
                b'\\' => match self.next() {
                    None => return Err(unsupported("an unfinished `s` or pattern")),
                    Some(b'\n') if pattern => found.push(b'\n'),
                    Some(next) if next == delimiter && (pattern || next != b'&') => {
                        if next.is_ascii_alphanumeric() {
                            return Err(unsupported("a letter or digit that delimits `s` and is in it"));
                        }
                        found.push(next);
                    }
                    Some(next) => found.extend([b'\\', next]),
                },
                b'[' if pattern => {
                    found.push(b'[');
                    self.brackets(&mut found);
                }
                byte => found.push(byte),
            }
        }
    }

    /// A bracket expression after its `[`; nothing is taken if it does not end.
    fn brackets(&mut self, found: &mut Vec<u8>) {
        let start = self.at;
        let length = found.len();
        let mut first = true;
        if self.take(b'^') {
            found.push(b'^');
        }
        while let Some(byte) = self.next().filter(|byte| *byte != b'\n') {
            found.push(byte);
            match byte {
                b']' if !first => return,
                b'[' => {
                    if let Some(kind @ (b':' | b'.' | b'=')) = self.peek() {
                        self.at += 1;
                        found.push(kind);
                        while let Some(byte) = self.next() {
                            found.push(byte);
                            if byte == kind && self.take(b']') {
                                found.push(b']');
                                break;
                            }
                        }
                    }
                }
                _ => {}
            }
            first = false;
        }
        self.at = start;
        found.truncate(length);
    }
}
