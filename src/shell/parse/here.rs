//! Here-documents (XCU 2.7.4): their texts begin on the line after the one that asks for them.

use super::cursor::{Cursor, Parsed};
use crate::shell::ast::{Part, Word};

impl Cursor<'_> {
    /// Reads `<<` or `<<-`, the delimiter, and the text ahead.
    pub(super) fn here_document(&mut self) -> Parsed<Word> {
        self.expect("<<")?;
        let strip_tabs = self.eat("-");
        self.blanks();
        let (delimiter, quoted) = self.delimiter()?;
        let start = match self.ahead {
            Some((_, end)) => end,
            None => self.line_end() + 1,
        };
        let line_end = self.ahead.map_or_else(|| self.line_end(), |(line_end, _)| line_end);
        let first_line = self.line + newlines(self.text.get(self.at..start.min(self.text.len())).unwrap_or_default());
        let mut body = String::new();
        let mut at = start;
        loop {
            let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) else {
                return Err(self.error(format!("the here-document that `{delimiter}` should end goes on to the end")));
            };
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            at += line.len();
            let text = if strip_tabs { line.trim_start_matches('\t') } else { line };
            if text.strip_suffix('\n').unwrap_or(text) == delimiter {
                break;
            }
            body.push_str(text);
        }
        self.ahead = Some((line_end, at));
        if quoted {
            return Ok(Word { parts: vec![Part::Quoted(body)] });
        }
        let parts = self.deeper(|cursor| cursor.within(&body, first_line).here_text())?;
        Ok(Word { parts: vec![Part::DoubleQuoted(parts)] })
    }

    /// The delimiter, and whether any part of it is quoted.
    fn delimiter(&mut self) -> Parsed<(String, bool)> {
        let (mut delimiter, mut quoted) = (String::new(), false);
        while !Self::is_meta(self.peek()) {
            let Some(next) = self.rest().chars().next() else { break };
            match next {
                '\\' => {
                    quoted = true;
                    self.advance(1);
                    if let Some(next) = self.rest().chars().next() {
                        delimiter.push(next);
                        self.advance(next.len_utf8());
                    }
                }
                '\'' | '"' => {
                    quoted = true;
                    self.advance(1);
                    let Some(end) = self.rest().find(next) else {
                        return Err(self.error("the quote of a here-document's delimiter does not end"));
                    };
                    delimiter.push_str(self.rest().get(..end).unwrap_or_default());
                    self.advance(end + 1);
                }
                next => {
                    delimiter.push(next);
                    self.advance(next.len_utf8());
                }
            }
        }
        if delimiter.is_empty() && !quoted {
            Err(self.unexpected("a here-document's delimiter"))
        } else {
            Ok((delimiter, quoted))
        }
    }

    /// Where the line ends that the cursor is on; a newline within quotes does not end it.
    fn line_end(&self) -> usize {
        let bytes = self.text.as_bytes();
        let (mut at, mut quote) = (self.at, None);
        while let Some(byte) = bytes.get(at) {
            match (byte, quote) {
                (b'\n', None) => return at,
                (b'\\', None | Some(b'"')) => at += 1,
                (b'\'' | b'"', None) => quote = Some(*byte),
                (byte, Some(open)) if *byte == open => quote = None,
                _ => {}
            }
            at += 1;
        }
        bytes.len()
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}
