//! Carries out a script of sed, line by line.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::cursor::unsupported;
use super::lines::{Lines, Output};
use super::list::listed;
use super::replacement::Built;
use super::script::{Action, Address, Command, Piece, Substitute, Until};
use crate::shell::reason::Reason;
use crate::shell::regex::{PatternError, Regex};
use crate::shell::utilities::text::input::bounded;

/// Most commands that one call carries out.
const STEPS_MAX: usize = 2_000_000;

/// Longest pattern space and hold space.
const SPACE_MAX: usize = 16 << 20;

/// What stays for later of a range of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    Outside,
    /// Until the line of this number, or until the second address matches.
    Inside(Option<usize>),
    /// It was left; if a line's number began it, it does not come again.
    Left,
}

/// What comes after the cycle.
enum Added<'a> {
    Text(&'a [u8]),
    File(&'a str),
}

enum Flow {
    /// The next command.
    Next,
    Jump(usize),
    /// The end of the cycle; whether the pattern space is printed.
    EndCycle(bool),
    /// A new cycle with what is in the pattern space.
    Again,
    /// The end; whether the pattern space is printed.
    Quit(bool, u8),
}

/// What a run gives back.
pub(super) struct Done {
    pub(super) status: u8,
    /// Standard output, or one text for each file.
    pub(super) outputs: Vec<Output>,
    /// How many of the files were begun.
    pub(super) begun: usize,
    /// Whether `q` or `Q` ended it.
    pub(super) quit: bool,
    /// Files of `w`.
    pub(super) written: BTreeMap<String, Output>,
}

pub(super) struct Machine<'a> {
    pub(super) commands: &'a [Command],
    pub(super) lines: Lines,
    /// `-n`
    pub(super) quiet: bool,
    pub(super) end: u8,
    /// Where `l` wraps lines.
    pub(super) width: usize,
    /// Each file has its own output (`-i`).
    pub(super) in_place: bool,
    /// Reads a file for `r`.
    pub(super) read: &'a dyn Fn(&str) -> Result<Vec<u8>, Reason>,
    pub(super) ranges: Vec<RangeState>,
    pub(super) state: State,
}

/// A command's range.
#[derive(Debug)]
pub(super) struct RangeState(Range);

/// The spaces and flags of a run.
#[derive(Debug, Default)]
pub(super) struct State {
    space: Vec<u8>,
    ended: bool,
    hold: Vec<u8>,
    hold_unended: bool,
    replaced: bool,
    last: Option<Rc<Regex>>,
    steps: usize,
    outputs: Vec<Output>,
    written: BTreeMap<String, Output>,
}

pub(super) fn ranges(commands: &[Command]) -> Vec<RangeState> {
    let outside = |command: &Command| match command.from {
        Some(Address::Line(0)) => Range::Inside(None),
        _ => Range::Outside,
    };
    commands.iter().map(|command| RangeState(outside(command))).collect()
}

fn pattern_error(error: &PatternError) -> Reason {
    unsupported(format!("a pattern that has {error}"))
}

impl<'a> Machine<'a> {
    pub(super) fn run(mut self) -> Result<Done, Reason> {
        for command in self.commands {
            let file = match &command.action {
                Action::Write(file) => file,
                Action::Substitute(made) => match &made.write {
                    Some(file) => file,
                    None => continue,
                },
                _ => continue,
            };
            self.state.written.insert(file.clone(), Output::default());
        }
        self.state.outputs.push(Output::default());
        let mut again = false;
        let mut begun = None;
        let mut added: Vec<Added<'a>> = Vec::new();
        let mut status = None;
        'cycles: loop {
            if !std::mem::take(&mut again) && !self.read_line(false, &mut begun)? {
                break;
            }
            let mut at = 0;
            let (print, quit) = loop {
                let Some(command) = self.commands.get(at) else { break (true, None) };
                self.charge(0)?;
                if !self.selects(at, command)? {
                    at = if let Action::Open(end) = command.action { end } else { at + 1 };
                    continue;
                }
                match self.carry_out(at, command, &mut added, &mut begun)? {
                    Flow::Next => at += 1,
                    Flow::Jump(to) => at = to,
                    Flow::EndCycle(print) => break (print, None),
                    Flow::Again => {
                        again = true;
                        break (false, None);
                    }
                    Flow::Quit(print, status) => break (print, Some(status)),
                }
            };
            if print && !self.quiet {
                self.print_space();
            }
            self.flush(&mut added)?;
            if quit.is_some() {
                status = quit;
                break 'cycles;
            }
        }
        let State { outputs, written, .. } = self.state;
        let begun = begun.map_or(0, |file| file + 1);
        Ok(Done { status: status.unwrap_or(0), outputs, begun, quit: status.is_some(), written })
    }

    /// Counts a command, which goes through `bytes` bytes.
    fn charge(&mut self, bytes: usize) -> Result<(), Reason> {
        self.state.steps += 1 + bytes / 1024;
        if self.state.steps > STEPS_MAX { Err(Reason::Limit("2000000 commands of sed")) } else { Ok(()) }
    }

    fn output(&mut self) -> Result<&mut Output, Reason> {
        let output = self.state.outputs.last_mut().ok_or_else(|| unsupported("no output"))?;
        bounded(output.text.len())?;
        Ok(output)
    }

    fn print_space(&mut self) {
        let State { space, ended, outputs, .. } = &mut self.state;
        if let Some(output) = outputs.last_mut() {
            output.line(space, *ended, self.end);
        }
    }

    fn flush(&mut self, added: &mut Vec<Added<'a>>) -> Result<(), Reason> {
        let end = self.end;
        for added in added.drain(..) {
            match added {
                Added::Text(text) => self.output()?.raw(text, end),
                Added::File(file) => {
                    let text = (self.read)(file)?;
                    if !text.is_empty() {
                        self.output()?.raw(&text, end);
                    }
                }
            }
        }
        self.output().map(|_| ())
    }

    /// Reads the next line into the pattern space, or to its end; says whether there is one.
    fn read_line(&mut self, append: bool, begun: &mut Option<usize>) -> Result<bool, Reason> {
        let file = self.lines.file();
        let Some(line) = self.lines.next() else { return Ok(false) };
        let now = self.lines.file();
        if self.in_place {
            // Files without a line are begun, too.
            for _ in file..now {
                self.state.outputs.push(Output::default());
            }
        }
        if now > file && self.lines.separate {
            self.ranges = ranges(self.commands);
        }
        *begun = Some(now);
        self.state.replaced = false;
        if append {
            self.state.space.push(self.end);
            self.state.space.extend_from_slice(&line.text);
        } else {
            self.state.space = line.text;
        }
        self.state.ended = line.ended;
        if self.state.space.len() > SPACE_MAX {
            return Err(Reason::Limit("16 MiB in the pattern space of sed"));
        }
        Ok(true)
    }

    fn selects(&mut self, at: usize, command: &Command) -> Result<bool, Reason> {
        let Some(from) = &command.from else { return Ok(!command.inverse) };
        let selected = match &command.until {
            None => self.is_at(from)?,
            Some(until) => self.is_in_range(at, from, until)?,
        };
        Ok(selected != command.inverse)
    }

    fn is_at(&mut self, address: &Address) -> Result<bool, Reason> {
        let number = self.lines.number;
        Ok(match address {
            Address::Line(line) => number == *line,
            Address::Step(first, step) => number >= *first && (number - first).is_multiple_of(*step),
            Address::Last => self.lines.is_last(),
            Address::Pattern(pattern) => {
                self.charge(self.state.space.len())?;
                let pattern = self.pattern(pattern.as_ref())?;
                pattern.is_match(&self.state.space).map_err(|error| pattern_error(&error))?
            }
        })
    }

    fn pattern(&mut self, pattern: Option<&Rc<Regex>>) -> Result<Rc<Regex>, Reason> {
        if let Some(pattern) = pattern {
            self.state.last = Some(Rc::clone(pattern));
        }
        self.state.last.clone().ok_or_else(|| unsupported("an empty pattern before any other"))
    }

    /// Whether the line is one of a range: `match_address_p` in execute.c of GNU sed.
    fn is_in_range(&mut self, at: usize, from: &Address, until: &Until) -> Result<bool, Reason> {
        let number = self.lines.number;
        let state = self.ranges.get(at).map_or(Range::Outside, |state| state.0);
        let (next, selected) = match state {
            Range::Left if matches!(from, Address::Line(_)) => (Range::Left, false),
            Range::Left | Range::Outside => {
                let begins = match from {
                    Address::Line(line) => number >= *line,
                    address => self.is_at(address)?,
                };
                let last = match until {
                    Until::Address(Address::Line(line)) => Some(*line),
                    Until::More(more) => Some(number.saturating_add(*more)),
                    Until::Address(_) => None,
                };
                match last {
                    _ if !begins => (state, false),
                    Some(last) if number >= last => {
                        let first = !matches!(from, Address::Line(line) if number != *line && number > last);
                        (Range::Left, first)
                    }
                    last => (Range::Inside(last), true),
                }
            }
            Range::Inside(Some(last)) if number >= last => (Range::Left, number == last),
            Range::Inside(None) => match until {
                Until::Address(address) if self.is_at(address)? => (Range::Left, true),
                _ => (state, true),
            },
            Range::Inside(_) => (state, true),
        };
        if let Some(state) = self.ranges.get_mut(at) {
            state.0 = next;
        }
        Ok(selected)
    }

    fn carry_out(
        &mut self,
        at: usize,
        command: &'a Command,
        added: &mut Vec<Added<'a>>,
        begun: &mut Option<usize>,
    ) -> Result<Flow, Reason> {
        let end = self.end;
        match &command.action {
            Action::Open(_) | Action::Nothing => {}
            Action::Append(text) => added.push(Added::Text(text)),
            Action::Read(file) => added.push(Added::File(file)),
            Action::Insert(text) => self.output()?.raw(text, end),
            Action::Change(text) => {
                let inside = matches!(self.ranges.get(at), Some(RangeState(Range::Inside(_))));
                if command.until.is_none() || command.inverse || !inside {
                    self.output()?.raw(text, end);
                }
                return Ok(Flow::EndCycle(false));
            }
            Action::Branch(to) => return Ok(Flow::Jump(*to)),
            Action::IfReplaced(to) => {
                if std::mem::take(&mut self.state.replaced) {
                    return Ok(Flow::Jump(*to));
                }
            }
            Action::UnlessReplaced(to) => {
                if !std::mem::take(&mut self.state.replaced) {
                    return Ok(Flow::Jump(*to));
                }
            }
            Action::Delete => return Ok(Flow::EndCycle(false)),
            Action::DeleteFirst => {
                let Some(length) = self.state.space.iter().position(|byte| *byte == end) else {
                    return Ok(Flow::EndCycle(false));
                };
                self.state.space.drain(..=length);
                return Ok(Flow::Again);
            }
            Action::Empty => self.state.space.clear(),
            Action::FileName => {
                let name = self.lines.name().to_owned();
                self.output()?.raw(format!("{name}\n").as_bytes(), end);
            }
            Action::Number => {
                let number = self.lines.number;
                self.output()?.raw(format!("{number}\n").as_bytes(), end);
            }
            Action::Copy | Action::CopyAppend | Action::Hold | Action::HoldAppend | Action::Translate(_) => {
                self.charge(self.state.space.len().max(self.state.hold.len()))?;
                self.copy(&command.action);
            }
            Action::Exchange => {
                let state = &mut self.state;
                std::mem::swap(&mut state.space, &mut state.hold);
                let ended = !std::mem::replace(&mut state.hold_unended, !state.ended);
                state.ended = ended;
            }
            Action::List(width) => {
                let text = listed(&self.state.space, width.unwrap_or(self.width));
                self.output()?.raw(&text, end);
            }
            Action::Next => {
                if self.lines.is_last() {
                    return Ok(Flow::EndCycle(true));
                }
                if !self.quiet {
                    self.print_space();
                }
                self.flush(added)?;
                self.read_line(false, begun)?;
            }
            Action::NextAppend => {
                if self.lines.is_last() {
                    return Ok(Flow::EndCycle(true));
                }
                self.flush(added)?;
                self.read_line(true, begun)?;
            }
            Action::Print => self.print_space(),
            Action::PrintFirst => {
                let State { space, outputs, ended, .. } = &mut self.state;
                let length = space.iter().position(|byte| *byte == end);
                let first = space.get(..length.unwrap_or(space.len())).unwrap_or_default();
                if let Some(output) = outputs.last_mut() {
                    output.line(first, length.is_some() || *ended, end);
                }
            }
            Action::Quit(status) => return Ok(Flow::Quit(true, *status)),
            Action::QuitSilently(status) => return Ok(Flow::Quit(false, *status)),
            Action::Write(file) => self.write(file),
            Action::Substitute(made) => self.substitute(made)?,
        }
        if self.state.space.len().max(self.state.hold.len()) > SPACE_MAX {
            return Err(Reason::Limit("16 MiB in a space of sed"));
        }
        Ok(Flow::Next)
    }

    /// The commands that go through a whole space.
    fn copy(&mut self, action: &Action) {
        let State { space, hold, .. } = &mut self.state;
        match action {
            Action::Copy => space.clone_from(hold),
            Action::CopyAppend => {
                space.push(self.end);
                space.extend_from_slice(hold);
            }
            Action::Hold => hold.clone_from(space),
            Action::HoldAppend => {
                hold.push(self.end);
                hold.extend_from_slice(space);
            }
            Action::Translate(table) => {
                for byte in space {
                    *byte = table[usize::from(*byte)];
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, file: &str) {
        let State { space, ended, written, .. } = &mut self.state;
        if let Some(output) = written.get_mut(file) {
            output.line(space, *ended, self.end);
        }
    }

    /// `do_subst` in execute.c of GNU sed.
    fn substitute(&mut self, made: &Substitute) -> Result<(), Reason> {
        let pattern = self.pattern(made.pattern.as_ref())?;
        if made.wanted.iter().any(|group| *group > pattern.groups()) {
            return Err(unsupported("a reference to a subexpression that is not there"));
        }
        self.charge(self.state.space.len())?;
        let text = std::mem::take(&mut self.state.space);
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let mut built = Vec::new();
        let (mut start, mut count, mut replaced) = (0, 0, false);
        let mut before = None;
        while start <= text.len() {
            let groups = match pattern.groups_at(&text, start, &made.wanted) {
                Ok(Some(groups)) => groups,
                Ok(None) => break,
                Err(error) => return Err(pattern_error(&error)),
            };
            let Some(Some((from, to))) = groups.first().copied() else { break };
            built.extend_from_slice(part(start, from));
            // An empty match just after another one does not count.
            let counts = from < to || before != Some(from);
            count += usize::from(counts);
            if counts && count >= made.number {
                replaced = true;
                let mut new = Built::default();
                for piece in &made.replacement {
                    match piece {
                        Piece::Text(text) => new.push(text),
                        Piece::Case(case) => new.case(*case),
                        Piece::Group(group) => {
                            if let Some(Some((from, to))) = groups.get(*group) {
                                new.push(part(*from, *to));
                            }
                        }
                    }
                }
                built.extend_from_slice(&new.text);
            } else {
                built.extend_from_slice(part(from, to));
            }
            if built.len() > SPACE_MAX {
                return Err(Reason::Limit("16 MiB in the pattern space of sed"));
            }
            before = Some(to);
            start = to;
            if from == to {
                built.extend_from_slice(part(to, to + 1));
                start += 1;
            }
            if replaced && !made.global {
                break;
            }
        }
        built.extend_from_slice(text.get(start..).unwrap_or_default());
        self.state.space = built;
        if replaced {
            self.state.replaced = true;
            if made.print {
                self.print_space();
            }
            if let Some(file) = &made.write {
                self.write(file);
            }
        }
        Ok(())
    }
}
