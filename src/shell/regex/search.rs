//! The machine that looks for a match: leftmost, and of those the longest (POSIX.1-2024 XBD 9.1, "matched").
//!
//! It goes through a program with backtracking. What was tried at a place is not tried again, so that the time is bounded by the
//! product of the program's and the text's length.

use std::cell::Cell;

use super::PatternError;
use super::bytes::is_word;
use super::node::Place;
use super::program::{Program, Step};

/// Most bits of memory for what was tried.
const TRIED_MAX: usize = 1 << 28;

/// Where a match and its subexpressions begin and end: twice their number, and one more.
pub(super) type Slots = Vec<Option<usize>>;

/// One search.
pub(super) struct Search<'a> {
    pub(super) program: &'a Program,
    pub(super) text: &'a [u8],
    /// Where it begins to look.
    pub(super) from: usize,
    /// `^` and `$` are also at ends of lines within the text.
    pub(super) lines: bool,
    /// It can only match at the start of the text.
    pub(super) anchored: bool,
    /// Any match will do.
    pub(super) any: bool,
    pub(super) slots: usize,
    /// How many steps are left to all searches of the pattern.
    pub(super) left: &'a Cell<usize>,
}

enum Job {
    Go(usize, usize),
    Restore(usize, Option<usize>),
}

/// What was tried: choices at places.
struct Tried {
    words: Vec<u64>,
    width: usize,
    from: usize,
}

impl Tried {
    /// Marks it; says whether it was not yet.
    fn mark(&mut self, choice: usize, at: usize) -> bool {
        let bit = choice * self.width + (at - self.from);
        let Some(word) = self.words.get_mut(bit / 64) else { return false };
        let mask = 1 << (bit % 64);
        let new = *word & mask == 0;
        *word |= mask;
        new
    }
}

impl Search<'_> {
    /// The leftmost match, the longest of those that begin there.
    pub(super) fn run(&self) -> Result<Option<Slots>, PatternError> {
        let mut tried: Option<Tried> = None;
        let mut start = self.from;
        loop {
            if let Some(first) = &self.program.first {
                match self.text.get(start..).and_then(|rest| rest.iter().position(|byte| first.has(*byte))) {
                    Some(skip) => start += skip,
                    None => return Ok(None),
                }
            }
            if start > self.text.len() || self.anchored && start > 0 {
                return Ok(None);
            }
            let tried = match &mut tried {
                Some(tried) => tried,
                empty => {
                    let width = self.text.len() - start + 1;
                    let bits = self.program.choices.saturating_mul(width);
                    if bits > TRIED_MAX {
                        return Err(PatternError::new("more text than can be searched"));
                    }
                    empty.insert(Tried { words: vec![0; bits / 64 + 1], width, from: start })
                }
            };
            if let Some(found) = self.at(start, tried)? {
                return Ok(Some(found));
            }
            start += 1;
        }
    }

    /// The longest match that begins at `start`.
    fn at(&self, start: usize, tried: &mut Tried) -> Result<Option<Slots>, PatternError> {
        let mut steps = 0;
        let mut slots: Slots = vec![None; self.slots];
        let mut best: Option<(usize, Slots)> = None;
        let mut jobs = vec![Job::Go(0, start)];
        while let Some(job) = jobs.pop() {
            let (mut step, mut at) = match job {
                Job::Go(step, at) => (step, at),
                Job::Restore(slot, value) => {
                    if let Some(known) = slots.get_mut(slot) {
                        *known = value;
                    }
                    continue;
                }
            };
            while let Some(current) = self.program.steps.get(step) {
                steps += 1;
                match current {
                    Step::Bytes(set) => match self.text.get(at) {
                        Some(byte) if set.has(*byte) => (step, at) = (step + 1, at + 1),
                        _ => break,
                    },
                    Step::Place(place) if self.is_at(*place, at) => step += 1,
                    Step::Place(_) => break,
                    Step::Jump(to) => step = *to,
                    Step::Choice(one, other, number) => {
                        if steps > self.left.get() {
                            break;
                        }
                        if !tried.mark(*number, at) {
                            break;
                        }
                        jobs.push(Job::Go(*other, at));
                        step = *one;
                    }
                    Step::Save(slot) => {
                        if let Some(known) = slots.get_mut(*slot) {
                            jobs.push(Job::Restore(*slot, known.replace(at)));
                        }
                        step += 1;
                    }
                    Step::Match => {
                        if best.as_ref().is_none_or(|(end, _)| at > *end) {
                            best = Some((at, slots.clone()));
                        }
                        if self.any {
                            jobs.clear();
                        }
                        break;
                    }
                }
            }
        }
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.ok_or_else(|| PatternError::new("more text than can be searched"))?);
        let Some((end, mut slots)) = best else { return Ok(None) };
        if let [first, second, ..] = slots.as_mut_slice() {
            (*first, *second) = (Some(start), Some(end));
        }
        Ok(Some(slots))
    }

    fn is_at(&self, place: Place, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.text.get(before)).copied();
        let after = self.text.get(at).copied();
        let word_before = before.is_some_and(is_word);
        let word_after = after.is_some_and(is_word);
        match place {
            Place::LineStart => before.is_none() || self.lines && before == Some(b'\n'),
            Place::LineEnd => after.is_none() || self.lines && after == Some(b'\n'),
            Place::TextStart => before.is_none(),
            Place::TextEnd => after.is_none(),
            Place::WordEdge => word_before != word_after,
            Place::NoWordEdge => word_before == word_after,
            Place::WordStart => !word_before && word_after,
            Place::WordEnd => word_before && !word_after,
            Place::NoWordBefore => !word_before,
            Place::NoWordAfter => !word_after,
        }
    }
}
