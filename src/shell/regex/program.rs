//! A pattern as a program for a machine that goes through a text byte by byte.

use super::PatternError;
use super::bytes::ByteSet;
use super::node::{Node, Place};

/// Most steps of a program.
const STEPS_MAX: usize = 1 << 16;

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Takes one byte of the set.
    Bytes(ByteSet),
    Place(Place),
    Jump(usize),
    /// Goes on at `.0`, or else at `.1`. `.2` numbers the choices.
    Choice(usize, usize, usize),
    /// Remembers where it is.
    Save(usize),
    Match,
}

/// What a program is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Whether and where it matches.
    Find,
    /// Also where its subexpressions are.
    Groups,
    /// The same, but each choice that does not go by greed alone is tried in the other order.
    GroupsReversed,
}

#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) choices: usize,
    /// Bytes that a match can begin with; none if it may be empty.
    pub(super) first: Option<ByteSet>,
}

impl Program {
    pub(super) fn new(node: &Node, purpose: Purpose) -> Result<Self, PatternError> {
        let mut maker = Maker { steps: Vec::new(), choices: 0, purpose };
        maker.node(node)?;
        maker.push(Step::Match)?;
        let first = first(&maker.steps);
        Ok(Self { steps: maker.steps, choices: maker.choices, first })
    }
}

struct Maker {
    steps: Vec<Step>,
    choices: usize,
    purpose: Purpose,
}

impl Maker {
    fn push(&mut self, step: Step) -> Result<usize, PatternError> {
        if self.steps.len() >= STEPS_MAX {
            return Err(PatternError::new("so many repetitions that it is too large"));
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn choice(&mut self) -> Result<usize, PatternError> {
        self.choices += 1;
        self.push(Step::Choice(0, 0, self.choices - 1))
    }

    /// Says where the choice at `at` leads, the way that is tried first before the other.
    fn lead(&mut self, at: usize, first: usize, second: usize) {
        if let Some(Step::Choice(one, other, _)) = self.steps.get_mut(at) {
            (*one, *other) = (first, second);
        }
    }

    fn node(&mut self, node: &Node) -> Result<(), PatternError> {
        match node {
            Node::Bytes(set) => drop(self.push(Step::Bytes(*set))?),
            Node::Place(place) => drop(self.push(Step::Place(*place))?),
            Node::Sequence(parts) => {
                for part in parts {
                    self.node(part)?;
                }
            }
            Node::Group(number, inner) => {
                if self.purpose == Purpose::Find {
                    return self.node(inner);
                }
                self.push(Step::Save(number * 2))?;
                self.node(inner)?;
                self.push(Step::Save(number * 2 + 1))?;
            }
            Node::Either(all) if self.purpose == Purpose::GroupsReversed => self.either(all.iter().rev())?,
            Node::Either(all) => self.either(all.iter())?,
            Node::Repeat(inner, least, most) => self.repeat(inner, *least, *most)?,
        }
        Ok(())
    }

    fn either<'a>(&mut self, all: impl ExactSizeIterator<Item = &'a Node>) -> Result<(), PatternError> {
        let mut jumps = Vec::new();
        let count = all.len();
        for (number, node) in all.enumerate() {
            if number + 1 == count {
                self.node(node)?;
                break;
            }
            let choice = self.choice()?;
            self.node(node)?;
            jumps.push(self.push(Step::Jump(0))?);
            let next = self.steps.len();
            self.lead(choice, choice + 1, next);
        }
        let end = self.steps.len();
        for jump in jumps {
            if let Some(step) = self.steps.get_mut(jump) {
                *step = Step::Jump(end);
            }
        }
        Ok(())
    }

    fn repeat(&mut self, inner: &Node, least: u32, most: Option<u32>) -> Result<(), PatternError> {
        let lazy = self.purpose == Purpose::GroupsReversed && !matches!(inner, Node::Bytes(_));
        for _ in 0..least {
            self.node(inner)?;
        }
        let mut open = Vec::new();
        match most {
            None => {
                let choice = self.choice()?;
                self.node(inner)?;
                self.push(Step::Jump(choice))?;
                open.push(choice);
            }
            Some(most) => {
                for _ in least..most {
                    open.push(self.choice()?);
                    self.node(inner)?;
                }
            }
        }
        let end = self.steps.len();
        for choice in open {
            if lazy {
                self.lead(choice, end, choice + 1);
            } else {
                self.lead(choice, choice + 1, end);
            }
        }
        Ok(())
    }
}

/// The bytes that a match can begin with, unless it can be empty.
fn first(steps: &[Step]) -> Option<ByteSet> {
    let mut set = ByteSet::default();
    let mut seen = vec![false; steps.len()];
    let mut next = vec![0];
    while let Some(at) = next.pop() {
        let known = seen.get_mut(at)?;
        if std::mem::replace(known, true) {
            continue;
        }
        match steps.get(at)? {
            Step::Bytes(bytes) => set.extend(*bytes),
            Step::Place(_) | Step::Save(_) => next.push(at + 1),
            Step::Jump(to) => next.push(*to),
            Step::Choice(one, other, _) => next.extend([*one, *other]),
            Step::Match => return None,
        }
    }
    Some(set)
}
