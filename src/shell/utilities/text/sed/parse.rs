//! Reads a script of sed (POSIX.1-2024 XCU sed, "EXTENDED DESCRIPTION"; GNU sed manual, chapters 3 to 6).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::cursor::{Cursor, unsupported};
use super::replacement::{escape, replacement};
use super::script::{Action, Address, Command, Substitute, Until};
use crate::shell::reason::Reason;
use crate::shell::regex::{Dialect, Escapes, Options, Regex, Syntax};

/// Most commands of a script.
const COMMANDS_MAX: usize = 10_000;

/// Reads `text`; `dialect` is that of its patterns.
pub(super) fn parse(text: &[u8], dialect: Dialect) -> Result<Vec<Command>, Reason> {
    let syntax = Syntax { dialect, escapes: Escapes::Sed };
    let mut parser = Parser { cursor: Cursor::new(text), syntax, commands: Vec::new(), labels: BTreeMap::new() };
    parser.script()?;
    Ok(parser.commands)
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    syntax: Syntax,
    commands: Vec<Command>,
    /// Where labels lead.
    labels: BTreeMap<Vec<u8>, usize>,
}

impl Parser<'_> {
    fn script(&mut self) -> Result<(), Reason> {
        // Blocks that are open, and branches whose label may come later.
        let mut open: Vec<usize> = Vec::new();
        let mut branches: Vec<(usize, Vec<u8>)> = Vec::new();
        loop {
            self.cursor.while_(|byte| byte.is_ascii_whitespace() || byte == b';');
            match self.cursor.peek() {
                None => break,
                Some(b'#') => {
                    self.cursor.while_(|byte| byte != b'\n');
                    continue;
                }
                Some(_) => {}
            }
            let (from, until) = self.addresses()?;
            self.cursor.blanks();
            let inverse = self.cursor.take(b'!');
            self.cursor.blanks();
            let name = self.cursor.next().ok_or_else(|| unsupported("an address without a command"))?;
            let here = self.commands.len();
            if here >= COMMANDS_MAX {
                return Err(Reason::Limit("10000 commands of sed"));
            }
            let action = match name {
                b'{' => {
                    open.push(here);
                    Action::Open(0)
                }
                b'}' => {
                    if from.is_some() || inverse {
                        return Err(unsupported("an address before `}`"));
                    }
                    let start = open.pop().ok_or_else(|| unsupported("a `}` without its `{`"))?;
                    if let Some(Command { action: Action::Open(end), .. }) = self.commands.get_mut(start) {
                        *end = here + 1;
                    }
                    self.cursor.end_of_command()?;
                    Action::Nothing
                }
                b':' => {
                    let label = self.label();
                    if from.is_some() || inverse || label.is_empty() || self.labels.insert(label, here).is_some() {
                        return Err(unsupported("a label that is empty, has an address or is there twice"));
                    }
                    Action::Nothing
                }
                b'b' | b't' | b'T' => {
                    branches.push((here, self.label()));
                    self.cursor.end_of_command()?;
                    match name {
                        b'b' => Action::Branch(usize::MAX),
                        b't' => Action::IfReplaced(usize::MAX),
                        _ => Action::UnlessReplaced(usize::MAX),
                    }
                }
                _ => self.action(name)?,
            };
            if matches!(action, Action::Quit(_) | Action::QuitSilently(_)) && until.is_some() {
                return Err(unsupported("two addresses before `q`"));
            }
            self.commands.push(Command { from, until, inverse, action });
        }
        if !open.is_empty() {
            return Err(unsupported("a `{` without its `}`"));
        }
        for (at, label) in branches.into_iter().filter(|(_, label)| !label.is_empty()) {
            let to = *self.labels.get(&label).ok_or_else(|| unsupported("a label that is not there"))?;
            if let Some(Action::Branch(end) | Action::IfReplaced(end) | Action::UnlessReplaced(end)) =
                self.commands.get_mut(at).map(|command| &mut command.action)
            {
                *end = to;
            }
        }
        Ok(())
    }

    fn label(&mut self) -> Vec<u8> {
        self.cursor.blanks();
        self.cursor.while_(|byte| !byte.is_ascii_whitespace() && byte != b';' && byte != b'}').to_vec()
    }

    fn addresses(&mut self) -> Result<(Option<Address>, Option<Until>), Reason> {
        let Some(from) = self.address()? else { return Ok((None, None)) };
        self.cursor.blanks();
        if !self.cursor.take(b',') {
            return match from {
                Address::Line(0) => Err(unsupported("the address 0 alone")),
                _ => Ok((Some(from), None)),
            };
        }
        self.cursor.blanks();
        let until = if self.cursor.take(b'+') {
            Until::More(self.cursor.number()?.ok_or_else(|| unsupported("the address `+`"))?)
        } else {
            match self.address()?.ok_or_else(|| unsupported("an address after `,` that is none"))? {
                Address::Step(..) => return Err(unsupported("a step as its second address")),
                address => Until::Address(address),
            }
        };
        if matches!(from, Address::Line(0)) && !matches!(until, Until::Address(Address::Pattern(_))) {
            return Err(unsupported("the address 0 without a pattern after it"));
        }
        Ok((Some(from), Some(until)))
    }

    fn address(&mut self) -> Result<Option<Address>, Reason> {
        Ok(Some(match self.cursor.peek() {
            Some(b'0'..=b'9') => {
                let line = self.cursor.number()?.unwrap_or_default();
                self.cursor.blanks();
                if self.cursor.take(b'~') {
                    let step = self.cursor.number()?.unwrap_or_default();
                    if step == 0 { Address::Line(line) } else { Address::Step(line, step) }
                } else {
                    Address::Line(line)
                }
            }
            Some(b'$') => {
                self.cursor.next();
                Address::Last
            }
            Some(delimiter @ (b'/' | b'\\')) => {
                self.cursor.next();
                let delimiter = match delimiter {
                    b'/' => b'/',
                    _ => self.delimiter()?,
                };
                let pattern = self.cursor.delimited(delimiter, true)?;
                let mut options = Options::default();
                loop {
                    match self.cursor.peek() {
                        Some(b'I') => options.any_case = true,
                        Some(b'M') => options.lines = true,
                        _ => break,
                    }
                    self.cursor.next();
                }
                Address::Pattern(self.pattern(&pattern, options)?)
            }
            _ => return Ok(None),
        }))
    }

    fn delimiter(&mut self) -> Result<u8, Reason> {
        let delimiter = self.cursor.next().filter(|byte| *byte != b'\n' && *byte != b'\\');
        delimiter.filter(u8::is_ascii).ok_or_else(|| unsupported("such a delimiter"))
    }

    /// The pattern `text`; none if it is empty, which stands for the last one that was used.
    fn pattern(&self, text: &[u8], options: Options) -> Result<Option<Rc<Regex>>, Reason> {
        if text.is_empty() {
            if options != Options::default() {
                return Err(unsupported("flags of an empty pattern"));
            }
            return Ok(None);
        }
        let regex = Regex::new([text], self.syntax, options).map_err(|error| {
            unsupported(format!("the pattern `{}`, which has {error}", String::from_utf8_lossy(text)))
        })?;
        Ok(Some(Rc::new(regex)))
    }

    fn action(&mut self, name: u8) -> Result<Action, Reason> {
        let action = match name {
            b'a' => return Ok(Action::Append(self.text()?)),
            b'i' => return Ok(Action::Insert(self.text()?)),
            b'c' => return Ok(Action::Change(self.text()?)),
            b'r' => return Ok(Action::Read(self.file()?)),
            b'w' => return Ok(Action::Write(self.file()?)),
            b's' => return self.substitute(),
            b'y' => self.translate()?,
            b'=' => Action::Number,
            b'd' => Action::Delete,
            b'D' => Action::DeleteFirst,
            b'F' => Action::FileName,
            b'g' => Action::Copy,
            b'G' => Action::CopyAppend,
            b'h' => Action::Hold,
            b'H' => Action::HoldAppend,
            b'l' => {
                self.cursor.blanks();
                Action::List(self.cursor.number()?)
            }
            b'n' => Action::Next,
            b'N' => Action::NextAppend,
            b'p' => Action::Print,
            b'P' => Action::PrintFirst,
            b'q' | b'Q' => {
                self.cursor.blanks();
                let status = u8::try_from(self.cursor.number()?.unwrap_or_default());
                let status = status.map_err(|_| unsupported("so large an exit status"))?;
                if name == b'q' { Action::Quit(status) } else { Action::QuitSilently(status) }
            }
            b'x' => Action::Exchange,
            b'z' => Action::Empty,
            other => return Err(unsupported(format!("the command `{}`", char::from(other)))),
        };
        self.cursor.end_of_command()?;
        Ok(action)
    }

    fn file(&mut self) -> Result<String, Reason> {
        self.cursor.blanks();
        let name = self.cursor.rest_of_line()?;
        if name.is_empty() {
            return Err(unsupported("no file name"));
        }
        Ok(name)
    }

    /// The text of `a`, `i` and `c`: on the same line, or after a backslash on the lines that follow.
    fn text(&mut self) -> Result<Vec<u8>, Reason> {
        self.cursor.blanks();
        if self.cursor.take(b'\\') {
            // White space after the backslash is kept if the text is on the same line.
            if self.cursor.peek() == Some(b'\n') {
                self.cursor.next();
            }
        }
        if matches!(self.cursor.peek(), None | Some(b'\n')) {
            return Err(unsupported("no text for `a`, `i` or `c`"));
        }
        let mut text = Vec::new();
        while let Some(byte) = self.cursor.next().filter(|byte| *byte != b'\n') {
            match byte {
                b'\\' => match self.cursor.next() {
                    Some(next) if text.is_empty() && next.is_ascii_alphabetic() => text.push(next),
                    Some(next) => escape(next, &mut self.cursor, &mut text)?,
                    None => return Err(unsupported("a backslash at the end")),
                },
                byte => text.push(byte),
            }
        }
        text.push(b'\n');
        Ok(text)
    }

    fn substitute(&mut self) -> Result<Action, Reason> {
        let delimiter = self.delimiter()?;
        let pattern = self.cursor.delimited(delimiter, true)?;
        let text = self.cursor.delimited(delimiter, false)?;
        let (replacement, wanted) = replacement(&text)?;
        let mut made =
            Substitute { pattern: None, replacement, wanted, global: false, print: false, number: 1, write: None };
        let mut options = Options::default();
        loop {
            match self.cursor.peek() {
                Some(b'g') if !made.global => made.global = true,
                Some(b'p') if !made.print => made.print = true,
                Some(b'i' | b'I') => options.any_case = true,
                Some(b'm' | b'M') => options.lines = true,
                Some(b'1'..=b'9') if made.number == 1 => {
                    made.number = self.cursor.number()?.unwrap_or(1);
                    continue;
                }
                Some(b'w') => {
                    self.cursor.next();
                    made.write = Some(self.file()?);
                    break;
                }
                _ => {
                    self.cursor.end_of_command().map_err(|_| unsupported("such a flag of `s`"))?;
                    break;
                }
            }
            self.cursor.next();
        }
        made.pattern = self.pattern(&pattern, options)?;
        let groups = made.pattern.as_ref().map_or(9, |pattern| pattern.groups());
        if made.wanted.iter().any(|group| *group > groups) {
            return Err(unsupported("a reference to a subexpression that is not there"));
        }
        Ok(Action::Substitute(Box::new(made)))
    }

    fn translate(&mut self) -> Result<Action, Reason> {
        let delimiter = self.delimiter()?;
        let mut part = || -> Result<Vec<u8>, Reason> {
            let text = self.cursor.delimited(delimiter, false)?;
            let mut found = Vec::new();
            let mut bytes = text.iter().copied();
            while let Some(byte) = bytes.next() {
                found.push(match byte {
                    b'\\' => match bytes.next() {
                        Some(b'n') => b'\n',
                        Some(b't') => b'\t',
                        Some(b'\\') => b'\\',
                        Some(b'&') if delimiter == b'&' => b'&',
                        _ => return Err(unsupported("such an escape in `y`")),
                    },
                    byte => byte,
                });
            }
            Ok(found)
        };
        let (from, to) = (part()?, part()?);
        if from.len() != to.len() {
            return Err(unsupported("strings of `y` that differ in length"));
        }
        let mut table = Box::new([0; 256]);
        for (byte, place) in (0..=u8::MAX).zip(table.iter_mut()) {
            *place = from.iter().position(|from| *from == byte).and_then(|at| to.get(at).copied()).unwrap_or(byte);
        }
        Ok(Action::Translate(table))
    }
}
