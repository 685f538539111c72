//! Regular expressions of POSIX (POSIX.1-2024 XBD 9), basic and extended, over bytes in the C locale, with the extensions of
//! glibc that sed and grep have.
//!
//! ```text
//! pattern ─▶ parse, bracket (node) ─▶ program ─▶ search ─▶ where it matches
//! ```
//!
//! They are not those of Perl: of the matches that begin leftmost the longest is taken, not the one whose alternatives come
//! first, which is why there is a matcher of our own. Where the parts that subexpressions take are not settled by that alone, and
//! glibc and POSIX may differ, a search for them is refused; so are back-references and whatever is not valid.

mod bracket;
pub mod bytes;
mod node;
mod parse;
mod program;
mod search;
#[cfg(test)]
mod tests;

use std::cell::Cell;

use node::{Node, Place};
use program::{Program, Purpose};
use search::{Search, Slots};

/// Most steps of all searches of one pattern together.
const STEPS_MAX: usize = 500_000_000;

/// Longest pattern.
const PATTERN_MAX: usize = 64 << 10;

/// Why a pattern cannot be followed: "the pattern has …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl PatternError {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// What kind of pattern it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// XBD 9.3
    Basic,
    /// XBD 9.4
    Extended,
    /// No pattern: the text itself.
    Fixed,
}

/// Which escapes of single bytes it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// None.
    Grep,
    /// `\n`, `\t` and so on, also in brackets, and `\xHH`.
    Sed,
    /// `\n`, `\t` and so on; a backslash counts in brackets; no extensions of glibc, no intervals.
    Awk,
    /// Those of Perl that are the same as ours, and `\d`.
    Perl,
}

/// How a pattern is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    pub dialect: Dialect,
    pub escapes: Escapes,
}

/// How a pattern is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "options of grep and sed, each of its own")]
pub struct Options {
    /// Upper and lower case are the same.
    pub any_case: bool,
    /// `^` and `$` match at each line of the text (sed's flag `M`).
    pub lines: bool,
    /// A match is no part of a longer word (`grep -w`).
    pub words: bool,
    /// A match is the whole text (`grep -x`).
    pub whole: bool,
}

/// A pattern that was understood.
#[derive(Debug, Clone)]
pub struct Regex {
    find: Program,
    groups: Option<Program>,
    /// With choices in another order, if there are choices.
    reversed: Option<Program>,
    lines: bool,
    anchored: bool,
    count: usize,
    /// Subexpressions of which nothing is told.
    unsettled: Vec<usize>,
    /// How many steps are left to all searches.
    left: Cell<usize>,
}

/// Where a match begins and ends.
pub type Span = (usize, usize);

impl Regex {
    /// Reads `patterns`, any of which may match. None of them matches nothing.
    ///
    /// # Errors
    /// A pattern that is not valid or not modelled.
    pub fn new<'p>(
        patterns: impl IntoIterator<Item = &'p [u8]>,
        syntax: Syntax,
        options: Options,
    ) -> Result<Self, PatternError> {
        let mut all = Vec::new();
        let mut count = 0;
        let mut length = 0;
        for pattern in patterns {
            length += pattern.len();
            if length > PATTERN_MAX {
                return Err(PatternError::new("more than 64 KiB"));
            }
            let (node, groups) = parse::parse(pattern, syntax, options.any_case, count)?;
            count = groups;
            all.push(node);
        }
        let node = match all.pop() {
            None => Node::Bytes(bytes::ByteSet::default()),
            Some(only) if all.is_empty() => only,
            Some(last) => {
                all.push(last);
                Node::Either(all)
            }
        };
        let around = |before, node, after| Node::Sequence(vec![Node::Place(before), node, Node::Place(after)]);
        let node = match options {
            Options { whole: true, .. } => around(Place::TextStart, node, Place::TextEnd),
            Options { words: true, .. } => around(Place::NoWordBefore, node, Place::NoWordAfter),
            _ => node,
        };
        if node.repeats(&Node::has_places) {
            // The C library's matcher does not do what POSIX says there.
            return Err(PatternError::new("an anchor in what is repeated"));
        }
        let mut unsettled = Vec::new();
        let empty_turns = node.repeats(&|node| !matches!(node, Node::Repeat(..)) && node.is_nullable());
        if empty_turns || node.has_word_places() && node.is_variable() {
            unsettled.extend(1..=count);
        } else {
            node.inner_groups(false, &mut unsettled);
        }
        let made = |purpose| Program::new(&node, purpose);
        Ok(Self {
            find: made(Purpose::Find)?,
            groups: if count > 0 { Some(made(Purpose::Groups)?) } else { None },
            reversed: if count > 0 && node.has_choices() { Some(made(Purpose::GroupsReversed)?) } else { None },
            lines: options.lines,
            anchored: node.is_anchored(options.lines),
            count,
            unsettled,
            left: Cell::new(STEPS_MAX),
        })
    }

    /// How many subexpressions it has.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.count
    }

    fn search(&self, program: &Program, text: &[u8], from: usize, any: bool) -> Result<Option<Slots>, PatternError> {
        let slots = (self.count + 1) * 2;
        let left = &self.left;
        Search { program, text, from, lines: self.lines, anchored: self.anchored, any, slots, left }.run()
    }

    /// Whether it matches anywhere in `text`.
    ///
    /// # Errors
    /// More text than can be searched.
    pub fn is_match(&self, text: &[u8]) -> Result<bool, PatternError> {
        Ok(self.search(&self.find, text, 0, true)?.is_some())
    }

    /// The first match that begins at `from` or later; what is before that counts for anchors.
    ///
    /// # Errors
    /// More text than can be searched.
    pub fn find(&self, text: &[u8], from: usize) -> Result<Option<Span>, PatternError> {
        Ok(self.search(&self.find, text, from, false)?.and_then(|slots| span(&slots, 0)))
    }

    /// The first match that begins at `from` or later, and then its subexpressions' parts of it, of which those in `wanted` are
    /// right.
    ///
    /// # Errors
    /// More text than can be searched; a subexpression whose part is not settled.
    pub fn groups_at(
        &self,
        text: &[u8],
        from: usize,
        wanted: &[usize],
    ) -> Result<Option<Vec<Option<Span>>>, PatternError> {
        let Some(program) = self.groups.as_ref().filter(|_| wanted.iter().any(|&group| group > 0)) else {
            return Ok(self.find(text, from)?.map(|found| vec![Some(found)]));
        };
        let unsettled = || PatternError::new("a subexpression whose part of the text is not settled");
        if wanted.iter().any(|group| self.unsettled.contains(group)) {
            return Err(unsettled());
        }
        let Some(slots) = self.search(program, text, from, false)? else { return Ok(None) };
        if let Some(reversed) = &self.reversed {
            let other = self.search(reversed, text, from, false)?.unwrap_or_default();
            if wanted.iter().any(|&group| span(&other, group) != span(&slots, group)) {
                return Err(unsettled());
            }
        }
        Ok(Some((0..=self.count).map(|group| span(&slots, group)).collect()))
    }
}

fn span(slots: &[Option<usize>], group: usize) -> Option<Span> {
    Some(((*slots.get(group * 2)?)?, (*slots.get(group * 2 + 1)?)?))
}
