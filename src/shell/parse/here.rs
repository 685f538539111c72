//! Here-documents (XCU 2.7.4): their texts begin after the end of the line that asks for them.

use std::cell::OnceCell;
use std::rc::Rc;

use super::cursor::{Cursor, Parsed, Pending};
use crate::shell::ast::{Part, Word};

impl Cursor<'_> {
    /// Reads `<<` or `<<-` and the delimiter. The text is there once the line is read.
    pub(super) fn here_document(&mut self) -> Parsed<Rc<OnceCell<Word>>> {
        self.expect("<<")?;
        self.continued();
        let strip_tabs = self.eat("-");
        self.blanks();
        let (delimiter, quoted) = self.delimiter()?;
        let text = Rc::new(OnceCell::new());
        self.pending.push(Pending { delimiter, quoted, strip_tabs, text: Rc::clone(&text) });
        Ok(text)
    }

    /// Reads the texts that the line before asked for. One without its delimiter goes on to the end.
    pub(super) fn here_texts(&mut self) -> Parsed<()> {
        for pending in std::mem::take(&mut self.pending) {
            let line = self.line;
            let text = self.here_lines(&pending);
            let parts = if pending.quoted {
                vec![Part::Quoted(text)]
            } else {
                let parts = self.deeper(|cursor| cursor.within(&text, line).here_text())?;
                vec![Part::DoubleQuoted(parts)]
            };
            // Nobody else has it, and it is read once.
            let _ = pending.text.set(Word { parts });
        }
        Ok(())
    }

    /// The lines up to the delimiter, which is gone past.
    fn here_lines(&mut self, pending: &Pending) -> String {
        let mut text = String::new();
        let mut continued = false;
        while self.peek().is_some() {
            let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
            self.advance(line.len());
            // What continues the line before is no line of its own.
            let whole = line;
            let line = if pending.strip_tabs && !continued { line.trim_start_matches('\t') } else { line };
            if !continued && line.strip_suffix('\n').unwrap_or(line) == pending.delimiter {
                break;
            }
            if !continued && !pending.quoted && line == "\\\n" {
                // So it is in dash (`checkend` in src/parser.c): what continues the beginning of a line is as if it were not there, but
                // after tabs that are left out it stays.
                if line.len() < whole.len() {
                    text.push_str("\\\\\n");
                    continued = true;
                }
                continue;
            }
            text.push_str(line);
            let backslashes = line.trim_end_matches('\n').bytes().rev().take_while(|byte| *byte == b'\\').count();
            continued = !pending.quoted && line.ends_with('\n') && backslashes % 2 == 1;
        }
        text
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
            return Err(self.unexpected("a here-document's delimiter"));
        }
        if delimiter.contains('\n') {
            return Err(self.error("a here-document's delimiter goes over two lines"));
        }
        Ok((delimiter, quoted))
    }
}
