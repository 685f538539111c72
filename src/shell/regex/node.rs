//! A pattern, taken apart.

use super::bytes::ByteSet;

/// Deepest nesting of groups.
pub(super) const DEPTH_MAX: usize = 100;

/// What takes no byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `^`
    LineStart,
    /// `$`
    LineEnd,
    /// `` \` ``
    TextStart,
    /// `\'`
    TextEnd,
    /// `\b`
    WordEdge,
    /// `\B`
    NoWordEdge,
    /// `\<`
    WordStart,
    /// `\>`
    WordEnd,
    /// The byte before is not part of a word (`grep -w`).
    NoWordBefore,
    /// The byte after is not part of a word (`grep -w`).
    NoWordAfter,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// One byte of a set.
    Bytes(ByteSet),
    Place(Place),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    /// A subexpression with its number, from 1.
    Group(usize, Box<Node>),
    /// At least `.1` times, at most `.2`.
    Repeat(Box<Node>, u32, Option<u32>),
}

impl Node {
    /// Whether there is any choice of which the longest match depends on more than greed: then two readings of the same text
    /// may give a subexpression different parts of it.
    pub(super) fn has_choices(&self) -> bool {
        match self {
            Self::Bytes(_) | Self::Place(_) => false,
            Self::Sequence(parts) => parts.iter().any(Self::has_choices),
            Self::Either(_) => true,
            Self::Group(_, inner) => inner.has_choices(),
            Self::Repeat(inner, ..) => !matches!(**inner, Self::Bytes(_)),
        }
    }

    /// Whether it can only match at the start of the text; `lines` if `^` is also the start of a later line.
    pub(super) fn is_anchored(&self, lines: bool) -> bool {
        match self {
            Self::Place(place) => *place == Place::TextStart || (!lines && *place == Place::LineStart),
            Self::Sequence(parts) => parts.first().is_some_and(|part| part.is_anchored(lines)),
            Self::Either(parts) => parts.iter().all(|part| part.is_anchored(lines)),
            Self::Group(_, inner) => inner.is_anchored(lines),
            Self::Repeat(inner, least, _) => *least > 0 && inner.is_anchored(lines),
            Self::Bytes(_) => false,
        }
    }

    /// The subexpressions inside of what is repeated: which of several turns they tell of is not the same everywhere.
    pub(super) fn inner_groups(&self, repeated: bool, found: &mut Vec<usize>) {
        match self {
            Self::Bytes(_) | Self::Place(_) => {}
            Self::Sequence(parts) | Self::Either(parts) => {
                for part in parts {
                    part.inner_groups(repeated, found);
                }
            }
            Self::Group(number, inner) => {
                if repeated {
                    found.push(*number);
                }
                inner.inner_groups(repeated, found);
            }
            Self::Repeat(inner, _, most) => {
                let several = most.is_none_or(|most| most > 1);
                match &**inner {
                    // The group that is itself repeated tells of its last turn.
                    Self::Group(_, inner) if !(repeated || several && inner.is_nullable()) => {
                        inner.inner_groups(several, found);
                    }
                    inner => inner.inner_groups(repeated || several, found),
                }
            }
        }
    }

    /// Whether `found` is true of anything that may come several times.
    pub(super) fn repeats(&self, found: &impl Fn(&Self) -> bool) -> bool {
        match self {
            Self::Bytes(_) | Self::Place(_) => false,
            Self::Sequence(parts) | Self::Either(parts) => parts.iter().any(|part| part.repeats(found)),
            Self::Group(_, inner) => inner.repeats(found),
            Self::Repeat(inner, _, most) => most.is_none_or(|most| most > 1) && found(inner) || inner.repeats(found),
        }
    }

    /// Whether there is an anchor in it.
    pub(super) fn has_places(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Place(_) => true,
            Self::Sequence(parts) | Self::Either(parts) => parts.iter().any(Self::has_places),
            Self::Group(_, inner) | Self::Repeat(inner, ..) => inner.has_places(),
        }
    }

    /// Whether texts of several lengths may match.
    pub(super) fn is_variable(&self) -> bool {
        match self {
            Self::Bytes(_) | Self::Place(_) => false,
            Self::Either(_) => true,
            Self::Sequence(parts) => parts.iter().any(Self::is_variable),
            Self::Group(_, inner) => inner.is_variable(),
            Self::Repeat(inner, least, most) => Some(*least) != *most || inner.is_variable(),
        }
    }

    /// Whether an edge of a word is in it.
    pub(super) fn has_word_places(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Place(place) => {
                matches!(place, Place::WordEdge | Place::NoWordEdge | Place::WordStart | Place::WordEnd)
            }
            Self::Sequence(parts) | Self::Either(parts) => parts.iter().any(Self::has_word_places),
            Self::Group(_, inner) | Self::Repeat(inner, ..) => inner.has_word_places(),
        }
    }

    /// Whether it can match nothing at all.
    pub(super) fn is_nullable(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Place(_) => true,
            Self::Sequence(parts) => parts.iter().all(Self::is_nullable),
            Self::Either(parts) => parts.iter().any(Self::is_nullable),
            Self::Group(_, inner) => inner.is_nullable(),
            Self::Repeat(inner, least, _) => *least == 0 || inner.is_nullable(),
        }
    }
}
